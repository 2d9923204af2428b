import argparse
import math
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from pretraining import pretrain
from ser.encoders import fingerprint
from ser.files.failures import InputError
from ser.pase import checkpoint
from ser.pretraining import speech as speech_module
from ser.pretraining.distortions import Distortions
from ser.pretraining.params import PretrainParams, learning_rate
from ser.pretraining.speech import Speech
from ser.pretraining.store import Store
from ser.pretraining.teacher import TeacherParams
from ser.pretraining.training import Training, batches
from ser.whisper.encoder import WhisperEncoder

ROOT = Path(__file__).resolve().parents[2]
TINY = PretrainParams(
    steps=6,
    chunks=4,
    chunk_seconds=0.5,
    frames=16,
    hidden=16,
    waveform_maps=(8, 8, 8),
    warmup_steps=2,
    precision="float32",
    validate_every=2,
    validation_chunks=4,
    snapshot_every=3,
    maps=(8, 8, 8, 8, 16, 16, 16, 16),
    channels=16,
    qrnn_units=16,
)


def sounds(seconds: float, signals: int, seed: int) -> Store:
    """Speech-like sounds: harmonics of a slowly moving pitch that comes and goes."""
    generator = np.random.default_rng(seed)
    pieces = []
    for _ in range(signals):
        time_s = np.arange(int(seconds * 16_000)) / 16_000
        f0_hz = generator.uniform(90, 250) * (1 + 0.2 * np.sin(2 * np.pi * generator.uniform(0.5, 2) * time_s))
        phase = 2 * np.pi * np.cumsum(f0_hz) / 16_000
        tilt = generator.uniform(0.5, 1.5)
        tone = sum(np.cos(order * phase) / order**tilt for order in range(1, 10))
        loudness = 0.5 + 0.5 * np.sin(2 * np.pi * generator.uniform(1, 4) * time_s)
        pieces.append(0.1 * loudness * tone + 0.002 * generator.standard_normal(len(time_s)))
    samples = (np.concatenate(pieces).clip(-1, 1) * 32767).astype("<i2")
    length = len(samples) // signals
    return Store(samples, np.arange(signals) * length, np.full(signals, length))


@pytest.fixture(scope="module")
def speech() -> Speech:
    rooms = [np.exp(-np.arange(400) / 80).astype(np.float32)]
    return Speech(sounds(4, 6, seed=1), sounds(2, 2, seed=2), sounds(2, 2, seed=3), rooms)


@pytest.fixture(autouse=True)
def quick_statistics(monkeypatch):
    monkeypatch.setattr(speech_module, "STATISTICS_CHUNKS", 32)


def finish(run: Training) -> dict[str, torch.Tensor]:
    for _ in run.run():
        pass
    return run.pretrainer.state_dict()


def assert_same(first, second) -> None:
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("killed_after", [1, 3, 4])
def test_a_killed_run_resumes_to_the_result_of_an_unbroken_one(speech, tmp_path, killed_after):
    unbroken = Training(TINY, speech)
    expected = finish(unbroken)

    killed = Training(TINY, speech)
    for step in killed.run():
        if step == killed_after:
            break
    killed.save(tmp_path / "run.checkpoint")
    resumed = Training(TINY, speech)
    resumed.resume(tmp_path / "run.checkpoint")
    assert resumed.step == killed_after
    assert_same(finish(resumed), expected)
    assert resumed.log == unbroken.log


def test_another_seed_gives_another_encoder(speech):
    one, other = (finish(Training(replace(TINY, steps=1, seed=seed), speech)) for seed in (0, 1))
    assert not torch.equal(one["encoder.W.weight"], other["encoder.W.weight"])


@pytest.mark.slow
def test_every_workers_loss_falls(speech):
    run = Training(replace(TINY, steps=80, learning_rate=5e-3, validate_every=8), speech)
    finish(run)
    first, last = run.log[0], run.log[-1]
    workers = [name.removeprefix("validation_") for name in first if name.startswith("validation_")]
    assert len(workers) == 14  # ten regressions, waveform, LIM, GIM, and their mean
    not_falling = {name for name in workers if not last[f"train_{name}"] < first[f"train_{name}"]}
    assert not_falling == set()
    assert last["validation_mean"] < first["validation_mean"]


