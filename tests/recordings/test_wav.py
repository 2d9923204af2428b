import io
import struct

import numpy as np
import pytest
import soundfile

from ser import audio
from ser.files.failures import InputError

TRUTH = np.random.default_rng(0).integers(-(2**15), 2**15, 16_000).astype(np.int16)
HEADER = 44


def content():
    buffer = io.BytesIO()
    soundfile.write(buffer, TRUTH, 16000, format="WAV")
    return bytearray(buffer.getvalue())


def sized(riff, data, tail=b""):
    """The recording with other sizes of file and samples in its header."""
    changed = content()
    changed[4:8], changed[40:44] = struct.pack("<I", riff), struct.pack("<I", data)
    return changed + tail


SIZE = len(content())


@pytest.mark.parametrize(
    "found",
    [
        sized(0, 0),
        sized(SIZE - 8, 0),
        sized(0, SIZE - HEADER),
        sized(0xFFFFFFFF, 0xFFFFFFFF),
        sized(0, 0xFFFFFFFF),
        sized(0x7FFFFFFF, 0x7FFFFFFF - 36),
        sized(SIZE - 8, SIZE - HEADER + 16),
        sized(SIZE - 8, SIZE),
        sized(SIZE, SIZE),
        sized(SIZE - 8, SIZE - HEADER, b"LIST\x04\0\0\0INFO"),
        sized(SIZE - 8, SIZE - HEADER, bytes(3)),
        sized(SIZE - 8, SIZE - HEADER, b"TAG" + bytes(125)),
        sized(SIZE + 400, SIZE - HEADER, b"LIST\x90\x01\0\0INFO"),
    ],
    ids=[
        "never closed",
        "only the samples' size 0",
        "only the file's size 0",
        "streamed",
        "streamed, file's size 0",
        "streamed, signed",
        "16 too large",
        "the file's size for the samples'",
        "the file's size for both",
        "a chunk behind",
        "zeros behind",
        "a tag behind",
        "a chunk behind, torn",
    ],
)
def test_a_wav_is_read_whole_whatever_its_recorder_wrote_for_sizes(tmp_path, found):
    (tmp_path / "a.wav").write_bytes(found)
    samples, rate = audio.decode(tmp_path / "a.wav")
    assert rate == 16000
    np.testing.assert_array_equal(samples[0], TRUTH / np.float32(2**15))


@pytest.mark.parametrize("missing", [1, 2, 16, 36, 44, 16_000, 31_000])
def test_a_torn_wav_is_refused_however_little_is_missing(tmp_path, missing):
    (tmp_path / "a.wav").write_bytes(content()[:-missing])
    there, seconds = 32_000 - missing, (32_000 - missing) / 32_000
    said = f"{seconds:.2f} s of 1.00 s" if 0.01 < seconds < 0.99 else f"{there:,} bytes of 32,000"
    with pytest.raises(InputError, match=rf"a\.wav: the file is cut off, its end is missing: {said} are there"):
        audio.decode(tmp_path / "a.wav")


def test_samples_behind_those_that_the_header_names_are_not_passed_over(tmp_path):
    (tmp_path / "a.wav").write_bytes(sized(8036, 8000))
    with pytest.raises(InputError, match=r"a\.wav: the header promises 0\.25 s of sound, and 0\.75 s follow"):
        audio.decode(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (content() + content(), r"expected one recording, found another one \(RIFF\) behind its samples"),
        (content() + content()[36:], r"expected one recording, found another one \(data\) behind its samples"),
        (content()[:36] + b"LIST" + struct.pack("<I", 17) + bytes(17) + content()[36:], "do not lead to its samples"),
        (sized(SIZE - 8 - 16, 32_000 - 16), "promises 31,984 bytes of sound, and 16 follow"),
    ],
)
def test_what_is_odd_about_a_wav_is_called_by_its_name(tmp_path, found, reason):
    (tmp_path / "a.wav").write_bytes(found)
    with pytest.raises(InputError, match=reason):
        audio.decode(tmp_path / "a.wav")


def test_a_chunk_behind_samples_of_unknown_size_is_no_sound(tmp_path):
    (tmp_path / "a.wav").write_bytes(sized(0, 0, b"LIST" + struct.pack("<I", 4) + b"INFO"))
    np.testing.assert_array_equal(audio.decode(tmp_path / "a.wav")[0][0], TRUTH / np.float32(2**15))


def test_adpcm_of_natural_microsystems_is_read_as_libsndfile_reads_it(tmp_path):
    soundfile.write(tmp_path / "a.wav", TRUTH, 16000, subtype="NMS_ADPCM_16")
    np.testing.assert_array_equal(
        audio.decode(tmp_path / "a.wav")[0][0], soundfile.read(tmp_path / "a.wav", dtype="float32")[0]
    )


def test_the_codec_is_found_behind_any_chunk(tmp_path, encode):
    path = encode(tmp_path / "a.wav", "wav", "libmp3lame", np.sin(np.arange(44100) / 20)[np.newaxis], 44100)
    truth, content = audio.decode(path)[0], path.read_bytes()
    path.write_bytes(content[:12] + b"bext" + struct.pack("<I", 5000) + bytes(5000) + content[12:])
    np.testing.assert_array_equal(audio.decode(path)[0], truth)


@pytest.mark.parametrize("values", [[3e38], [3e38, 3e38], [-2e6]])
def test_samples_that_no_sound_has_are_refused(tmp_path, values):
    soundfile.write(tmp_path / "a.wav", np.array([[0.0] * len(values), values]), 16000, subtype="FLOAT")
    for read in (audio.decode, audio.load):
        with pytest.raises(
            InputError, match=r"expected samples of about -1 to 1, found [23]e\+(38|06): they are damaged"
        ):
            read(tmp_path / "a.wav")


def test_a_wav_without_samples_has_none(tmp_path):
    (tmp_path / "a.wav").write_bytes(content()[:40] + bytes(4))
    assert audio.decode(tmp_path / "a.wav")[0].shape == (1, 0)


def test_mp3_in_a_wav_is_read(tmp_path, encode):
    tone = np.sin(np.arange(44100) / 20)[np.newaxis]
    path = encode(tmp_path / "a.wav", "wav", "libmp3lame", tone, 44100)
    assert 44100 <= audio.decode(path)[0].shape[1] <= 44100 + 2 * 1152


def test_a_nist_file_that_is_torn_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.sph", TRUTH, 16000, format="NIST", subtype="PCM_16")
    (tmp_path / "a.sph").write_bytes((tmp_path / "a.sph").read_bytes()[:-8000])
    with pytest.raises(InputError, match=r"0\.75 s of 1\.00 s are there"):
        audio.decode(tmp_path / "a.sph")
