import av
import numpy as np
import pytest

from ser import audio
from ser.files.failures import InputError

# File name, container, codec, rate, the codec's samples a frame; what goes in comes out within one frame.
LOSSY = [
    ("a.mp3", "mp3", "libmp3lame", 44100, 1152),
    ("a.mp3", "mp3", "libmp3lame", 16000, 576),
    ("a.mp2", "mp2", "mp2", 16000, 1152),
    ("a.aac", "adts", "aac", 16000, 2048),  # which does not tell the encoder's delay, another frame
    ("voice_memo.m4a", "ipod", "aac", 44100, 2048),
    ("phone.mp4", "mp4", "aac", 48000, 2048),
    ("browser.webm", "webm", "libopus", 48000, 960),
    ("a.mka", "matroska", "libopus", 48000, 960),
    ("a.opus", "opus", "libopus", 16000, 960),
    ("a.wma", "asf", "wmav2", 44100, 2048),
    ("a.wma", "asf", "wmav1", 16000, 2048),
    ("a.amr", "amr", "libopencore_amrnb", 8000, 160),
    ("a.3gp", "3gp", "libopencore_amrnb", 8000, 160),
    ("a.ac3", "ac3", "ac3", 48000, 1536),
    ("a.eac3", "eac3", "eac3", 48000, 1536),
    ("a.avi", "avi", "libmp3lame", 44100, 2304),
]
LOSSLESS = [
    ("a.m4a", "ipod", "alac", "s16p"),
    ("a.caf", "caf", "alac", "s16p"),
    ("a.mov", "mov", "pcm_s16le", "s16"),
    ("a.mkv", "matroska", "flac", "s16"),
    ("a.mkv", "matroska", "pcm_f32le", "flt"),
    ("a.oga", "ogg", "flac", "s16"),
    ("a.wv", "wv", "wavpack", "s16p"),
    ("a.wv", "wv", "wavpack", "fltp"),
    ("a.tta", "tta", "tta", "s16"),
    ("a.flac", "flac", "flac", "s16"),
    ("a.wav", "wav", "pcm_s16le", "s16"),
    ("a.aiff", "aiff", "pcm_s16be", "s16"),
    ("a.caf", "caf", "pcm_s16le", "s16"),
]


def sweep(rate, seconds=1.3):
    """A tone that rises, by which a shift in time shows: (1, samples)."""
    time_s = np.arange(round(rate * seconds)) / rate
    return 0.3 * np.sin(2 * np.pi * (300 + 200 * time_s) * time_s)[np.newaxis]


def shift(found, truth):
    """By how many samples ``found`` comes later, and how well it then agrees with the truth, 0..1."""
    spectrum = np.fft.rfft(found, 2 * found.size) * np.conj(np.fft.rfft(truth, 2 * found.size))
    lag = int(np.fft.irfft(spectrum).argmax())
    lag -= 2 * found.size if lag > found.size else 0
    inside = slice(4000, truth.size - 6000) if truth.size > 20_000 else slice(500, truth.size - 1000)
    return lag, np.corrcoef(found[inside.start + lag : inside.stop + lag], truth[inside])[0, 1]


@pytest.mark.parametrize(("name", "container", "codec", "rate", "frame"), LOSSY)
def test_lossy_recordings_are_read_whole(tmp_path, encode, name, container, codec, rate, frame):
    truth = sweep(rate)
    samples, found_hz = audio.decode(encode(tmp_path / name, container, codec, truth, rate))
    if codec == "libopus":
        assert found_hz == 48000
        truth = sweep(48000)
    assert samples.dtype == np.float32
    # FFmpeg leaves out the first frame of WMA, which Microsoft's encoder fills with its delay and FFmpeg's does not.
    least = truth.shape[1] - frame if codec.startswith("wma") else truth.shape[1]
    assert least <= samples.shape[1] <= truth.shape[1] + frame
    lag, agreement = shift(samples[0], truth[0])
    assert abs(lag) <= frame
    assert agreement > 0.95


@pytest.mark.parametrize(("name", "container", "codec", "sample_format"), LOSSLESS)
@pytest.mark.parametrize("channels", [1, 2])
def test_lossless_recordings_are_read_exactly(tmp_path, encode, name, container, codec, sample_format, channels):
    integers = np.random.default_rng(0).integers(-(2**15), 2**15, (channels, 20_011))
    truth = (integers / 2**15).astype(np.float32)
    samples, rate = audio.decode(encode(tmp_path / name, container, codec, truth, 16000, sample_format))
    assert rate == 16000
    np.testing.assert_array_equal(samples, truth)