def test_validation_is_the_same_for_the_same_weights(speech):
    run = Training(replace(TINY, steps=2, learning_rate=0.0, warmup_steps=0, validate_every=1), speech)
    finish(run)
    # batch norm's averages move, by which validation normalises, though nothing learns
    assert run.log[-1]["validation_mean"] == pytest.approx(run.log[-2]["validation_mean"], rel=0.05)


def test_validation_never_trains(speech):
    often, seldom = (finish(Training(replace(TINY, steps=4, validate_every=every), speech)) for every in (1, 4))
    assert_same(often, seldom)


def test_a_worker_of_greater_weight_takes_a_greater_share_of_the_gradient(speech):
    run = Training(replace(TINY, worker_weights={"prosody": 3.0}), speech)
    assert run.worker_weights.mean().item() == pytest.approx(1)
    weights = dict(zip(run.names, run.worker_weights.tolist(), strict=True))
    assert weights.pop("prosody") == pytest.approx(3 * weights["lim"])
    assert len(set(weights.values())) == 1


@pytest.mark.slow
def test_weights_change_what_is_learned_and_equal_ones_do_not(speech):
    plain, equal, heavy = (
        finish(Training(replace(TINY, worker_weights=weights), speech))
        for weights in ({}, {"prosody": 1.0}, {"prosody": 3.0})
    )
    assert_same(plain, equal)
    assert any(not torch.equal(plain[name], heavy[name]) for name in plain)


def test_weight_of_a_worker_that_does_not_exist_is_refused(speech):
    with pytest.raises(InputError, match=r"expected names out of lps_short.*found pitch"):
        Training(replace(TINY, worker_weights={"pitch": 2.0}), speech)


def test_without_any_worker_a_run_is_refused(speech):
    idle = dict.fromkeys(Training(TINY, speech).names, 0.0)
    with pytest.raises(
        InputError, match=r"pretrain\.worker_weights: expected a number above 0 for one out of lps_short"
    ):
        Training(replace(TINY, worker_weights=idle), speech)


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [(4, 4, [4]), (8, 4, [4, 4]), (10, 4, [4, 4, 2]), (9, 4, [4, 5]), (3, 3, [3]), (7, 2, [2, 2, 3]), (2, 2, [2])],
)
def test_validation_hears_as_many_chunks_as_it_shall_in_batches_of_two_or_more(count, size, expected):
    assert batches(count, size) == expected


def test_every_validation_chunk_counts_alike(speech, monkeypatch):
    run = Training(replace(TINY, steps=1, validation_chunks=6), speech)
    drawn = []

    def losses(module, clean, stream, *_):
        """Each batch's own loss is 1 the first time and 4 the second, and so on."""
        drawn.append(len(clean))
        return dict.fromkeys(run.names, torch.tensor(3.0 * len(drawn) - 2))

    run._recent = [torch.zeros(len(run.names))]
    monkeypatch.setattr(run, "_losses", losses)
    run._validate()
    assert drawn == [4, 2]
    assert run.log[0]["validation_gim"] == pytest.approx((4 * 1 + 2 * 4) / 6)


def test_targets_are_normalised_over_training_speech(speech):
    run = Training(TINY, speech)
    clean = speech.train.chunks(64, TINY.chunk_samples, np.random.default_rng(7))
    for name, value in run.targets(clean).items():
        normalised = run.normalisation.apply(name, value)
        assert abs(normalised.mean().item()) < 0.25, name
        assert 0.7 < normalised.square().mean().sqrt().item() < 1.3, name


def test_bfloat16_trains_to_finite_weights_close_to_float32(speech):
    mixed = finish(Training(replace(TINY, steps=2, precision="bfloat16"), speech))
    full = finish(Training(replace(TINY, steps=2), speech))
    torch.testing.assert_close(mixed["encoder.W.weight"], full["encoder.W.weight"], atol=5e-3, rtol=0)


