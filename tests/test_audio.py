import hashlib
import os
import struct
import tracemalloc

import numpy as np
import pytest
import soundfile
import soxr

from ser import audio
from ser.files.failures import InputError
from ser.recordings import libsndfile

FORMATS = [
    ("wav", "WAV", "PCM_16"),
    ("wav", "WAV", "FLOAT"),
    ("wav", "WAVEX", "PCM_24"),
    ("flac", "FLAC", "PCM_16"),
    ("aiff", "AIFF", "PCM_16"),
    ("au", "AU", "PCM_16"),
    ("caf", "CAF", "PCM_16"),
    ("w64", "W64", "PCM_16"),
    ("rf64", "RF64", "PCM_16"),
    ("ogg", "OGG", "VORBIS"),
    ("opus", "OGG", "OPUS"),
    ("mp3", "MP3", "MPEG_LAYER_III"),
]


def tone(rate, seconds=1.0, hertz=440.0):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


def rms(signal):
    return float(np.sqrt(np.mean(np.square(signal, dtype=float))))


@pytest.mark.parametrize(("suffix", "container", "subtype"), FORMATS)
def test_decode_reads_every_format(tmp_path, suffix, container, subtype):
    decoded_hz = 48000 if subtype == "OPUS" else 16000  # Opus is always decoded at that
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, tone(16000), 16000, format=container, subtype=subtype)
    samples, rate = audio.decode(path)
    assert (samples.dtype, samples.shape, rate) == (np.float32, (1, decoded_hz), decoded_hz)
    inside = slice(decoded_hz // 20, -decoded_hz // 20)  # the lossy formats fade at the ends
    np.testing.assert_allclose(samples[0, inside], tone(decoded_hz)[inside], atol=0.05)


def test_decode_keeps_channels_and_rate_and_scales_integers(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([[16384, -32768], [0, 8192], [1, -1]], np.int16), 11025)
    samples, rate = audio.decode(path)
    assert rate == 11025
    np.testing.assert_array_equal(samples, np.float32([[0.5, 0, 2**-15], [-1, 0.25, -(2**-15)]]))


def test_decode_reads_longer_files_than_one_block(tmp_path):
    signal = np.random.default_rng(0).uniform(-1, 1, 2 * libsndfile.BLOCK_SAMPLES + 17).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", signal, 16000, subtype="FLOAT")
    np.testing.assert_array_equal(audio.decode(tmp_path / "a.wav")[0][0], signal)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF])
def test_decode_reads_a_wav_whose_writer_could_not_seek_back_to_its_size(tmp_path, size):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(16000), 16000)
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = struct.pack("<I", size)
    path.write_bytes(content)
    assert audio.decode(path)[0].shape == (1, 16000)


@pytest.mark.parametrize(("suffix", "container", "subtype"), FORMATS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_decode_refuses_a_file_that_is_cut_off(tmp_path, suffix, container, subtype, share):
    path = tmp_path / f"a.{suffix}"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 16000)
    soundfile.write(path, noise, 16000, format=container, subtype=subtype)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"a\.\w+: (the file is cut off|expected audio.* (cut off|damaged))"):
        audio.decode(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.wav", b"", "zero bytes"),
        ("a.wav", b"these are words, not sounds\n" * 100, "found no format that is read here"),
        ("a.flac", b"fLaC" + bytes(200), "found no format that is read here"),
        ("a.raw", bytes(2000), "raw samples; convert it to WAV"),
    ],
)
def test_decode_refuses_what_is_no_audio(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        audio.decode(tmp_path / name)


def test_decode_names_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"absent\.wav: no such file"):
        audio.decode(tmp_path / "absent.wav")


def test_decode_does_not_wait_for_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(InputError, match=r"a\.wav: expected audio, found a pipe"):
        audio.decode(tmp_path / "a.wav")


def test_decode_does_not_believe_a_header_that_promises_more_than_memory_holds(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, tone(16000), 16000)
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F  # the upper bits of STREAMINFO's count of samples, 36 bits: now 64 billion
    path.write_bytes(content)
    with pytest.raises(InputError):
        audio.decode(path)


def test_decode_reads_a_file_whose_name_is_not_utf_8(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(16000), 16000)
    path = (tmp_path / "a.wav").rename(tmp_path / "caf\udce9.wav")  # the byte of a Latin-1 é
    assert audio.decode(path)[0].shape == (1, 16000)


def write_with_rate(path, rate):
    """Write a second of a tone, and a sampling rate into its header."""
    soundfile.write(path, tone(16000), 16000)
    content = bytearray(path.read_bytes())
    content[24:28] = struct.pack("<I", rate)
    path.write_bytes(content)


