import errno
import json
import runpy
import sys
from pathlib import Path

import pytest
import soundfile
import yaml

from ser.corpora import folders
from ser.files import tables
from ser.synthesis import corpus as synthesis_corpus
from ser.synthesis import voice

STAGE = Path(__file__).resolve().parents[2] / "stages" / "synthesize.py"
BLOCK = {
    "seed": 1,
    "speakers": 4,
    "utterances_per_emotion": 1,
    "ambiguous_share": 0.5,
    "raters": 10,
    "expressivity": {"female": 1.0, "male": 0.5},
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with params.yaml and an older corpus, as the working directory."""
    monkeypatch.chdir(tmp_path)
    write_params()
    (tmp_path / "raw" / "synthetic" / "angry").mkdir(parents=True)
    (tmp_path / "raw" / "synthetic" / "angry" / "old.wav").write_text("old")
    return tmp_path


def write_params(**changes):
    Path("params.yaml").write_text(yaml.safe_dump({"synthesize": BLOCK | changes}))


def run(monkeypatch, corpus="raw/synthetic", *extra):
    monkeypatch.setattr(sys, "argv", [str(STAGE), "--params", "params.yaml", "--corpus", corpus, *extra])
    runpy.run_path(str(STAGE), run_name="__main__")


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_stage_replaces_the_corpus_and_says_so_in_one_line(project, monkeypatch, capsys):
    run(monkeypatch)
    written = files(project / "raw" / "synthetic")
    plan = synthesis_corpus.plan(synthesis_corpus.SynthesisParams(**BLOCK))
    expected = {f"{row.emotion}/{row.utterance}.wav" for row in plan.itertuples()}
    assert set(written) == expected | {"metadata.csv"}
    assert [path.name for path in (project / "raw").iterdir()] == ["synthetic"]
    assert capsys.readouterr().out == "synthesize: 16 utterances of 4 synthetic speakers in raw/synthetic\n"


def test_the_audio_is_16_bit_mono_at_16_khz_and_the_plan_as_rendered(project, monkeypatch):
    run(monkeypatch)
    row = next(synthesis_corpus.plan(synthesis_corpus.SynthesisParams(**BLOCK)).itertuples())
    path = project / "raw" / "synthetic" / row.emotion / f"{row.utterance}.wav"
    information = soundfile.info(path)
    assert (information.samplerate, information.channels, information.subtype) == (16_000, 1, "PCM_16")
    samples, _ = soundfile.read(path, dtype="int16")
    assert (samples == voice.render(row)).all()


def test_the_corpus_parses_with_all_that_was_planted(project, monkeypatch):
    run(monkeypatch)
    parsed = {
        utterance.name: utterance for utterance in folders.parse(project / "raw" / "synthetic", folders.Reading())
    }
    plan = synthesis_corpus.plan(synthesis_corpus.SynthesisParams(**BLOCK))
    assert len(parsed) == len(plan)
    for row in plan.itertuples():
        utterance = parsed[f"{row.emotion}/{row.utterance}"]
        assert (utterance.speaker, utterance.gender, utterance.age) == (row.speaker, row.gender, row.age)
        assert (utterance.text, utterance.language, utterance.votes) == (row.text, row.language, row.votes)
        assert utterance.details == {"intensity": row.intensity, "ambiguous": row.ambiguous, "blend": row.blend}


@pytest.mark.slow
def test_two_runs_write_the_same_bytes_with_any_number_of_workers(project, monkeypatch):
    run(monkeypatch, "one", "--workers", "0")  # as one
    run(monkeypatch, "two", "--workers", "3")
    assert files(project / "one") == files(project / "two")


@pytest.mark.slow
def test_another_seed_writes_other_audio(project, monkeypatch):
    run(monkeypatch, "one")
    write_params(seed=2)
    run(monkeypatch, "two")
    one, two = files(project / "one"), files(project / "two")
    assert set(one) == set(two)
    assert all(one[name] != two[name] for name in one)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"speakers": 5}, "synthesize: params.yaml: synthesize: speakers: expected a multiple of 4"),
        ({"speeker": 8}, "unknown key 'speeker'; did you mean 'speakers'"),
        ({"expressivity": {"female": 1.0, "men": 1.0}}, "expressivity: expected female and male, found female, men"),
        ({"raters": "ten"}, "raters: expected int, found 'ten'"),
    ],
)
def test_wrong_params_end_in_one_line_and_leave_the_corpus_alone(project, monkeypatch, changes, message):
    write_params(**changes)
    with pytest.raises(SystemExit) as caught:
        run(monkeypatch)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert files(project / "raw") == {"synthetic/angry/old.wav": b"old"}


def test_without_espeak_the_stage_ends_in_one_line_and_leaves_the_corpus_alone(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(SystemExit, match="synthesize: espeak-ng: expected the package espeakng-loader"):
        run(monkeypatch)
    assert files(project / "raw") == {"synthetic/angry/old.wav": b"old"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (KeyboardInterrupt(), "interrupted"),
        (OSError(errno.ENOSPC, "No space left on device"), "raw/synthetic: no space left"),
    ],
)
def test_a_failure_midway_leaves_the_old_corpus_and_the_next_run_is_right(project, monkeypatch, failure, message):
    def fail(table, path):
        raise failure

    with monkeypatch.context() as broken:
        broken.setattr(tables, "write", fail)
        with pytest.raises(SystemExit, match=message):
            run(broken)
    assert files(project / "raw") == {"synthetic/angry/old.wav": b"old"}
    run(monkeypatch)
    assert json.loads(tables.read(Path("raw/synthetic/metadata.csv"), ["blend"])["blend"][0])
    assert len(files(project / "raw")) == 17