def test_checkpoint_of_other_params_is_refused_by_name(speech, tmp_path):
    Training(TINY, speech).save(tmp_path / "run.checkpoint")
    other = Training(replace(TINY, learning_rate=0.5, hidden=17), speech)
    with pytest.raises(InputError, match="made with another hidden, learning_rate; set the params back"):
        other.resume(tmp_path / "run.checkpoint")


def test_checkpoint_of_other_code_is_refused(speech, tmp_path, monkeypatch):
    Training(TINY, speech).save(tmp_path / "run.checkpoint")
    monkeypatch.setattr(fingerprint, "modules", lambda names, root: {"ser.pretraining.workers": "other"})
    other = Training(TINY, speech)
    with pytest.raises(InputError, match=r"made with another code; set the params back .* the same files and code"):
        other.resume(tmp_path / "run.checkpoint")


def test_damaged_checkpoint_is_refused(speech, tmp_path):
    run = Training(TINY, speech)
    run.save(tmp_path / "run.checkpoint")
    content = (tmp_path / "run.checkpoint").read_bytes()
    (tmp_path / "run.checkpoint").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="damaged; delete it"):
        run.resume(tmp_path / "run.checkpoint")


def test_a_checkpoint_with_one_bit_changed_is_refused(speech, tmp_path):
    run = Training(TINY, speech)
    path = tmp_path / "run.checkpoint"
    run.save(path)
    content, weights = bytearray(path.read_bytes()), run.encoder.W.weight.detach().numpy().tobytes()
    content[content.index(weights) + 1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"run\.checkpoint: the checkpoint is damaged; delete it"):
        run.resume(path)


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><p>404 Not Found", b"\x80\x02}q\x00.", b"PK\x03\x04"])
def test_something_else_in_the_place_of_a_checkpoint_is_refused(speech, tmp_path, content):
    (tmp_path / "run.checkpoint").write_bytes(content)
    with pytest.raises(InputError, match="damaged; delete it"):
        Training(TINY, speech).resume(tmp_path / "run.checkpoint")


@pytest.mark.parametrize("state", [[1], {"params": {}}])
def test_another_file_of_pytorch_in_the_place_of_a_checkpoint_is_refused(speech, tmp_path, state):
    torch.save(state, tmp_path / "run.checkpoint")
    with pytest.raises(InputError, match=r"expected a checkpoint of this version.*found something else; delete it"):
        Training(TINY, speech).resume(tmp_path / "run.checkpoint")


@pytest.mark.parametrize("part", ["train", "validation", "noises", "rooms"])
def test_a_checkpoint_does_not_resume_on_other_speech(speech, tmp_path, part):
    Training(TINY, speech).save(tmp_path / "run.checkpoint")
    other = [np.ones(400, np.float32)] if part == "rooms" else sounds(2, 2, seed=9)
    with pytest.raises(InputError, match=r"another speech; set the params back .*give the same files"):
        Training(TINY, replace(speech, **{part: other})).resume(tmp_path / "run.checkpoint")


def test_a_checkpoint_does_not_resume_from_another_encoder(speech, tmp_path):
    start, other = (checkpoint.untrained(TINY.geometry, seed=seed) for seed in (7, 8))
    Training(TINY, speech, start=start).save(tmp_path / "run.checkpoint")
    Training(TINY, speech, start=start).resume(tmp_path / "run.checkpoint")
    for another in (other, None):
        with pytest.raises(InputError, match="made with another initial encoder; set"):
            Training(TINY, speech, start=another).resume(tmp_path / "run.checkpoint")


def test_a_run_that_has_diverged_leaves_the_last_good_checkpoint_and_names_it(speech, tmp_path):
    run = Training(TINY, speech)
    path = tmp_path / "run.checkpoint"
    run.save(path)
    before = path.read_bytes()
    with torch.no_grad():
        run.encoder.W.weight[0] = float("inf")
    with pytest.raises(
        InputError,
        match=r"found encoder\.W\.weight not finite at step 0; lower pretrain\.learning_rate and delete .*run",
    ):
        run.save(path)
    assert path.read_bytes() == before


