"""Damage that decoders pass over without a word is refused in one line, and odd files that are whole are read whole."""

import struct

import numpy as np
import pytest
import soundfile

from ser import audio
from ser.files.failures import InputError
from ser.recordings import sizes

RATE_HZ = 16_000


def noise(seconds=3.0, channels=1, rate=RATE_HZ):
    """Noise, quieter at its ends, on the grid of 16 bits."""
    samples = 0.3 * np.random.default_rng(0).uniform(-1, 1, (channels, round(seconds * rate)))
    return (np.round(samples * 2**15) / 2**15).astype(np.float32)


def put(path, content):
    path.write_bytes(content)
    return path


def refused(path, match):
    with pytest.raises(InputError, match=match) as caught:
        audio.decode(path)
    assert "\n" not in str(caught.value)


def without_a_count(path):
    """A FLAC file as it is written to a pipe: neither samples nor checksum in its head."""
    head = bytearray(path.read_bytes())
    head[21:42] = bytes([head[21] & 0xF0]) + bytes(20)
    return bytes(head)


def test_of_thousands_of_chunks_behind_the_samples_not_all_are_looked_at(tmp_path, monkeypatch):
    """Each costs time, and eight bytes make one."""
    walked, chunks = [], sizes._chunks
    monkeypatch.setattr(sizes, "MOST_CHUNKS", 50)
    monkeypatch.setattr(sizes, "_chunks", lambda *arguments: walked.append(arguments) or chunks(*arguments))
    soundfile.write(tmp_path / "a.wav", noise(1.0)[0], RATE_HZ, subtype="PCM_16")
    put(tmp_path / "a.wav", (tmp_path / "a.wav").read_bytes() + b"JUNK\0\0\0\0" * 5000)

    np.testing.assert_array_equal(audio.decode(tmp_path / "a.wav")[0], noise(1.0))
    assert 50 <= len(walked) <= 120


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_every_channel_is_read(tmp_path, encode, channels):
    truth = noise(0.5, channels)
    path = encode(tmp_path / "a.wv", "wv", "wavpack", truth, RATE_HZ, "s16p")
    np.testing.assert_array_equal(audio.decode(path)[0], truth)


# Of every kind the second half was never written: a download that was broken off into a file of full size.
@pytest.mark.parametrize(
    ("name", "container", "codec", "sample_format", "rate", "options"),
    [
        ("a.webm", "webm", "libopus", None, 48_000, {}),
        ("a.mkv", "matroska", "pcm_s16le", "s16", RATE_HZ, {}),
        ("a.mp3", "mp3", "libmp3lame", None, 44_100, {"write_xing": "0"}),
        ("a.opus", "opus", "libopus", None, 48_000, {}),
        ("a.tta", "tta", "tta", "s16", RATE_HZ, {}),
        ("a.wv", "wv", "wavpack", "s16p", RATE_HZ, {}),
    ],
)
@pytest.mark.parametrize("until", [None, 700])
def test_a_hole_of_zeros_is_refused(tmp_path, encode, name, container, codec, sample_format, rate, options, until):
    path = encode(tmp_path / name, container, codec, noise(5.0, rate=rate), rate, sample_format, **options)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    end = len(content) if until is None else middle + until * (8 if container in ("mp3", "opus") else 1)
    content[middle:end] = bytes(end - middle)
    refused(put(path, bytes(content)), "damaged|cut off")


@pytest.mark.parametrize(
    ("name", "container", "codec", "sample_format", "rate"),
    [
        ("a.wma", "asf", "wmav2", None, 44_100),
        ("a.wma", "asf", "wmav1", None, RATE_HZ),
        ("a.avi", "avi", "libmp3lame", None, 44_100),
        ("a.avi", "avi", "pcm_s16le", "s16", RATE_HZ),
    ],
)
@pytest.mark.parametrize(("begins", "ends"), [(0.3, 0.6), (0.3, 1), (0.85, 1)])
def test_packets_that_were_never_written_are_missed(
    tmp_path, encode, name, container, codec, sample_format, rate, begins, ends
):
    path = encode(tmp_path / name, container, codec, noise(8.0, rate=rate), rate, sample_format)
    content = bytearray(path.read_bytes())
    begin, end = (round(share * len(content)) for share in (begins, ends))
    content[begin:end] = bytes(end - begin)
    refused(put(path, bytes(content)), "damaged|cut off")


