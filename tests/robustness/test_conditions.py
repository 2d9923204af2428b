from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser.files import params
from ser.files.failures import InputError
from ser.robustness import conditions, draws
from ser.robustness.catalogue import DISTORTIONS
from ser.robustness.conditions import Choice, Condition

ROOT = Path(__file__).resolve().parents[2]
LEVELS = {
    **dict.fromkeys(("white", "pink", "car", "recording", "babble"), 10.0),
    **{"room": 0.3, "response": 1.0, "telephone": 3400.0, "mulaw": 64.0, "amr": 4.75, "opus": 8.0, "mp3": 16.0},
    **{"packet_loss": 0.3, "gain": -6.0, "clipping": 0.3, "silence": 0.1, "tempo": 1.2, "pitch": 1.0},
}
DRAWN = {"white", "pink", "car", "recording", "babble", "room", "response", "packet_loss"}


def apply(name, signal, seed):
    of = DISTORTIONS[name]
    generator = np.random.default_rng(50)
    sounds = [generator.standard_normal(9000).astype(np.float32) for _ in range(3)]
    material = {"material": sounds} if of.material else {}
    return of.apply(signal, LEVELS[name], np.random.default_rng(seed), **material)


def test_every_distortion_of_the_catalogue_is_tested():
    assert set(LEVELS) == set(DISTORTIONS)


@pytest.mark.parametrize("name", LEVELS)
def test_same_seed_same_bytes_other_seed_other_bytes_where_something_is_drawn(name, speech):
    before = speech.copy()
    first, again = apply(name, speech, 0), apply(name, speech, 0)
    others = [apply(name, speech, seed) for seed in range(1, 6)]
    assert first.tobytes() == again.tobytes()
    assert any(other.tobytes() != first.tobytes() for other in others) == (name in DRAWN)
    np.testing.assert_array_equal(speech, before)
    assert first.dtype == np.float32
    assert first.tobytes() != speech.tobytes()
    assert np.isfinite(first).all()
    assert (first.shape == speech.shape) == DISTORTIONS[name].keeps_length


def test_an_utterance_and_a_kind_of_condition_have_draws_of_their_own():
    one = draws.generator(0, "pink", "c/1").random()
    others = [draws.generator(*of).random() for of in ((0, "pink", "c/2"), (1, "pink", "c/1"), (0, "car", "c/1"))]
    assert one == draws.generator(0, "pink", "c/1").random()
    assert one not in others


def test_conditions_are_listed_with_the_clean_one_first():
    block = {"pink": Choice([20.0, 0.0]), "rain": Choice([10.0], "recording", "rain")}
    listed = conditions.listed(block, "c")
    assert [condition.name for condition in listed] == ["clean", "pink_20", "pink_0", "rain_10"]
    assert listed[3].of is DISTORTIONS["recording"]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (
            {"pnik": Choice([1.0])},
            r"conditions.pnik: expected a distortion out of .*, found 'pnik'; did you mean 'pink'",
        ),
        (
            {"pink": Choice([99.0])},
            r"conditions.pink.levels: expected signal-to-noise ratio in dB, -20 to 60 .*found 99",
        ),
        ({"room": Choice([0.0])}, r"conditions.room.levels: expected RT60 in s, 0.2 to 1.5 for room, found 0"),
        ({"pink": Choice([])}, r"conditions.pink.levels: expected at least one, each once, found \[\]"),
        ({"pink": Choice([1.0, 1.0])}, r"conditions.pink.levels: expected at least one, each once"),
        ({"rain": Choice([1.0], "recording")}, r"conditions.rain.recordings: expected a folder of recorded noise for"),
        ({"pink": Choice([1.0], "", "rain")}, r"conditions.pink.recordings: expected none for pink, found 'rain'"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(block, message):
    with pytest.raises(InputError, match=message) as caught:
        conditions.listed(block, "c")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("exists", [False, True])
def test_a_noise_without_recordings_is_not_measured_and_said_to_be_so(tmp_path, exists):
    if exists:
        (tmp_path / "rain").mkdir()
    reason = Condition("rain", "recording", 10.0, "rain").obstacle(tmp_path)
    assert reason == f"no recordings in {tmp_path / 'rain'}"
    assert Condition("pink", "pink", 10.0).obstacle(tmp_path) == ""


def test_impulse_responses_stay_whole_and_are_found_beside_the_noises(tmp_path):
    taps = np.concatenate([np.zeros(800), 0.5 * 10 ** (-3 * np.arange(8_000) / 8_000)])
    for folder in ("noise", "responses"):
        (tmp_path / folder).mkdir()
    soundfile.write(tmp_path / "responses" / "hall.wav", taps, 16_000, subtype="FLOAT")
    condition = Condition("hall", "response", 1.0, "../responses")
    (response,) = condition.sounds(tmp_path / "noise")
    np.testing.assert_allclose(response, taps, atol=1e-6)
    assert condition.obstacle(tmp_path / "noise") == ""


def test_a_package_that_is_not_installed_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(conditions, "find_spec", lambda name: None)
    reason = Condition("room", "room", 0.4).obstacle(tmp_path)
    assert reason == "pyroomacoustics is not installed: pip install -r requirements-robustness.txt"


def test_recordings_lose_the_silence_at_their_ends(tmp_path):
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 16_000)
    soundfile.write(tmp_path / "a.wav", np.concatenate([np.zeros(16_000), sound, np.zeros(32_000)]), 16_000)
    (recording,) = conditions.recordings(tmp_path)
    assert recording.size == pytest.approx(16_000, abs=2 * 2048)


def test_a_corpus_that_is_left_out_is_said_to_be_so(tmp_path):
    block = {"gain": Choice([-20.0], leave_out=["c"])}
    reasons = [conditions.listed(block, corpus)[1].obstacle(tmp_path) for corpus in ("c", "d")]
    assert reasons == ["left out in the params, to save time", ""]


@pytest.mark.parametrize(("codec", "level", "known"), [("amr", 6.3, "4.75, 5.15, 5.9"), ("mp3", 9.0, "8, 16, 24")])
def test_levels_that_a_codec_has_not_are_refused_with_those_that_it_has(codec, level, known):
    with pytest.raises(
        InputError, match=f"conditions.{codec}.levels: expected some of {known}.* kbit/s .* found {level:g}"
    ):
        conditions.listed({codec: Choice([level])}, "c")


def test_the_committed_conditions_are_all_in_the_catalogue():
    listed = conditions.listed(params.read(ROOT / "robustness/params.yaml", "conditions", dict[str, Choice]), "emodb")
    assert len({condition.name for condition in listed}) == len(listed)
    assert any(condition.recordings for condition in listed if condition.kind != "clean")
