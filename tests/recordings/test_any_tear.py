"""Any samples, in any container and codec, torn at any byte: all of them, or one line that says why not."""

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ser import audio
from ser.files.failures import InputError

# Name, container, codec, sample format, rate, samples a frame where lossy, options.
KINDS = [
    ("a.wav", "wav", "pcm_s16le", "s16", 16000, 0, {}),
    ("a.wav", "wav", "pcm_f32le", "flt", 44100, 0, {}),
    ("a.aiff", "aiff", "pcm_s16be", "s16", 16000, 0, {}),
    ("a.caf", "caf", "pcm_s16le", "s16", 16000, 0, {}),
    ("a.caf", "caf", "alac", "s16p", 16000, 0, {}),
    ("a.flac", "flac", "flac", "s16", 16000, 0, {}),
    ("a.oga", "ogg", "flac", "s16", 16000, 0, {}),
    ("a.mka", "matroska", "flac", "s16", 16000, 0, {}),
    ("a.m4a", "ipod", "alac", "s16p", 16000, 0, {}),
    ("a.mov", "mov", "pcm_s16le", "s16", 16000, 0, {"movflags": "faststart"}),
    ("a.wv", "wv", "wavpack", "s16p", 16000, 0, {}),
    ("a.tta", "tta", "tta", "s16", 16000, 0, {}),
    ("a.mp3", "mp3", "libmp3lame", None, 44100, 1152, {}),
    ("a.mp3", "mp3", "libmp3lame", None, 22050, 2 * 576, {"write_xing": "0"}),
    ("a.m4a", "ipod", "aac", None, 16000, 2048, {}),
    ("a.mp4", "mp4", "aac", None, 44100, 2048, {"movflags": "faststart"}),
    ("a.aac", "adts", "aac", None, 16000, 2048, {}),
    ("a.webm", "webm", "libopus", None, 48000, 960, {}),
    ("a.webm", "webm", "libopus", None, 48000, 960, {"live": "1"}),
    ("a.opus", "opus", "libopus", None, 48000, 960, {}),
    ("a.amr", "amr", "libopencore_amrnb", None, 8000, 160, {}),
    ("a.ac3", "ac3", "ac3", None, 48000, 1536, {}),
]
SIGNALS = st.tuples(  # length (FFmpeg writes no TTA of one sample), seed, loudness
    st.integers(2, 9000), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.01, 0.9])
)


def boundaries(path) -> set[int]:
    """Where the frames of a stream without a count of them end: cut off there, a file is as whole as a shorter one.

    Of AC-3 the beginning of the next frame's head belongs to the frame before.
    """
    with av.open(str(path), format="ac3" if path.suffix == ".ac3" else None) as file:
        packets = [packet for packet in file.demux(audio=0) if packet.size]
    loose = 8 if path.suffix == ".ac3" else 1
    return {packet.pos + packet.size + more for packet in packets for more in range(loose)}


def check(tmp_path, encode, kind, signal, share):
    name, container, codec, sample_format, rate, frame, options = kind
    length, seed, loudness = signal
    samples = loudness * np.random.default_rng(seed).uniform(-1, 1, (1, length))
    if sample_format and sample_format.startswith("s16"):
        samples = np.round(samples * 2**15) / 2**15
    path = encode(tmp_path / name, container, codec, samples.astype(np.float32), rate, sample_format, **options)
    content = path.read_bytes()
    whole = decoded(path)
    if length > 4 * frame:  # a stream of a frame or two is not recognised, and refused
        assert whole is not None
    if whole is not None and not frame:
        np.testing.assert_array_equal(whole, samples.astype(np.float32))
    elif whole is not None:
        assert length <= whole.shape[1] <= length + 2 * frame
    at = int(share * len(content))
    ends = boundaries(path) if whole is not None else set()
    path.write_bytes(content[:at])
    torn = decoded(path)
    if torn is not None and whole is not None:
        # Fewer samples are given only where no program could know.
        assert torn.shape[1] >= whole.shape[1] or (may_end_anywhere(kind) and at in ends)


def may_end_anywhere(kind) -> bool:
    container, options = kind[1], kind[6]
    return container in ("adts", "amr", "ac3") or options.keys() & {"write_xing", "live"}


def decoded(path):
    """The samples, or None where the file is refused in one line that names it."""
    try:
        return audio.decode(path)[0]
    except InputError as error:
        line = str(error)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return None


def run(tmp_path, encode, examples):
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,  # much the same cases in every run; Hypothesis adds constants of the modules loaded
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(kind=st.sampled_from(KINDS), signal=SIGNALS, share=st.floats(0, 0.9999))
    def property_holds(kind, signal, share):
        check(tmp_path, encode, kind, signal, share)

    property_holds()


def test_a_torn_recording_gives_all_samples_or_one_line(tmp_path, encode):
    run(tmp_path, encode, 200)


@pytest.mark.slow
def test_a_torn_recording_gives_all_samples_or_one_line_in_many_more_cases(tmp_path, encode):
    run(tmp_path, encode, 5000)