def test_a_loss_that_is_not_finite_stops_the_run_before_anything_is_written(speech, tmp_path):
    run = Training(replace(TINY, validate_every=6), speech)
    next(run.run())
    run._recent[0][2] = float("nan")
    arguments = argparse.Namespace(snapshots=tmp_path, losses=tmp_path / "losses.csv", checkpoint_every=2)
    for step in (2, 3):  # a checkpoint, a snapshot
        with pytest.raises(InputError, match=r"found a loss not finite at step 1; lower pretrain\.learning_rate"):
            pretrain.keep(run, step, arguments, tmp_path / "run.checkpoint")
    assert not list(tmp_path.iterdir())


def test_weights_beyond_float16_stop_the_run_in_one_line(speech, tmp_path):
    run = Training(TINY, speech)
    with torch.no_grad():
        run.encoder.W.weight[0] = 1e6
    arguments = argparse.Namespace(snapshots=tmp_path, losses=tmp_path / "losses.csv", checkpoint_every=2)
    with pytest.raises(InputError, match=r"0000003.*that float16 holds.*lower pretrain\.learning_rate and delete"):
        pretrain.keep(run, 3, arguments, tmp_path / "run.checkpoint")


def test_full_disk_while_saving_leaves_the_old_checkpoint(speech, tmp_path, monkeypatch):
    run = Training(TINY, speech)
    path = tmp_path / "run.checkpoint"
    run.save(path)
    before = path.read_bytes()

    def fill_up(target, content):
        with target.open("wb") as stream:
            stream.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(OSError, match="No space left"):
        run.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("name", "source"), [("noise", "noises"), ("reverberation", "rooms")])
def test_distortion_without_its_sounds_is_refused(speech, name, source):
    with pytest.raises(InputError, match=rf"pretrain\.distortions\.{name}: expected sounds"):
        Training(TINY, replace(speech, **{source: None}))
    silent = replace(TINY, distortions=replace(Distortions(), **{name: 0.0}))
    Training(silent, replace(speech, **{source: None}))


def test_gpu_out_of_memory_says_which_param_to_lower(speech, monkeypatch):
    run = Training(TINY, speech)

    def overflow():
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(run, "_take_step", overflow)
    with pytest.raises(InputError, match=r"lower pretrain\.chunks"):
        finish(run)


def test_a_loss_that_is_not_finite_stops_the_run(speech):
    run = Training(TINY, speech)
    with torch.no_grad():
        run.encoder.W.weight.fill_(float("nan"))
    with pytest.raises(InputError, match=r"not finite at step 2; lower pretrain\.learning_rate"):
        finish(run)


def test_learning_rate_rises_then_falls_to_zero():
    params = replace(TINY, steps=100, warmup_steps=10, decay_power=2.0)
    assert learning_rate(params, 0, peak=1.0) == pytest.approx(0.1)
    assert learning_rate(params, 49, peak=1.0) == pytest.approx((1 - 0.49) ** 2)
    assert learning_rate(params, 100, peak=1.0) == 0


def test_the_filters_edges_have_a_learning_rate_of_their_own_in_hz(speech):
    run = Training(replace(TINY, edge_learning_rate=3.0, warmup_steps=0), speech)
    before = {name: value.clone() for name, value in run.encoder.state_dict().items()}
    next(run.run())
    edges = [name for name in before if "_hz_" in name]
    assert len(edges) == 2
    for name, value in run.encoder.state_dict().items():
        if name in edges:  # the first step of Adam is the learning rate, whatever the gradient
            assert (value - before[name]).abs().max().item() == pytest.approx(3.0, rel=0.01)
        elif name.endswith(".weight"):
            assert (value - before[name]).abs().max().item() < 0.01


