"""The command, on a pipeline small enough for a test: tones, features, classifiers, predictions."""

import errno
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from ser import audio, features, predictions, predictor
from ser.bundle import layout
from ser.encoders import extraction
from ser.encoders.recipe import Recipe
from ser.files import tables
from ser.files.failures import InputError, Stopped
from ser.learning import classifier, fitting
from ser.learning import recipe as learning_recipe
from serving import chosen, formats, predict
from serving.policy import Policy
from tests import builders

EMOTIONS = ["happy", "sad"]
PARAMS = builders.train_params(dropout=0.1)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """A folder with raw/, models/ and predictions.csv, made as the stages make them."""
    folder = tmp_path_factory.mktemp("pipeline")
    manifest = record(folder / "raw")
    extraction.compute(manifest, folder / "raw", folder / "features", Recipe("pase_plus_untrained", seed=3))
    found = features.read(folder / "features", manifest)
    speakers, tested = manifest["speaker"].to_numpy(), []
    for fold, (validation, test) in enumerate([("tones/b", "tones/a"), ("tones/c", "tones/b"), ("tones/a", "tones/c")]):
        parts = np.select([speakers == validation, speakers == test], ["validation", "test"], "train")
        recipe = learning_recipe.Recipe(EMOTIONS, PARAMS, found.extractor, "loso", fold)
        fitted, _ = fitting.fit(recipe, found.vectors, manifest["emotion"].to_numpy(), parts, speakers)
        classifier.save(fitted, folder / "models" / classifier.file_name("loso", fold))
        probabilities = fitted.probabilities(found.vectors, speakers)[parts == "test"]
        tested.append(predictions.fold("loso", fold, manifest[parts == "test"], probabilities, EMOTIONS))
    tables.write(pd.concat(tested), folder / "predictions.csv")
    return folder


