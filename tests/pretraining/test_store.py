import resource

import numpy as np
import pandas as pd
import pytest
import soundfile

from ser.files.failures import InputError
from ser.pretraining import store
from ser.pretraining.store import PrepareParams, Store


@pytest.fixture
def speech(tmp_path):
    """Three speakers; each sample's value tells whose it is, so that slices can be recognised."""
    folder = tmp_path / "speech"
    rows = []
    for level, (speaker, lengths) in enumerate({"a": [3000, 5000], "b": [4000], "c": [2000, 2000]}.items(), start=1):
        for number, length in enumerate(lengths):
            path = f"{speaker}/{number}.wav"
            (folder / speaker).mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / path, np.full(length, level / 10, np.float32), 16_000, subtype="PCM_16")
            rows.append({"path": path, "corpus": "x", "speaker": speaker})
    pd.DataFrame(rows).to_csv(folder / "index.csv", index=False)
    return folder


def build(speech, tmp_path, **settings):
    files = store.speech_files(speech, "index.csv")
    return store.build(files, tmp_path / "s.i16", tmp_path / "s.csv", workers=1, **settings)


def test_files_stand_one_after_another_and_can_be_found_again(speech, tmp_path):
    table, left_out = build(speech, tmp_path)
    assert left_out == []
    assert table[["speaker", "start", "samples"]].to_numpy().tolist() == [
        ["a", 0, 3000],
        ["a", 3000, 5000],
        ["b", 8000, 4000],
        ["c", 12_000, 2000],
        ["c", 14_000, 2000],
    ]
    samples = np.fromfile(tmp_path / "s.i16", dtype="<i2")
    assert len(samples) == 16_000
    for row in table.itertuples():
        own = samples[row.start : row.start + row.samples]
        assert abs(own - ("abc".index(row.speaker) + 1) / 10 * 32767).max() <= 1


def test_a_chunk_is_of_one_file(tmp_path):
    (tmp_path / "speech").mkdir()
    for name, level in (("first", 0.1), ("second", 0.2)):  # of one speaker
        soundfile.write(tmp_path / f"speech/{name}.wav", np.full(1500, level, np.float32), 16_000)
    pd.DataFrame({"path": ["first.wav", "second.wav"], "speaker": "a"}).to_csv(
        tmp_path / "speech/index.csv", index=False
    )
    build(tmp_path / "speech", tmp_path)
    for length in (1000, 4000):
        opened = store.open_store(tmp_path / "s.i16", tmp_path / "s.csv")
        chunks = opened.chunks(50, length, np.random.default_rng(0)).numpy()
        assert (np.ptp(chunks, axis=1) == 0).all()
        assert len(np.unique(chunks.round(1))) == 2


def test_parts_are_the_speakers_that_were_held_out(speech, tmp_path):
    build(speech, tmp_path, validation={("x", "b")})
    train = store.open_store(tmp_path / "s.i16", tmp_path / "s.csv")
    validation = store.open_store(tmp_path / "s.i16", tmp_path / "s.csv", part="validation")
    generator = np.random.default_rng(0)
    heard = {round(float(chunk.max()), 1) for chunk in train.chunks(200, 1000, generator)}
    assert heard == {0.1, 0.3}
    assert {round(float(value), 1) for value in np.unique(validation.chunks(20, 1000, generator).numpy())} == {0.2}


def test_chunks_are_drawn_by_length_and_weight(speech, tmp_path):
    build(speech, tmp_path)
    generator = np.random.default_rng(0)
    drawn = (
        store.open_store(tmp_path / "s.i16", tmp_path / "s.csv").chunks(4000, 100, generator).numpy().mean(1).round(1)
    )
    shares = [float((drawn == np.float32(level)).mean()) for level in (0.1, 0.2, 0.3)]
    np.testing.assert_allclose(shares, [0.5, 0.25, 0.25], atol=0.03)


def test_weights_multiply_a_corpus_hours(tmp_path):
    (tmp_path / "s.i16").write_bytes(np.repeat(np.array([1000, 2000], "<i2"), 500).tobytes())
    pd.DataFrame(
        {"corpus": ["x", "y"], "speaker": ["a", "b"], "part": "train", "start": [0, 500], "samples": 500}
    ).to_csv(tmp_path / "s.csv", index=False)
    weighted = store.open_store(tmp_path / "s.i16", tmp_path / "s.csv", weights={"y": 3.0})
    chunks = weighted.chunks(4000, 10, np.random.default_rng(0)).numpy()
    assert (chunks[:, 0] > 0.05).mean() == pytest.approx(0.75, abs=0.03)
    with pytest.raises(InputError, match=r"no corpus 'z' that pretrain\.weights names"):
        store.open_store(tmp_path / "s.i16", tmp_path / "s.csv", weights={"z": 3.0})