def test_weights_decay_and_norms_slopes_and_edges_do_not(speech):
    run = Training(TINY, speech)
    names = {id(parameter): name for name, parameter in run.pretrainer.named_parameters()}
    decaying, others, edges = ({names[id(each)] for each in group["params"]} for group in run.optimizer.param_groups)
    assert decaying | others | edges == set(names.values())
    assert edges == {"encoder.blocks.0.conv.low_hz_", "encoder.blocks.0.conv.band_hz_"}
    assert "encoder.W.weight" in decaying
    assert [group["weight_decay"] for group in run.optimizer.param_groups] == [0.01, 0.0, 0.0]
    assert not any("norm" in name or name.endswith("bias") for name in decaying)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("steps", 0),
        ("seed", -1),
        ("seed", 2**32),
        ("learning_rate", -1.0),
        ("edge_learning_rate", -1.0),
        ("chunk_seconds", 0.0),
        ("clip", 0.0),
        ("maps", (0,) * 8),
        ("chunks", 1),
        ("validation_chunks", 1),
        ("precision", "float16"),
        ("waveform_maps", (1, 2)),
        ("maps", (1, 2)),
    ],
)
def test_params_out_of_range_are_refused(key, value):
    with pytest.raises(ValueError, match=f"{key}: expected"):
        replace(TINY, **{key: value})


def write_store(folder: Path, speech: Speech) -> None:
    for name, store in (("noise", speech.noises), ("speech", speech.train)):
        store.samples.numpy().tofile(folder / f"{name}.i16")
        parts = ["train"] * (len(store.starts) - 1) + ["validation" if name == "speech" else "train"]
        pd.DataFrame(
            {
                "corpus": "x",
                "speaker": range(len(parts)),
                "part": parts,
                "start": store.starts,
                "samples": store.lengths,
            }
        ).to_csv(folder / f"{name}.csv", index=False)


@pytest.fixture(scope="module")
def whisper() -> WhisperEncoder:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return WhisperEncoder(width=8, inner=16, blocks=2, heads=2, positions=50).eval().requires_grad_(False)


DISTILLED = replace(TINY, teacher=TeacherParams(layers=("block1", "block2")))


def test_a_teacher_adds_two_losses_and_trains_the_encoder(speech, whisper):
    alone = Training(replace(TINY, steps=3, worker_weights=dict.fromkeys(("lim", "gim"), 0.0)), speech)
    distilled = Training(
        replace(DISTILLED, steps=3, worker_weights=dict.fromkeys(("lim", "gim"), 0.0)), speech, teacher=whisper
    )
    assert distilled.names == [*alone.names, "teacher", "teacher_pooled"]
    assert_same(alone.encoder.state_dict(), distilled.encoder.state_dict())
    finish(alone), finish(distilled)
    assert not torch.equal(alone.encoder.W.weight, distilled.encoder.W.weight)
    assert all(math.isfinite(distilled.log[-1][f"validation_{name}"]) for name in distilled.names)


@pytest.mark.slow
def test_the_teachers_losses_fall(speech, whisper):
    run = Training(replace(DISTILLED, steps=60, validate_every=20, learning_rate=0.01), speech, teacher=whisper)
    finish(run)
    for name in ("teacher", "teacher_pooled"):
        assert run.log[-1][f"train_{name}"] < 0.9 * run.log[0][f"train_{name}"]


@pytest.mark.slow
def test_a_distillation_that_was_killed_resumes_to_the_result_of_an_unbroken_one(speech, whisper, tmp_path):
    unbroken = Training(DISTILLED, speech, teacher=whisper)
    broken = Training(DISTILLED, speech, teacher=whisper)
    for step in broken.run():
        if step == 3:
            broken.save(tmp_path / "checkpoint")
            break
    resumed = Training(DISTILLED, speech, teacher=whisper)
    resumed.resume(tmp_path / "checkpoint")
    assert_same(finish(unbroken), finish(resumed))


def test_a_checkpoint_does_not_resume_with_another_teacher(speech, whisper, tmp_path):
    Training(DISTILLED, speech, teacher=whisper).save(tmp_path / "checkpoint")
    other = WhisperEncoder(width=8, inner=16, blocks=2, heads=2, positions=50).eval().requires_grad_(False)
    for teacher in (other, None):
        with pytest.raises(InputError, match="made with another teacher's weights; set"):
            Training(DISTILLED, speech, teacher=teacher).resume(tmp_path / "checkpoint")


