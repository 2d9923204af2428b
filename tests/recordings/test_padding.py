"""What an encoder puts before and behind the sound is left out where the file tells how much it is."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from ser import audio

RATE_HZ, FRAME = 16_000, 1024  # the latter of AAC, whose encoder in FFmpeg has as many samples of delay
LENGTHS = [1000, 1024, 1025, 20_000, 20_480, 57_331]


def tone(length, rate=RATE_HZ):
    return (0.3 * np.sin(2 * np.pi * 300 * np.arange(length) / rate)).astype(np.float32)


def write(path, length, container="ipod", rate=RATE_HZ, **options):
    """A tone in AAC, with the times of its frames, by which FFmpeg writes an edit list: ``bytearray``."""
    with av.open(str(path), "w", format=container, options=options) as output:
        track = output.add_stream("aac", rate=rate, layout="mono")
        for at in range(0, length, FRAME):
            frame = av.AudioFrame.from_ndarray(tone(length, rate)[np.newaxis, at : at + FRAME], "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
            output.mux(track.encode(frame))
        output.mux(track.encode(None))
    return bytearray(path.read_bytes())


def with_whole_frames(content, length):
    """As Apple writes it: the table of times gives the last frame its full length, the edit list the sound's."""
    if length % FRAME:
        at = content.index(b"stts") + 8
        content[at : at + 20] = struct.pack(">IIIII", 2, 1 + length // FRAME, FRAME, 1, FRAME)
    at = content.index(b"mvhd") + 16
    content[at : at + 8] = struct.pack(">II", RATE_HZ, length)
    if b"elst" in content:
        at = content.index(b"elst") + 12
        content[at : at + 4] = struct.pack(">I", length)
    return content


def box(kind, *parts):
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def with_itunes_tag(content, length):
    """With delay, padding and length in a tag of iTunes, the last thing in the file."""
    padding = -length % FRAME
    words = f" 00000000 {FRAME:08X} {padding:08X} {length:016X}" + 8 * " 00000000"
    data = box(b"data", struct.pack(">II", 1, 0), words.encode())
    tag = box(b"----", box(b"mean", bytes(4), b"com.apple.iTunes"), box(b"name", bytes(4), b"iTunSMPB"), data)
    handler = box(b"hdlr", bytes(8), b"mdirappl", bytes(9))
    content = content.replace(b"udta", b"free")
    added = box(b"udta", box(b"meta", bytes(4), handler, box(b"ilst", tag)))
    at = content.rindex(b"moov") - 4
    content[at : at + 4] = struct.pack(">I", len(content) - at + len(added))
    return content + added


def check(path, content, length, rate=RATE_HZ):
    path.write_bytes(content)
    samples, found = audio.decode(path)
    assert (samples.shape, found) == ((1, length), rate)
    settled = slice(4 * FRAME, -FRAME)
    if length > 5 * FRAME:
        apart = {by: np.abs(np.roll(samples[0], by) - tone(length, rate))[settled].mean() for by in (-1, 0, 1)}
        assert min(apart, key=apart.get) == 0, "shifted"


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("container", ["ipod", "mp4", "mov"])
def test_the_length_of_the_last_frame_of_an_mp4_is_kept(tmp_path, container, length):
    check(tmp_path / "a.m4a", write(tmp_path / "a.m4a", length, container), length)


@pytest.mark.parametrize("length", [4800, 48_000, 48_123])
def test_the_length_of_the_last_packet_of_opus_in_mp4_is_kept(tmp_path, length):
    path, rate = tmp_path / "a.mp4", 48_000
    with av.open(str(path), "w", format="mp4") as output:
        track = output.add_stream("libopus", rate=rate, layout="mono")
        for at in range(0, length, 960):
            frame = av.AudioFrame.from_ndarray(tone(length, rate)[np.newaxis, at : at + 960], "flt", "mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
            output.mux(track.encode(frame))
        output.mux(track.encode(None))
    assert audio.decode(path)[0].shape == (1, length)


@pytest.mark.parametrize("length", [1000, 1024, 20_000, 20_480, 45_056, 57_331])
@pytest.mark.parametrize("rate", [24_000, 44_100, 48_000])
@pytest.mark.parametrize("container", ["ipod", "mp4", "mov"])
def test_an_edit_list_on_a_clock_of_milliseconds_cuts_no_sound(tmp_path, container, rate, length):
    """It ends up to a millisecond before the sound does."""
    check(tmp_path / "a.m4a", write(tmp_path / "a.m4a", length, container, rate), length, rate)


@pytest.mark.parametrize("rate", [24_000, 44_100, 48_000])
def test_frames_on_a_clock_of_milliseconds_lose_no_sound(tmp_path, rate):
    """From Matroska, as screen recorders write it, without a new encoding: frames' times jump by a millisecond."""
    write(tmp_path / "a.mkv", 57_331, "matroska", rate)
    with av.open(str(tmp_path / "a.mkv")) as source, av.open(str(tmp_path / "a.m4a"), "w", format="ipod") as target:
        track = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.size:
                packet.stream = track
                target.mux(packet)
    assert audio.decode(tmp_path / "a.m4a")[0].shape[1] >= 57_331


@pytest.mark.parametrize("length", LENGTHS)
def test_frames_of_full_length_lose_nothing(tmp_path, length):
    content = with_whole_frames(write(tmp_path / "a.m4a", length), length)
    (tmp_path / "a.m4a").write_bytes(content)
    assert 0 <= audio.decode(tmp_path / "a.m4a")[0].shape[1] - length < FRAME


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("edits", ["0", "1"])
def test_what_itunes_tells_of_delay_and_padding_is_kept_with_an_edit_list_or_without(tmp_path, length, edits):
    content = with_whole_frames(write(tmp_path / "a.m4a", length, use_editlist=edits), length)
    check(tmp_path / "a.m4a", with_itunes_tag(content, length), length)


def test_a_tag_of_itunes_that_is_of_another_recording_cuts_nothing(tmp_path):
    content = with_itunes_tag(write(tmp_path / "a.m4a", 20_000, use_editlist="0"), 15_000)
    path = tmp_path / "a.m4a"
    path.write_bytes(content)
    assert audio.decode(path)[0].shape[1] >= 20_000


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("tail", [b"TAG" + bytes(125), b"APETAGEX" + bytes(5000), bytes(700)])
def test_a_tag_behind_a_short_mp3_brings_no_padding_back(tmp_path, encode, rate, tail):
    path = encode(tmp_path / "a.mp3", "mp3", "libmp3lame", tone(9000)[np.newaxis], rate)
    path.write_bytes(path.read_bytes() + tail)
    assert audio.decode(path)[0].shape == (1, 9000)
