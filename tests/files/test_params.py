from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest

from ser.files import params
from ser.files.failures import InputError


@dataclass(frozen=True)
class Layer:
    size: int
    dropout: float = 0.0


@dataclass(frozen=True)
class Block:
    seed: int
    rate: float = 0.5
    quick: bool = False
    name: str = "mlp"
    normalise: Literal["train", "speaker", "none"] = "train"
    limit: float | None = None
    sizes: tuple[int, ...] = (8,)
    band_hz: tuple[float, float] = (50.0, 8000.0)
    words: list[str] = field(default_factory=list)
    shares: dict[str, float] = field(default_factory=dict)
    layer: Layer = Layer(1)

    def __post_init__(self):
        if not 0 <= self.rate <= 1:
            raise ValueError(f"rate must be from 0 to 1, found {self.rate}")


def read(tmp_path, text: str, kind=Block, block="train"):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return params.read(path, block, kind)


def test_every_kind_of_key_arrives_with_its_type(tmp_path):
    block = read(
        tmp_path,
        """
        train:
          seed: 3
          rate: 1
          quick: true
          name: größer
          normalise: speaker
          limit: 2
          sizes: [256, 128]
          band_hz: [60, 7000.5]
          words: [angry, sad]
          shares: {angry: 1}
          layer: {size: 4, dropout: 0.1}
        split: {}
        """,
    )
    assert block == Block(
        seed=3,
        rate=1.0,
        quick=True,
        name="größer",
        normalise="speaker",
        limit=2.0,
        sizes=(256, 128),
        band_hz=(60.0, 7000.5),
        words=["angry", "sad"],
        shares={"angry": 1.0},
        layer=Layer(4, 0.1),
    )
    assert [type(number) for number in (block.rate, block.limit, *block.band_hz)] == [float] * 4


def test_keys_with_a_default_may_be_left_out(tmp_path):
    assert read(tmp_path, "train: {seed: 1, limit: null}") == Block(seed=1)


def test_a_key_that_stands_twice_is_refused_and_not_the_later_one_taken(tmp_path):
    with pytest.raises(InputError, match="not valid YAML: the key 'seed' twice"):
        read(tmp_path, "train: {seed: 1, rate: 0.5, seed: 2}")


def test_a_block_may_be_one_value(tmp_path):
    assert read(tmp_path, "emotions: [angry, sad]", list[str], "emotions") == ["angry", "sad"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{seed: 1, rat: 0.5}", "train: unknown key 'rat'; did you mean 'rate'[?] .known: seed, rate"),
        ("{rate: 0.5}", "train: the key 'seed' is missing"),
        ("{seed: 1.5}", "train.seed: expected int, found 1.5"),
        ("{seed: '1'}", "train.seed: expected int, found '1'"),
        ("{seed: true}", "train.seed: expected int, found True"),
        ("{seed: null}", "train.seed: expected int, found None"),
        ("{seed: 1, rate: 1e-3}", "train.rate: expected float, found '1e-3'; write it with a decimal point"),
        ("{seed: 1, rate: '0.5'}", "train.rate: expected float, found '0.5'; write it without quotes"),
        ("{seed: 1, rate: quick}", "train.rate: expected float, found 'quick'$"),
        ("{seed: 1, rate: true}", "train.rate: expected float, found True"),
        ("{seed: 1, rate: 1.5}", "train: rate must be from 0 to 1, found 1.5"),
        ("{seed: 1, limit: .nan}", "train.limit: expected a finite number, found nan"),
        ("{seed: 1, limit: -.inf}", "train.limit: expected a finite number, found -inf"),
        ("{seed: 4294967296}", "train.seed: expected a whole number up to 4294967295, found 4294967296"),
        ("{seed: -4294967296}", "train.seed: expected a whole number up to 4294967295, found -4294967296"),
        (
            "{seed: 0x1" + "0" * 5000 + "}",
            "train.seed: expected a whole number up to .*, found one of 20001 bits",
        ),
        ("{seed: 1, rate: 0x1" + "0" * 5000 + "}", "train.rate: expected a whole number up to"),
        ("{seed: 1, rate: 1.0e+31}", r"train.rate: expected a number up to 1e\+30, found 1e\+31"),
        ("{seed: 1, quick: 1}", "train.quick: expected bool, found 1"),
        ("{seed: 1, name: 3}", "train.name: expected str, found 3"),
        (
            "{seed: 1, normalise: speakers}",
            "train.normalise: expected one of train, speaker, none, found 'speakers'; did you mean 'speaker'[?]",
        ),
        ("{seed: 1, sizes: 8}", "train.sizes: expected a list, found 8"),
        ("{seed: 1, sizes: [8, big]}", r"train.sizes\[1\]: expected int, found 'big'"),
        ("{seed: 1, band_hz: [50]}", r"train.band_hz: expected a list of 2, found \[50\]"),
        ("{seed: 1, shares: [angry]}", "train.shares: expected a mapping"),
        ("{seed: 1, shares: {angry: all}}", "train.shares.angry: expected float, found 'all'"),
        ("{seed: 1, shares: {1: 0.5}}", "train.shares: a key: expected str, found 1"),
        ("{seed: 1, layer: 4}", "train.layer: expected a block of keys, found 4"),
        ("{seed: 1, layer: {siz: 4}}", "train.layer: unknown key 'siz'; did you mean 'size'"),
        ("", "train: expected a block of keys, found None"),
    ],
)
def test_a_misspelt_or_ill_typed_key_is_refused_with_file_block_and_key(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path, f"train: {text}")
    assert str(error.value).startswith(f"{tmp_path}/params.yaml: train")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trian: {seed: 1}", "expected a block 'train', found trian$"),
        ("", "expected blocks of keys, found None"),
        ("5", "expected blocks of keys, found 5"),
        ("[train]", r"expected blocks of keys, found \['train'\]"),
        ("train: {seed: 1", "not valid YAML: .*line 1"),
        ("train: {seed: " + "9" * 5000 + "}", "not valid YAML: .*digits"),
        ("train: {seed: 2026-13-41}", "not valid YAML: month must be"),
        ("train: " + "[" * 5000, "not valid YAML: nested too deeply"),
    ],
)
def test_a_file_without_the_block_is_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path, text)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "params.yaml").write_bytes(b"train: \xff\xfe")
    with pytest.raises(InputError, match=r"not valid YAML: .*can't decode"):
        params.read(tmp_path / "params.yaml", "train", Block)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"params\.yaml: no such file"):
        params.read(tmp_path / "params.yaml", "train", Block)


