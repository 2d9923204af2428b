"""The scripts of benchmarks/speed at sizes at which they take no time: what they count, make and work out."""

import argparse
import sys
import time

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
import yaml
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.speed import encoder, features, forms, incremental, long_file, no_op, peers, pretraining, running, scale
from ser import audio, manifest
from ser.files import tables
from ser.pase import checkpoint
from ser.pase.encoder import PASE_PLUS
from ser.pase.frozen import Frozen
from ser.pretraining import speech
from ser.pretraining.distortions import Distortions
from ser.pretraining.params import PretrainParams
from ser.pretraining.speech import Speech
from ser.pretraining.training import Training
from ser.splits import protocols, table
from ser.splits.protocols import SplitParams
from tests import builders


@pytest.fixture(scope="module")
def untrained():
    return checkpoint.untrained().requires_grad_(False)


def noise(samples: int) -> torch.Tensor:
    return 0.1 * torch.randn(2, 1, samples, generator=torch.Generator().manual_seed(0))


# encoder


@pytest.mark.parametrize("samples", [4800, 16_159])
def test_the_reference_form_gives_what_the_encoder_gives(untrained, samples):
    signal = noise(samples)
    expected = untrained(signal)
    assert expected.std() > 0.1
    torch.testing.assert_close(forms.Reference(untrained)(signal), expected, atol=1e-4, rtol=0)


def test_a_layers_multiply_adds_are_those_worked_by_hand():
    counted = encoder.macs(PASE_PLUS, 16_000)
    assert counted["sinc"] == 16_000 * 64 * 251  # a filter of 251 taps for each sample of 64 maps
    assert counted["qrnn"] == 100 * (3 * 512) * (2 * 512)  # three gates, two frames in


def test_all_multiply_adds_are_those_that_torch_counts(untrained):
    counter = FlopCounterMode(display=False)
    with counter:
        untrained(noise(4800))
    # A batch of two, and an addition counts as an operation of its own.
    assert 2 * 2 * sum(encoder.macs(PASE_PLUS, 4800).values()) == counter.get_total_flops()


def test_the_times_of_the_parts_add_up_to_the_whole(untrained):
    times = encoder.measure(Frozen(untrained), {"other": untrained}, noise(4800), rounds=2)
    assert list(times.columns) == ["product", "whole", *encoder.PARTS, "other"]
    assert times[list(encoder.PARTS)].sum(axis=1).to_numpy() == pytest.approx(times["whole"].to_numpy())
    assert (times > 0).all(axis=None)


def test_a_form_that_gives_something_else_is_refused(untrained):
    with pytest.raises(AssertionError, match="not close"):
        encoder.measure(Frozen(untrained), {"wrong": lambda signal: untrained(signal) + 1e-3}, noise(4800), rounds=1)


# pretraining


def test_every_part_of_a_step_takes_time_and_no_more_than_the_step(monkeypatch):
    monkeypatch.setattr(speech, "STATISTICS_CHUNKS", 16)
    sounds = pretraining.made_up(np.random.default_rng(0), signals=3, seconds=1)
    small = PretrainParams(
        steps=4,
        chunks=2,
        chunk_seconds=0.5,
        frames=8,
        validation_chunks=2,
        precision="float32",
        distortions=Distortions(noise=0, reverberation=0),
        maps=(4,) * 8,
        channels=4,
        qrnn_units=4,
    )
    training, begun = Training(small, Speech(sounds, sounds)), time.perf_counter()
    times = pd.DataFrame(pretraining.steps(training))
    took = time.perf_counter() - begun
    assert len(times) == 3  # the fourth validates
    assert list(times.columns) == list(pretraining.PARTS)
    assert (times > 0).all(axis=None)
    assert 0.5 * took < times.to_numpy().sum() < took


# running


def test_a_commands_memory_is_its_own_and_not_its_parents():
    here = np.ones(60_000_000)  # 0.48 GB
    small, large = (running.python("-c", f"x = b'x' * {size}; print(len(x))") for size in (1, 200_000_000))
    assert (small.said, large.said) == ("1", "200000000")
    assert small.peak_gb < 0.1 < 0.2 < large.peak_gb < 0.4
    assert here.nbytes > 4e8


def test_a_command_that_fails_says_why():
    with pytest.raises(RuntimeError, match="for this reason"):
        running.python("-c", "raise SystemExit('for this reason')")


def test_params_are_the_projects_but_for_what_is_changed(tmp_path):
    path = running.write_params(tmp_path / "params.yaml", corpora=["made"], train={"classifier": "lda"})
    expected = yaml.safe_load((running.ROOT / "params.yaml").read_text())
    expected["corpora"], expected["train"]["classifier"] = ["made"], "lda"
    assert yaml.safe_load(path.read_text()) == expected


def test_fewer_utterances_are_chosen_evenly(tmp_path, monkeypatch):
    rows = builders.manifest(speakers=10, each=1, emotions=["angry"])
    monkeypatch.setattr(running, "stage", lambda name, **flags: tables.write(rows, flags["manifest"]))
    (tmp_path / "c").mkdir()
    (tmp_path / "c/0.wav").touch()
    options = argparse.Namespace(corpus=tmp_path / "c", emotions=["angry"], utterances=2)
    kept = manifest.read(running.prepare(options, tmp_path))
    assert list(kept["id"]) == ["c/0", "c/5"]
    assert (tmp_path / "raw/c/0.wav").is_symlink()


# features