def test_24_bits_stay_24_bits(tmp_path, encode):
    truth = (np.random.default_rng(0).integers(-(2**23), 2**23, (1, 5000)) / 2**23).astype(np.float32)
    path = encode(tmp_path / "a.m4a", "ipod", "alac", truth, 16000, "s32p")
    np.testing.assert_array_equal(audio.decode(path)[0], truth)


@pytest.mark.parametrize(
    ("name", "container", "codec"), [("a.mp3", "mp3", "libmp3lame"), ("a.opus", "opus", "libopus")]
)
def test_the_encoders_delay_and_padding_are_left_out_where_the_file_tells_them(
    tmp_path, encode, name, container, codec
):
    samples, _ = audio.decode(encode(tmp_path / name, container, codec, sweep(48000), 48000))
    assert samples.shape == (1, 62400)
    assert abs(shift(samples[0], sweep(48000)[0])[0]) <= 1


@pytest.mark.parametrize("quality", [{"b": "64000"}, {"global_quality": "600", "flags": "+qscale"}])
def test_an_mp3_without_a_count_of_its_frames_is_read_whole(tmp_path, encode, quality):
    path = encode(tmp_path / "a.mp3", "mp3", "libmp3lame", sweep(44100), 44100, write_xing="0", **quality)
    assert audio.decode(path)[0].shape[1] >= 57330


def test_joined_mp3_files_are_read_to_the_last(tmp_path, encode):
    path = encode(tmp_path / "a.mp3", "mp3", "libmp3lame", sweep(44100), 44100)
    (tmp_path / "joined.mp3").write_bytes(path.read_bytes() * 3)
    assert 3 * 57330 <= audio.decode(tmp_path / "joined.mp3")[0].shape[1] <= 3 * (57330 + 2 * 1152)


APE = b"APETAGEX" + (2000).to_bytes(4, "little") + (32).to_bytes(4, "little") + bytes(16)


@pytest.mark.parametrize("tail", [b"TAG" + b"x" * 125, APE, APE + b"TAG" + b"x" * 125, bytes(5000)])
@pytest.mark.parametrize("options", [{}, {"write_xing": "0", "id3v2_version": "0"}])
def test_tags_and_zeros_behind_an_mp3_are_no_missing_end(tmp_path, encode, tail, options):
    path = encode(tmp_path / "a.mp3", "mp3", "libmp3lame", sweep(44100), 44100, **options)
    path.write_bytes(path.read_bytes() + tail)
    assert audio.decode(path)[0].shape[1] >= 57330


@pytest.mark.parametrize("tail", [b"TAG" + b"x" * 125, APE])
def test_a_tag_behind_alac_in_caf_costs_no_sample(tmp_path, encode, tail):
    truth = (np.random.default_rng(0).integers(-(2**15), 2**15, (1, 3 * 4096)) / 2**15).astype(np.float32)
    path = encode(tmp_path / "a.caf", "caf", "alac", truth, 16000, "s16p")
    path.write_bytes(path.read_bytes() + tail)
    np.testing.assert_array_equal(audio.decode(path)[0], truth)


def test_flac_that_was_written_to_a_pipe_is_read_whole(tmp_path, encode):
    truth = (np.random.default_rng(0).integers(-(2**15), 2**15, (1, 20_011)) / 2**15).astype(np.float32)
    path = encode(tmp_path / "a.flac", "flac", "flac", truth, 16000, "s16")
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:42] = bytes(20)  # the count of samples and the checksum of all
    path.write_bytes(content)
    np.testing.assert_array_equal(audio.decode(path)[0], truth)
    path.write_bytes(content[:-50])
    with pytest.raises(InputError, match=r"a\.flac: the file is cut off"):
        audio.decode(path)


def test_a_live_webm_without_lengths_is_read_whole(tmp_path, encode):
    path = encode(tmp_path / "a.webm", "webm", "libopus", sweep(48000), 48000, live="1")
    assert audio.decode(path)[0].shape == (1, 62400)


TORN = [case[:4] for case in LOSSY] + [(name, container, codec, 16000) for name, container, codec, _ in LOSSLESS]


@pytest.mark.parametrize(("name", "container", "codec", "rate"), TORN)
@pytest.mark.parametrize("share", [0.2, 0.6, 0.97])
def test_a_torn_file_is_refused(tmp_path, encode, name, container, codec, rate, share):
    path = encode(tmp_path / name, container, codec, sweep(rate), rate)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content)) | 1])  # odd: not between two samples
    with pytest.raises(InputError, match=r"cut off|damaged"):
        audio.decode(path)


