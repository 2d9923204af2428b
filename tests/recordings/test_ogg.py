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


def without_end_flag(content):
    """The file with the flag of its last page taken away, and that page's checksum written anew, bit by bit."""
    changed = bytearray(content)
    at = changed.rfind(b"OggS")
    changed[at + 5] &= ~4
    changed[at + 22 : at + 26] = bytes(4)
    remainder = 0
    for byte in changed[at:]:
        remainder ^= byte << 24
        for _ in range(8):
            remainder = (remainder << 1 ^ (0x04C11DB7 if remainder & 0x80000000 else 0)) & 0xFFFFFFFF
    changed[at + 22 : at + 26] = remainder.to_bytes(4, "little")
    return changed


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
    assert ogg.streams(path) == 2
    assert abs(audio.decode(path)[0].shape[1] - 2 * once) <= 2048


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
