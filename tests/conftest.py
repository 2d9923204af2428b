"""Fixtures that several test modules share."""

import os
from pathlib import Path

from ser.machine import numerics

ROOT = Path(__file__).resolve().parents[1]
# Each process that tests compiles into a folder of its own: when two fill one at the same time, Numba can take one
# function for another ever after, and crash.
os.environ["NUMBA_CACHE_DIR"] = str(ROOT / ".pytest_cache/numba" / os.environ.get("PYTEST_XDIST_WORKER", "alone"))
numerics.fix()  # as the stages do, before NumPy and PyTorch load

import signal

import av
import numpy as np
import pytest
import torch


def pytest_collection_modifyitems(items):
    """Begin with the files that take longest: begun last, they would leave all but one process with nothing to do."""
    items.sort(key=lambda item: item.path.parent.name != "system")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Compute as the stages do: sums in another number of threads differ in their last bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def signals_heard():
    """Hear interrupts, as programs that tests start do then, too: ``&`` in a script and ``nohup`` have them ignored."""
    ignored = [each for each in (signal.SIGINT, signal.SIGHUP) if signal.getsignal(each) == signal.SIG_IGN]
    for each in ignored:
        signal.signal(each, signal.SIG_DFL)
    yield
    for each in ignored:
        signal.signal(each, signal.SIG_IGN)


@pytest.fixture(scope="session")
def corpora():
    """Find a real corpus: ``corpora("emodb")`` gives its folder, or skips the test and says where it looked."""
    folder = Path(os.environ.get("SER_CORPORA", ROOT.parent / "shared" / "corpora"))

    def find(name: str) -> Path:
        if not (folder / name).is_dir():
            pytest.skip(f"no corpus at {folder / name}; set SER_CORPORA to the folder that holds '{name}'")
        return folder / name

    return find


@pytest.fixture(scope="session")
def shared():
    """Find a reference file: ``shared("pase_reference.npz")`` gives its path, or skips and says where it looked."""
    folder = Path(os.environ.get("SER_SHARED", ROOT.parent / "shared"))

    def find(name: str) -> Path:
        if not (folder / name).is_file():
            pytest.skip(f"no reference at {folder / name}; set SER_SHARED to the folder that holds '{name}'")
        return folder / name

    return find


@pytest.fixture(scope="session")
def encode():
    """Write samples, float (channels, frames), in a container and codec of FFmpeg; gives the path."""

    def write(path, container, codec, samples, rate, sample_format=None, codec_options=None, **options):
        layout = {1: "mono", 2: "stereo", 8: "7.1"}[len(samples)]
        with av.open(str(path), "w", format=container, options=options) as output:
            track = output.add_stream(codec, rate=rate, layout=layout, options=codec_options or {})
            if sample_format:
                track.codec_context.format = sample_format
            if codec.startswith("wma"):
                track.bit_rate = 64_000
            track.codec_context.open()
            if len(samples) < 8:
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.float32), "fltp", layout)
            else:  # of more planes PyAV loses the last
                packed = np.ascontiguousarray(samples.T, np.float32).reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(packed, "flt", layout)
            frame.sample_rate, frame.pts = rate, 0
            queue = av.AudioFifo()
            resampler = av.AudioResampler(track.codec_context.format, layout, rate)
            for part in [*resampler.resample(frame), *resampler.resample(None)]:
                queue.write(part)
            length = track.codec_context.frame_size or 1024
            while queue.samples:
                output.mux(track.encode(queue.read(min(length, queue.samples))))
            output.mux(track.encode(None))
        return path

    return write