def test_what_is_there_and_what_was_promised_is_said(tmp_path, encode):
    path = encode(tmp_path / "a.m4a", "ipod", "aac", sweep(16000), 16000, movflags="faststart")
    content = path.read_bytes()
    path.write_bytes(content[:-1000])
    with pytest.raises(InputError, match=f"{len(content) - 1000:,} bytes of {len(content):,} are there"):
        audio.decode(path)


def test_frames_lost_at_a_boundary_are_missed_where_the_file_counts_them(tmp_path, encode):
    path = encode(tmp_path / "a.mp3", "mp3", "libmp3lame", sweep(44100), 44100)
    with av.open(str(path)) as file:
        ends = [packet.pos + packet.size for packet in file.demux(audio=0) if packet.size]
    path.write_bytes(path.read_bytes()[: ends[20]])
    with pytest.raises(InputError, match=r"21 frames of 51 are there"):
        audio.decode(path)


@pytest.mark.parametrize("counted", [51, 52])  # without the header's own frame, or with it
def test_frames_lost_at_a_boundary_are_missed_where_fraunhofers_header_counts_them(tmp_path, encode, counted):
    path = encode(tmp_path / "a.mp3", "mp3", "libmp3lame", sweep(44100), 44100, write_xing="0", id3v2_version="0")
    with av.open(str(path)) as file:
        ends = [packet.pos + packet.size for packet in file.demux(audio=0) if packet.size]
    assert len(ends) == 51
    content, length = path.read_bytes(), 144 * 128_000 // 44_100  # of a frame of 128 kbit/s
    said = b"VBRI\0\1\0\0\0\x4b" + len(content).to_bytes(4, "big") + counted.to_bytes(4, "big")
    header = (b"\xff\xfb\x90\xc4" + bytes(32) + said).ljust(length, b"\0")
    path.write_bytes(header + content)
    assert audio.decode(path)[0].shape[1] >= 57330
    path.write_bytes(header + content[: ends[20]])
    with pytest.raises(InputError, match=rf"21 frames of {counted - 1} are there"):
        audio.decode(path)


def write_tracks(path, rates):
    with av.open(str(path), "w", format="matroska") as output:
        tracks = [output.add_stream("pcm_s16le", rate=rate, layout="mono") for rate in rates]
        for track in tracks:
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), "s16", "mono")
            frame.sample_rate, frame.pts = track.rate, 0
            output.mux(track.encode(frame))


def test_two_tracks_are_refused_rather_than_one_chosen(tmp_path):
    write_tracks(tmp_path / "a.mkv", [16000, 16000])
    with pytest.raises(InputError, match=r"a\.mkv: expected one track of sound, found 2 tracks"):
        audio.decode(tmp_path / "a.mkv")


def test_a_video_without_sound_is_refused(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as output:
        track = output.add_stream("mpeg4", rate=25)
        track.width = track.height = 16
        output.mux(track.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))))
        output.mux(track.encode(None))
    with pytest.raises(InputError, match=r"a\.mp4: expected one track of sound, found no track of sound"):
        audio.decode(tmp_path / "a.mp4")


def test_a_change_of_rate_within_a_file_is_refused(tmp_path, encode):
    parts = [encode(tmp_path / f"{rate}.aac", "adts", "aac", sweep(rate), rate) for rate in (44100, 22050)]
    (tmp_path / "a.aac").write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(InputError, match=r"a\.aac: .* found 44100 Hz and 1, and after 1\.3. s 22050 Hz and 1"):
        audio.decode(tmp_path / "a.aac")


def test_a_playlist_cannot_make_other_files_be_opened(tmp_path, encode):
    encode(tmp_path / "secret.wav", "wav", "pcm_s16le", sweep(16000), 16000)
    (tmp_path / "a.wav").write_text(f"ffconcat version 1.0\nfile {tmp_path / 'secret.wav'}\n")
    with pytest.raises(InputError, match=r"a\.wav: expected audio, found no format"):
        audio.decode(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("vbr_without_xing.mp3", 4.0),
        ("cbr_without_xing.mp3", 3.0),
        ("browser_recording.webm", 2.0),
        ("voice_memo.m4a", 2.0),
        ("data_size_16_too_large.wav", 1.5),
    ],
)
def test_recordings_that_people_could_not_use_are_read_whole(shared, name, seconds):
    samples, rate = audio.decode(shared(f"cases/{name}"))
    assert seconds <= samples.shape[1] / rate < seconds + 0.06
