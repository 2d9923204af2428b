import sys

import numpy as np
import pytest
import soundfile

from benchmarks import copies


@pytest.fixture
def folder(tmp_path):
    """Four recordings of six seconds: noise in syllables, each of its own loudness."""
    generator = np.random.default_rng(0)
    for number in range(4):
        loudness = np.repeat(generator.uniform(0.05, 0.3, 30), 3200)
        soundfile.write(tmp_path / f"{number}.wav", loudness * generator.standard_normal(96_000), 16_000)
    return tmp_path


def test_the_share_of_copies_that_are_found_is_printed_for_each_change(folder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["copies", str(folder)])
    copies.main()
    out = capsys.readouterr().out
    shares = {line.split("|")[1].strip(): float(line.split("|")[2]) for line in out.splitlines()[2:] if "|" in line}
    assert list(shares) == list(copies.CHANGES)
    assert shares["half the gain"] == shares["at 44,100 Hz"] == 1
    assert "4 recordings, among which 0 pairs share audio" in out


def test_changes_keep_the_sound_and_change_the_samples(folder):
    signal, rate = copies.original(folder / "0.wav")
    for name, change in copies.CHANGES.items():
        copy, copied_rate = change(signal, rate)
        assert copy.dtype == np.float32, name
        seconds = len(copy) / copied_rate
        assert seconds == pytest.approx(4.0 if "cut off" in name else 6.0, abs=0.1), name
        assert len(copy) != len(signal) or not np.array_equal(copy, signal), name