def test_a_signal_shorter_than_the_chunk_is_repeated():
    short = Store(np.array([1, 2, 3], "<i2"), np.array([0]), np.array([3]))
    chunk = short.chunks(1, 7, np.random.default_rng(0))[0] * 32767
    assert chunk.round().tolist() == [1, 2, 3, 1, 2, 3, 1]


def test_same_generator_state_same_chunks():
    samples = Store(np.arange(1000, dtype="<i2"), np.array([0]), np.array([1000]))
    first, same, other = (samples.chunks(3, 10, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_some_of_each_corpus_speakers_are_held_out():
    speakers = pd.DataFrame(
        {"corpus": ["x"] * 40 + ["y"] * 3 + ["z"], "speaker": [str(number) for number in range(44)]}
    )
    chosen = store.held_out(speakers, share=0.1, seed=0)
    assert [sum(corpus == name for corpus, _ in chosen) for name in "xyz"] == [4, 1, 0]
    assert chosen == store.held_out(speakers.sample(frac=1, random_state=1), share=0.1, seed=0)
    assert chosen != store.held_out(speakers, share=0.1, seed=1)


def test_who_was_held_out_is_so_among_more_speakers_too():
    speakers = pd.DataFrame({"corpus": "x", "speaker": [str(number) for number in range(40)]})
    more = pd.concat([speakers, pd.DataFrame({"corpus": "w", "speaker": ["0", "1", "2"]})])
    few = store.held_out(speakers, share=0.1, seed=0)
    assert few < store.held_out(more, share=0.2, seed=0)


def test_files_that_do_not_decode_are_left_out_and_named_up_to_a_share(speech, tmp_path):
    (speech / "a" / "0.wav").write_bytes(b"not audio")
    table, left_out = build(speech, tmp_path, max_unreadable_share=0.2)
    assert table["speaker"].tolist() == ["a", "b", "c", "c"]
    assert len(left_out) == 1
    assert "0.wav" in left_out[0]


def test_too_many_that_do_not_decode_stop_and_leave_nothing(speech, tmp_path):
    (speech / "a" / "0.wav").write_bytes(b"not audio")
    with pytest.raises(InputError, match=r"1 of 5 files do not decode.*prepare\.max_unreadable_share"):
        build(speech, tmp_path, max_unreadable_share=0.1)
    assert not list(tmp_path.glob("*.i16"))
    assert not list(tmp_path.glob("*.csv"))


@pytest.fixture
def in_this_process(monkeypatch):
    """Decode here: to start processes takes longer than what is tested."""

    def call(function, items, **_):
        return (function(item) for item in items)

    monkeypatch.setattr(store.processes, "map_in_order", call)


@pytest.mark.usefixtures("in_this_process")
def test_a_disk_that_is_full_at_the_end_leaves_no_store(speech, tmp_path):
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, former[1]))  # of 32,000 bytes
    try:
        with pytest.raises(OSError, match="File too large"):
            build(speech, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert not list(tmp_path.glob("*.i16"))
    assert not list(tmp_path.glob("*.csv"))


@pytest.mark.usefixtures("in_this_process")
def test_samples_that_are_not_those_of_the_table_are_refused(speech, tmp_path):
    build(speech, tmp_path)
    paths = tmp_path / "s.i16", tmp_path / "s.csv"
    paths[0].write_bytes(paths[0].read_bytes()[:-2])
    for read in (store.open_store, store.load_all):
        with pytest.raises(InputError, match=r"s\.i16: expected 32000 bytes.*found 31998; run the stage prepare again"):
            read(*paths)
    paths[0].unlink()
    with pytest.raises(InputError, match=r"s\.i16: no such file"):
        store.open_store(*paths)


def test_weights_of_0_for_every_corpus_are_refused(tmp_path):
    (tmp_path / "s.i16").write_bytes(bytes(4))
    rows = {"corpus": ["x", "y"], "speaker": "a", "part": ["train", "validation"], "start": [0, 1], "samples": 1}
    pd.DataFrame(rows).to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(InputError, match=r"pretrain\.weights: expected a number above 0 .*of the part 'train': x$"):
        store.open_store(tmp_path / "s.i16", tmp_path / "s.csv", weights={"x": 0.0})


def test_a_digest_knows_the_samples_the_places_and_the_weights():
    samples, places = np.arange(1000, dtype="<i2"), (np.array([0, 500]), np.array([500, 500]))
    changed = samples.copy()
    changed[-1] += 1
    others = [
        Store(changed, *places),
        Store(samples[:-1], *places),
        Store(samples, places[0], np.array([500, 400])),
        Store(samples, *places, weights=np.array([1.0, 2.0])),
    ]
    digests = {kept.digest() for kept in (Store(samples, *places), *others)}
    assert len(digests) == 5
    assert Store(samples.copy(), *places).digest() in digests


@pytest.mark.parametrize("length", [1, 4, 5, 9, 63, 64])
def test_a_digest_of_a_store_that_is_not_long_sees_every_sample(monkeypatch, length):
    monkeypatch.setattr(store, "BLOCKS", 16)
    monkeypatch.setattr(store, "BLOCK_SAMPLES", 4)
    digests = set()
    for place in range(length):
        samples = np.zeros(length, "<i2")
        samples[place] = 1
        digests.add(Store(samples, np.array([0]), np.array([length])).digest())
    assert len(digests) == length


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere: no such folder"):
        store.speech_files(tmp_path / "nowhere", "index.csv")


def test_index_without_a_column_is_refused(speech):
    (speech / "index.csv").write_text("path,corpus\na/0.wav,x\n")
    with pytest.raises(InputError, match="missing: speaker"):
        store.speech_files(speech, "index.csv")


def test_empty_index_is_refused(speech):
    (speech / "index.csv").write_text("path,speaker\n")
    with pytest.raises(InputError, match="lists no file"):
        store.speech_files(speech, "index.csv")


def test_index_that_lists_an_absent_file_is_refused(speech):
    (speech / "index.csv").write_text("path,speaker\na/9.wav,a\n")
    with pytest.raises(InputError, match=r"not there, the first a/9\.wav"):
        store.speech_files(speech, "index.csv")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("b/0.wav,,x", r"column speaker, row 3: .*found an empty cell; give each unknown speaker"),
        ("b/0.wav, ,x", r"column speaker, row 3: .*found an empty cell"),
        ("b/0.wav,b,", r"column corpus, row 3: .*found an empty cell$"),
        (",b,x", r"column path, row 3: .*found an empty cell$"),
        ("a/0.wav,b,x", r"each file once, with one speaker, found a/0\.wav again in row 3"),
        ("./a/0.wav,a,x", r"each file once, with one speaker, found \./a/0\.wav again in row 3"),
    ],
)
def test_index_that_leaves_a_speaker_open_is_refused(speech, row, message):
    (speech / "index.csv").write_text(f"path,speaker,corpus\na/0.wav,a,x\n{row}\n")
    with pytest.raises(InputError, match=message):
        store.speech_files(speech, "index.csv")


