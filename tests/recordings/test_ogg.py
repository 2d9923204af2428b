import numpy as np
import pytest
import soundfile

from ser import audio
from ser.files.failures import InputError
from ser.recordings import ogg


def speak(path, seconds=6.0, subtype="VORBIS"):
    time_s = np.arange(round(16000 * seconds)) / 16000
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * (300 + 50 * time_s) * time_s), 16000, format="OGG", subtype=subtype)
    return path


def checked(page):
    """The page with its checksum written anew, bit by bit."""
    changed = bytearray(page)
    changed[22:26] = bytes(4)
    remainder = 0
    for byte in changed:
        remainder ^= byte << 24
        for _ in range(8):
            remainder = (remainder << 1 ^ (0x04C11DB7 if remainder & 0x80000000 else 0)) & 0xFFFFFFFF
    changed[22:26] = remainder.to_bytes(4, "little")
    return changed


def without_end_flag(content):
    """The file with the flag of its last page taken away."""
    changed = bytearray(content)
    at = changed.rfind(b"OggS")
    changed[at + 5] &= ~4
    return changed[:at] + checked(changed[at:])


def with_gain(content, decibels):
    """The file with another output gain in the head of its Opus (RFC 7845, 5.1), in 1/256 dB."""
    changed = bytearray(content)
    at = changed.index(b"OpusHead") + 16
    changed[at : at + 2] = (256 * decibels).to_bytes(2, "little", signed=True)
    second = changed.index(b"OggS", 4)
    return checked(changed[:second]) + changed[second:]


@pytest.mark.parametrize("samples", [100, 600, 4000, 12_345, 16_000, 40_000])
def test_vorbis_has_as_many_samples_as_went_in(tmp_path, samples):
    path = speak(tmp_path / "a.ogg", samples / 16000)
    assert audio.decode(path)[0].shape == (1, samples)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_a_file_without_its_end_flag_is_whole(tmp_path, subtype):
    path = speak(tmp_path / "a.ogg", subtype=subtype)
    whole = audio.decode(path)[0]
    path.write_bytes(without_end_flag(path.read_bytes()))
    assert audio.decode(path)[0].shape[1] >= whole.shape[1]


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_joined_files_are_read_to_the_last(tmp_path, subtype):
    path = speak(tmp_path / "a.ogg", subtype=subtype)
    once = audio.decode(path)[0].shape[1]
    path.write_bytes(path.read_bytes() * 2)
    assert ogg.several_streams(path)
    assert abs(audio.decode(path)[0].shape[1] - 2 * once) <= (0 if subtype == "OPUS" else 2048)


def test_streams_are_counted_to_the_second_alone(tmp_path, monkeypatch):
    """Of a file of thousands, each page would cost time."""
    walked = []
    monkeypatch.setattr(
        ogg, "pages", lambda path: (walked.append(at) or ogg.Page(at, at, begins=True) for at in range(9))
    )
    assert ogg.several_streams(tmp_path)
    assert walked == [0, 1]


@pytest.mark.parametrize("gains", [(0, -12), (-12, 0), (-6, 3, -12)])
def test_each_of_joined_opus_files_has_its_own_gain(tmp_path, gains):
    path = speak(tmp_path / "a.opus", 2.0, "OPUS")
    content, plain = path.read_bytes(), audio.decode(path)[0]
    path.write_bytes(b"".join(with_gain(content, gain) for gain in gains))
    truth = np.concatenate([plain * 10 ** (gain / 20) for gain in gains], axis=1)
    np.testing.assert_allclose(audio.decode(path)[0], truth, atol=1e-4)


def test_joined_opus_files_of_one_channel_and_two_are_refused(tmp_path):
    path = speak(tmp_path / "a.opus", 2.0, "OPUS")
    soundfile.write(tmp_path / "b.opus", np.zeros((48_000, 2)), 48_000, format="OGG", subtype="OPUS")
    path.write_bytes(path.read_bytes() + (tmp_path / "b.opus").read_bytes())
    with pytest.raises(InputError, match=r"found 48000 Hz and 1, and after 2\.00 s 48000 Hz and 2"):
        audio.decode(path)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_a_damaged_page_is_refused_and_not_left_out(tmp_path, subtype):
    path = speak(tmp_path / "a.ogg", subtype=subtype)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"damaged at byte [\d,]+: the checksum of its page is wrong"):
        audio.decode(path)


def test_a_missing_page_is_refused(tmp_path):
    path = speak(tmp_path / "a.opus", subtype="OPUS")
    third, fourth = list(ogg.pages(path))[3:5]
    content = path.read_bytes()
    path.write_bytes(content[: third.start] + content[fourth.start :])
    with pytest.raises(InputError, match=f"damaged at byte {third.start:,}: a page before it is missing"):
        audio.decode(path)


def test_a_page_that_is_torn_is_refused_with_what_is_there(tmp_path):
    path = speak(tmp_path / "a.opus", subtype="OPUS")
    content = path.read_bytes()
    path.write_bytes(content[:-700])
    with pytest.raises(InputError, match=f"{len(content) - 700:,} bytes of {len(content):,} are there"):
        audio.decode(path)