def test_a_copy_has_other_samples_of_the_same_length(tmp_path):
    rows = builders.manifest(speakers=2, each=1, emotions=["angry"])
    for index, path in enumerate(rows["path"]):
        file = tmp_path / "raw" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, np.random.default_rng(index).normal(0, 0.1, 1000), 16_000)
        rows.loc[index, "sha256"] = audio.digest(*audio.decode(file))
    tables.write(rows, tmp_path / "manifest.csv")
    both = manifest.read(features.double(tmp_path))
    assert sorted(both["id"]) == ["again_c/0", "again_c/1", "c/0", "c/1"]
    assert both["sha256"].is_unique
    signals = both.set_index("id")["path"].map(lambda path: audio.load(tmp_path / "raw" / path))
    for name in ("c/0", "c/1"):
        assert np.abs(signals[name] - signals[f"again_{name}"]).max() == pytest.approx(2**-15)


# long_file


def test_a_long_file_has_the_length_asked_for_and_sound(tmp_path):
    long_file.write(tmp_path / "long.wav", 1.5)
    signal = audio.load(tmp_path / "long.wav", allow_silence=False)
    assert signal.size == 24_000
    assert 0.01 < np.abs(signal).max() < 1


# scale


def test_generated_utterances_are_a_manifest_that_can_be_split(tmp_path):
    given = scale.generate(tmp_path / "made", 1000)
    rows = manifest.read(given["manifest"])
    assert rows["speaker"].value_counts().to_list() == [scale.EACH] * 10
    emotions = yaml.safe_load(given["params"].read_text())["emotions"]
    split = protocols.make(rows, emotions, SplitParams(**builders.SPLIT))
    table.check(split, rows)
    assert set(rows["emotion"]) == set(emotions)


# incremental


def test_a_renamed_recording_has_a_name_of_the_corpus_that_none_has(tmp_path):
    judged = "no\n1\t03a01Aa.wav\t90,00\t75,00\n2\t03a01Fa.wav\t90,00\t75,00\n3\t03a01Fb.wav\t90,00\t75,00\n"
    (tmp_path / "erkennung.txt").write_text(judged)
    recordings = [tmp_path / "wav" / name for name in ("03a01Aa.wav", "03a01Fa.wav")]
    assert incremental.renamed(recordings[1], tmp_path, recordings) == tmp_path / "wav" / "03a01Fb.wav"


def test_feature_files_are_compared_byte_by_byte(tmp_path):
    for folder, text in (("one", "a"), ("same", "a"), ("other", "b")):
        for kind in incremental.FILES:
            (tmp_path / folder / kind).mkdir(parents=True)
            (tmp_path / folder / kind / "c.npz").write_text(text if kind == incremental.FILES[1] else "a")
    assert incremental.same(tmp_path / "one", tmp_path / "same", "c")
    assert not incremental.same(tmp_path / "one", tmp_path / "other", "c")
    assert [incremental.agreed(pd.Series(answers)) for answers in ([True, True], [True, False], [None])] == [
        "yes",
        "no",
        "not compared",
    ]


# no_op


def test_only_the_commands_are_emptied():
    definition = (running.ROOT / "dvc.yaml").read_text()
    before, after = yaml.safe_load(definition), yaml.safe_load(no_op.emptied(definition))
    assert {stage.pop("cmd") for stage in after["stages"].values()} == {"true"}
    for stage in before["stages"].values():
        del stage["cmd"]
    assert after == before


# peers


def test_times_are_told_for_an_hour_of_audio(tmp_path, monkeypatch, capsys):
    def prepare(options, folder):
        rows = builders.manifest(speakers=2, each=1, emotions=["angry"], seconds=36.0)
        tables.write(rows, folder / "manifest.csv")
        (folder / "raw").mkdir()
        return folder / "manifest.csv"

    monkeypatch.setattr(running, "prepare", prepare)
    monkeypatch.setattr(running, "python", lambda *_, **__: running.Cost(5.0, 0.1, ""))
    monkeypatch.setattr(sys, "argv", ["peers", "--rounds", "1", "--nkululeko", sys.executable])
    peers.main()
    printed = [line.split("|")[1:3] for line in capsys.readouterr().out.splitlines()]
    said = {name.strip(): figure.strip() for name, figure in printed}
    assert said["openSMILE, eGeMAPSv02"] == said["stage `features`: PASE+, and MFCC as baseline"] == "250.0"
    assert said["pipeline: PASE+, the default network"] == "1500.0"  # six stages
    assert said["nkululeko: eGeMAPS, a support vector machine"] == "250.0"


# cluster


def test_what_a_cluster_takes_is_worked_out_as_by_hand():
    cluster = pytest.importorskip("benchmarks.speed.cluster", reason="needs Dask", exc_type=ImportError)
    measured = cluster.Measured(start_s=10, hour_s=360, task_s=0.001, task_bytes=5000)
    told = cluster.on_paper(measured, hours=10, workers=6, utterance_s=3)
    assert told["utterances"] == 12_000
    assert told["encoding, shared out (min)"] == 10  # 3,600 s among six
    assert told["scheduling (min)"] == pytest.approx(0.2)
    assert told["in all (min)"] == pytest.approx(10 + 10 / 60)
    assert told["utterances a second"] == 20
    assert told["read from disk (MB/s)"] == pytest.approx(10 * 3600 * 32_000 / 600 / 1e6)
    assert told["on the wire (MB/s)"] == pytest.approx(0.1)
    assert told["workers that the scheduler keeps busy"] == pytest.approx(300)  # each does one in 0.3 s
    crowded = cluster.on_paper(measured, hours=10, workers=6000, utterance_s=3)
    assert crowded["in all (min)"] == pytest.approx(0.2 + 10 / 60)