def test_with_a_teacher_a_chunk_is_of_whole_states(speech, whisper):
    uneven = replace(DISTILLED, chunk_seconds=0.51)
    Training(uneven, speech)
    with pytest.raises(
        InputError, match=r"pretrain\.chunk_seconds: expected a multiple of 0\.02 s with a teacher, found 0\.51"
    ):
        Training(uneven, speech, teacher=whisper)


@pytest.mark.parametrize("idle", ["teacher", "teacher_pooled"])
def test_a_weight_of_0_leaves_one_of_the_teachers_losses_out(speech, whisper, idle):
    run = Training(replace(DISTILLED, steps=1, worker_weights={idle: 0.0}), speech, teacher=whisper)
    finish(run)
    assert {"teacher", "teacher_pooled"} - set(run.names) == {idle}
    assert f"validation_{idle}" not in run.log[0]


def test_a_weight_of_0_for_both_losses_leaves_the_teacher_out(speech, whisper, monkeypatch):
    monkeypatch.setattr(WhisperEncoder, "forward", None)  # would fail, if it ran
    weights = dict.fromkeys(("teacher", "teacher_pooled"), 0.0)
    run = Training(replace(DISTILLED, steps=1, worker_weights=weights), speech, teacher=whisper)
    finish(run)
    assert_same(run.pretrainer.state_dict(), finish(Training(replace(TINY, steps=1), speech)))


def test_a_run_starts_from_the_encoder_given(speech):
    start = checkpoint.untrained(TINY.geometry, seed=7)
    assert_same(Training(TINY, speech, start=start).encoder.state_dict(), start.state_dict())


def test_frozen_layers_stay_as_they_are_to_the_last_average_of_a_norm(speech):
    start = checkpoint.untrained(TINY.geometry, seed=7)
    run = Training(replace(TINY, frozen=3), speech, start=start)
    finish(run)
    for name, before in start.state_dict().items():
        frozen = name.startswith(("blocks.0.", "blocks.1.", "blocks.2."))
        assert torch.equal(run.encoder.state_dict()[name], before) is frozen, name


def test_a_weight_of_0_leaves_a_worker_out(speech):
    run = Training(replace(TINY, worker_weights={"waveform": 0.0, "lps_long": 0.0}), speech)
    assert {"waveform", "lps_long"}.isdisjoint(run.names)
    assert not any("waveform" in name or "lps_long" in name for name in run.pretrainer.state_dict())


@pytest.fixture
def command(speech, tmp_path):
    """The stage's script on a tiny store: returns its arguments."""
    write_store(tmp_path, speech)
    distortions = {"reverberation": 0.0}
    block = {key: value for key, value in vars(TINY).items() if key not in ("distortions", "weights", "teacher")}
    block = {key: list(value) if isinstance(value, tuple) else value for key, value in block.items()}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"pretrain": block | {"distortions": distortions}}))
    return [
        str(ROOT / "pretraining" / "pretrain.py"),
        f"--params={tmp_path / 'params.yaml'}",
        f"--store={tmp_path}",
        f"--snapshots={tmp_path / 'snapshots'}",
        f"--encoder={tmp_path / 'encoder.safetensors'}",
        f"--losses={tmp_path / 'losses.csv'}",
        "--threads=1",
        "--checkpoint-every=2",
    ]


@pytest.mark.parametrize("part", ["train", "validation"])
def test_a_corpus_counts_in_validation_as_it_does_in_training(speech, tmp_path, part):
    write_store(tmp_path, speech)
    opened = getattr(pretrain.open_speech(tmp_path, replace(TINY, weights={"x": 3.0})), part)
    assert opened.weights.tolist() == (3.0 * opened.lengths).tolist()


@pytest.mark.parametrize("flag", ["--threads=-1", "--checkpoint-every=0"])
def test_a_number_out_of_range_is_refused_in_one_line(command, monkeypatch, flag):
    monkeypatch.setattr(sys, "argv", [*command, flag])
    with pytest.raises(SystemExit, match=rf"^pretrain: {flag[:-2].rstrip('=')}: expected . or more, found -?\d$"):
        pretrain.main()