@pytest.mark.parametrize("rate", [1, 999, 768_001, 2**31 - 1])
@pytest.mark.parametrize("read", [audio.decode, audio.load])
def test_a_sampling_rate_that_cannot_be_is_refused_before_memory_is_taken(tmp_path, read, rate):
    write_with_rate(tmp_path / "a.wav", rate)
    tracemalloc.start()
    try:
        with pytest.raises(
            InputError, match=rf"a\.wav: expected a sampling rate of 1000 to 768000 Hz, found {rate} Hz"
        ):
            read(tmp_path / "a.wav")
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("rate", [0, 2**31, 2**32 - 1])
def test_a_sampling_rate_that_is_no_number_of_hertz_is_refused(tmp_path, rate):
    write_with_rate(tmp_path / "a.wav", rate)
    with pytest.raises(InputError, match=r"a\.wav: expected audio that libsndfile reads"):
        audio.load(tmp_path / "a.wav")


@pytest.mark.parametrize(("rate", "samples"), [(1000, 256_000), (768_000, 333)])
def test_the_limits_of_the_sampling_rate_themselves_are_read(tmp_path, rate, samples):
    write_with_rate(tmp_path / "a.wav", rate)
    assert audio.load(tmp_path / "a.wav").shape == (samples,)


def test_digest_is_the_documented_hash():
    samples = np.float32([[0.5, -1.0], [0.25, 0.0]])
    content = b"8000 Hz, 2 channels\n" + struct.pack("<4f", 0.5, 0.25, -1.0, 0.0)
    assert audio.digest(samples, 8000) == hashlib.sha256(content).hexdigest()


def test_digest_of_wav_and_flac_agree_and_other_audio_differs(tmp_path):
    stereo = np.random.default_rng(0).integers(-(2**15), 2**15, (1600, 2), np.int16)
    for name in ("a.wav", "a.flac"):
        soundfile.write(tmp_path / name, stereo, 16000)
    (wav, rate), (flac, _) = audio.decode(tmp_path / "a.wav"), audio.decode(tmp_path / "a.flac")
    same = audio.digest(wav, rate)
    assert same == audio.digest(flac, rate)
    quieter = wav.copy()
    quieter[1, 800] = 0
    others = [audio.digest(wav, 8000), audio.digest(wav.T.reshape(1, -1), rate), audio.digest(quieter, rate)]
    assert len({same, *others}) == 4


def test_load_mixes_channels_by_their_mean(tmp_path):
    left, right = tone(16000, hertz=300), tone(16000, hertz=500)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], axis=1), 16000, subtype="FLOAT")
    signal = audio.load(tmp_path / "a.wav")
    assert signal.dtype == np.float32
    np.testing.assert_allclose(signal, (left + right) / 2, atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 11025, 11127, 22050, 44100, 44101, 48000, 96000])
def test_load_resamples_any_rate_without_moving_or_changing_a_tone(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", tone(rate), rate, subtype="FLOAT")
    signal = audio.load(tmp_path / "a.wav")
    assert signal.shape == (16000,)
    inside = slice(800, -800)  # the ends ring
    np.testing.assert_allclose(signal[inside], tone(16000)[inside], atol=1e-3)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 44101, 96000])
