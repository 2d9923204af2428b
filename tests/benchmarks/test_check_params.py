import ast
import sys
from pathlib import Path

import pytest
import yaml

from benchmarks import check_params
from ser.files.failures import InputError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Give a function that checks the project's params after some text in them was replaced."""
    path = tmp_path / "params.yaml"

    def check(old="", new=""):
        text = (ROOT / "params.yaml").read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["check_params", "--params", str(path)])
        check_params.main()

    return check


def test_the_params_of_the_project_are_good(check, capsys):
    check()
    assert capsys.readouterr().out.endswith("every key of 16 blocks is known, there, and in its range\n")


def test_corpora_that_would_be_lent_to_networks_without_a_start_are_refused_before_they_are_encoded(tmp_path):
    own = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    own["auxiliary"]["corpora"], own["train"]["start"] = ["ours"], "none"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(own))
    with pytest.raises(InputError, match=r"auxiliary.corpora: expected networks that start from discriminant analysis"):
        check_params.check(tmp_path / "params.yaml")
    own["train"]["classifier"] = "lda"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(own))
    check_params.check(tmp_path / "params.yaml")


@pytest.mark.parametrize(("lent", "remarks"), [("[]", 1), ("[ours]", 0)])
def test_params_of_a_corpus_that_is_neither_chosen_nor_auxiliary_are_remarked_on(tmp_path, capsys, lent, remarks):
    own = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    own["manifest"]["allow_incomplete"], own["auxiliary"]["corpora"] = ["ours"], yaml.safe_load(lent)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(own))
    check_params.check(tmp_path / "params.yaml")
    assert capsys.readouterr().out.count("manifest.allow_incomplete names 'ours'") == remarks


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  leave_out: 0.15", "  leave_ut: 0.15", "ambiguity: unknown key 'leave_ut'; did you mean 'leave_out'?"),
        ("  perplexity: 30.0 ", "  perplexity: much ", "representation.perplexity: expected float, found 'much'"),
        ("\nlisten:", "\nlsten: {utterances: 3}\nlisten:", "found 'lsten'; did you mean 'listen'?"),
        ("  networks: 5 ", "  # networks: 5 ", "train: expected the key 'networks', found none; without it 1 is taken"),
        ("  frames: active\n", "", "features: expected the key 'frames', found none; without it all is taken"),
        ("  false_alarms: 0.05", "  false_alarms: 5", "familiarity: "),
        ("emotions:\n- angry", "emotions:\n- angri", "found 'angri'; did you mean 'angry'?"),
        ("corpora:\n- synthetic", "corpora:\n- ../etc", "corpora: expected names of folders"),
        ("  corpora: []", "  corpora: [no such]", "auxiliary.corpora: expected names of folders"),
        ("  corpora: []", "  corpora: [synthetic]", "auxiliary.corpora: 'synthetic' is among `corpora`, too"),
        ("  merge: {}", "  merge: {excited: hapy}", "found 'hapy'; did you mean 'happy'?"),
        ("  merge: {}", "  merge: {[a]: happy}", "not valid YAML: a key that is no word"),
        ("  words: {}", "  words: {my: {01: angry}}", "words.my: a key: expected str, found 1; put it in quotes"),
        ("  conditions: {}", "  conditions: {pnk: {levels: [1]}}", "found 'pnk'; did you mean 'pink'?"),
        ("/pase_plus.safetensors", "/nope.safetensors", "models/nope.safetensors: no such file"),
    ],
)
def test_a_fault_in_any_block_ends_in_one_line(check, old, new, message):
    with pytest.raises(SystemExit) as caught:
        check(old, new)
    assert str(caught.value).startswith("check-params: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_block_is_read_as_the_stages_read_it():
    read = {
        (node.args[1].value, ast.unparse(node.args[2]).rpartition(".")[2])
        for path in (ROOT / "stages").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "params.read"
    }
    own = ast.parse(Path(check_params.__file__).read_text(encoding="utf-8"))
    (blocks,) = (
        node.value for node in own.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "BLOCKS"
    )
    checked = {(key.value, ast.unparse(kind)) for key, kind in zip(blocks.keys, blocks.values, strict=True)}
    assert {pair for pair in read if pair[1] not in ("dict", "list")} == checked
    assert list(yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))) == list(check_params.BLOCKS)