def record(raw) -> pd.DataFrame:
    """Four tones of each of three speakers, in two formats and at two rates, one of them in stereo."""
    raw.mkdir()
    rows = []
    for number, speaker in enumerate("abc"):
        for take in range(4):
            rate, suffix = ((16_000, "wav"), (44_100, "flac"))[take // 2]
            times_s = np.arange(round(0.3 * rate)) / rate
            tone = 0.3 * np.sin(2 * np.pi * (200 + 40 * number + 150 * (take % 2)) * times_s)
            noise = np.random.default_rng(10 * number + take).normal(0, 0.01, (times_s.size, 1 + take // 2))
            name = f"{speaker}{take}.{suffix}"
            soundfile.write(raw / name, tone[:, np.newaxis] + noise, rate)
            sha256 = audio.digest(*audio.decode(raw / name))
            rows.append((f"tones/{speaker}{take}", name, "tones", f"tones/{speaker}", EMOTIONS[take % 2], sha256))
    return pd.DataFrame(rows, columns=["id", "path", "corpus", "speaker", "emotion", "sha256"])


def run(pipeline, capsys, *arguments) -> tuple[str, str]:
    """Run the command; returns what it wrote to standard output and to standard error."""
    # Without the flag a line says that these models do not know what is unfamiliar.
    predict.main([*map(str, arguments), "--models", str(pipeline / "models"), "--any-sound"])
    captured = capsys.readouterr()
    return captured.out, captured.err


def run_with_faults(pipeline, capsys, *arguments):
    """Run the command where some files have no prediction; returns what it wrote."""
    with pytest.raises(SystemExit) as ended:
        run(pipeline, capsys, *arguments)
    assert ended.value.code == 3
    return capsys.readouterr()


@pytest.mark.slow
def test_one_fold_agrees_with_the_pipelines_predictions(pipeline, capsys):
    wanted = predictions.read(pipeline / "predictions.csv", EMOTIONS)
    for fold in range(3):
        out, _ = run(pipeline, capsys, pipeline / "raw", "--fold", fold, "--format", "csv")

        found = pd.read_csv(io.StringIO(out))
        found["id"] = "tones/" + found["file"].str.extract(r"(\w+)\.\w+$")[0]
        both = wanted[wanted["fold"] == fold].merge(found, on="id", suffixes=("", "_found"))
        assert len(both) == 4
        assert (both["prediction"] == both["prediction_found"]).all()
        for column in predictions.probability_columns(EMOTIONS):
            np.testing.assert_allclose(both[f"{column}_found"], both[column], atol=1e-5)


@pytest.mark.slow
def test_the_default_is_the_mean_of_the_folds(pipeline, capsys):
    folds = [run(pipeline, capsys, pipeline / "raw", "--fold", fold, "--format", "csv")[0] for fold in range(3)]
    out, _ = run(pipeline, capsys, pipeline / "raw", "--format", "csv")

    expected = np.mean([pd.read_csv(io.StringIO(text))["p_sad"] for text in folds], axis=0)
    np.testing.assert_allclose(pd.read_csv(io.StringIO(out))["p_sad"], expected, atol=1e-6)


def test_json_and_table_say_what_csv_says(pipeline, capsys):
    file = pipeline / "raw/b2.flac"
    (csv,) = pd.read_csv(io.StringIO(run(pipeline, capsys, file, "--format", "csv")[0])).to_dict("records")

    (found,) = json.loads(run(pipeline, capsys, file, "--format", "json")[0])
    header, line = run(pipeline, capsys, file)[0].splitlines()

    assert found["file"] == csv["file"] == str(file)
    assert found["prediction"] == csv["prediction"] == max(found["probabilities"], key=found["probabilities"].get)
    assert found["probabilities"] == pytest.approx({word: csv[f"p_{word}"] for word in EMOTIONS}, abs=1e-8)
    assert found["answer"] == csv["answer"]
    assert header.split() == ["file", "prediction", "answer", "distance", "p_happy", "p_sad"]
    shares = [f"{csv[f'p_{word}']:.3f}" for word in EMOTIONS]
    assert line.split() == [str(file), csv["prediction"], csv["answer"], *shares]


def test_below_the_models_threshold_or_that_of_the_flag_the_answer_is_uncertain(pipeline, capsys, tmp_path):
    whole = pd.read_csv(io.StringIO(run(pipeline, capsys, pipeline / "raw", "--fold", 0, "--format", "csv")[0]))
    assert (whole["answer"] == whole["prediction"]).all(), "this model was trained to answer always"
    confidence = whole[predictions.probability_columns(EMOTIONS)].max(axis=1)
    middle = confidence.median()
    expected = whole["prediction"].where(confidence >= middle, "uncertain")

    fitted = classifier.load(pipeline / "models" / classifier.file_name("loso", 0))
    fitted.recipe = replace(fitted.recipe, params=replace(PARAMS, abstain_below=float(middle)))
    classifier.save(fitted, tmp_path / "models" / classifier.file_name("loso", 0))
    for folder, flags in ((tmp_path, ()), (pipeline, ("--threshold", middle))):
        out, _ = run(folder, capsys, pipeline / "raw", "--fold", 0, "--format", "csv", *flags)
        found = pd.read_csv(io.StringIO(out))
        assert found["answer"].tolist() == expected.tolist()
        assert found["prediction"].tolist() == whole["prediction"].tolist()
    assert 0 < (expected == "uncertain").sum() < len(expected)


def test_a_folder_gives_its_audio_files_sorted_and_each_once(tmp_path):
    for name in ("b/2.WAV", "b/1.flac", "a.ogg", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    found, faults, folders = predict.audio_files([tmp_path / "b/2.WAV", tmp_path, tmp_path / "notes.txt"])

    assert faults == folders == []
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["b/2.WAV", "a.ogg", "b/1.flac", "notes.txt"]


def test_files_that_cannot_be_read_are_named_and_the_others_predicted(pipeline, capsys, tmp_path):
    (tmp_path / "text.wav").write_text("not audio")
    (tmp_path / "empty.wav").touch()
    soundfile.write(tmp_path / "short.wav", np.random.default_rng(0).normal(0, 0.1, 100), 16_000)
    soundfile.write(tmp_path / "nan.wav", np.full(8000, np.nan), 16_000, subtype="FLOAT")

    captured = run_with_faults(pipeline, capsys, tmp_path, pipeline / "raw/a0.wav", "--format", "csv")

    assert list(pd.read_csv(io.StringIO(captured.out))["file"]) == [str(pipeline / "raw/a0.wav")]
    *lines, last = captured.err.splitlines()
    assert last == "predict: 4 of 5 files have no prediction"
    assert [line.split(":")[1].strip() for line in lines] == [
        str(tmp_path / name) for name in ("empty.wav", "nan.wav", "short.wav", "text.wav")
    ]
    assert "expected at least 471 samples" in lines[2]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], ["silence", "silence", "emotion"]),
        (["--any-sound"], ["silence", "silence", "emotion"]),
        (["--silence-db", "-80"], ["silence", "emotion", "emotion"]),
        (["--silence-db", "-20"], ["silence", "silence", "silence"]),
    ],
)
def test_what_is_silence_to_the_service_is_silence_to_the_command(pipeline, capsys, tmp_path, start, flags, expected):
    noise = np.random.default_rng(0).normal(0, 1, 8000)
    signals = {"constant": np.full(8000, 0.3), "faint": 10 ** (-70 / 20) * noise, "heard": 10 ** (-40 / 20) * noise}
    for name, signal in signals.items():
        soundfile.write(tmp_path / f"{name}.wav", signal, 16_000, subtype="FLOAT")

    found = json.loads(run(pipeline, capsys, tmp_path, "--format", "json", *flags)[0])

    assert [row["answer"] if row["answer"] == "silence" else "emotion" for row in found] == expected
    silent = [row for row in found if row["answer"] == "silence"]
    assert {(row["prediction"], row["distance"], row["probabilities"]) for row in silent} == {(None, None, None)}
    (level,) = [float(value) for value in flags[1:]] or [-60.0]
    server = start(policy=Policy(silence_db=level))
    for row, wanted in zip(found, expected, strict=True):
        content, headers = Path(row["file"]).read_bytes(), {"Content-Type": "audio/wav"}
        answer = httpx.post(f"{server.url}/v1/predict", content=content, headers=headers, timeout=30).json()["answer"]
        assert (answer == "silence") == (wanted == "silence")


