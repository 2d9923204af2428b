import numpy as np
import pytest
import soundfile

from ser import audio
from ser.corpora import channels
from ser.corpora.channels import Mixing
from ser.files.failures import InputError


def fault(samples):
    mixing = Mixing()
    for block in np.array_split(samples.astype(np.float32), 3):
        mixing.add(block)
    return mixing.fault()


def noise(channels):
    return np.random.default_rng(0).normal(0, 0.1, (16_000, channels))


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (lambda first: -first, "mixed to one nothing is left; keep one of them"),
        (lambda first: -0.98 * first, "mixed to one they are 40 dB softer; keep one of them"),  # (0.01 / 0.99)^2
        (lambda first: 0.2 - 0.98 * first, "mixed to one they are 40 dB softer; keep one of them"),
    ],
)
def test_channels_of_opposite_sign_cancel_each_other_whatever_their_offsets(second, said):
    first = noise(1)
    assert fault(np.concatenate([first, second(first)], axis=1)) == f"its 2 channels cancel each other out: {said}"


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_channels_that_are_unrelated_alike_or_dead_do_not_cancel(channels):
    unrelated, one = noise(channels), noise(1)
    centre = one * (np.arange(channels) == channels - 1)  # of a film in 5.1 the voice is in one channel alone
    opposed = 0.01 * one + np.where(np.arange(channels) % 2, 0.4, -0.4)
    for samples in (unrelated, np.repeat(one, channels, axis=1), centre, opposed, np.zeros((100, channels))):
        assert fault(samples) == ""


@pytest.mark.parametrize("offsets", [(0.3, -0.3), (0.3, 0.1), (0.1, 0.1), (0.33, 0.77)])
def test_offsets_alone_are_silence_and_no_channels_that_cancel(offsets):
    assert fault(np.tile(offsets, (16_001, 1))) == ""


def test_a_file_whose_channels_cancel_is_refused_and_others_are_read_as_ever(tmp_path):
    seen = []
    for name, second in (("opposed", -0.98), ("alike", 0.98)):
        soundfile.write(tmp_path / f"{name}.wav", noise(1) * [1, second], 16_000)
    np.testing.assert_array_equal(
        channels.load(tmp_path / "alike.wav", lambda block, rate: seen.append(rate)), audio.load(tmp_path / "alike.wav")
    )
    assert set(seen) == {16_000}
    with pytest.raises(InputError, match=r"opposed\.wav: its 2 channels cancel each other out: .*; keep one of them$"):
        channels.load(tmp_path / "opposed.wav")


def test_of_no_samples_nothing_is_said():
    assert Mixing().fault() == fault(np.zeros((0, 2))) == ""