@pytest.mark.parametrize("channels", [1, 2])
def test_load_in_blocks_gives_the_bytes_of_the_whole(tmp_path, monkeypatch, rate, channels):
    noise = np.random.default_rng(0).normal(0, 0.1, (2 * rate + 77, channels)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", noise, rate, subtype="FLOAT")
    monkeypatch.setattr(libsndfile, "BLOCK_SAMPLES", 3001)

    signal = audio.load(tmp_path / "a.wav")

    whole = audio.mono(noise.T)
    assert signal.tobytes() == (whole if rate == 16000 else soxr.resample(whole, rate, 16000)).tobytes()


def test_load_takes_the_memory_of_the_signal_and_not_of_the_file(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", np.tile(tone(48000), (2, 20)).T, 48000, subtype="FLOAT")  # 7.7 MB
    monkeypatch.setattr(libsndfile, "BLOCK_SAMPLES", 2**14)
    tracemalloc.start()
    try:
        signal = audio.load(tmp_path / "a.wav")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert signal.nbytes < peak < 1.5 * signal.nbytes


def test_load_mixes_many_channels_in_small_blocks(tmp_path, monkeypatch):
    noise = np.random.default_rng(0).normal(0, 0.1, (1000, 255))
    soundfile.write(tmp_path / "a.wav", noise, 16000, subtype="FLOAT")
    monkeypatch.setattr(libsndfile, "BLOCK_SAMPLES", 100)  # less than a frame
    np.testing.assert_allclose(audio.load(tmp_path / "a.wav"), noise.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.parametrize(
    "samples",
    [np.zeros(9000), np.full(9000, 0.3), 9e-5 * tone(9000), np.outer(tone(9000), [1, -1])],
    ids=["zeros", "offset", "below -80 dB", "channels cancel"],
)
def test_load_refuses_silence_where_that_is_asked(tmp_path, rate, samples):
    soundfile.write(tmp_path / "a.wav", samples, rate, subtype="FLOAT")
    assert audio.load(tmp_path / "a.wav").size
    with pytest.raises(InputError, match=r"a\.wav: silent: expected sound, found none"):
        audio.load(tmp_path / "a.wav", allow_silence=False)


def test_a_quiet_recording_is_not_silent(tmp_path):
    soundfile.write(tmp_path / "a.wav", 3e-4 * tone(16000), 16000, subtype="FLOAT")
    assert audio.load(tmp_path / "a.wav", allow_silence=False).size == 16000


def test_load_removes_what_16_khz_cannot_hold_instead_of_folding_it_back(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(44100, hertz=12000), 44100, subtype="FLOAT")
    assert rms(audio.load(tmp_path / "a.wav")[800:-800]) < 1e-3 * rms(tone(44100, hertz=12000))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_load_refuses_samples_that_are_not_finite(tmp_path, value):
    signal = tone(16000)
    signal[100] = value
    soundfile.write(tmp_path / "a.wav", signal, 16000, subtype="FLOAT")
    with pytest.raises(InputError, match=r"a\.wav: expected finite samples"):
        audio.load(tmp_path / "a.wav")


def test_load_refuses_a_header_without_samples(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(0), 16000)
    with pytest.raises(InputError, match="found no samples"):
        audio.load(tmp_path / "a.wav")


def test_what_watches_the_blocks_can_end_the_reading(tmp_path):
    soundfile.write(tmp_path / "long.flac", np.zeros((700_000, 2), np.int16), 8000)
    seen = []

    def watch(block, rate):
        seen.append((block.shape, rate))
        if sum(shape[0] for shape, _ in seen) > 200_000:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        audio.load(tmp_path / "long.flac", watch=watch)
    assert {rate for _, rate in seen} == {8000}
    assert sum(frames for (frames, channels), _ in seen if channels == 2) < 700_000


def test_load_takes_a_path_as_text(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(16000), 16000)
    assert audio.load(str(tmp_path / "a.wav")).tobytes() == audio.load(tmp_path / "a.wav").tobytes()


def test_a_signal_of_doubles_is_that_of_floats(tmp_path):
    signal = tone(16000, 0.1)
    assert audio.checked(signal).dtype == np.float32
    assert audio.checked(signal).tobytes() == audio.checked(signal.astype(np.float32)).tobytes()


@pytest.mark.parametrize(
    ("signal", "message"),
    [
        (np.zeros(1600, np.int16), r"floating-point samples .* found int16 \(1600,\)"),
        (np.zeros((2, 1600), np.float32), r"mono at 16 kHz, found float32 \(2, 1600\)"),
        (np.array(0.5, np.float32), r"found float32 \(\)"),
        (np.array([0.1, np.nan], np.float32), "found NaN, infinity or far larger numbers"),
        (np.array([0.1, -np.inf], np.float32), "found NaN, infinity or far larger numbers"),
        (np.array([0.1, -2e6], np.float32), "found NaN, infinity or far larger numbers"),
    ],
)
def test_what_is_no_signal_is_refused(signal, message):
    with pytest.raises(InputError, match=message):
        audio.checked(signal)


@pytest.mark.parametrize(("name", "form"), [("a.wav", "WAV"), ("a.w64", "W64")])
def test_integers_saved_as_floats_are_refused_and_loud_floats_are_not(tmp_path, name, form):
    samples = np.random.default_rng(0).normal(0, 3000, 8000)
    soundfile.write(tmp_path / name, samples, 16_000, subtype="FLOAT", format=form)
    with pytest.raises(InputError, match=r"expected samples of about -1 to 1, found 1.*which must be divided by 32768"):
        audio.load(tmp_path / name)
    soundfile.write(tmp_path / name, samples / 3000, 16_000, subtype="FLOAT", format=form)
    assert np.abs(audio.load(tmp_path / name)).max() > 2


@pytest.mark.parametrize("sounding", [0, 1])
def test_a_recording_of_several_blocks_is_silent_only_if_all_are(tmp_path, sounding):
    signal = np.zeros(2 * libsndfile.BLOCK_SAMPLES, np.float32)
    signal[sounding * libsndfile.BLOCK_SAMPLES :][:1000] = np.sin(np.arange(1000)) / 2
    soundfile.write(tmp_path / "a.wav", signal, 16_000, subtype="FLOAT")
    np.testing.assert_array_equal(audio.load(tmp_path / "a.wav", allow_silence=False), signal)
