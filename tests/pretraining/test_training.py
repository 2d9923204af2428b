import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from ser.files.failures import InputError
from ser.pase import checkpoint
from ser.pretraining import speech as speech_module
from ser.pretraining.distortions import Distortions
from ser.pretraining.params import PretrainParams, learning_rate
from ser.pretraining.speech import Speech
from ser.pretraining.store import Store
from ser.pretraining.teacher import TeacherParams
from ser.pretraining.training import Training
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


def test_damaged_checkpoint_is_refused(speech, tmp_path):
    run = Training(TINY, speech)
    run.save(tmp_path / "run.checkpoint")
    content = (tmp_path / "run.checkpoint").read_bytes()
    (tmp_path / "run.checkpoint").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="damaged; delete it"):
        run.resume(tmp_path / "run.checkpoint")


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
    params = replace(TINY, steps=100, warmup_steps=10, learning_rate=1.0, decay_power=2.0)
    assert learning_rate(params, 0) == pytest.approx(0.1)
    assert learning_rate(params, 49) == pytest.approx((1 - 0.49) ** 2)
    assert learning_rate(params, 100) == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("steps", 0),
        ("seed", -1),
        ("seed", 2**32),
        ("learning_rate", -1.0),
        ("chunk_seconds", 0.0),
        ("clip", 0.0),
        ("maps", (0,) * 8),
        ("chunks", 1),
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
                "files": 1,
            }
        ).to_csv(folder / f"{name}.csv", index=False)


@pytest.fixture(scope="module")
def whisper() -> WhisperEncoder:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return WhisperEncoder(width=8, inner=16, blocks=2, heads=2, positions=50).eval().requires_grad_(False)


TAUGHT = replace(TINY, teacher=TeacherParams(layers=("block1", "block2")))


def test_a_teacher_adds_two_losses_and_trains_the_encoder(speech, whisper):
    alone = Training(replace(TINY, steps=3, worker_weights=dict.fromkeys(("lim", "gim"), 0.0)), speech)
    taught = Training(
        replace(TAUGHT, steps=3, worker_weights=dict.fromkeys(("lim", "gim"), 0.0)), speech, teacher=whisper
    )
    assert taught.names == [*alone.names, "teacher", "teacher_pooled"]
    assert_same(alone.encoder.state_dict(), taught.encoder.state_dict())
    finish(alone), finish(taught)
    assert not torch.equal(alone.encoder.W.weight, taught.encoder.W.weight)
    assert all(math.isfinite(taught.log[-1][f"validation_{name}"]) for name in taught.names)


@pytest.mark.slow
def test_the_teachers_losses_fall(speech, whisper):
    run = Training(replace(TAUGHT, steps=60, validate_every=20, learning_rate=0.01), speech, teacher=whisper)
    finish(run)
    for name in ("teacher", "teacher_pooled"):
        assert run.log[-1][f"train_{name}"] < 0.9 * run.log[0][f"train_{name}"]


@pytest.mark.slow
def test_a_taught_run_that_was_killed_resumes_to_the_result_of_an_unbroken_one(speech, whisper, tmp_path):
    unbroken = Training(TAUGHT, speech, teacher=whisper)
    broken = Training(TAUGHT, speech, teacher=whisper)
    for step in broken.run():
        if step == 3:
            broken.save(tmp_path / "checkpoint")
            break
    resumed = Training(TAUGHT, speech, teacher=whisper)
    resumed.resume(tmp_path / "checkpoint")
    assert_same(finish(unbroken), finish(resumed))
    with pytest.raises(InputError, match="made with another taught; set the params back"):
        Training(TAUGHT, speech).resume(tmp_path / "checkpoint")


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
    subprocess.run([sys.executable, *command], check=True)
    assert [path.stem for path in sorted((tmp_path / "snapshots").iterdir())] == ["0000003", "0000006"]


@pytest.mark.slow
def test_the_script_trains_in_two_processes_under_torchrun(command, tmp_path):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run([*torchrun, *command, "--device=cpu"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    losses = pd.read_csv(tmp_path / "losses.csv")
    assert losses["step"].tolist() == [2, 4, 6]
    assert math.isfinite(losses["validation_mean"].iloc[-1])
    assert checkpoint.load(tmp_path / "encoder.safetensors", TINY.geometry)


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
    with pytest.raises(InputError, match=r"pretrain\.chunks: expected 5 or more for each of 1 processes, found 4"):
        Training(replace(TINY, speeds=(0.8, 0.9, 1.0, 1.1, 1.2)), speech)


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
