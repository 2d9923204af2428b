"""FLAC whose header tells another length than its frames, and FLAC behind a tag."""

import struct

import av
import numpy as np
import pytest
import soundfile

from ser import audio
from ser.files.failures import InputError

TRUTH = np.random.default_rng(0).integers(-(2**15), 2**15, 40 * 16_000).astype(np.int16)


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("flac") / "a.flac"
    soundfile.write(path, TRUTH, 16_000)
    return path.read_bytes()


def counted(content, samples):
    """The recording with another count of samples in its STREAMINFO (RFC 9639, 8.2)."""
    return content[:21] + bytes([content[21] & 0xF0]) + struct.pack(">I", samples) + content[26:]


def with_seek_points(path, content):
    """The recording with a SEEKTABLE (RFC 9639, 8.5) behind its STREAMINFO: the place of each frame."""
    path.write_bytes(content)
    with av.open(str(path)) as file:
        frames = [packet for packet in file.demux(audio=0) if packet.size]
    points = b"".join(struct.pack(">QQH", frame.pts, frame.pos - frames[0].pos, 4096) for frame in frames)
    return content[:42] + b"\x03" + len(points).to_bytes(3, "big") + points + content[42:]


def tag(length):
    return b"ID3\x04\0\0" + bytes(length >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(length)


def decoded(path, content):
    path.write_bytes(content)
    return audio.decode(path)[0]


@pytest.mark.parametrize("samples", [1, 20_000, TRUTH.size - 1])
def test_a_flac_is_read_whole_where_its_header_counts_fewer_samples(tmp_path, content, samples):
    found = decoded(tmp_path / "a.flac", counted(content, samples))
    np.testing.assert_array_equal(found[0], TRUTH / np.float32(2**15))


def test_a_flac_with_fewer_samples_than_its_header_counts_is_refused(tmp_path, content):
    with pytest.raises(InputError, match=r"a\.flac: the file is cut off.* 40\.00 s of 50\.00 s"):
        decoded(tmp_path / "a.flac", counted(content, 50 * 16_000))


def test_joined_flac_files_are_refused_and_not_read_to_the_end_of_the_first(tmp_path, content):
    with pytest.raises(InputError, match=r"a\.flac: the file is cut off or damaged after 40\.00 s"):
        decoded(tmp_path / "a.flac", content * 2)


@pytest.mark.parametrize("length", [0, 10, 100_000])
@pytest.mark.parametrize("seekable", [False, True])
def test_a_tag_before_a_flac_changes_no_sample_with_a_table_of_seek_points_or_without(
    tmp_path, content, length, seekable
):
    file = with_seek_points(tmp_path / "a.flac", content) if seekable else content
    found = decoded(tmp_path / "a.flac", tag(length) + file)
    np.testing.assert_array_equal(found[0], TRUTH / np.float32(2**15))


@pytest.mark.parametrize("at", [0.3, 0.6, 0.9])
def test_one_wrong_bit_in_a_flac_is_refused(tmp_path, content, at):
    changed = bytearray(content)
    changed[round(at * len(content))] ^= 1
    with pytest.raises(InputError, match="damaged"):
        decoded(tmp_path / "a.flac", changed)