def test_one_speaker_in_each_corpus_is_refused():
    speakers = pd.DataFrame({"corpus": ["x", "x", "y"], "speaker": ["a", "a", "a"]})
    with pytest.raises(InputError, match=r"expected a corpus of two speakers or more.*; list speech of others"):
        store.held_out(speakers, share=0.1, seed=0)


def test_noise_folder_that_is_missing_or_without_sound_is_refused(tmp_path):
    with pytest.raises(InputError, match="set its distortion to 0"):
        store.sound_files(tmp_path / "nowhere")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match="holds no sound file"):
        store.sound_files(tmp_path)


def test_noise_folder_with_hidden_sounds_alone_is_refused(tmp_path):
    (tmp_path / "._rain.wav").touch()
    with pytest.raises(InputError, match="holds no sound file; found 1 hidden"):
        store.sound_files(tmp_path)


@pytest.mark.parametrize("beside", [(), ("rain.wav",)])
def test_noise_folder_with_a_link_to_a_folder_is_refused(tmp_path, beside):
    (tmp_path / "noise").mkdir()
    (tmp_path / "noise/more").symlink_to(tmp_path)
    for name in beside:
        (tmp_path / "noise" / name).touch()
    with pytest.raises(InputError, match="more: expected a folder, found a link to one"):
        store.sound_files(tmp_path / "noise")


def test_folder_without_files_lists_no_sound(tmp_path):
    (tmp_path / ".gitkeep").touch()
    assert store.sound_files(tmp_path).empty


@pytest.mark.parametrize("settings", [{"validation_share": 0.0}, {"max_unreadable_share": 1.0}])
def test_params_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        PrepareParams(speech="s", index="i", noise="n", impulse_responses="i", **settings)
