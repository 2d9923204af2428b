"""The command ``ser`` and its like: what they say of themselves; what is not installed is said in one line."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import serving
from serving import command, export_onnx, load, predict

# As where the package is not installed: no finder knows it.
WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class Nothing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Nothing())
from serving.command import main
main(sys.argv[2:])
"""
LINE = (
    "{}: expected the package '{}', found it not installed; pip install -r requirements-serve.txt -r requirements.txt "
    "(the first is enough for a model in ONNX)"
)


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("fastapi", ["serve"]),
        ("torch", ["serve"]),
        ("torch", ["predict", "{}"]),
        ("onnxruntime", ["predict", "{}", "--model", "none.onnx"]),
        ("av", ["predict", "{}"]),
    ],
)
def test_a_package_that_is_not_installed_is_one_line(tmp_path, recording, package, arguments):
    (tmp_path / "tone.wav").write_bytes(recording())
    asked = [word.format(tmp_path / "tone.wav") for word in arguments]
    ended = subprocess.run([sys.executable, "-c", WITHOUT, package, *asked], capture_output=True, text=True)

    assert ended.stderr == f"{LINE.format(arguments[0], package)}\n"
    assert (ended.returncode, ended.stdout) == (1, "")


def test_a_timeline_without_pydantic_is_one_line(tmp_path, recording, loudness, monkeypatch):
    (tmp_path / "tone.wav").write_bytes(recording())
    monkeypatch.setattr(predict, "_load", lambda options: (loudness(), False))
    monkeypatch.setitem(sys.modules, "pydantic", None)
    monkeypatch.delitem(sys.modules, "serving.answers", raising=False)
    monkeypatch.delattr(serving, "answers", raising=False)

    with pytest.raises(SystemExit) as caught:
        command.main(["predict", str(tmp_path / "tone.wav"), "--timeline"])
    assert str(caught.value) == LINE.format("predict", "pydantic")


@pytest.mark.parametrize("name", ["ser.nothing", "serving", None])
def test_a_module_of_ours_that_is_not_there_keeps_its_traceback(monkeypatch, name):
    def fail(arguments):
        raise ModuleNotFoundError("not there", name=name)

    monkeypatch.setattr(predict, "main", fail)

    with pytest.raises(ModuleNotFoundError, match="not there"):
        command.main(["predict"])


def test_a_closed_standard_error_costs_no_answer_and_a_closed_output_is_one_line(tmp_path):
    shell = f'{sys.executable} -c "from serving.command import main; main()" predict {tmp_path}/none.wav'
    ended = subprocess.run(["sh", "-c", f"{shell} >&-"], capture_output=True, text=True)
    assert (
        ended.stderr == "ser: expected an open standard output, found it closed; send it to a file, or to /dev/null\n"
    )
    code = (
        "from serving import command, predict; predict.main = lambda _: print('an answer'); command.main(['predict'])"
    )
    ended = subprocess.run(["sh", "-c", f'{sys.executable} -c "{code}" 2>&-'], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "an answer\n")


def test_a_signal_while_libraries_load_ends_in_one_line():
    code = (
        "import sys, time, os, signal\n"
        "from serving import command, predict\n"
        "predict.main = lambda rest: os.kill(os.getpid(), signal.SIGINT) or time.sleep(5)\n"
        "sys.argv = ['ser', 'predict']\n"
        "command.main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (130, "predict: interrupted\n")


def ended_with(capsys, main, *arguments):
    """Give exit code, standard output and the last line of standard error."""
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    captured = capsys.readouterr()
    return caught.value.code, captured.out, "".join(captured.err.splitlines()[-1:])


def test_the_version_is_that_of_the_package(capsys):
    assert ended_with(capsys, command.main, "--version") == (0, f"ser {version('ser')}\n", "")


def test_without_a_word_the_words_of_the_help_are_asked_for(capsys):
    words = "{predict,serve}"
    assert words in ended_with(capsys, command.main, "--help")[1]
    assert ended_with(capsys, command.main) == (
        2,
        "",
        f"ser: error: the following arguments are required: {words}",
    )


@pytest.mark.parametrize("main", [command.main, export_onnx.main, load.main])
def test_a_help_is_plain_text(capsys, main):
    assert "``" not in ended_with(capsys, main, "--help")[1]


def test_the_help_of_the_export_has_the_command_and_its_defaults(capsys):
    found = " ".join(ended_with(capsys, export_onnx.main, "--help")[1].split())
    assert found.startswith("usage: python -m serving.export_onnx [-h]")
    assert "(default: models/bundle)" in found
    assert "(default: models/bundle.onnx)" in found


@pytest.mark.parametrize("name", ["a.bin", "a", "a.ONNX"])
def test_a_model_is_not_exported_to_a_name_that_is_then_refused(capsys, tmp_path, name):
    code, _, line = ended_with(capsys, export_onnx.main, "--onnx", str(tmp_path / name))
    assert code == 2
    assert line.endswith(f"by which ser --model knows the file, found {tmp_path / name}")
