import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ser.encoders import fingerprint
from ser.encoders.catalogue import KINDS, build
from ser.encoders.fingerprint import last_digits
from ser.encoders.recipe import Recipe
from ser.pase import checkpoint
from ser.pase.encoder import PASE_PLUS

ROOT = Path(__file__).resolve().parents[2]


def test_other_weights_give_other_vectors_and_another_fingerprint(tone, extractors, weights):
    vectors, fingerprints = [extractors["pase_plus_untrained"].vector(tone(0.3))], set()
    for extractor in (build(Recipe("pase_plus_untrained", seed=1)), build(Recipe("pase_plus"), weights)):
        fingerprints.add(extractor.fingerprint)
        vectors.append(extractor.vector(tone(0.3)))

    assert len({vector.tobytes() for vector in vectors}) == 3
    assert len(fingerprints | {extractors["pase_plus_untrained"].fingerprint}) == 3


def test_the_fingerprint_is_of_the_weights_and_not_of_their_file(weights, tmp_path):
    published = tmp_path / "FE_e199.ckpt"
    torch.save(checkpoint.untrained(PASE_PLUS, seed=5).state_dict(), published)

    fingerprint = build(Recipe("pase_plus"), published).fingerprint

    assert fingerprint == build(Recipe("pase_plus"), weights).fingerprint
    assert str(tmp_path) not in fingerprint


def test_statistics_are_in_the_fingerprint_but_of_egemaps_which_do_not_use_them(extractors):
    for name, differs in (("mfcc", True), ("egemaps", False)):
        other = build(Recipe(name, statistics=["max"])).fingerprint
        assert (other != extractors[name].fingerprint) == differs, name


def test_layers_are_in_the_fingerprint(extractors):
    other = build(Recipe("pase_plus_untrained", layers=["block1"]))

    assert json.loads(other.fingerprint)["layers"] == ["block1"]
    assert other.fingerprint != extractors["pase_plus_untrained"].fingerprint


def test_a_fingerprint_names_what_made_the_numbers(extractors):
    made = json.loads(extractors["mfcc"].fingerprint)

    assert {name: made[name] for name in ("encoder", "statistics", "layers", "frames", "numerics")} == {
        "encoder": "mfcc",
        "statistics": ["mean", "std"],
        "layers": ["output"],
        "frames": "all",
        "numerics": "portable",
    }
    assert set(made["versions"]) == {"numpy", "soxr", "torch", "torchaudio"}
    assert "seed" not in made
    assert json.loads(extractors["pase_untrained"].fingerprint)["seed"] == 0


def test_the_last_digits_of_a_gpu_are_called_its_own():
    assert (last_digits("cpu"), last_digits("cuda")) == ("portable", "cuda")


