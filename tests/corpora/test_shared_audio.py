import numpy as np
import pytest
import soundfile as sf
import soxr

from ser.corpora import shared_audio

RATE = 16_000


def speech(seconds, seed, rate=RATE):
    """Noise in syllables of a fifth of a second, each of its own loudness: float32 (samples,)."""
    generator = np.random.default_rng(seed)
    frames = round(seconds * rate)
    syllable = np.arange(frames) // (rate // 5)
    loudness = generator.uniform(0.05, 0.3, syllable.max() + 1)[syllable]
    return (loudness * generator.standard_normal(frames)).astype(np.float32).clip(-1, 1)


def shared(*recordings):
    return shared_audio.find([shared_audio.marks(samples, RATE) for samples in recordings])


def test_other_speech_shares_nothing():
    assert shared(*(speech(20, seed) for seed in range(30))) == []


@pytest.mark.parametrize("start", [0.0, 0.31, 1.7])
def test_a_part_of_a_recording_is_found_wherever_it_stands_in_both(start):
    whole, other = speech(6, seed=1), speech(3, seed=2)
    cut = whole[round(start * RATE) : round((start + 2) * RATE)]
    ((one, two, marks),) = shared(whole, np.concatenate([other, cut]))
    assert (one, two) == (0, 1)
    assert marks >= 5


def test_a_copy_is_found_whose_last_bits_gain_or_sign_differ():
    whole, generator = speech(3, seed=1), np.random.default_rng(0)
    rounded = np.round(whole * 127) / 127
    noisy = whole + generator.uniform(-1, 1, whole.shape).astype(np.float32) / 32768
    for copy in (noisy, rounded, 0.3 * whole, -whole, np.concatenate([whole, whole])):
        assert [pair[:2] for pair in shared(whole, copy)] == [(0, 1)]


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
def test_a_copy_at_another_sampling_rate_is_found_though_it_begins_between_two_samples(rate):
    whole = speech(5, seed=1)
    copy = soxr.resample(whole, RATE, rate)
    for other in (copy, copy[round(0.1234 * rate) :]):
        found = shared_audio.find([shared_audio.marks(whole, RATE), shared_audio.marks(other, rate)])
        assert [pair[:2] for pair in found] == [(0, 1)]


def test_a_copy_that_was_coded_with_losses_is_found(tmp_path):
    whole = speech(20, seed=1)
    sf.write(tmp_path / "copy.mp3", whole, RATE)
    copy, rate = sf.read(tmp_path / "copy.mp3", dtype="float32")
    assert not np.array_equal(copy[: len(whole)], whole)
    assert [pair[:2] for pair in shared(whole, copy)] == [(0, 1)]
    assert rate == RATE


def test_clicks_and_hum_that_come_regularly_are_not_shared_audio():
    """A line's interference, every tenth of a second and softer than speech by more than 20 dB."""
    clicks = np.zeros(4 * RATE, np.float32)
    clicks[::1610] = 0.008
    assert shared(speech(4, seed=1) + clicks, speech(4, seed=2) + clicks) == []


def test_a_clipped_recording_shares_nothing_with_another():
    assert shared(*((20 * speech(4, seed)).clip(-1, 1) for seed in range(10))) == []


def test_what_many_recordings_begin_with_is_a_jingle_and_not_told():
    jingle = speech(2, seed=0)
    many = [np.concatenate([jingle, speech(2, seed)]) for seed in range(1, 2 * shared_audio.COMMON)]
    assert shared(*many) == []
    assert len(shared(*many[:3])) == 3


def test_silence_and_the_shortest_recordings_have_no_marks():
    assert shared_audio.marks(np.zeros(RATE, np.float32), RATE).size == 0
    assert shared_audio.marks(speech(1, seed=1)[:300], RATE).size == 0
    assert shared(np.zeros(RATE, np.float32), speech(1, seed=1)[:300]) == []


def row(name, speaker, emotion, samples):
    return {"id": name, "speaker": speaker, "emotion": emotion, "marks": shared_audio.marks(samples, RATE)}


def test_pairs_are_told_by_speaker_and_emotion():
    one, two = speech(3, seed=1), speech(3, seed=2)
    rows = [row("a", "x", "sad", one), row("b", "y", "sad", one[5000:]), row("c", "x", "angry", one)]
    rows += [row("d", "", "sad", two), row("e", "x", "sad", two[:-3000])]
    table = shared_audio.table(rows)
    assert table[["one", "other", "speakers", "emotions"]].to_numpy().tolist() == [
        ["a", "b", "different", "same"],
        ["a", "c", "same", "different"],
        ["b", "c", "different", "different"],
        ["d", "e", "unknown", "same"],
    ]
    assert shared_audio.remarks(table) == [
        "at least 1 pair of recordings of one speaker with shared audio, 1 with two labels: a and c",
        "at least 1 pair of recordings of unknown speakers with shared audio: d and e",
        "at least 2 pairs of recordings of two speakers with shared audio, 1 with two labels: b and c ...; if these "
        "are one person, give them one name, or, of two corpora, leave out one: no split by speakers keeps them apart",
    ]
    assert shared_audio.remarks(shared_audio.table(rows[:1])) == []