@pytest.mark.parametrize("zeros", [100, 700, 3000])
def test_frames_of_aac_that_were_never_written_are_missed(tmp_path, encode, zeros):
    content = encode(tmp_path / "a.aac", "adts", "aac", noise(5.0), RATE_HZ).read_bytes()
    middle = len(content) // 2
    refused(put(tmp_path / "b.aac", content[:middle] + bytes(zeros) + content[middle + zeros :]), "damaged")


def test_an_avi_file_that_was_never_closed_is_read(tmp_path, encode):
    path = encode(tmp_path / "a.avi", "avi", "pcm_s16le", noise(), RATE_HZ, "s16")
    content = bytearray(path.read_bytes())
    index, movie = content.rindex(b"idx1"), content.index(b"movi")
    content[4:8] = content[movie - 4 : movie] = bytes(4)
    np.testing.assert_array_equal(audio.decode(put(path, bytes(content[:index])))[0], noise())


def test_padding_behind_the_last_frame_is_no_damage(tmp_path, encode):
    path = encode(
        tmp_path / "a.mp3", "mp3", "libmp3lame", noise(), RATE_HZ, write_xing="0", codec_options={"b": "64000"}
    )
    whole = audio.decode(path)[0]
    for padding in (bytes(5000), b"\n", b"\r\n"):
        padded = put(tmp_path / "b.mp3", path.read_bytes() + padding)
        np.testing.assert_array_equal(audio.decode(padded)[0], whole)


@pytest.mark.parametrize(
    ("name", "container", "codec", "rate", "bit_rate", "options"),
    [
        ("a.webm", "webm", "libopus", 48_000, 16_000, {}),
        ("a.webm", "webm", "libopus", 48_000, 16_000, {"live": "1"}),
        ("a.mp3", "mp3", "libmp3lame", RATE_HZ, 16_000, {"write_xing": "0"}),
        ("a.amr", "amr", "libopencore_amrnb", 8000, 4750, {}),
        ("a.aac", "adts", "aac", RATE_HZ, 16_000, {}),
    ],
)
def test_a_last_block_of_a_disk_that_was_never_written_is_refused(
    tmp_path, encode, name, container, codec, rate, bit_rate, options
):
    """Of 20 s at a low bit rate 4,096 bytes are seconds; that they may be padding would hide the loss."""
    path = encode(
        tmp_path / name, container, codec, noise(20.0, rate=rate), rate, codec_options={"b": str(bit_rate)}, **options
    )
    content = path.read_bytes()
    refused(put(path, content[:-4096] + bytes(4096)), "damaged|cut off")


def test_an_m4a_file_joined_to_another_is_refused(tmp_path, encode):
    content = encode(tmp_path / "a.m4a", "ipod", "aac", noise(), RATE_HZ).read_bytes()
    refused(put(tmp_path / "b.m4a", content + content), "another recording stands behind its end, take them apart")


def test_what_stands_behind_the_samples_that_a_sphere_file_counts_is_no_sound(tmp_path):
    soundfile.write(tmp_path / "a.sph", noise()[0], RATE_HZ, format="NIST", subtype="PCM_16")
    padded = put(tmp_path / "b.sph", (tmp_path / "a.sph").read_bytes() + bytes(5000))
    np.testing.assert_array_equal(audio.decode(padded)[0], noise())


def test_a_file_that_is_a_tag_alone_is_said_to_be_one(tmp_path):
    refused(put(tmp_path / "a.mp3", b"ID3\x04\0\0\0\0\x7f\x7f" + bytes(100)), "found nothing behind the tag")


def test_zeros_and_ends_of_lines_behind_what_is_known_to_be_whole_are_no_damage(tmp_path, encode):
    mp3 = encode(tmp_path / "a.mp3", "mp3", "libmp3lame", noise(), RATE_HZ)
    m4a = encode(tmp_path / "a.m4a", "ipod", "aac", noise(), RATE_HZ)
    opus = encode(tmp_path / "a.opus", "opus", "libopus", noise(), 48_000)
    live = encode(tmp_path / "a.webm", "webm", "libopus", noise(), 48_000, live="1")
    for path, tails in (
        (mp3, (bytes(30_000),)),
        (m4a, (bytes(30_000), b"\n", b"\r\n", b"TAG" + bytes(125))),
        (opus, (bytes(30_000), b"\n")),
        (live, (bytes(100), b"\r\n")),
    ):
        whole = audio.decode(path)[0]
        for tail in tails:
            np.testing.assert_array_equal(audio.decode(put(tmp_path / "b", path.read_bytes() + tail))[0], whole)
    refused(put(tmp_path / "b", m4a.read_bytes() + b"\xff" * 100), "damaged: 100 bytes at its end belong to no box")