def test_a_file_that_may_not_be_read_is_no_bug(tmp_path):
    (tmp_path / "params.yaml").mkdir()
    with pytest.raises(InputError, match=r"params\.yaml: expected params, found a folder"):
        params.read(tmp_path / "params.yaml", "train", Block)


def test_a_field_that_stands_in_another_block_is_given_and_may_not_stand_in_this_one_too(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("train: {rate: 0.25}")
    assert params.read(path, "train", Block, seed=3) == Block(seed=3, rate=0.25)
    path.write_text("train: {seed: 1}")
    with pytest.raises(InputError, match=r"train: unknown key 'seed' .known: rate, quick"):
        params.read(path, "train", Block, seed=3)


def test_a_value_is_checked_by_the_functions_of_its_annotation(tmp_path):
    def even(number):
        if number % 2:
            raise ValueError(f"expected an even number, found {number}")
        return number

    assert read(tmp_path, "train: 4", Annotated[int, even]) == 4
    with pytest.raises(InputError, match="train: expected an even number, found 3"):
        read(tmp_path, "train: 3", Annotated[int, even])
    with pytest.raises(InputError, match="train: expected int, found 'four'"):
        read(tmp_path, "train: four", Annotated[int, even])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("evaluate: {seed: 0}", "expected 'intervals', found its former name 'evaluate'; move it there"),
        ("bias: {age_bands: [30]}", "expected 'age_bands', found its former name 'bias.age_bands'; move it there"),
        ("bias: {seed: 0}", "expected 'intervals.seed', found its former name 'bias.seed'; move it there"),
        ("representation: {resamples: 9}", "expected 'intervals.resamples', found .* 'representation.resamples'"),
        ("ambiguity: {minimum_speakers: 5}", "expected 'intervals.minimum_speakers', found .* 'ambiguity.minimum_"),
    ],
)
def test_a_key_at_its_former_place_is_told_where_it_stands_now(tmp_path, text, message):
    with pytest.raises(InputError, match=f"params.yaml: {message}") as error:
        read(tmp_path, f"train: {{seed: 1}}\n{text}")
    assert "\n" not in str(error.value)


def test_a_key_that_did_not_move_is_no_former_name(tmp_path):
    text = "{train: {seed: 1}, ambiguity: {resamples: 2000}, bias: {permutations: 100}, representation: null}"
    assert read(tmp_path, text) == Block(seed=1)


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"seed": (2, 5)}, "seed: expected 2 to 5, found 1"),
        ({"rate": (0, 0.25)}, "rate: expected 0 to 0.25, found 0.5"),
        ({"seed": (0, 5), "rate": (1, float("inf"))}, "rate: expected 1 or more, found 0.5"),
    ],
)
def test_a_value_outside_its_range_is_refused(ranges, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        params.check_ranges(Block(seed=1), **ranges)


def test_both_ends_belong_to_a_range():
    params.check_ranges(Block(seed=1), seed=(1, 1), rate=(0.5, 0.5))
