import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import soundfile

from ser import audio, manifest
from ser.corpora import accounts, examination, intake, meld
from ser.corpora.parsers import PARSERS
from ser.files.failures import InputError

RATE = 16000
PARAMS = intake.ManifestParams(
    merge={}, min_seconds=0.2, max_seconds=2.0, max_rejected_share=1.0, speaker_pattern={}, allow_incomplete=[]
)


def record(path, seed=0, seconds=0.5, rate=RATE, channels=1):
    """Write noise, its own for each seed, and return its samples (channels, frames)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).integers(-9999, 9999, (round(seconds * rate), channels), np.int16)
    soundfile.write(path, samples, rate)
    return samples.T / np.float32(2**15)


@pytest.fixture
def raw(tmp_path):
    """Two corpora: mine with two angry and one sad file, yours with a happy one."""
    for seed, name in enumerate(("mine/angry/b.wav", "mine/angry/a.flac", "mine/sad/a.wav", "yours/joy/c.wav")):
        record(tmp_path / "raw" / name, seed)
    return tmp_path / "raw"


def build(raw, corpora=("mine",), label_set=("angry", "sad"), **changes):
    return intake.build(raw, corpora, label_set, dataclasses.replace(PARAMS, **changes))


def reasons(rejected):
    return dict(zip(rejected["path"], rejected["reason"], strict=True))


def test_the_manifest_has_a_row_per_utterance_sorted_by_id(raw):
    table, rejected, _ = build(raw, ("yours", "mine"), ("angry", "happy", "sad"))
    assert tuple(table.columns) == manifest.COLUMNS
    assert tuple(rejected.columns) == intake.REJECTED_COLUMNS
    assert list(table["id"]) == ["mine/angry/a", "mine/angry/b", "mine/sad/a", "yours/joy/c"]
    assert list(table["path"]) == ["mine/angry/a.flac", "mine/angry/b.wav", "mine/sad/a.wav", "yours/joy/c.wav"]
    assert list(table["corpus"]) == ["mine", "mine", "mine", "yours"]
    assert list(table["emotion"]) == ["angry", "angry", "sad", "happy"]
    assert rejected.empty


def test_length_rate_and_hash_are_of_the_decoded_audio(raw):
    samples = record(raw / "mine/angry/c.wav", seed=9, seconds=0.25, rate=44100, channels=2)
    table, _, _ = build(raw)
    row = table.set_index("id").loc["mine/angry/c"]
    assert (row["seconds"], row["sampling_rate"]) == (0.25, 44100)
    assert row["sha256"] == audio.digest(samples, 44100)


def test_what_metadata_tells_is_in_the_row_and_speakers_are_unique_between_corpora(raw):
    header = "path,speaker,gender,age,text,language,votes,take\n"
    content = header + 'joy/c.wav,1,f,31,"Ja, gern",de,"{""joy"": 2, ""anger"": 1}",3\n'
    (raw / "yours" / "metadata.csv").write_text(content)
    table, _, _ = build(raw, ("mine", "yours"), ("angry", "happy", "sad"))
    row = table.set_index("id").loc["yours/joy/c"]
    told = [row[name] for name in ("speaker", "gender", "age", "text", "language", "votes", "details")]
    assert told == ["yours/1", "female", 31.0, "Ja, gern", "de", '{"angry": 1, "happy": 2}', '{"take": 3}']
    unknown = table.set_index("id").loc["mine/sad/a"]
    assert [unknown[name] for name in ("speaker", "gender", "votes", "text", "details")] == [""] * 5
    assert np.isnan(unknown["age"])


def test_a_pattern_in_params_names_the_speakers(raw):
    table, _, _ = build(raw, speaker_pattern={"mine": "(?P<speaker>.)"})
    assert list(table["speaker"]) == ["mine/a", "mine/b", "mine/a"]


def test_merged_words_count_together_in_labels_and_votes(raw):
    (raw / "yours" / "joy").rename(raw / "yours" / "excited")
    record(raw / "yours/happy/d.wav", seed=9)
    votes = '"{""excited"": 2, ""happy"": 1, ""sad"": 1}"'
    (raw / "yours" / "metadata.csv").write_text(f"path,votes\nexcited/c.wav,{votes}\nhappy/d.wav,\n")
    table, rejected, _ = build(raw, ("mine", "yours"), ("angry", "happy", "sad"), merge={"excited": "happy"})
    row = table.set_index("id").loc["yours/excited/c"]
    assert (row["emotion"], json.loads(row["votes"])) == ("happy", {"happy": 3, "sad": 1})
    assert rejected.empty


def test_each_flaw_is_rejected_with_its_reason(raw):
    folder = raw / "mine" / "angry"
    noise = record(folder / "long.wav", seed=5, seconds=2.1)[0]
    soundfile.write(folder / "short.wav", noise[:3000], RATE)
    soundfile.write(folder / "one.wav", noise[:1], RATE)
    soundfile.write(folder / "none.wav", noise[:0], RATE)
    (folder / "zero.wav").touch()
    (folder / "text.wav").write_text("these are words, not sounds\n" * 100)
    soundfile.write(folder / "whole.wav", noise[:8000], RATE)
    (folder / "truncated.wav").write_bytes((folder / "whole.wav").read_bytes()[:9000])
    soundfile.write(folder / "whole.flac", noise[8000:16000], RATE)
    corrupt = bytearray((folder / "whole.flac").read_bytes())
    corrupt[2000:2100] = bytes(100)
    (folder / "corrupt.flac").write_bytes(corrupt)
    (folder / "whole.flac").unlink()
    slow = bytearray((folder / "whole.wav").read_bytes())
    slow[24:28] = (1).to_bytes(4, "little")
    (folder / "slow.wav").write_bytes(slow)
    soundfile.write(folder / "silent.wav", np.zeros(8000), RATE)
    soundfile.write(folder / "offset.wav", np.full(8000, 0.3), RATE)
    soundfile.write(folder / "cancelled.wav", np.stack([noise[:8000], -noise[:8000]], axis=1), RATE)
    soundfile.write(folder / "nan.wav", np.append(noise[:8000], [np.nan, np.inf]), RATE, subtype="FLOAT")
    table, rejected, _ = build(raw)
    assert reasons(rejected) == {
        "mine/angry/cancelled.wav": "silent",
        "mine/angry/corrupt.flac": "unreadable",
        "mine/angry/long.wav": "too_long",
        "mine/angry/nan.wav": "not_finite",
        "mine/angry/none.wav": "empty",
        "mine/angry/offset.wav": "silent",
        "mine/angry/one.wav": "too_short",
        "mine/angry/short.wav": "too_short",
        "mine/angry/silent.wav": "silent",
        "mine/angry/slow.wav": "unreadable",
        "mine/angry/text.wav": "unreadable",
        "mine/angry/truncated.wav": "unreadable",
        "mine/angry/zero.wav": "empty",
    }
    assert len(table) == 4  # the three of the corpus, and whole.wav
    details = rejected.set_index("path")["detail"]
    assert details["mine/angry/nan.wav"] == "2 samples are NaN or infinite"
    assert details["mine/angry/slow.wav"].startswith("expected a sampling rate of 1000 to 768000 Hz, found 1 Hz")
    assert details["mine/angry/long.wav"] == "2.1 s, more than 2.0 s"
    assert str(raw) not in " ".join(details)


@pytest.mark.parametrize(
    ("second", "decibels"), [(lambda noise: -0.99 * noise, 46), (lambda noise: 0.3 - 0.9 * noise, 26)]
)
def test_channels_that_nearly_cancel_are_rejected_with_that_reason(tmp_path, second, decibels):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, RATE)
    soundfile.write(tmp_path / "a.wav", np.stack([noise, second(noise)], axis=1), RATE, subtype="FLOAT")
    found = examination.examine(tmp_path / "a.wav", 0.2, 2.0)
    assert (found.reason, found.detail) == (
        "silent",
        f"its 2 channels cancel each other out: mixed to one they are {decibels} dB softer; keep one of them",
    )


@pytest.mark.parametrize("channels", [2, 8])
def test_channels_that_do_not_cancel_are_accepted(tmp_path, channels):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (RATE, channels))
    soundfile.write(tmp_path / "unrelated.wav", noise, RATE)
    soundfile.write(tmp_path / "one.wav", noise * (np.arange(channels) == 0), RATE)
    opposed = 0.01 * noise[:, :1] + np.where(np.arange(channels) % 2, 0.4, -0.4)
    soundfile.write(tmp_path / "offsets.wav", opposed, RATE, subtype="FLOAT")
    assert {examination.examine(path, 0.2, 2.0).reason for path in tmp_path.iterdir()} == {""}


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ("404: Not Found", "expected audio, found text: '404: Not Found'; download it again"),
        (
            '\n{"error":\n "Zugriff verweigert für Gäste"}',
            'found text: \'{"error": "Zugriff verweigert für Gäste"}\'; ',
        ),
        ("Access denied. " * 9, "found text: '" + ("Access denied. " * 4).strip() + " ...'; download it again"),
        ("<!DOCTYPE html>", "found a web page in place of the recording"),
        ("Access denied\0", "found no format that is read here"),
        ("A" * 65_537, "found no format that is read here"),
    ],
)
def test_a_text_saved_as_a_recording_is_quoted(tmp_path, content, detail):
    (tmp_path / "a.wav").write_text(content, encoding="utf-8")
    found = examination.examine(tmp_path / "a.wav", 0.2, 2.0)
    assert found.reason == "unreadable"
    assert detail in found.detail


def test_the_limits_of_length_themselves_are_accepted(raw):
    record(raw / "mine/angry/shortest.wav", seed=5, seconds=0.2)
    record(raw / "mine/angry/longest.wav", seed=6, seconds=2.0)
    assert build(raw)[1].empty


def test_of_a_long_file_no_more_is_read_than_tells_that_it_is_long(raw, monkeypatch):
    soundfile.write(raw / "mine/angry/hours.flac", np.zeros(100 * RATE), RATE)
    soundfile.write(raw / "mine/angry/seconds.flac", np.zeros(3 * RATE), RATE)
    read, watch = [], examination._Length.watch
    monkeypatch.setattr(examination._Length, "watch", lambda self, *block: read.append(self) or watch(self, *block))
    _, rejected, _ = build(raw, max_seconds=2.0)
    assert dict(zip(rejected["path"], rejected["detail"], strict=True)) == {
        "mine/angry/hours.flac": "more than 2.0 s",
        "mine/angry/seconds.flac": "3 s, more than 2.0 s",
    }
    assert max(length.frames for length in read) < 70 * RATE


def test_a_quiet_recording_is_not_silent(raw):
    soundfile.write(raw / "mine/sad/quiet.wav", 2e-4 * np.sin(np.arange(8000)), RATE, subtype="FLOAT")
    assert build(raw)[1].empty


def test_of_copies_the_first_is_kept_whatever_their_format_and_corpus(raw):
    samples, _ = soundfile.read(raw / "mine/angry/b.wav", dtype="int16")
    soundfile.write(raw / "mine/angry/copy.flac", samples, RATE)
    soundfile.write(raw / "yours/joy/copy.wav", samples, RATE)
    (raw / "yours" / "joy").rename(raw / "yours" / "anger")
    table, rejected, _ = build(raw, ("mine", "yours"))
    assert reasons(rejected) == {"mine/angry/copy.flac": "duplicate", "yours/anger/copy.wav": "duplicate"}
    assert set(rejected["detail"]) == {"the same audio as mine/angry/b"}
    assert "mine/angry/b" in set(table["id"])
    assert table["sha256"].is_unique


def test_of_copies_of_two_speakers_of_a_corpus_none_is_kept_and_it_is_said(raw):
    (raw / "mine/angry/c.wav").write_bytes((raw / "mine/angry/b.wav").read_bytes())
    said = []
    params = dataclasses.replace(PARAMS, speaker_pattern={"mine": "(?P<speaker>.)"})
    _, rejected, _ = intake.build(raw, ("mine",), ("angry", "sad"), params, say=said.append)
    assert reasons(rejected) == {"mine/angry/b.wav": "duplicate", "mine/angry/c.wav": "duplicate"}
    assert set(rejected["detail"]) == {"the same audio is of mine/b and mine/c: mine/angry/b, mine/angry/c"}
    assert said == [
        "the same audio is of mine/b and mine/c: mine/angry/b = mine/angry/c; all copies are left out, 2 files, as "
        "nothing tells whose they are, so that nothing is left of mine/b and mine/c; if these are one person, give "
        "them one name, and one copy of each is kept; if they are several, delete the wrong copies"
    ]
    params = dataclasses.replace(PARAMS, speaker_pattern={"mine": "(?P<speaker>[bc]|a)"})
    record(raw / "mine/sad/b_more.wav", seed=9)
    intake.build(raw, ("mine",), ("angry", "sad"), params, say=said.append)
    assert "so that nothing is left of mine/c; " in said[-1]


def test_of_copies_of_two_speakers_with_other_labels_it_is_said_that_none_is_kept(raw):
    (raw / "mine/sad/c.wav").write_bytes((raw / "mine/angry/b.wav").read_bytes())
    said, params = [], dataclasses.replace(PARAMS, speaker_pattern={"mine": "(?P<speaker>.)"})
    intake.build(raw, ("mine",), ("angry", "sad"), params, say=said.append)
    assert said == [
        "the same audio is of mine/b and mine/c with other labels: mine/angry/b = mine/sad/c; all copies are left out, "
        "2 files, as nothing tells which label is right and whose they are, so that nothing is left of mine/b and "
        "mine/c; delete the wrong copies; if these are one person, give them one name"
    ]


def test_of_copies_in_two_corpora_with_other_labels_it_is_said_that_none_is_kept(raw):
    (raw / "yours/joy/c.wav").write_bytes((raw / "mine/angry/b.wav").read_bytes())
    patterns = {"mine": "(?P<speaker>.)", "yours": "(?P<speaker>.)"}
    said, params = [], dataclasses.replace(PARAMS, speaker_pattern=patterns)
    record(raw / "yours/joy/c_2.wav", seed=9)
    intake.build(raw, ("mine", "yours"), ("angry", "happy", "sad"), params, say=said.append)
    assert said == [
        "the same audio is of mine/b and yours/c with other labels: mine/angry/b = yours/joy/c; all copies are left "
        "out, 2 files, as nothing tells which label is right, so that nothing is left of mine/b; delete the wrong "
        "copies; if these are one person, give them one name, or, of two corpora, leave out one: no split by speakers "
        "keeps them apart"
    ]


def test_of_copies_in_two_corpora_the_first_with_a_speaker_is_kept_and_the_speakers_are_said(raw):
    (raw / "yours" / "joy").rename(raw / "yours" / "anger")
    (raw / "yours/anger/copy.wav").write_bytes((raw / "mine/angry/b.wav").read_bytes())
    for patterns, kept, lost, spoken in (
        (
            {"mine": "(?P<speaker>.)", "yours": "(?P<speaker>.)"},
            "mine/angry/b",
            "yours/anger/copy",
            ["mine/b and yours/c"],
        ),
        ({"yours": "(?P<speaker>.)"}, "yours/anger/copy", "mine/angry/b", []),
    ):
        said = []
        params = dataclasses.replace(PARAMS, speaker_pattern=patterns)
        table, rejected, _ = intake.build(raw, ("mine", "yours"), ("angry", "sad"), params, say=said.append)
        assert reasons(rejected) == {f"{lost}.wav": "duplicate"}
        assert set(rejected["detail"]) == {f"the same audio as {kept}"}
        assert kept in set(table["id"])
        assert [line.split(":")[0] for line in said] == [f"the same audio is of {names}" for names in spoken]


def test_all_copies_of_the_same_two_speakers_are_said_in_one_line(raw):
    (raw / "yours" / "joy").rename(raw / "yours" / "anger")
    for name in ("a.flac", "b.wav"):
        (raw / "yours/anger" / name).write_bytes((raw / "mine/angry" / name).read_bytes())
    files = {
        "mine": ["angry/a.flac", "angry/b.wav", "sad/a.wav"],
        "yours": ["anger/a.flac", "anger/b.wav", "anger/c.wav"],
    }
    for corpus, names in files.items():
        (raw / corpus / "metadata.csv").write_text("\n".join(["path,speaker", *(f"{name},ann" for name in names)]))
    said = []
    intake.build(raw, ("mine", "yours"), ("angry", "sad"), PARAMS, say=said.append)
    (line,) = said
    assert line == (
        "the same audio is of mine/ann and yours/ann: mine/angry/a = yours/anger/a and 1 more; one copy of each is "
        "kept; if these are one person, give them one name, or, of two corpora, leave out one: no split by speakers "
        "keeps them apart"
    )


def test_of_copies_with_different_labels_none_is_kept(raw):
    (raw / "mine/sad/copy.wav").write_bytes((raw / "mine/angry/b.wav").read_bytes())
    table, rejected, _ = build(raw)
    assert reasons(rejected) == {"mine/angry/b.wav": "duplicate", "mine/sad/copy.wav": "duplicate"}
    assert set(rejected["detail"]) == {"the same audio is labelled angry and sad: mine/angry/b, mine/sad/copy"}
    assert list(table["id"]) == ["mine/angry/a", "mine/sad/a"]


def test_emotions_outside_the_label_set_are_listed_but_do_not_count_as_flaws(raw):
    record(raw / "mine/bored/d.wav", seed=7)
    (raw / "mine/bored/e.wav").touch()
    table, rejected, shared = build(raw, max_rejected_share=0.0)
    assert reasons(rejected) == {"mine/bored/d.wav": "unmapped", "mine/bored/e.wav": "unmapped"}
    assert set(rejected["detail"]) == {"'bored' is not in `emotions`"}
    assert accounts.summary(table, rejected, shared)["rejected_share"] == 0


def test_too_many_flaws_in_one_corpus_stop_with_the_counts_and_examples(raw):
    for name in ("x", "y"):
        (raw / f"yours/joy/{name}.wav").touch()
    message = (
        r"yours: 2 of 3 files are rejected \(2 empty\), more than the share 0.5 of manifest.max_rejected_share; .*"
        r"the first: yours/joy/x\.wav: empty, a file of zero bytes; yours/joy/y\.wav"
    )
    with pytest.raises(InputError, match=message):
        build(raw, ("mine", "yours"), ("angry", "happy", "sad"), max_rejected_share=0.5)
    assert len(build(raw, ("mine", "yours"), ("angry", "happy", "sad"), max_rejected_share=0.67)[1]) == 2


def test_the_number_of_workers_changes_nothing(raw):
    for seed in range(20):
        record(raw / f"mine/angry/more_{seed}.wav", seed=100 + seed // 2)  # every second one is a copy
    one = intake.build(raw, ["mine"], ["angry", "sad"], PARAMS, workers=1)
    four = intake.build(raw, ["mine"], ["angry", "sad"], PARAMS, workers=4)
    for left, right in zip(one, four, strict=True):
        pd.testing.assert_frame_equal(left, right)


def test_progress_sees_each_wanted_file_once(raw):
    record(raw / "mine/bored/d.wav", seed=7)
    seen = []

    def watch(examinations, total):
        for one in examinations:
            seen.append(total)
            yield one

    intake.build(raw, ["mine"], ["angry", "sad"], PARAMS, watch=watch)
    assert seen == [3, 3, 3]


def test_summary_counts_by_corpus_emotion_and_reason(raw):
    (raw / "mine/angry/zero.wav").touch()
    table, rejected, shared = build(
        raw, ("mine", "yours"), ("angry", "happy", "sad"), speaker_pattern={"mine": "(?P<speaker>.)"}
    )
    report = accounts.summary(table, rejected, shared)
    assert report["utterances"] == 4
    assert (report["speakers"], report["without_speaker"]) == (2, 1)
    assert report["hours"] == pytest.approx(4 * 0.5 / 3600)
    assert report["emotions"] == {"angry": 2, "happy": 1, "sad": 1}
    assert report["corpora"]["mine"]["emotions"] == {"angry": 2, "sad": 1}
    assert report["corpora"]["yours"]["utterances"] == 1
    assert report["rejected"] == dict.fromkeys(examination.REASONS, 0) | {"empty": 1}
    assert report["rejected_share"] == pytest.approx(1 / 5)


def test_the_closing_line_says_what_was_taken_in_and_rejected(raw):
    assert accounts.closing_line(*build(raw)[:2]) == ("3 utterances of unknown speakers, 0.0 h, from mine; rejected 0")
    alone = build(raw).manifest.assign(speaker="mine/a")
    assert accounts.closing_line(alone, build(raw).rejected).startswith("3 utterances of 1 speaker, ")
    for name in ("x", "y"):
        (raw / f"mine/angry/{name}.wav").touch()
    record(raw / "mine/bored/d.wav", seed=7)
    line = accounts.closing_line(*build(raw, speaker_pattern={"mine": "(?P<speaker>.)"})[:2])
    assert line == "3 utterances of 2 speakers, 0.0 h, from mine; rejected 3 (2 empty, 1 unmapped)"


@pytest.mark.parametrize(
    ("corpora", "message"),
    [
        (["absent"], r"absent: no such folder; .* take 'absent' out of `corpora`; .*: dvc add .*absent"),
        (["mine", "mine"], "at least one name and none twice, found mine, mine"),
        ([], "at least one name"),
        (["../raw"], r"corpora: expected names of folders, .* found '\.\./raw'"),
        (["mine/angry"], "found 'mine/angry'; rename the folder$"),
        (["my corpus (1)"], "found 'my corpus \\(1\\)'; rename the folder, for instance to 'my_corpus_1'"),
        ([".hidden"], r"found '\.hidden'"),
        (["/mine"], "found '/mine'"),
        ([".."], r"found '\.\.'"),
        ([""], "expected names of folders, .* found ''"),
    ],
)
def test_wrong_names_of_corpora_are_refused(raw, corpora, message):
    with pytest.raises(InputError, match=message):
        build(raw, corpora)


def test_a_corpus_that_is_a_link_to_a_folder_is_refused(raw):
    (raw / "linked").symlink_to(raw / "mine")
    with pytest.raises(InputError, match=r"linked: a link to a folder, behind which DVC sees no change"):
        build(raw, ["linked"])


@pytest.mark.parametrize("inner", ["AudioWAV", "processedResults"])
def test_a_linked_folder_within_a_corpus_that_has_a_parser_is_refused(tmp_path, inner):
    record(tmp_path / "raw/crema_d/AudioWAV/1001_IEO_HAP_LO.wav")
    (tmp_path / "raw/crema_d/processedResults").mkdir()
    (tmp_path / "raw/crema_d" / inner).rename(tmp_path / inner)
    (tmp_path / "raw/crema_d" / inner).symlink_to(tmp_path / inner)
    with pytest.raises(InputError, match=rf"crema_d/{inner}: a link to a folder, behind which DVC sees no change"):
        intake.parse(tmp_path / "raw/crema_d", dataclasses.replace(PARAMS, allow_incomplete=["crema_d"]))


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        (
            "crema_d/AudioWAV/1001_IEO_HAP_LO.wav",
            "no VideoDemographics.csv, so blank: gender, age, race and ethnicity; no "
            "processedResults/tabulatedVotes.csv, so blank: votes and rated level; put there what you have of them",
        ),
        ("emodb/wav/03a01Fa.wav", "no erkennung.txt, so blank: recognition and naturalness; put there what you have"),
        ("nemo/samples/EB0_anger_1.wav", "no data.tsv, so blank: gender, age and text; put there"),
        (
            "meld/train/dia0_utt0.mp4",
            "no dev_sent_emo.csv, so blank: emotion, speaker and text of dev; no test_sent_emo.csv, so blank: emotion",
        ),
    ],
)
def test_tables_that_an_incomplete_corpus_lacks_are_said_with_what_stays_blank(tmp_path, name, remark):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).touch()
    folder, said = tmp_path / name.partition("/")[0], []
    if folder.name == "meld":
        table = ",".join(meld.COLUMNS) + "\nHi.,Joey,joy,positive,0,0,1,1\n"
        (folder / "train_sent_emo.csv").write_text(table)
    intake.parse(folder, dataclasses.replace(PARAMS, allow_incomplete=[folder.name]), said.append)
    (line,) = said
    assert line.startswith(f"{folder}: {remark}")


def test_an_incomplete_corpus_with_its_tables_is_not_remarked_on(tmp_path):
    folder, said = tmp_path / "emodb", []
    record(folder / "wav/03a01Fa.wav")
    (folder / "erkennung.txt").write_text("Nr.\n1\t03a01Fa.wav\t90,00\t75,00\n")
    intake.parse(folder, dataclasses.replace(PARAMS, allow_incomplete=["emodb"]), said.append)
    assert said == []


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


def test_a_corpus_of_pointers_of_git_lfs_is_refused(raw):
    for path in (raw / "mine").rglob("*.*"):
        path.write_text(POINTER)
    with pytest.raises(InputError, match=r"mine: all 3 files are pointers of git-lfs .*angry/.*git lfs pull"):
        build(raw)


def test_a_pointer_of_git_lfs_among_recordings_is_rejected_by_name(raw):
    (raw / "mine/angry/b.wav").write_text(POINTER)
    _, rejected, _ = build(raw, max_rejected_share=1.0)
    row = rejected.set_index("path").loc["mine/angry/b.wav"]
    assert row["reason"] == "unreadable"
    assert "git-lfs" in row["detail"]


def test_params_name_layout_and_columns_of_a_corpus(raw):
    (raw / "mine").rename(raw / "ours")
    for name in ("angry/b.wav", "angry/a.flac", "sad/a.wav"):
        (raw / "mine" / "mary" / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / "ours" / name).rename(raw / "mine" / "mary" / name)
    layout = {"mine": "{speaker}/{emotion}/{file}"}
    table, _, _ = build(raw, layout=layout)
    assert set(table["speaker"]) == {"mine/mary"}
    (raw / "yours" / "index.csv").write_text("path,felt\njoy/c.wav,sad\n")
    table, _, _ = build(raw, ["yours", "mine"], layout=layout, columns={"yours": {"emotion": "felt"}})
    assert table.set_index("id").loc["yours/joy/c", "emotion"] == "sad"
    (raw / "yours" / "index.csv").write_text("path,label\njoy/c.wav,3\n")
    with pytest.raises(InputError, match=r"found '3' \(1\) .*manifest\.words: \{yours: \{'3': \.\.\.\}\}"):
        build(raw, ["yours", "mine"], layout=layout)
    table, _, _ = build(raw, ["yours", "mine"], layout=layout, words={"yours": {"3": "sad"}})
    assert table.set_index("id").loc["yours/joy/c", "emotion"] == "sad"


def test_an_emotion_or_a_corpus_with_nothing_in_it_is_refused(raw):
    with pytest.raises(
        InputError, match=r"emotions: nothing was taken in for bored, calm, only for angry, sad; take it out of `emo"
    ):
        build(raw, label_set=("angry", "sad", "calm", "bored"))
    with pytest.raises(InputError) as caught:
        build(raw, ("mine", "yours"))
    assert str(caught.value) == (
        "corpora: nothing was taken in for yours (its files are happy), only for mine; take it out of `corpora`, or "
        "mend the corpora, `emotions` or manifest.merge"
    )
    with pytest.raises(InputError, match=r"auxiliary.corpora: nothing was taken in for yours.* of `auxiliary.corpora`"):
        intake.accepted(raw, ["mine", "yours"], ["angry", "sad"], PARAMS, block="auxiliary.corpora")


def test_two_files_with_one_id_are_refused(raw):
    record(raw / "mine/sad/a.flac", seed=8)
    with pytest.raises(InputError, match=r"a\.(wav|flac) and .*a\.(wav|flac): both would have the id 'mine/sad/a'"):
        build(raw)


def test_a_file_name_that_no_table_can_hold_is_refused(raw):
    (raw / "mine/sad/a.wav").rename(raw / "mine/sad/caf\udce9.wav")  # the byte of a Latin-1 é
    with pytest.raises(InputError, match="expected file names in UTF-8"):
        build(raw)


def test_a_wrong_label_set_or_merge_is_refused(raw):
    with pytest.raises(InputError, match="did you mean 'happy'"):
        build(raw, label_set=("angry", "happpy"))
    with pytest.raises(InputError, match="'sad' becomes 'angry', but is in `emotions`"):
        build(raw, merge={"sad": "angry"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_seconds": 0.0}, "expected 0 < min_seconds < max_seconds"),
        ({"min_seconds": 3.0}, "found 3.0 and 2.0"),
        ({"max_rejected_share": 1.1}, "expected 0 <= max_rejected_share <= 1"),
        ({"speaker_pattern": {"mine": "(?P<speaker"}}, "is no regular expression"),
        ({"speaker_pattern": {"mine": "(.*)"}}, r"expected a group '\(\?P<speaker>...\)'"),
        ({"speaker_pattern": {"emodb": "(?P<speaker>..)"}}, "'emodb' names its speakers itself"),
        ({"layout": {"mine": "{speaker}/{file}"}}, r"layout\.mine: expected a pattern of the whole path"),
        ({"layout": {"emodb": "{emotion}/{file}"}}, "layout: 'emodb' has a parser of its own"),
        ({"columns": {"mine": {"emotions": "felt"}}}, r"columns\.mine: expected some of path, .* found 'emotions'"),
        ({"columns": {"emodb": {"emotion": "felt"}}}, "columns: 'emodb' has a parser of its own"),
        ({"words": {"mine": {"W": "wrath"}}}, r"words\.mine: expected some of angry, .* found 'wrath'"),
        ({"words": {"emodb": {"W": "sad"}}}, "words: 'emodb' has a parser of its own"),
    ],
)
def test_params_out_of_range_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(PARAMS, **changes)


@pytest.mark.parametrize("corpus", PARSERS)
def test_a_corpus_with_a_parser_of_its_own_is_checked_by_it(tmp_path, corpus):
    (tmp_path / corpus).mkdir()
    with pytest.raises(InputError, match=rf"{corpus}: expected \d+ .* found 0; unpack the corpus again"):
        intake.parse(tmp_path / corpus, PARAMS)


def test_iemocap_with_excited_as_happy_is_a_choice_in_params(tmp_path):
    session = tmp_path / "iemocap" / "Session1"
    evaluation = session / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"
    evaluation.parent.mkdir(parents=True)
    turns = {"F000": "exc", "F001": "hap", "M000": "xxx", "M001": "fru"}
    lines = []
    for seed, (turn, label) in enumerate(turns.items()):
        name = f"Ses01F_impro01_{turn}"
        lines.append(f"[0.0 - 1.0]\t{name}\t{label}\t[1.0, 2.0, 3.0]\nC-E1:\tExcited;\t()\n")
        record(session / "sentences" / "wav" / "Ses01F_impro01" / f"{name}.wav", seed)
    evaluation.write_text("".join(lines))
    table, rejected, _ = build(
        tmp_path, ["iemocap"], ["happy", "frustrated"], merge={"excited": "happy"}, allow_incomplete=["iemocap"]
    )
    assert list(table["emotion"]) == ["happy", "happy", "frustrated"]
    assert set(table["votes"]) == {'{"happy": 1}'}
    assert set(rejected["reason"]) == {"unmapped"}
    assert json.loads(table["details"][0])["session"] == 1


NFC, NFD = "J\u00f6rg", "Jo\u0308rg"


def test_one_speaker_under_two_spellings_is_one_and_that_is_said(raw):
    lines = ["path,speaker", f"angry/b.wav,{NFC}", f"angry/a.flac,{NFD}", f"sad/a.wav,{NFC.upper()} "]
    (raw / "mine" / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    said = []
    table, *_ = intake.build(raw, ["mine"], ["angry", "sad"], PARAMS, say=said.append)
    assert set(table["speaker"]) == {f"mine/{NFC}"}
    (line,) = said
    assert line.endswith(f"are one: mine/{NFC} = mine/{NFC.upper()}")


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (("Actor_1", "Actor_01", "actor-1"), 1),
        (("actor 1", "Actor 001", "ACTOR1"), 1),
        (("1", "01", "2"), 2),
        (("1", "10", "100"), 3),
        (("1_2", "12", "1-02"), 2),
        (("1", "-1", "x"), 3),  # -1 often means that it is unknown
        (("v1.05", "v1.5", "v1.50"), 3),
    ],
)
def test_speakers_whose_names_differ_in_signs_or_leading_zeros_are_one(raw, names, count):
    files = ("angry/a.flac", "angry/b.wav", "sad/a.wav")
    lines = ["path,speaker", *(f"{file},{name}" for file, name in zip(files, names, strict=True))]
    (raw / "mine" / "metadata.csv").write_text("\n".join(lines))
    said = []
    table, *_ = intake.build(raw, ["mine"], ["angry", "sad"], PARAMS, say=said.append)
    assert table["speaker"].nunique() == count
    assert len(said) == (count < 3)
    assert all("differ only in case, spaces, signs, leading zeros or the writing of accents" in line for line in said)


def test_speakers_of_two_corpora_are_two_even_by_the_same_name(raw):
    for corpus, names in (("mine", ["angry/b.wav", "angry/a.flac", "sad/a.wav"]), ("yours", ["joy/c.wav"])):
        lines = ["path,speaker", *(f"{name},Ann" for name in names)]
        (raw / corpus / "metadata.csv").write_text("\n".join(lines) + "\n")
    table, _, _ = build(raw, ("mine", "yours"), ("angry", "happy", "sad"))
    assert set(table["speaker"]) == {"mine/Ann", "yours/Ann"}


def test_a_table_written_on_another_system_finds_files_whose_accents_are_written_otherwise(raw):
    (raw / "mine/sad/a.wav").rename(raw / f"mine/sad/{NFD}.wav")
    (raw / "mine" / "metadata.csv").write_text(f"path\nangry/b.wav\nangry/a.flac\nsad/{NFC}.wav\n", encoding="utf-8")
    table, _, _ = build(raw)
    row = table.iloc[-1]
    assert (row["id"], row["path"]) == (f"mine/sad/{NFC}", f"mine/sad/{NFD}.wav")  # the path is that of the disk


def test_two_files_with_one_name_in_two_writings_are_refused(raw):
    record(raw / f"mine/sad/{NFC}.wav", 7)
    record(raw / f"mine/sad/{NFD}.wav", 8)
    with pytest.raises(InputError, match="the same name as another file, but for how accents are written"):
        build(raw)


def test_what_else_lies_in_a_corpus_is_said(raw):
    (raw / "mine/sad/._a.wav").write_bytes(b"a Mac's leftover")
    (raw / "mine/sad/notes.docx").touch()
    said = []
    intake.build(raw, ["mine"], ["angry", "sad"], PARAMS, say=said.append)
    assert said == [f"{raw / 'mine'}: left out: 1 hidden, 1 of other kinds (1 .docx)"]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("labels.csv", "name it metadata.csv (speakers, ...) or index.csv"),
        ("sad/all.parquet", "name it metadata.parquet (speakers, ...) or index.parquet"),
        ("list.xlsx", "export it as metadata.csv (speakers, ...) or index.csv"),
    ],
)
def test_a_table_that_is_not_read_beside_emotion_folders_is_named(raw, name, what):
    (raw / "mine" / name).touch()
    said = []
    intake.build(raw, ["mine"], ["angry", "sad"], PARAMS, say=said.append)
    (line,) = said
    assert line.endswith(f"; the table {name} is not read: {what} (emotions, too)")
    (raw / "mine" / "metadata.csv").write_text("path\nangry/a.flac\nangry/b.wav\nsad/a.wav\n")
    intake.build(raw, ["mine"], ["angry", "sad"], PARAMS, say=said.append)
    assert "is not read" not in said[1]


def test_remarks_can_be_printed_whatever_files_are_called(raw):
    (raw / "mine/notes.t\udce9").touch()  # the byte of a Latin-1 é
    said = []
    intake.build(raw, ["mine"], ["angry", "sad"], PARAMS, say=said.append)
    assert said == [f"{raw / 'mine'}: left out: 1 of other kinds (1 .t\\udce9)"]


@pytest.mark.parametrize("sign", ["\r", "\n", "\x1b"])
def test_a_file_name_with_a_control_character_is_refused_in_one_line(raw, sign):
    (raw / "mine/sad/a.wav").rename(raw / f"mine/sad/a{sign}b.wav")
    with pytest.raises(InputError, match=r"expected file names without .* control characters, found 'mine") as caught:
        build(raw)
    assert sign not in str(caught.value)


def test_what_may_tell_unknown_speakers_is_said(raw):
    record(raw / "theirs/joy/mary/a.wav", 9)
    record(raw / "theirs/joy/paul/a.wav", 10)
    said = []
    intake.build(raw, ["mine", "theirs"], ["angry", "happy", "sad"], PARAMS, say=said.append)
    (line,) = said
    assert line.startswith(f"{raw / 'theirs'}: nothing tells who speaks; ")
    assert line.endswith("manifest.layout: {theirs: '{emotion}/{speaker}/{file}'}")


def test_columns_of_one_rater_each_are_told_how_to_become_votes(raw):
    said = []
    (raw / "mine/metadata.csv").write_text(
        "path,a,b,room\nangry/a.flac,anger,sad,1\nangry/b.wav,joy,joy,1\nsad/a.wav,sad,,1\n"
    )
    intake.build(raw, ["mine"], ["angry", "sad"], PARAMS, say=said.append)
    (line,) = said
    assert line.startswith(f"{raw / 'mine'}: the columns a, b hold emotions, and are kept as details only; ")
    (raw / "mine/metadata.csv").write_text(
        "path,a,room\nangry/a.flac,anger,sad\nangry/b.wav,joy,joy\nsad/a.wav,sad,door\n"
    )
    intake.build(raw, ["mine"], ["angry", "sad"], PARAMS, say=said.append)
    assert said == [line]


def test_columns_of_lists_are_no_raters_and_are_kept(raw):
    (raw / "mine/metadata.csv").write_text(
        'path,tags,box\nangry/a.flac,"[""loud"", ""near""]","{""x"": 1}"\nangry/b.wav,[],{}\nsad/a.wav,[],{}\n'
    )
    said = []
    table, _, _ = intake.build(raw, ["mine"], ["angry", "sad"], PARAMS, say=said.append)
    assert json.loads(table["details"].iloc[0]) == {"box": {"x": 1}, "tags": ["loud", "near"]}
    assert said == []


def test_params_of_a_corpus_that_is_not_read_are_remarked_on():
    params = dataclasses.replace(PARAMS, speaker_pattern={"mien": "(?P<speaker>.)"}, words={"yours": {"x": "sad"}})
    assert list(params.of_others(["mine"])) == [
        "manifest.speaker_pattern names 'mien', which is among neither `corpora` nor `auxiliary.corpora`; did you mean "
        "'mine'?",
        "manifest.words names 'yours', which is among neither `corpora` nor `auxiliary.corpora`",
    ]


def test_the_bundled_corpus_that_is_missing_is_made_and_not_put_there(raw):
    with pytest.raises(InputError, match=r"synthetic: no such folder; the stage synthesize makes it: dvc repro"):
        build(raw, ("synthetic",))


def test_a_link_to_nothing_is_rejected_by_name(raw):
    (raw / "mine/sad/lost.wav").symlink_to("/nowhere/lost.wav")
    _, rejected, _ = build(raw)
    (row,) = rejected.to_dict("records")
    assert (row["path"], row["reason"]) == ("mine/sad/lost.wav", "unreadable")
    assert "a link to /nowhere/lost.wav, where there is no file" in row["detail"]


@pytest.mark.parametrize(
    ("name", "parser"),
    [("EMOVO", "emovo"), ("CREMA-D", "crema_d"), ("JL_corpus", "jl"), ("MELD.Raw", "meld"), ("EmoV-DB", "emov_db")],
)
def test_a_known_corpus_under_another_name_is_told_its_own(raw, name, parser):
    (raw / "mine").rename(raw / name)
    with pytest.raises(InputError, match=rf"expected the name '{parser}', .* found '{name}'; .*corpora: \[{parser}\]"):
        build(raw, (name,))
    (raw / name / "metadata.csv").write_text("path,speaker\nangry/a.flac,1\nangry/b.wav,2\nsad/a.wav,1\n")
    assert len(build(raw, (name,)).manifest) == 3


def test_a_speaker_of_two_genders_is_said(raw):
    (raw / "mine" / "metadata.csv").write_text(
        "path,speaker,gender\nangry/a.flac,1,female\nangry/b.wav,1,male\nsad/a.wav,2,male\n"
    )
    said = []
    intake.build(raw, ("mine",), ("angry", "sad"), PARAMS, say=said.append)
    assert said == ["speakers of two genders: mine/1 (female and male); if they are two people, give them two names"]


def test_a_speaker_of_ages_more_than_a_birthday_apart_is_said(raw):
    (raw / "mine" / "metadata.csv").write_text(
        "path,speaker,age\nangry/a.flac,1,25\nangry/b.wav,1,65\nsad/a.wav,2,30\n"
    )
    said = []
    intake.build(raw, ("mine",), ("angry", "sad"), PARAMS, say=said.append)
    assert said == ["speakers of several ages: mine/1 (25.0 and 65.0); if they are two people, give them two names"]
    (raw / "mine" / "metadata.csv").write_text(
        "path,speaker,age\nangry/a.flac,1,25\nangry/b.wav,1,26\nsad/a.wav,2,30\n"
    )
    intake.build(raw, ("mine",), ("angry", "sad"), PARAMS, say=said.append)
    assert len(said) == 1


def test_recordings_of_one_length_are_said_and_count_to_the_sample_if_they_are_taken_in(tmp_path):
    files = [tmp_path / f"mine/{('angry', 'sad')[number % 2]}/{number}.wav" for number in range(40)]
    for seed, path in enumerate(files):
        record(path, seed, seconds=0.5 if seed < 20 else 0.1)  # too short
    said = []
    intake.build(tmp_path, ["mine"], ["angry", "sad"], PARAMS, say=said.append)
    assert [line.partition(": if ")[0] for line in said] == ["mine: 20 of 20 recordings last exactly 0.5 s"]
    for seed, path in enumerate(files[:3]):
        record(path, seed, seconds=0.5 + 1 / RATE)
    said.clear()
    intake.build(tmp_path, ["mine"], ["angry", "sad"], PARAMS, say=said.append)
    assert said == []
