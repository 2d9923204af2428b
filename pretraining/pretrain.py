"""Train the PASE+ encoder on speech without labels; resumes by itself where a run was interrupted."""

import argparse
import os
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from torch import distributed
from tqdm import tqdm

from ser.files import params, tables
from ser.files.failures import InputError, one_line
from ser.pase import checkpoint
from ser.pretraining import store
from ser.pretraining.params import PretrainParams
from ser.pretraining.speech import Speech
from ser.pretraining.training import Training
from ser.whisper import encoder


def main() -> None:
    """Train from the prepared store; write the encoder, its snapshots and the log of losses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--store", type=Path, required=True, help="folder that prepare wrote")
    parser.add_argument("--initial", type=Path, help="encoder to begin from (.safetensors), if not from random weights")
    parser.add_argument("--teacher", type=Path, help="Whisper's weights (model.bin of CTranslate2), if it is to teach")
    parser.add_argument("--snapshots", type=Path, required=True, help="folder of encoders by steps taken")
    parser.add_argument("--encoder", type=Path, required=True, help="the trained encoder (.safetensors)")
    parser.add_argument("--losses", type=Path, required=True, help="table of losses (.csv)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of each process; 0 leaves it to torch")
    parser.add_argument("--checkpoint-every", type=int, default=50, help="steps between checkpoints to resume from")
    arguments = parser.parse_args()
    with one_line("pretrain"):
        for flag, value, least in (
            ("--threads", arguments.threads, 0),
            ("--checkpoint-every", arguments.checkpoint_every, 1),
        ):
            if value < least:
                raise InputError(f"{flag}: expected {least} or more, found {value}")
        rank, processes = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))  # set by torchrun
        if arguments.threads:
            torch.set_num_threads(arguments.threads)
        device = claim(arguments.device, int(os.environ.get("LOCAL_RANK", 0)), processes)
        if processes > 1:
            distributed.init_process_group("nccl" if device == "cuda" else "gloo")
        if device == "cuda":
            torch.set_float32_matmul_precision("high")  # the teacher's products may take the matrix units, too
        settings = params.read(arguments.params, "pretrain", PretrainParams)
        training = Training(
            settings,
            open_speech(arguments.store, settings),
            device,
            rank,
            processes,
            start=checkpoint.load(arguments.initial, settings.geometry) if arguments.initial else None,
            teacher=encoder.load(arguments.teacher) if arguments.teacher else None,
        )
        # Beside the output, as a download in progress would be: it is there only while a run is unfinished.
        resumable = arguments.encoder.with_suffix(".checkpoint")
        if resumable.exists():
            training.resume(resumable)
        elif rank == 0:
            for stale in arguments.snapshots.glob(f"{'[0-9]' * 7}.safetensors"):  # DVC keeps them for a run to resume
                stale.unlink()
        bar = partial(tqdm, unit="step", disable=rank > 0, initial=training.step, total=settings.steps)
        with bar() if rank == 0 else nullcontext() as progress:
            for step in training.run():
                if rank == 0:
                    progress.update()
                    progress.set_postfix_str(f"{training.hours:.2f} h seen, {training.hours_per_hour:.1f} h/h")
                keep(training, step, arguments, resumable)
        if rank == 0:
            checkpoint.save(training.encoder, arguments.encoder)
            resumable.unlink(missing_ok=True)
            loss = training.log[-1]["validation_mean"]
            print(f"pretrain: {training.hours:.1f} h of audio in {training.step} steps, validation loss {loss:.4f}")
        if processes > 1:
            distributed.destroy_process_group()


def claim(name: str, place: int, processes: int) -> str:
    """Try a device, and let this process use it.

    Args:
        name: ``cpu``, ``cuda`` or, for one process, one of several GPUs, ``cuda:1``.
        place: of this process among those of its machine; each takes the GPU of its place.
        processes: how many take part.

    Returns:
        ``cpu`` or ``cuda``, which is then that GPU.

    Raises:
        InputError: there is no such device, it does not work, or all processes would share it.
    """
    present = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    expected = f"--device: expected one that works, of {', '.join(present)}, found '{name}'"
    try:
        device = torch.device(name)
        if device.type == "cuda":
            torch.cuda.set_device(place if device.index is None else device.index)
        torch.ones(1, device=device.type).sum().item()
    except (RuntimeError, AssertionError, ImportError) as error:  # each kind of device says no in a way of its own
        reason = f"{error}".partition("\n")[0][:100]
        raise InputError(f"{expected}: {reason}") from error
    if device.type not in ("cpu", "cuda"):  # others lack float64
        raise InputError(expected)
    if device.type == "cuda" and device.index is not None and processes > 1:
        raise InputError(f"--device: expected cuda for {processes} processes, a GPU for each, found '{name}'")
    return device.type


def open_speech(folder: Path, settings: PretrainParams) -> Speech:
    """Open what prepare wrote; noises and rooms may be absent."""

    def paths(name: str) -> tuple[Path, Path]:
        return folder / f"{name}.i16", folder / f"{name}.csv"

    return Speech(
        train=store.open_store(*paths("speech"), weights=settings.weights),
        validation=store.open_store(*paths("speech"), part="validation", weights=settings.weights),
        noises=store.open_store(*paths("noise")) if paths("noise")[0].exists() else None,
        rooms=store.load_all(*paths("impulse_responses")) if paths("impulse_responses")[0].exists() else None,
    )


def keep(training: Training, step: int, arguments: argparse.Namespace, resumable: Path) -> None:
    """Write what a finished or an interrupted run leaves: log, snapshot, checkpoint.

    Every process calls it; the first one writes.

    Raises:
        InputError: the run has diverged, so that there is nothing to keep.
    """
    last = step == training.params.steps
    if training.rank == 0 and training.log and training.log[-1]["step"] == step:
        tables.write(pd.DataFrame(training.log), arguments.losses)
    if training.rank == 0 and (step % training.params.snapshot_every == 0 or last):
        training.check()
        snapshot = arguments.snapshots / f"{step:07d}.safetensors"
        try:
            checkpoint.save(training.encoder, snapshot)
        except ValueError as error:
            raise InputError(
                f"{snapshot}: expected weights that float16 holds, found greater ones: {error}; lower "
                f"pretrain.learning_rate and delete {resumable}, if it is there"
            ) from error
    if step % arguments.checkpoint_every == 0 or last:
        training.save(resumable)


if __name__ == "__main__":
    main()