def test_an_mp4_file_without_its_index_is_told_so(tmp_path, encode):
    content = encode(tmp_path / "a.m4a", "ipod", "aac", noise(), RATE_HZ).read_bytes()
    refused(put(tmp_path / "b.m4a", content[: content.index(b"moov") - 4]), r"has no index \(moov\).* broken off")


def test_a_torn_mp3_is_refused_whatever_stands_before_it(tmp_path, encode):
    path = encode(tmp_path / "a.mp3", "mp3", "libmp3lame", noise(), 44_100)
    content, whole = path.read_bytes(), audio.decode(path)[0]
    tag, half = b"ID3\x04\0\0\0\0\0\x0a" + bytes(10), content.index(b"\xff\xfb", len(content) // 2)
    for before in (b"", tag, tag + tag, tag + bytes(200), bytes(5000)):
        read = audio.decode(put(tmp_path / "b.mp3", before + content))[0]
        if before.strip(b"\0") == before:  # behind zeros FFmpeg takes the header for a frame of silence
            np.testing.assert_array_equal(read, whole)
        else:
            assert read.shape[1] >= whole.shape[1]
        refused(put(tmp_path / "b.mp3", before + content[:half]), "cut off")


def test_an_mp3_with_more_frames_than_its_header_counts_is_refused_unless_files_were_joined(tmp_path, encode):
    path = encode(tmp_path / "a.mp3", "mp3", "libmp3lame", noise(), 44_100)
    content = bytearray(path.read_bytes())
    assert audio.decode(put(tmp_path / "b.mp3", content + content))[0].shape[1] > 2 * noise().shape[1]
    at = max(content.find(b"Xing"), content.find(b"Info")) + 8
    content[at : at + 4] = struct.pack(">I", 30)
    refused(put(path, content), "expected 30 frames, as its header counts, found 4")


def test_a_container_of_more_parts_than_sound_needs_is_refused(tmp_path, encode, monkeypatch):
    monkeypatch.setattr("ser.recordings.cut.MOST_PARTS", 1000)
    content = encode(tmp_path / "a.webm", "webm", "libopus", noise(), 48_000, live="1").read_bytes()
    assert audio.decode(put(tmp_path / "b.webm", content + b"\xec\x80" * 100))[0].size
    refused(put(tmp_path / "b.webm", content + b"\xec\x80" * 2000), "a container of more than 1,[0-9]{3} parts")


@pytest.mark.parametrize("cut", [0, 600])
def test_damage_in_a_flac_file_without_a_count_is_refused(tmp_path, cut):
    soundfile.write(tmp_path / "a.flac", noise()[0], RATE_HZ)
    content = without_a_count(tmp_path / "a.flac")
    np.testing.assert_array_equal(audio.decode(put(tmp_path / "b.flac", content))[0], noise())
    middle = len(content) // 2
    damaged = (
        content[:middle] + content[middle + cut :] if cut else content[:middle] + bytes(64) + content[middle + 64 :]
    )
    refused(put(tmp_path / "c.flac", damaged), "damaged")


def test_a_flac_file_of_32_bits_is_read(tmp_path, encode):
    truth = noise()
    path = encode(tmp_path / "a.flac", "flac", "flac", truth, RATE_HZ, "s32", codec_options={"strict": "experimental"})
    np.testing.assert_allclose(audio.decode(path)[0], truth, atol=2**-23)


def test_a_wav_file_that_was_never_closed_may_begin_with_silence(tmp_path):
    truth = noise()
    truth[0, :400] = 0
    soundfile.write(tmp_path / "a.wav", truth[0], RATE_HZ, subtype="PCM_16")
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[4:8] = content[40:44] = bytes(4)
    np.testing.assert_array_equal(audio.decode(put(tmp_path / "a.wav", bytes(content)))[0], truth)


def test_samples_behind_the_promised_ones_are_not_lost_for_beginning_with_zeros(tmp_path):
    truth = noise()
    truth[0, 4000:4010] = 0
    soundfile.write(tmp_path / "a.wav", truth[0], RATE_HZ, subtype="PCM_16")
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[40:44] = struct.pack("<I", 8000)
    refused(put(tmp_path / "a.wav", bytes(content)), "follow that it does not name")


def test_a_size_in_the_head_that_leads_before_the_file_costs_no_sample_and_no_word(tmp_path, encode, capfd):
    path = encode(tmp_path / "a.wma", "asf", "wmav2", noise(), RATE_HZ)
    whole, _ = audio.decode(path)
    content = bytearray(path.read_bytes())
    content[51] = 0xFF
    np.testing.assert_array_equal(audio.decode(put(path, bytes(content)))[0], whole)
    assert capfd.readouterr() == ("", "")


def test_a_wav_file_of_mp3_is_refused_wherever_it_is_cut(tmp_path, encode):
    content = encode(tmp_path / "a.wav", "wav", "libmp3lame", noise(), RATE_HZ).read_bytes()
    assert audio.decode(tmp_path / "a.wav")[0].shape[1] >= 3 * RATE_HZ
    for share in (0.4, 0.6, 0.8, 0.99):
        refused(put(tmp_path / "b.wav", content[: round(share * len(content))]), "cut off")


def test_an_mp4_file_whose_samples_have_no_size_is_refused_where_it_is_cut(tmp_path, encode):
    path = encode(tmp_path / "a.m4a", "ipod", "aac", noise(), RATE_HZ, movflags="faststart")
    content = bytearray(path.read_bytes())
    at = content.find(b"mdat") - 4
    content[at : at + 4] = bytes(4)  # to the end of the file
    assert audio.decode(put(tmp_path / "b.m4a", bytes(content)))[0].shape[1] >= 3 * RATE_HZ
    refused(put(tmp_path / "c.m4a", bytes(content[: len(content) * 3 // 4])), "cut off")


@pytest.mark.parametrize("name", ["a.amr", "a.3gp"])
def test_pauses_of_a_telephone_are_read(tmp_path, encode, name):
    speech = noise(4.0, rate=8000)
    speech[0, 8000:24000] = 0
    container = name.removeprefix("a.")
    path = encode(tmp_path / name, container, "libopencore_amrnb", speech, 8000, codec_options={"dtx": "1"})
    found, rate = audio.decode(path)
    assert rate == 8000
    assert 32_000 <= found.shape[1] <= 32_000 + 2 * 160
    loudness = [np.std(found[0, part]) for part in (slice(1000, 7000), slice(14_000, 22_000), slice(26_000, 31_000))]
    assert loudness[1] < 0.1 * min(loudness[0], loudness[2])


@pytest.mark.parametrize("blocks", [1, 2, 5])
def test_the_byte_behind_an_odd_number_of_gsm_blocks_is_no_sound(tmp_path, blocks):
    truth = 0.3 * np.sin(2 * np.pi * 300 * np.arange(320 * blocks) / 8000)
    soundfile.write(tmp_path / "a.wav", truth, 8000, format="WAV", subtype="GSM610")
    assert audio.decode(tmp_path / "a.wav")[0].shape == (1, 320 * blocks)


@pytest.mark.parametrize("zeros", range(12))
def test_zeros_behind_the_last_chunk_of_a_caf_file_are_no_chunk(tmp_path, encode, zeros):
    path = encode(tmp_path / "a.caf", "caf", "alac", noise(0.5), RATE_HZ, "s16p")
    np.testing.assert_array_equal(audio.decode(put(path, path.read_bytes() + bytes(zeros)))[0], noise(0.5))


@pytest.mark.parametrize("size", [b"\x7f" + 7 * b"\xff", b"\x40" + 7 * b"\1", b"\xff" * 8])
@pytest.mark.parametrize(("name", "container"), [("a.caf", "caf"), ("a.w64", "w64"), ("a.mkv", "matroska")])
def test_a_size_that_leads_farther_than_any_file_ends_in_one_line(tmp_path, encode, name, container, size):
    path = encode(tmp_path / name, container, "pcm_s16le", noise(0.5), RATE_HZ, "s16")
    content = path.read_bytes()
    at, size = {"caf": (12, size), "w64": (56, size[::-1]), "matroska": (4, b"\x01" + size[1:])}[container]
    refused(put(path, content[:at] + size + content[at + 8 :]), name)
