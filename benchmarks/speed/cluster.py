"""What a cluster would take for a large corpus, on paper, from what Dask and the encoder take here."""

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from distributed import Client, LocalCluster

from ser import audio
from ser.audio import SAMPLING_RATE_HZ
from ser.encoders import catalogue, cluster, extraction
from ser.encoders.extraction import FeatureParams
from ser.files import params
from ser.machine.threads import one_thread

TRAFFIC = Path("/proc/net/dev")  # of Linux
BYTES_A_SECOND = 2 * SAMPLING_RATE_HZ  # of audio in files of 16 bits


@dataclass(frozen=True)
class Measured:
    """Constants of one machine.

    Attributes:
        start_s: until a new worker has built the encoder.
        hour_s: to encode an hour of audio on one core, reading it included.
        task_s: that Dask takes for an utterance that costs nothing, which limits what all workers do together.
        task_bytes: on the wire for an utterance, there and back.
    """

    start_s: float
    hour_s: float
    task_s: float
    task_bytes: float


def on_paper(measured: Measured, hours: float, workers: int, utterance_s: float) -> dict[str, float]:
    """Work out what a cluster takes: start + the longer of encoding, shared out, and scheduling, one after another.

    Args:
        measured: the constants.
        hours: of audio.
        workers: of one core each.
        utterance_s: mean length of an utterance in seconds.

    Returns:
        Figures by what they are.
    """
    utterances, share_s = 3600 * hours / utterance_s, hours * measured.hour_s / workers
    scheduling_s = utterances * measured.task_s
    busy_s = max(share_s, scheduling_s)
    return {
        "utterances": utterances,
        "encoding, shared out (min)": share_s / 60,
        "scheduling (min)": scheduling_s / 60,
        "in all (min)": (measured.start_s + busy_s) / 60,
        "utterances a second": utterances / busy_s,
        "read from disk (MB/s)": 3600 * hours * BYTES_A_SECOND / busy_s / 1e6,
        "on the wire (MB/s)": utterances * measured.task_bytes / busy_s / 1e6,
        "workers that the scheduler keeps busy": utterance_s * measured.hour_s / 3600 / measured.task_s,
    }


def loopback() -> int:
    """Count the bytes that this machine has sent to itself so far."""
    line = next(line for line in TRAFFIC.read_text().splitlines() if line.strip().startswith("lo:"))
    return int(line.split(":")[1].split()[8])


def started(local: LocalCluster, recipe: FeatureParams, weights: Path) -> float:
    """Start a worker and let it build the encoder; gives the seconds."""
    begun = time.perf_counter()
    local.scale(1)
    with Client(local, set_as_default=False) as client:
        client.submit(ready, recipe, weights, pure=False).result()
    return time.perf_counter() - begun


def ready(recipe: FeatureParams, weights: Path) -> bool:
    """Build the encoder."""
    return bool(catalogue.build(recipe, weights).names)


def noise(folder: Path, count: int, seconds: float) -> pd.DataFrame:
    """Write files of noise; gives their manifest."""
    rows, generator = [], np.random.default_rng(0)
    for number in range(count):
        path = folder / f"{number:06d}.wav"
        soundfile.write(path, generator.normal(0, 0.1, round(seconds * SAMPLING_RATE_HZ)), SAMPLING_RATE_HZ)
        rows.append((f"made/{path.stem}", path.name, "made", audio.digest(*audio.decode(path))))
    return pd.DataFrame(rows, columns=["id", "path", "corpus", "sha256"])


def encoded(rows: pd.DataFrame, folder: Path, recipe: FeatureParams, weights: Path, address: str | None) -> float:
    """Encode the files of a manifest into a new folder, on a cluster or here; gives the seconds."""
    with tempfile.TemporaryDirectory(dir=folder) as made, one_thread():
        begun = time.perf_counter()
        extraction.compute(rows, folder, Path(made), recipe, weights, scheduler=address)
        return time.perf_counter() - begun


def measure(folder: Path, weights: Path, tasks: int, utterance_s: float, rounds: int) -> Measured:
    """Measure the constants here, with one worker."""
    recipe = params.read(Path("params.yaml"), "features", FeatureParams)
    (folder / "short").mkdir()
    short, long = noise(folder / "short", 96, 0.3), noise(folder, 24, utterance_s)
    starts, hours, times, sizes = [], [], [], []
    with LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=None) as local:
        address = local.scheduler_address
        for _ in range(rounds):
            starts.append(started(local, recipe, weights))
            list(cluster.map_in_order(abs, range(100), address=address))  # the worker loads what it needs
            begun = time.perf_counter()
            list(cluster.map_in_order(abs, range(tasks), address=address))
            times.append((time.perf_counter() - begun) / tasks)
            traffic = []
            for count in (32, 96):  # what does not depend on their number cancels out
                before = loopback()
                encoded(short.iloc[:count], folder / "short", recipe, weights, address)
                traffic.append(loopback() - before)
            sizes.append((traffic[1] - traffic[0]) / 64)
            local.scale(0)
            while local.scheduler.workers:  # which would disturb what comes now
                time.sleep(0.1)
            few, many = (encoded(long.iloc[:count], folder, recipe, weights, None) for count in (8, 24))
            hours.append((many - few) / (16 * utterance_s) * 3600)
    return Measured(*map(statistics.median, (starts, hours, times, sizes)))


def main() -> None:
    """Measure, work out what a cluster takes, and print both as tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("models/pase_plus.safetensors"))
    parser.add_argument("--tasks", type=int, default=5000, help="by which Dask's own time is measured")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hours", type=float, default=1000)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--utterance", type=float, default=3, metavar="S", help="mean length in seconds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        weights = options.weights.resolve()
        measured = measure(Path(folder), weights, options.tasks, options.utterance, options.rounds)
    constants = {
        "start-up of a worker that builds the encoder (s)": measured.start_s,
        "encoding an hour of audio on one core (s)": measured.hour_s,
        "Dask's own time for an utterance (ms)": 1000 * measured.task_s,
        "on the wire for an utterance, there and back (kB)": measured.task_bytes / 1000,
    }
    print(pd.DataFrame(constants.items(), columns=["measured", ""]).to_markdown(index=False, floatfmt=",.2f"))
    figures = on_paper(measured, options.hours, options.workers, options.utterance)
    title = f"{options.hours:g} hours in utterances of {options.utterance:g} s, {options.workers} workers"
    print("\n" + pd.DataFrame(figures.items(), columns=[title, ""]).to_markdown(index=False, floatfmt=",.1f"))


if __name__ == "__main__":
    main()
