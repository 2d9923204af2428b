"""Headers of WAV's kin that promise another number of samples than the file holds."""

import io
import struct

import numpy as np
import pytest
import soundfile

from ser import audio
from ser.files.failures import InputError
from ser.recordings import sizes

TRUTH = np.random.default_rng(0).integers(-(2**15), 2**15, 16_000).astype(np.int16)
# Format, its order of bytes in a size, and for that of the samples: what stands before it, its struct code, how much
# more than the samples it counts, and what is written for "unknown".
KINDS = {
    "rf64": ("RF64", "FILE", b"ds64\x1c\0\0\0" + struct.pack("<Q", 32_096), "<Q", 0, [0, 2**64 - 1]),
    "rifx": ("WAV", "BIG", b"data", ">I", 0, [0, 2**32 - 1]),
    "aiff": ("AIFF", "FILE", b"SSND", ">I", 8, [0, 8, 2**32 - 1]),
    "caf": ("CAF", "FILE", b"data", ">Q", 4, [0, 4, 2**64 - 1]),
    "w64": (
        "W64",
        "FILE",
        b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a",
        "<Q",
        24,
        [0, 24, 2**63 - 1],
    ),
    "au": ("AU", "BIG", b".snd\0\0\0\x18", ">I", 0, [0, 2**31 - 1, 2**32 - 1]),
    "au, little-endian": ("AU", "LITTLE", b"dns.\x18\0\0\0", "<I", 0, [0, 2**32 - 1]),
}
KINDS["bw64"] = KINDS["rf64"]
STREAMED = [(kind, size) for kind in KINDS for size in KINDS[kind][5]]


def content(kind, subtype="PCM_16"):
    buffer = io.BytesIO()
    soundfile.write(buffer, TRUTH, 16_000, format=KINDS[kind][0], endian=KINDS[kind][1], subtype=subtype)
    return buffer.getvalue().replace(b"RF64", b"BW64" if kind == "bw64" else b"RF64", 1)


def sized(kind, size, more=0):
    """The recording with ``size + more`` as the size of its samples."""
    _, _, before, code, _, _ = KINDS[kind]
    whole = content(kind)
    at = whole.index(before) + len(before)
    return whole[:at] + struct.pack(code, size + more) + whole[at + struct.calcsize(code) :]


def decoded(path, content):
    path.write_bytes(content)
    return audio.decode(path)[0]


@pytest.mark.parametrize(("kind", "size"), STREAMED)
def test_a_size_that_was_never_written_is_no_length(tmp_path, kind, size):
    found = decoded(tmp_path / "a", sized(kind, size))
    np.testing.assert_array_equal(found[0], TRUTH / np.float32(2**15))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("samples", [2, 4000, 15_990])