def test_silence_is_no_part_of_what_a_speaker_is_normalised_by(pipeline, capsys, by_speaker, tmp_path):
    files = [pipeline / "raw/a0.wav", pipeline / "raw/a1.wav"]
    soundfile.write(tmp_path / "silent.wav", np.zeros(8000), 16_000)
    options = ("--one-speaker", "--format", "json")

    without = json.loads(run(by_speaker, capsys, *files, *options)[0])
    found = json.loads(run(by_speaker, capsys, files[0], tmp_path / "silent.wav", files[1], *options)[0])

    assert [found[0], found[2]] == without
    assert found[1]["answer"] == "silence"


def test_of_a_speaker_one_file_with_sound_is_too_few_and_the_silent_ones_keep_their_rows(
    pipeline, capsys, by_speaker, tmp_path
):
    soundfile.write(tmp_path / "silent.wav", np.zeros(8000), 16_000)
    options = ("--one-speaker", "--format", "json")

    with pytest.raises(SystemExit) as ended:
        run(by_speaker, capsys, pipeline / "raw/a0.wav", tmp_path / "silent.wav", *options)

    out, err = capsys.readouterr()
    assert ended.value.code == 3
    assert [row["answer"] for row in json.loads(out)] == ["silence"]
    assert "a0.wav: expected other files of the speaker beside it, found none with sound" in err


def test_a_file_that_the_disk_does_not_give_is_named_and_the_others_are_predicted(
    pipeline, capsys, monkeypatch, tmp_path
):
    files = [pipeline / "raw/a0.wav", tmp_path / "lost.wav", pipeline / "raw/a1.wav"]
    files[1].touch()
    load = audio.load

    def read(path, **options):
        if path == files[1]:
            raise OSError(errno.EIO, "Input/output error")
        return load(path, **options)

    monkeypatch.setattr(audio, "load", read)
    with pytest.raises(SystemExit) as ended:
        run(pipeline, capsys, *files, "--format", "json")

    out, err = capsys.readouterr()
    assert ended.value.code == 3
    assert [row["file"] for row in json.loads(out)] == [str(files[0]), str(files[2])]
    assert f"{files[1]}: cannot be read: Input/output error" in err