@pytest.mark.slow
def test_the_script_leaves_encoder_snapshots_and_losses_and_no_checkpoint(command, tmp_path):
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pretrain: 0.0 h of audio in 6 steps")
    assert checkpoint.load(tmp_path / "encoder.safetensors", TINY.geometry)
    assert [path.stem for path in sorted((tmp_path / "snapshots").iterdir())] == ["0000003", "0000006"]
    losses = pd.read_csv(tmp_path / "losses.csv")
    assert losses["step"].tolist() == [2, 4, 6]
    assert losses["hours"].tolist() == pytest.approx([2 * 4 * 0.5 / 3600, 4 * 4 * 0.5 / 3600, 6 * 4 * 0.5 / 3600])
    assert not list(tmp_path.glob("*.checkpoint"))


@pytest.mark.slow
def test_the_script_starts_without_the_snapshots_of_an_earlier_run(command, tmp_path):
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots/0000002.safetensors").write_text("of other params")
    (tmp_path / "snapshots/pase_plus.safetensors").write_text("of somebody else")
    subprocess.run([sys.executable, *command], check=True)
    assert [path.stem for path in sorted((tmp_path / "snapshots").iterdir())] == ["0000003", "0000006", "pase_plus"]


@pytest.mark.slow
def test_the_script_trains_in_two_processes_under_torchrun(command, tmp_path):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run([*torchrun, *command, "--device=cpu"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    losses = pd.read_csv(tmp_path / "losses.csv")
    assert losses["step"].tolist() == [2, 4, 6]
    assert math.isfinite(losses["validation_mean"].iloc[-1])
    assert checkpoint.load(tmp_path / "encoder.safetensors", TINY.geometry)


IN_TWO_PROCESSES = """
    import math, os, sys
    from pathlib import Path
    import torch
    from torch import distributed
    from pretraining.pretrain import open_speech
    from ser.files import params
    from ser.pretraining import speech
    from ser.pretraining.params import PretrainParams
    from ser.pretraining.training import Training

    folder, rank = Path(sys.argv[1]), int(os.environ["RANK"])
    speech.STATISTICS_CHUNKS = 32
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    settings = params.read(folder / "params.yaml", "pretrain", PretrainParams)
    unbroken, broken, resumed = (Training(settings, open_speech(folder, settings), "cpu", rank, 2) for _ in range(3))
    list(unbroken.run())
    for step in broken.run():
        if step == 3:
            broken.save(folder / "run.checkpoint")
            break
    distributed.barrier()
    resumed.resume(folder / "run.checkpoint")
    list(resumed.run())
    first, second = unbroken.pretrainer.state_dict(), resumed.pretrainer.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    if rank == 0:
        assert resumed.log == unbroken.log
        assert [row["step"] for row in resumed.log] == [2, 4, 6]
    distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_resume_to_the_log_of_an_unbroken_run(command, tmp_path):
    (tmp_path / "two.py").write_text(textwrap.dedent(IN_TWO_PROCESSES))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*torchrun, tmp_path / "two.py", tmp_path],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["gpu", "cuda:1000", "meta", ""])
def test_a_device_that_does_not_work_is_refused_in_one_line(name):
    with pytest.raises(InputError, match=f"--device: expected one that works, of cpu.*, found '{name}'"):
        pretrain.claim(name, place=0, processes=1)


def test_the_processor_is_a_device_that_works():
    assert pretrain.claim("cpu", place=1, processes=2) == "cpu"


@pytest.fixture
def gpus(monkeypatch) -> list[int]:
    """GPUs, as far as they are claimed: the numbers of those that were."""
    claimed, ones = [], torch.ones
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", claimed.append)
    monkeypatch.setattr(torch, "ones", lambda count, device: ones(count))
    return claimed


def test_each_process_takes_the_gpu_of_its_place_and_one_alone_the_gpu_that_it_names(gpus):
    assert [pretrain.claim("cuda", place, processes=2) for place in (0, 1)] == ["cuda", "cuda"]
    assert pretrain.claim("cuda:3", place=0, processes=1) == "cuda"
    assert gpus == [0, 1, 3]


@pytest.mark.usefixtures("gpus")
def test_processes_that_would_share_a_gpu_and_other_kinds_of_device_are_refused():
    with pytest.raises(InputError, match="--device: expected cuda for 2 processes, a GPU for each, found 'cuda:1'"):
        pretrain.claim("cuda:1", place=0, processes=2)
    with pytest.raises(InputError, match="--device: expected one that works, of cpu, cuda, found 'mps'"):
        pretrain.claim("mps", place=0, processes=1)


def tones(frequency_hz: float) -> Store:
    """Two speakers, each a tone of 4 s."""
    wave = (8000 * np.sin(2 * np.pi * frequency_hz * np.arange(128_000) / 16_000)).astype("<i2")
    return Store(wave, np.array([0, 64_000]), np.array([64_000, 64_000]))


def pitch_hz(signal: torch.Tensor) -> float:
    """The frequency of the highest peak of a signal's spectrum."""
    return float(torch.fft.rfft(signal * torch.hann_window(len(signal))).abs().argmax()) * 16_000 / len(signal)


def test_chunks_to_train_on_are_played_at_each_speed_in_equal_parts_and_those_to_validate_on_as_they_are():
    params = replace(TINY, chunk_seconds=1.0, speeds=(0.8, 1.0, 1.25))
    heard = speech_module.draw_chunks(params, tones(200.0), 6, speech_module.TRAIN, 0, 0)
    assert heard.shape == (6, 16_000)
    assert [pitch_hz(chunk) for chunk in heard] == pytest.approx([160, 160, 200, 200, 250, 250], abs=1)
    held_out = speech_module.draw_chunks(params, tones(200.0), 6, speech_module.VALIDATION, 0, 0)
    assert [pitch_hz(chunk) for chunk in held_out] == pytest.approx([200] * 6, abs=1)


def test_fewer_chunks_than_speeds_are_refused(speech):
    with pytest.raises(InputError, match=r"pretrain\.chunks: expected 6 or more for each of 1 processes, found 4"):
        Training(replace(TINY, speeds=(0.8, 1.0, 1.25)), speech)


def test_a_chunks_negative_is_another_chunk_at_its_speed():
    draw = torch.Generator().manual_seed(0)
    drawn = [speech_module.negatives([2, 3, 4], draw).tolist() for _ in range(50)]
    speed = [0, 0, 1, 1, 1, 2, 2, 2, 2]
    for other in drawn:
        assert sorted(other) == list(range(9))
        assert all(other[chunk] != chunk and speed[other[chunk]] == speed[chunk] for chunk in range(9))
    assert len({tuple(other) for other in drawn}) > 3


def test_lim_and_gim_hear_the_clean_second_half_by_itself(speech):
    run = Training(replace(TINY, steps=1), speech)
    heard = []
    run.encoder.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0]))
    clean = speech_module.draw_chunks(run.params, run.speech.train, 4, speech_module.TRAIN, 0, 0)
    run._losses(run.pretrainer, clean, speech_module.TRAIN, 0, 0)
    distorted, halves = heard
    assert distorted.shape == (4, 1, 8000)
    assert not torch.equal(distorted[:, 0], clean)
    assert torch.equal(halves[:, 0], clean[:, 4000:])


def test_without_lim_and_gim_a_step_encodes_once(speech):
    run = Training(replace(TINY, steps=1, worker_weights={"lim": 0.0, "gim": 0.0}), speech)
    passes = []
    run.encoder.register_forward_hook(lambda *_: passes.append(1))
    run._take_step()
    assert len(passes) == 1


def test_without_other_speeds_the_chunks_are_slices_of_the_speech():
    store = tones(200.0)
    chunks = speech_module.draw_chunks(TINY, store, 3, speech_module.TRAIN, 0, 0)
    whole = store.samples.float() / 32767
    for chunk in chunks:
        assert any(
            torch.equal(chunk, whole[start : start + len(chunk)]) for start in range(len(whole) - len(chunk) + 1)
        )


@pytest.mark.parametrize("speeds", [(), (0.0,), (1.0, 3.0), (0.9001,)])
def test_speeds_are_hundredths_from_a_half_to_two(speeds):
    with pytest.raises(ValueError, match=r"speeds: expected numbers from 0.5 to 2 in hundredths"):
        replace(TINY, speeds=speeds)
