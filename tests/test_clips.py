import re

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile

from ser import clips
from ser.clips import Clip, ListenParams
from ser.files.failures import InputError

RATE_HZ = 16_000


def tone(seconds, pitch_hz=440.0, rate_hz=RATE_HZ):
    return 0.5 * np.sin(2 * np.pi * pitch_hz * np.arange(round(seconds * rate_hz)) / rate_hz)


@pytest.fixture
def raw(tmp_path):
    """A folder of corpora: a long file, a short one at another rate, and a ranking that names a third, too."""
    (tmp_path / "c").mkdir()
    soundfile.write(tmp_path / "c/long.wav", tone(3), RATE_HZ)
    soundfile.write(tmp_path / "c/short.wav", tone(0.5, rate_hz=44_100), 44_100)
    return tmp_path


RANKING = pd.DataFrame({"rank": [1, 2, 3], "path": ["c/long.wav", "c/short.wav", "absent/a.wav"]})


def test_clips_are_the_starts_of_the_most_ambiguous(raw):
    first, second = clips.cut(RANKING, raw, ListenParams(2, 1.0))
    np.testing.assert_allclose(first.signal, tone(1), atol=1e-4)
    assert (first.rank, first.path, first.seconds) == (1, "c/long.wav", 3.0)
    assert (len(second.signal), second.seconds) == (8_000, 0.5)  # at the pipeline's rate


def test_audio_that_is_not_at_hand_is_listed_with_the_reason(raw):
    table = clips.table(clips.cut(RANKING, raw, ListenParams(5, 1.0)))
    assert table["seconds"].tolist()[:2] == [3.0, 0.5]
    assert table["clip_seconds"].tolist()[:2] == [1.0, 0.5]
    assert table.loc[2, ["seconds", "clip_seconds"]].isna().all()
    assert table["remark"].tolist() == ["", "", "no such file among the corpora here"]


def test_audio_that_is_damaged_is_refused(raw):
    (raw / "c/long.wav").write_bytes(b"no audio")
    with pytest.raises(InputError, match=r"long\.wav: expected audio"):
        clips.cut(RANKING, raw, ListenParams(1, 1.0))


def test_a_sound_is_the_signal_in_16_bits_clipped_at_full_scale(tmp_path):
    signal = np.float32([0, 0.25, -0.25, 1.5, -1.5, 1e-5, 2e-5] * 500)
    clips.write_sound(Clip(1, "c/a.wav", 1.0, signal), tmp_path / "1.flac")
    written, rate = soundfile.read(tmp_path / "1.flac", dtype="int16")
    assert rate == RATE_HZ
    assert soundfile.info(tmp_path / "1.flac").subtype == "PCM_16"
    assert written[:7].tolist() == [0, 8192, -8192, 32767, -32768, 0, 1]


def test_a_sound_has_no_predictor_that_was_fitted_in_floating_point(tmp_path):
    """Subframes of type ``LPC`` have one (RFC 9639, section 9.2.1): their bytes depend on the processor."""
    noise = np.random.default_rng(0).normal(0, 0.1, RATE_HZ).astype(np.float32)
    clips.write_sound(Clip(1, "c/a.wav", 1.0, noise), tmp_path / "1.flac")
    content = (tmp_path / "1.flac").read_bytes()
    # Of frames of one channel: sync code, block size and rate, channel and bits, number, size, CRC; then the subframe.
    kinds = {found[1][0] >> 1 for found in re.finditer(rb"\xff\xf8..[\x00-\x7f](?:..)?.(.)", content, re.DOTALL)}
    assert kinds
    assert not any(kind & 0b100000 for kind in kinds)


def test_a_spectrogram_is_librosas_and_shows_a_tone_at_its_pitch():
    decibels = clips.spectrogram(Clip(1, "c/a.wav", 1.0, tone(1, 1000.0).astype(np.float32)))
    assert decibels.shape == (clips.MEL_BANDS, 101)
    assert decibels.max() == 0
    assert decibels.min() >= -clips.RANGE_DB
    centres = librosa.mel_frequencies(clips.MEL_BANDS + 2, fmax=RATE_HZ / 2)[1:-1]
    assert abs(centres[decibels[:, 50].argmax()] - 1000) < 60


@pytest.mark.parametrize(("utterances", "seconds"), [(-1, 5.0), (51, 5.0), (6, 0.1), (6, 61.0)])
def test_more_than_a_page_can_carry_is_refused(utterances, seconds):
    with pytest.raises(ValueError, match=r"^(utterances|seconds): expected"):
        ListenParams(utterances, seconds)