@pytest.mark.parametrize(
    "lack",
    [lambda: np.empty(2**58, np.uint8), lambda: torch.empty(2**58, dtype=torch.uint8), lambda: bytearray(2**58)],
    ids=["numpy", "torch", "python"],
)
def test_a_file_that_is_too_long_for_the_memory_leaves_the_others(pipeline, capsys, monkeypatch, lack):
    load = audio.load
    monkeypatch.setattr(
        audio, "load", lambda path, *rest, **options: load(path, *rest, **options) if path.stem != "b1" else lack()
    )

    captured = run_with_faults(pipeline, capsys, pipeline / "raw", "--format", "csv")

    assert len(pd.read_csv(io.StringIO(captured.out))) == 11
    line, last = captured.err.splitlines()
    assert last == "predict: 1 of 12 files has no prediction"
    assert (
        line == f"predict: {pipeline / 'raw/b1.wav'}: too long for the memory that is free; cut it into shorter files"
    )


def test_an_error_of_ours_keeps_its_traceback(pipeline, capsys, monkeypatch):
    monkeypatch.setattr(audio, "load", lambda path, **options: torch.ones(2) @ torch.ones(3))

    with pytest.raises(RuntimeError, match="inconsistent tensor size"):
        run(pipeline, capsys, pipeline / "raw")


@pytest.mark.parametrize("style", ["table", "csv", "json"])
def test_a_file_name_that_is_not_utf_8_is_printed(pipeline, capsys, tmp_path, style):
    odd = Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.wav"))
    odd.write_bytes((pipeline / "raw/a0.wav").read_bytes())

    out, _ = run(pipeline, capsys, odd, "--format", style)

    if style == "json":
        assert json.loads(out)[0]["file"] == str(odd)
    else:
        assert f"{tmp_path}/caf\\udce9.wav" in out.splitlines()[1]


def test_a_fault_of_a_file_whose_name_is_not_utf_8_is_printed(pipeline, capsys, tmp_path):
    Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.wav")).touch()

    with pytest.raises(SystemExit, match="1 of 1 file has"):
        run(pipeline, capsys, tmp_path)

    assert capsys.readouterr().err.startswith(f"predict: {tmp_path}/caf\\udce9.wav: expected audio")


def test_a_file_has_the_same_prediction_alone_and_among_others(pipeline, capsys):
    among = json.loads(run(pipeline, capsys, pipeline / "raw", "--format", "json")[0])

    alone = [json.loads(run(pipeline, capsys, row["file"], "--format", "json")[0])[0] for row in among[:3]]

    assert alone == among[:3]


def test_nothing_is_printed_where_no_file_can_be_read(pipeline, capsys, tmp_path):
    (tmp_path / "text.wav").write_text("not audio")

    with pytest.raises(SystemExit, match="1 of 1 file has no prediction"):
        run(pipeline, capsys, tmp_path)

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("path", "message"),
    [("nowhere.wav", "nowhere.wav: no such file or folder"), (".", r"expected audio files \(.*\), found none")],
)
def test_paths_without_audio_are_refused(pipeline, capsys, tmp_path, path, message):
    with pytest.raises(SystemExit, match=f"^predict: .*{message}"):
        run(pipeline, capsys, tmp_path / path)


@pytest.fixture
def by_speaker(pipeline, tmp_path_factory):
    """A folder with models/ as the pipeline's, of a classifier that normalises by speaker."""
    folder = tmp_path_factory.mktemp("by_speaker")
    fitted = classifier.load(pipeline / "models" / classifier.file_name("loso", 0))
    fitted.recipe = replace(fitted.recipe, params=replace(PARAMS, normalisation="speaker"))
    classifier.save(fitted, folder / "models" / classifier.file_name("loso", 0))
    return folder


def test_a_model_that_normalises_by_speaker_wants_one_speaker(pipeline, capsys, by_speaker):
    with pytest.raises(SystemExit, match=r"predict: the model normalises by speaker: .*--one-speaker"):
        run(by_speaker, capsys, pipeline / "raw")

    out, _ = run(by_speaker, capsys, pipeline / "raw/a0.wav", pipeline / "raw/a1.wav", "--one-speaker")
    assert len(out.splitlines()) == 3