@pytest.fixture
def tree(tmp_path):
    """A copy of the library's code."""
    shutil.copytree(ROOT / "ser", tmp_path / "ser", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


PASE_UNTRAINED, OPENSMILE = {"pase_plus_untrained", "pase_untrained"}, {"egemaps", "compare_2016"}
EDITS = {
    "ser/pase/qrnn.py": PASE_UNTRAINED,
    "ser/pase/padding.py": PASE_UNTRAINED,
    "ser/encoders/pase_plus.py": PASE_UNTRAINED,
    "ser/encoders/network.py": PASE_UNTRAINED,
    "ser/encoders/mfcc.py": {"mfcc"},
    "ser/encoders/opensmile.py": OPENSMILE,
    "ser/encoders/selfsupervised.py": set(),
    "ser/audio.py": {"mfcc"} | PASE_UNTRAINED | OPENSMILE,
    "ser/encoders/pooling.py": {"mfcc"} | PASE_UNTRAINED | OPENSMILE,
    "ser/encoders/windows.py": {"mfcc"} | PASE_UNTRAINED | OPENSMILE,
    "ser/machine/numerics.py": {"mfcc"} | PASE_UNTRAINED | OPENSMILE,
    "ser/encoders/catalogue.py": set(),  # where one more encoder is named
    "ser/encoders/extraction.py": set(),
    "ser/files/failures.py": set(),
    "ser/learning/classifier.py": set(),
}


@pytest.mark.parametrize("file", EDITS)
def test_an_edit_changes_the_fingerprints_of_the_encoders_that_run_it_and_of_no_others(extractors, tree, file):
    def fingerprints():
        return {name: fingerprint.of(made.recipe, made.encoder, tree) for name, made in extractors.items()}

    before = fingerprints()
    (tree / file).write_text((tree / file).read_text() + "\n\nEDITED = True\n")
    after = fingerprints()

    assert {name for name in extractors if after[name] != before[name]} == EDITS[file]


def test_the_code_of_a_fingerprint_is_that_which_runs(extractors, tree):
    for made in extractors.values():
        assert made.fingerprint == fingerprint.of(made.recipe, made.encoder, tree)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_modules_of_a_fingerprint_are_those_that_python_loads(kind):
    names = ("ser.audio", "ser.encoders.extractor", "ser.machine.numerics", kind.__module__)
    script = f"import sys, {', '.join(names)}\nprint(*sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    loaded = {name for name in printed.split() if name.startswith("ser.") and not is_package(name)}

    # Neither wording an error, nor writing a file, nor naming choices decides a number; and what decoding gives has a
    # digest of its own.
    loaded -= {"ser.files.failures", "ser.files.whole", "ser.encoders.recipe", "ser.encoders.fingerprint"}
    loaded -= {name for name in loaded if name.startswith("ser.recordings.")}
    assert set(fingerprint.modules(names, ROOT)) == loaded


def is_package(name: str) -> bool:
    return ROOT.joinpath(*name.split(".")).is_dir()


def test_words_about_the_code_leave_its_digest_and_code_changes_it(tmp_path):
    def digests(source):
        (tmp_path / "ser").mkdir(exist_ok=True)
        (tmp_path / "ser/one.py").write_text(source)
        return fingerprint.modules(["ser.one"], tmp_path)

    plain = digests('"""One."""\n\n\ndef f():\n    """Two."""\n    return 1\n')

    assert digests('"""Other."""\ndef f():\n    """Words."""\n    return 1  # why\n') == plain
    assert digests("def f():\n    return 2\n") != plain


def test_the_digest_of_code_is_the_same_under_every_python(tmp_path):
    """As worked out under 3.11, 3.12 and 3.13, whose ``ast.dump`` differ."""
    (tmp_path / "ser").mkdir()
    source = "class A:\n    b: int = 1\n\n    def c(self, *d, e=2.5, **f) -> str:\n        return f'{d!r:>{e}}x' 'y'\n"
    (tmp_path / "ser/one.py").write_text(source)

    assert fingerprint.modules(["ser.one"], tmp_path) == {"ser.one": "8768095578e52ce7"}


@pytest.mark.parametrize(
    "code",
    [
        "import ser.two",
        "from ser import two",
        "from ser.two import name",
        "def f():\n    import ser.two",
        "import ser.two as x",
    ],
)
def test_imports_of_every_form_are_followed_even_in_a_circle(tmp_path, code):
    (tmp_path / "ser").mkdir()
    (tmp_path / "ser/one.py").write_text(code)
    (tmp_path / "ser/two.py").write_text("import numpy\nimport ser.one")

    assert set(fingerprint.modules(["ser.one"], tmp_path)) == {"ser.one", "ser.two"}


def test_differences_are_named_by_their_parts_and_last_digits_left_aside():
    one = {"encoder": "mfcc", "numerics": "portable", "modules": {"a": "1", "b": "2"}, "versions": {"torch": "1"}}
    other = {"encoder": "mfcc", "numerics": "cuda", "modules": {"a": "1", "c": "3"}, "versions": {"torch": "1"}}

    assert fingerprint.differences(one, other) == ["modules (b, c)"]
    assert fingerprint.differences(one, other | {"seed": 1, "encoder": "x"}) == ["encoder", "modules (b, c)", "seed"]
    assert fingerprint.differences(one, one) == []
