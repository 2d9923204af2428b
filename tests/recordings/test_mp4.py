"""An index of MP4 that promises more packets than its file can hold is refused before FFmpeg makes room for them."""

import struct
import time

import numpy as np
import pytest

from ser import audio
from ser.files.failures import InputError
from ser.recordings import mp4

RATE_HZ = 16_000
MANY = 3_000_000
NOISE = 0.3 * np.random.default_rng(0).uniform(-1, 1, (1, 2 * RATE_HZ)).astype(np.float32)


def box(kind, content):
    return struct.pack(">I4s", len(content) + 8, kind) + content


def rewritten(content, change):
    """MP4 with other boxes: ``change(kind, content)`` gives a box's new content, None leaves it as it is."""
    made, at = b"", 0
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        inside, at = content[at + 8 : at + length], at + length
        new = change(kind, inside)
        if new is None:
            new = rewritten(inside, change) if kind in mp4.CONTAINERS - {b"free"} else inside
        made += box(kind, new)
    return made


def tables(**given):
    return lambda kind, _: given.get(kind.decode("latin-1"))


def numbers(*values):
    return struct.pack(f">{len(values)}I", *values)


ONE_BYTE_EACH = tables(stsz=numbers(0, 1, MANY), stts=numbers(0, 1, MANY, 1024), stsc=numbers(0, 1, 1, MANY, 1))


def run_of_many(kind, content):
    """Fragments whose run has no size of its own for each packet."""
    if kind == b"tfhd":
        return numbers(0x020018) + content[4:8] + numbers(1024, 1)
    return numbers(1, MANY, 300) if kind == b"trun" else None


@pytest.mark.parametrize(
    ("codec", "change", "flags"),
    [
        ("aac", ONE_BYTE_EACH, ""),
        ("aac", run_of_many, "frag_keyframe+empty_moov+default_base_moof"),
        ("pcm_s16le", tables(stsc=numbers(0, 1, 1, 2**31, 1)), ""),
        ("aac", tables(elst=numbers(0, MANY // 30) + MANY // 30 * numbers(2000, 0, 0x10000)), ""),
    ],
    ids=["sizes", "fragments", "chunks of PCM", "edits"],
)
def test_an_index_of_more_packets_than_bytes_is_refused_at_once(tmp_path, encode, codec, change, flags):
    path = encode(tmp_path / "a.mov", "mov", codec, NOISE, RATE_HZ, **({"movflags": flags} if flags else {}))
    (tmp_path / "b.mov").write_bytes(rewritten(path.read_bytes(), change))

    begin = time.process_time()
    with pytest.raises(InputError, match=r"b.mov: the file promises [\d,]+ packets in [\d,]+ bytes; it is damaged"):
        audio.decode(tmp_path / "b.mov")
    assert time.process_time() - begin < 2


def test_an_index_that_is_compressed_or_hidden_is_refused(tmp_path, encode):
    content = encode(tmp_path / "a.m4a", "ipod", "aac", NOISE, RATE_HZ).read_bytes()
    hidden = rewritten(
        content, lambda kind, inside: inside + box(b"stsz", numbers(0, 1, 9)) if kind == b"stsd" else None
    )
    for number, made in enumerate((hidden, rewritten(content, tables(moov=box(b"cmov", bytes(8)))))):
        (tmp_path / f"{number}.m4a").write_bytes(made)
        with pytest.raises(InputError, match=r"an index .* that can be read, found one that is compressed or hidden"):
            audio.decode(tmp_path / f"{number}.m4a")


@pytest.mark.parametrize("codec", ["adpcm_ima_qt", "pcm_u8", "pcm_mulaw", "pcm_s16le"])
def test_an_index_that_counts_single_samples_is_read(tmp_path, encode, codec):
    """Of which ADPCM has more than bytes."""
    path = encode(tmp_path / "a.mov", "mov", codec, NOISE, RATE_HZ)
    assert audio.decode(path)[0].shape[1] == pytest.approx(NOISE.size, abs=64)


def test_a_moov_to_the_end_of_the_file_is_looked_into(tmp_path, encode):
    content = encode(tmp_path / "a.m4a", "ipod", "aac", NOISE, RATE_HZ).read_bytes()
    made = bytearray(rewritten(content, ONE_BYTE_EACH))
    at = made.rfind(b"moov") - 4
    made[at : at + 4] = bytes(4)
    (tmp_path / "b.m4a").write_bytes(made)
    with pytest.raises(InputError, match="promises 3,000,000 packets"):
        mp4.check(tmp_path / "b.m4a")