def test_a_model_that_does_not_refuses_the_flag(pipeline, capsys):
    with pytest.raises(SystemExit, match=r"^predict: --one-speaker: expected a model that normalises by speaker"):
        run(pipeline, capsys, pipeline / "raw", "--one-speaker")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--weights", "w"], "--weights: expected a bundle beside it, found a.onnx: it has its own; leave it out"),
        (["--device", "cuda"], "--device: expected a bundle beside it, found a.onnx: it runs on the CPU; leave it out"),
        (["--one-speaker"], "--one-speaker: expected a bundle beside it, found a.onnx: it takes each file by itself"),
    ],
)
def test_flags_that_a_model_in_onnx_would_ignore_are_refused(capsys, options, message):
    with pytest.raises(SystemExit) as caught:
        predict.main(["a.wav", "--model", "a.onnx", *options])
    assert caught.value.code == 2
    assert f"ser predict: error: {message}" in capsys.readouterr().err


def test_weights_beside_a_bundle_that_has_its_own_are_refused(capsys, tmp_path):
    (tmp_path / layout.WEIGHTS).touch()
    with pytest.raises(SystemExit) as caught:
        predict.main(["a.wav", "--model", str(tmp_path), "--weights", "w"])
    assert caught.value.code == 2
    assert f"--weights: expected a model without weights beside it, found {tmp_path}: it has its own" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("stop", "words", "code"),
    [
        (KeyboardInterrupt(), "interrupted", 130),
        (Stopped(15), "ended by SIGTERM", 143),
        (Stopped(1), "ended by SIGHUP", 129),
    ],
)
@pytest.mark.parametrize("style", ["table", "json", "jsonl", "csv"])
def test_what_is_done_when_a_signal_comes_is_written(pipeline, capsys, monkeypatch, style, stop, words, code):
    whole = run(pipeline, capsys, pipeline / "raw", "--format", style)[0]
    load = audio.load

    def until_the_fourth(path, **options):
        if path.stem == "a3":
            raise stop
        return load(path, **options)

    monkeypatch.setattr(audio, "load", until_the_fourth)
    with pytest.raises(SystemExit) as ended:
        run(pipeline, capsys, pipeline / "raw", "--format", style)

    captured = capsys.readouterr()
    assert ended.value.code == code
    assert captured.err == f"predict: {words} after 3 of 12 files; their lines are written\n"
    if style == "json":
        assert json.loads(captured.out) == json.loads(whole)[:3]
    else:
        begun = [line.split() for line in whole.splitlines()][: len(captured.out.splitlines())]
        assert [line.split() for line in captured.out.splitlines()] == begun
        assert captured.out.count("raw/a") == 3


def test_a_model_that_was_not_trained_is_one_line(tmp_path, pipeline, capsys):
    with pytest.raises(SystemExit, match=r"^predict: .*expected classifiers .* found none; train them first"):
        predict.main([str(pipeline / "raw"), "--models", str(tmp_path)])


@pytest.mark.slow
def test_it_runs_as_a_module(pipeline):
    command = [sys.executable, "-m", "serving.predict", pipeline / "raw/a0.wav", "--models", pipeline / "models"]
    ended = subprocess.run([*command, "--fold", "9"], capture_output=True, text=True)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"predict: {pipeline / 'models'}: expected a fold out of 0, 1, 2, found 9\n"


