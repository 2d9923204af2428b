"""How many copies of a corpus' recordings are found (ser.corpora.shared_audio), by what was done to them."""

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import soxr
from scipy.signal import butter, sosfilt

from ser import audio
from ser.corpora import shared_audio
from ser.corpora.layout import audio_files
from ser.files.failures import one_line

Sound = tuple[np.ndarray, int]  # float32 (samples,), sampling rate in Hz


def main() -> None:
    """Change every recording in each way; print the share of copies that are found beside their originals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="a folder of recordings")
    options = parser.parse_args()
    with one_line("copies"):
        originals = [original(path) for path in audio_files(options.corpus)]
        marks = [shared_audio.marks(*sound) for sound in originals]
        found = {
            name: np.mean([is_found(mark, change(*sound)) for mark, sound in zip(marks, originals, strict=True)])
            for name, change in CHANGES.items()
        }
        others = shared_audio.find(marks)
        print(pd.Series(found, name="found").to_markdown(floatfmt=".2f"))
        print(f"\n{len(originals)} recordings, among which {len(others)} pairs share audio")


def original(path: Path) -> Sound:
    """Read a recording as the intake does."""
    samples, rate = audio.decode(path)
    return audio.mono(samples), rate


def is_found(marks: np.ndarray, copy: Sound) -> bool:
    """Tell whether a copy has the marks of its original."""
    return bool(shared_audio.find([marks, shared_audio.marks(*copy)]))


def resampled(to: int) -> Callable[[np.ndarray, int], Sound]:
    """Give a change to another sampling rate, in Hz."""
    return lambda signal, rate: (soxr.resample(signal, rate, to), to)


def coded(form: str, subtype: str, at: int) -> Callable[[np.ndarray, int], Sound]:
    """Give a change by a codec with losses, at a sampling rate in Hz and libsndfile's usual quality."""

    def change(signal: np.ndarray, rate: int) -> Sound:
        with io.BytesIO() as file:
            soundfile.write(file, soxr.resample(signal, rate, at), at, format=form, subtype=subtype)
            file.seek(0)
            return soundfile.read(file, dtype="float32")

    return change


def noisy(signal: np.ndarray, rate: int) -> Sound:
    """Add white noise 30 dB below the recording."""
    noise = np.random.default_rng(0).standard_normal(len(signal)) * signal.std() * 10 ** (-30 / 20)
    return (signal + noise).astype(np.float32), rate


def filtered(signal: np.ndarray, rate: int) -> Sound:
    """Take off what is below 80 Hz, as recorders do."""
    return sosfilt(butter(2, 80, "highpass", fs=rate, output="sos"), signal).astype(np.float32), rate


CHANGES: dict[str, Callable[[np.ndarray, int], Sound]] = {
    "half the gain": lambda signal, rate: (signal / 2, rate),
    **{f"at {rate:,} Hz": resampled(rate) for rate in (8_000, 22_050, 44_100, 48_000)},
    "at 44,100 Hz, the first third cut off": lambda signal, rate: resampled(44_100)(signal[len(signal) // 3 :], rate),
    "as MP3": coded("MP3", "MPEG_LAYER_III", 16_000),
    "as Ogg Vorbis": coded("OGG", "VORBIS", 16_000),
    "as Ogg Opus": coded("OGG", "OPUS", 48_000),
    "with noise 30 dB below": noisy,
    "without what is below 80 Hz": filtered,
}

if __name__ == "__main__":
    main()