def test_samples_behind_those_that_a_header_counts_are_not_passed_over(tmp_path, kind, samples):
    with pytest.raises(InputError, match=r"a: the header promises .* of sound, and .* follow that it does not name"):
        decoded(tmp_path / "a", sized(kind, 2 * samples, KINDS[kind][4]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [2, 500, 31_000])
def test_a_file_with_less_than_its_header_counts_is_cut_off(tmp_path, kind, missing):
    with pytest.raises(InputError, match=r"a: the file is cut off"):
        decoded(tmp_path / "a", content(kind)[:-missing])


@pytest.mark.parametrize("size", [0x7FFF_F000 // 6 * 6, 0x7FFF_F000 // 512 * 512])
def test_a_size_that_sox_writes_into_a_pipe_is_no_length(tmp_path, size):
    """Of whole blocks, here of 24 bits and two channels."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack([TRUTH, TRUTH], axis=1), 16_000, format="WAV", subtype="PCM_24")
    whole = buffer.getvalue()
    at = whole.index(b"data") + 4
    found = decoded(tmp_path / "a", whole[:at] + struct.pack("<I", size) + whole[at + 4 :])
    np.testing.assert_array_equal(found[1], TRUTH / np.float32(2**15))


@pytest.mark.parametrize("kind", ["rf64", "bw64"])
def test_a_long_wav_that_was_never_closed_is_read_to_its_end(tmp_path, kind):
    whole = sized(kind, 0)
    at = whole.index(b"data") + 4
    found = decoded(tmp_path / "a", whole[:at] + bytes(4) + whole[at + 4 :])
    np.testing.assert_array_equal(found[0], TRUTH / np.float32(2**15))


@pytest.mark.parametrize("kind", ["rf64", "bw64", "rifx"])
def test_an_odd_chunk_before_the_samples_is_passed_over(tmp_path, kind):
    whole = content(kind)
    at = whole.index(b"fmt ")
    odd = b"bext" + struct.pack(">I" if kind == "rifx" else "<I", 603) + bytes(603) + b"\0"
    np.testing.assert_array_equal(
        decoded(tmp_path / "a", whole[:at] + odd + whole[at:]), decoded(tmp_path / "b", whole)
    )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "caf"])
def test_a_line_of_text_behind_the_samples_is_not_sound(tmp_path, kind):
    text = b"recorded by somebody's program 1.0\r\n"
    np.testing.assert_array_equal(decoded(tmp_path / "a", content(kind) + text), decoded(tmp_path / "b", content(kind)))


def test_a_last_chunk_of_a_wrong_size_or_without_padding_is_not_sound(tmp_path):
    buffer = io.BytesIO()
    soundfile.write(buffer, TRUTH, 16_000, format="WAV")
    whole = buffer.getvalue()
    unpadded = b"LIST" + struct.pack("<I", 5) + b"INFOx" + b"bext" + struct.pack("<I", 4) + b"\xff" * 4
    for tail in (b"LGWV" + struct.pack("<I", 32) + b"\xff" * 30, unpadded):
        np.testing.assert_array_equal(decoded(tmp_path / "a", whole + tail)[0], TRUTH / np.float32(2**15))


def chunk(kind):
    """A chunk that may follow the samples, with 24 bytes in it that would be loud."""
    inside = b"\x7f" * 24
    if kind == "w64":
        return b"LIST" + bytes.fromhex("f3acd3118cd100c04f8edb8a") + struct.pack("<Q", 48) + inside
    name, code = {"caf": (b"info", ">Q"), "aiff": (b"ANNO", ">I"), "rifx": (b"LIST", ">I")}.get(kind, (b"LIST", "<I"))
    return name + struct.pack(code, 24) + inside


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "ULAW"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tail", [bytes(1), bytes(500), b"TAG" + b"x" * 125, b"ID3" + b"x" * 30, "chunk"])
def test_what_follows_the_samples_is_neither_sound_nor_damage(tmp_path, kind, subtype, tail):
    if tail == "chunk":
        tail = b"" if kind.startswith("au") else chunk(kind)
    np.testing.assert_array_equal(
        decoded(tmp_path / "a", content(kind, subtype) + tail), decoded(tmp_path / "b", content(kind, subtype))
    )


def test_samples_that_look_like_the_name_of_a_chunk_are_not_passed_over(tmp_path):
    samples = np.full(8000, 0x70, np.uint8)  # quiet sound in eight bits: "pppp"
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 8036, b"WAVE", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8, b"data", 2000
    )
    with pytest.raises(InputError, match=r"a: the header promises 0\.25 s of sound, and 0\.75 s follow"):
        decoded(tmp_path / "a", header + samples.tobytes())


@pytest.mark.parametrize("start", [0, 12, 24, 2**31, 2**32 - 1])
@pytest.mark.parametrize("size", [0, 2**32 - 1])
def test_an_au_file_whose_sound_begins_nowhere_is_refused(tmp_path, start, size):
    with pytest.raises(InputError, match=r"a: "):
        decoded(tmp_path / "a", b".snd" + struct.pack(">IIIII", start, size, 3, 16_000, 0))


def test_a_wav_of_more_than_two_gigabytes_keeps_what_is_behind_its_samples(tmp_path):
    size = 2**31 + 2**20
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 48 + size, b"WAVE", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8, b"data", size
    )
    with (tmp_path / "a.wav").open("wb") as file:
        file.write(header)
        file.seek(size, 1)  # a hole, which takes no room on the disk
        file.write(b"LIST\x04\0\0\0INFO")
    assert sizes.mended(tmp_path / "a.wav") is None