def test_folders_that_are_not_looked_into_are_named_and_counted_apart(pipeline, capsys, tmp_path, monkeypatch):
    for name in ("walked/open", "walked/locked", "elsewhere", "walked/.hidden"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a0.wav").write_bytes((pipeline / "raw/a0.wav").read_bytes())
    for name, target in {
        "above": "walked",
        "beside": "walked/open",
        "out": "elsewhere",
        "veiled": "walked/.hidden",
    }.items():
        (tmp_path / "walked/open" / name).symlink_to(tmp_path / target)
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    captured = run_with_faults(pipeline, capsys, tmp_path / "walked", "--format", "csv")
    assert len(pd.read_csv(io.StringIO(captured.out))) == 1
    hidden, locked, out, veiled, last = captured.err.splitlines()
    assert hidden == f"predict: {tmp_path}/walked: left out: 1 hidden"
    assert last == "predict: 3 folders are left out", "what lies in the folder itself was looked through"
    assert locked.startswith(f"predict: {tmp_path}/walked/locked: expected a folder that can be listed")
    assert out.startswith(f"predict: {tmp_path}/walked/open/out: a link to a folder elsewhere, not followed")
    assert veiled.startswith(f"predict: {tmp_path}/walked/open/veiled: a link")


def test_paths_that_are_wrong_cost_no_other_file_its_prediction(pipeline, capsys, tmp_path):
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    asked = [
        tmp_path / "none.wav",
        tmp_path / "empty",
        tmp_path / "pipe",
        tmp_path / ("x" * 300),
        pipeline / "raw/a0.wav",
    ]

    captured = run_with_faults(pipeline, capsys, *asked, "--format", "csv")

    assert list(pd.read_csv(io.StringIO(captured.out))["file"]) == [str(asked[-1])]
    lines = [line.removeprefix(f"predict: {tmp_path}/") for line in captured.err.splitlines()]
    assert lines[0] == "none.wav: no such file or folder"
    assert lines[1] == "pipe: expected a file, found a pipe; hand it over as standard input: ... | ser predict -"
    assert lines[2].endswith("cannot be read: File name too long")
    assert lines[3].startswith("empty: expected audio files")
    assert lines[4] == "predict: 3 of 4 files have no prediction, 1 folder is left out"


def test_where_no_path_leads_to_a_file_the_model_is_not_loaded(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(predict, "_load", lambda options: pytest.fail("loaded"))
    with pytest.raises(SystemExit, match=r"^predict: 2 of 2 files have no prediction, 1 folder is left out$"):
        predict.main([str(tmp_path / "a.wav"), str(tmp_path / "b.wav"), str(tmp_path)])
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_models_that_do_not_know_what_is_unfamiliar_say_so_once(pipeline, capsys):
    predict.main([str(pipeline / "raw/a0.wav"), "--models", str(pipeline / "models")])
    assert capsys.readouterr().err == f"predict: {chosen.NEVER_UNFAMILIAR}\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "{}/none"], "--model: expected a bundle or an .onnx file, found nothing at {}/none; name"),
        (["--model", "{}/a.wav"], "--model: expected a bundle .* found a file at {}/a.wav; name"),
        (["--model", "{}"], "--model: expected a bundle .* found another folder at {}; name"),
        (
            ["--models", "models", "--weights", "{}/none"],
            "--weights: expected the file of the trained encoder, found none",
        ),
        (["--models", "models", "--device", "foo"], "--device: expected a device that works, of cpu.*, found 'foo'"),
        (["--models", "models"], "none: expected the file of the trained encoder, which this .* name it by --weights"),
    ],
)
def test_a_flag_that_names_nothing_is_named(pipeline, monkeypatch, tmp_path, options, message):
    (tmp_path / "a.wav").write_bytes((pipeline / "raw/a0.wav").read_bytes())
    monkeypatch.setattr(chosen, "WEIGHTS", Path("none"))
    if len(options) == 2 and "--models" in options:

        def lacking(folder, weights, fold, device):
            raise InputError(f"the model was trained on features that are not known here: {weights}: no such file")

        monkeypatch.setattr(predictor, "load", lacking)
    given = [str(pipeline / "models") if word == "models" else word.format(tmp_path) for word in options]
    with pytest.raises(SystemExit, match=f"^predict: {message.format(tmp_path)}"):
        predict.main([str(tmp_path / "a.wav"), *given])


def test_json_lines_say_what_json_says(pipeline, capsys):
    whole = json.loads(run(pipeline, capsys, pipeline / "raw", "--format", "json")[0])

    lines = run(pipeline, capsys, pipeline / "raw", "--format", "jsonl")[0].splitlines()

    assert [json.loads(line) for line in lines] == whole


@pytest.mark.parametrize("style", ["csv", "jsonl"])
def test_a_line_is_written_before_the_next_file_is_read(pipeline, capsys, monkeypatch, style):
    load, seen = audio.load, []

    def watched(path, **options):
        seen.append(capsys.readouterr().out)
        return load(path, **options)

    monkeypatch.setattr(audio, "load", watched)
    run(pipeline, capsys, pipeline / "raw", "--format", style)

    assert str(pipeline / "raw/a0.wav") in seen[1]
    assert str(pipeline / "raw/b3.flac") in seen[8]


def test_standard_input_has_the_prediction_of_its_file(pipeline):
    path = pipeline / "raw/b2.flac"
    command = [sys.executable, "-m", "serving.predict", "--models", pipeline / "models", "--format", "jsonl"]
    with path.open("rb") as stream:
        ended = subprocess.run([*command, "-", path], stdin=stream, capture_output=True, text=True)

    by_name, piped = map(json.loads, ended.stdout.splitlines())
    assert (by_name.pop("file"), piped.pop("file")) == (str(path), "-")
    assert piped == by_name
    assert ended.returncode == 0


def test_standard_input_that_is_not_audio_is_one_line(pipeline):
    command = [sys.executable, "-m", "serving.predict", "--models", pipeline / "models", "--any-sound", "-"]
    ended = subprocess.run(command, input="words", capture_output=True, text=True)

    first, last = ended.stderr.splitlines()
    assert first.startswith("predict: -: expected audio")
    assert last == "predict: 1 of 1 file has no prediction"
    assert (ended.returncode, ended.stdout) == (1, "")


def test_a_timeline_has_the_predictions_of_its_windows(pipeline, capsys, tmp_path):
    signal = np.random.default_rng(0).normal(0, 0.1, 20_000).astype(np.float32)
    signal[8000:16_000] = 0
    soundfile.write(tmp_path / "whole.wav", signal, 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "first.wav", signal[:8000], 16_000, subtype="FLOAT")
    options = (tmp_path / "whole.wav", "--timeline", "--window", "0.5", "--hop", "0.5", "--format")

    found = json.loads(run(pipeline, capsys, *options, "json")[0])
    table = pd.read_csv(io.StringIO(run(pipeline, capsys, *options, "csv")[0]))
    (first,) = json.loads(run(pipeline, capsys, tmp_path / "first.wav", "--format", "json")[0])

    assert [(row["start_s"], row["end_s"]) for row in found] == [(0, 0.5), (0.5, 1), (0.75, 1.25)]
    assert found[0]["probabilities"] == pytest.approx(first["probabilities"], abs=1e-12)
    assert [found[1][key] for key in ("prediction", "answer", "probabilities")] == [None, "silence", None]
    assert list(table["answer"]) == [row["answer"] for row in found]
    assert list(table["p_sad"].isna()) == [False, True, False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--window", "2"], "--window and --hop: expected --timeline beside them, found none; add it"),
        (["--timeline", "--window", "0"], "--window: expected 0.1 to 60 s, found 0"),
        (["--timeline", "--window", "2", "--hop", "3"], "--hop: expected 0.01 to 2 s, found 3"),
        (["--timeline", "--hop", "nan"], "--hop: expected 0.01 to 3 s, found nan"),
        (["--threshold", "1.5"], "--threshold: expected 0 to 1, found 1.5"),
        (["--silence-db", "3"], "--silence-db: expected -120 to 0, found 3.0"),
        ([""], "FILE_OR_FOLDER_OR_-: expected a path, found an empty one; this folder is ."),
        (["--model", "a", "--models", "b"], "argument --models: not allowed with argument --model"),
        (["--fold", "1"], "--fold: expected --models beside it, found none; a bundle has one classifier, of no fold"),
    ],
)
def test_a_wrong_command_line_ends_with_exit_code_2(capsys, options, message):
    with pytest.raises(SystemExit) as caught:
        predict.main(["nowhere.wav", *options])
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"ser predict: error: {message}"


@pytest.mark.parametrize("style", ["table", "csv", "json", "jsonl"])
def test_a_file_name_that_the_terminal_cannot_show_is_escaped(pipeline, monkeypatch, tmp_path, style):
    path = tmp_path / "é\N{GRINNING FACE}.wav"
    path.write_bytes((pipeline / "raw/a0.wav").read_bytes())
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, "ascii"))

    predict.main([str(path), "--models", str(pipeline / "models"), "--format", style])

    shown = out.getvalue().decode("ascii")
    if style in ("json", "jsonl"):
        found = json.loads(shown)
        assert (found[0] if style == "json" else found)["file"] == str(path)
    else:
        assert f"{tmp_path}/\\xe9\\U0001f600.wav" in shown


def test_a_table_holds_no_control_characters_of_a_file_name(pipeline, capsys, tmp_path):
    content = (pipeline / "raw/a0.wav").read_bytes()
    (tmp_path / "a\x1b[31m\nb.wav").write_bytes(content)
    (tmp_path / "c\x1b[31m.wav").write_bytes(b"no audio")

    captured = run_with_faults(pipeline, capsys, tmp_path)

    assert f"{tmp_path}/a\\x1b[31m\\nb.wav" in captured.out
    assert len(captured.out.splitlines()) == 2
    assert "c\\x1b[31m.wav" in captured.err
    assert "\x1b" not in captured.out + captured.err


def test_json_without_a_usable_file_is_an_empty_list(pipeline, capsys, tmp_path):
    (tmp_path / "text.wav").write_text("not audio")

    with pytest.raises(SystemExit, match="1 of 1 file has no prediction"):
        run(pipeline, capsys, tmp_path, "--format", "json")

    assert json.loads(capsys.readouterr().out) == []


def test_times_are_exact_hours_into_a_recording():
    written = []
    row = {"file": "a", "start_s": 12_345.6875, "end_s": 12_348.6875, "prediction": None, "answer": "silence"}
    writer = formats.Writer("csv", ["sad"], True, written.append)
    writer.add([{**row, "distance": None, "probabilities": None}])
    assert written[0].splitlines()[1] == "a,12345.6875,12348.6875,,silence,,"


def test_a_reader_that_goes_away_ends_the_command_quietly(pipeline):
    command = [sys.executable, "-m", "serving.predict", "--models", pipeline / "models", "--format", "jsonl"]
    command += ["--any-sound"]
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run([*command, pipeline / "raw"], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)

    assert (ended.returncode, ended.stderr) == (141, "")


def test_help_names_every_exit_code(capsys):
    with pytest.raises(SystemExit):
        predict.main(["--help"])
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.partition("exit codes:\n")[2].splitlines()] == [
        *("0", "1", "2", "3", "130", "141")
    ]
    assert "143 by SIGTERM, 129 by SIGHUP" in out


def test_a_full_disk_behind_standard_output_is_named(pipeline):
    command = [sys.executable, "-m", "serving.predict", "--models", pipeline / "models", "--any-sound"]
    for style in ("jsonl", "table"):
        with open("/dev/full", "w") as full:
            ended = subprocess.run(
                [*command, "--format", style, pipeline / "raw/a0.wav"], stdout=full, stderr=subprocess.PIPE, text=True
            )
        assert (ended.returncode, ended.stderr) == (
            1,
            "predict: standard output: cannot be written: No space left on device; free space, or send it elsewhere, "
            "then run it again\n",
        )


@pytest.mark.parametrize("arguments", [["-dash.wav"], ["a.wav", "-dash.wav"]])
def test_a_file_whose_name_begins_with_a_dash_is_told_how_to_be_given(monkeypatch, capsys, tmp_path, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-dash.wav").touch()
    with pytest.raises(SystemExit) as caught:
        predict.main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith("; is -dash.wav the name of a file? then write ./-dash.wav\n")


def test_a_flag_that_is_no_file_has_no_such_hint(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        predict.main(["a.wav", "-dash.wav"])
    assert "name of a file" not in capsys.readouterr().err


def test_the_default_model_is_looked_for_in_the_current_folder_and_the_refusal_says_so(pipeline, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        predict.main([str(pipeline / "raw/a0.wav")])
    assert str(caught.value) == (
        f"predict: --model: expected a bundle or an .onnx file, found nothing at models/bundle in the current folder, "
        f"{tmp_path}; name its path by --model, or make the bundle in the project's folder: dvc repro bundle"
    )


def test_what_else_is_in_a_folder_without_audio_is_told_in_the_words_of_one_with_audio(pipeline, capsys, tmp_path):
    (tmp_path / ".hidden.wav").touch()
    with pytest.raises(SystemExit, match=r"found none; left out: 1 hidden$"):
        run(pipeline, capsys, tmp_path)
