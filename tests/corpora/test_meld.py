"""MELD: made-up tables and files of the published names and columns."""

import json

import numpy as np
import pytest

from ser.corpora import intake, meld
from ser.files.failures import InputError
from tests import builders

HEADER = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"
TIMES = '"00:16:16,059","00:16:21,731"\n'
TRAIN = (
    f"1,It\u2019s over.,Chandler,sadness,negative,0,0,8,21,{TIMES}"
    f'2,"Yes,  it is!",The Interviewer,joy,positive,0,1,8,21,{TIMES}'
    f"3,Hi!,Joey and Ross,joy,positive,125,3,8,21,{TIMES}"
    f"4,Oh.,Ross,sadness,negative,1,0,1,2,{TIMES}"
)
DEV = f"1,What?,Monica,surprise,negative,0,0,4,7,{TIMES}2,Who?,Phoebe,neutral,neutral,110,7,6,11,{TIMES}"
TEST = f"1,No!,Ursula,anger,negative,0,0,3,19,{TIMES}2,Stay.,Joey/Drake,fear,negative,0,1,9,11,{TIMES}"
FILES = (
    *("train/train_splits/dia0_utt0.mp4", "train/train_splits/dia0_utt1.mp4", "train/train_splits/dia125_utt3.mp4"),
    "train/train_splits/dia1_utt0.mp4",
    *("dev_splits_complete/dia0_utt0.mp4", "dev_splits_complete/dia66_utt9.mp4"),  # the latter has no row
    *("output_repeated_splits_test/dia0_utt0.mp4", "output_repeated_splits_test/dia0_utt1.mp4"),
    "output_repeated_splits_test/final_videos_testdia0_utt0.mp4",
)


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Eight utterances, of which one has no file, and two files without a row, as the archives lay them out."""
    monkeypatch.setattr(meld, "UTTERANCES", 8)
    folder = tmp_path / "meld"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    for place, rows in (("train/train", TRAIN), ("dev", DEV), ("test", TEST)):
        (folder / f"{place}_sent_emo.csv").write_text(HEADER + rows, encoding="utf-8")
    return folder


def parsed(corpus, incomplete=False):
    return {utterance.name: utterance for utterance in meld.parse(corpus, incomplete)}


def test_the_tables_tell_everything(corpus):
    first = parsed(corpus)["train_dia0_utt0"]
    assert (first.emotion, first.speaker, first.gender, first.age) == ("sad", "Chandler", "male", None)
    assert (first.language, first.text) == ("en", "It\u2019s over.")
    assert first.details == {
        **{"split": "train", "label": "sadness", "character": "Chandler", "sentiment": "negative"},
        **{"dialogue": "train 0", "season": 8, "episode": 21},
    }


def test_utterances_of_one_name_in_two_parts_are_two(corpus):
    found = parsed(corpus)
    assert [found[f"{part}_dia0_utt0"].details["split"] for part in ("train", "dev", "test")] == [
        "train",
        "dev",
        "test",
    ]
    assert [found[f"{part}_dia0_utt0"].speaker for part in ("train", "dev", "test")] == ["Chandler", "Monica", "Phoebe"]


def test_a_speaker_is_one_person_under_all_names_and_several_at_once_are_none(corpus):
    found = parsed(corpus)
    assert (found["test_dia0_utt0"].speaker, found["test_dia0_utt0"].details["character"]) == ("Phoebe", "Ursula")
    assert (found["test_dia0_utt1"].speaker, found["test_dia0_utt1"].gender) == ("Joey", "male")
    assert (found["train_dia0_utt1"].speaker, found["train_dia0_utt1"].gender) == ("The Interviewer", "")
    both = found["train_dia125_utt3"]
    assert (both.speaker, both.emotion, both.details["label"]) == ("", "undecided", "joy")


def test_a_file_without_a_row_has_no_emotion_and_no_speaker(corpus):
    found = parsed(corpus)
    for name in ("dev_dia66_utt9", "test_final_videos_testdia0_utt0"):
        assert (found[name].emotion, found[name].speaker, set(found[name].details)) == ("undecided", "", {"split"})


def test_what_the_distribution_lacks_is_not_missed_and_other_files_are(corpus):
    (corpus / "train/train_splits/dia125_utt3.mp4").unlink()
    assert len(parsed(corpus)) == 8
    (corpus / "dev_splits_complete/dia0_utt0.mp4").unlink()
    with pytest.raises(InputError, match=r"no file for 1 of 8 utterances of its tables, such as dev_dia0_utt0; unpack"):
        parsed(corpus)
    assert len(parsed(corpus, incomplete=True)) == 7


def test_an_archive_or_a_copy_may_lay_it_out_otherwise(corpus):
    before = {name: (one.emotion, one.speaker, one.text, one.details) for name, one in parsed(corpus).items()}
    (corpus / "dev_splits_complete").rename(corpus / "dev")
    (corpus / "output_repeated_splits_test").rename(corpus / "test_splits_wav")
    for path in (corpus / "test_splits_wav").iterdir():
        path.rename(path.with_suffix(".wav"))
    builders.archived(corpus, "MELD.Raw")
    assert {name: (one.emotion, one.speaker, one.text, one.details) for name, one in parsed(corpus).items()} == before


def test_quotes_of_older_tables_are_quotes(corpus):
    table = corpus / "train/train_sent_emo.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("\u2019", "\x92"), encoding="utf-8")
    assert parsed(corpus)["train_dia0_utt0"].text == "It\u2019s over."


def without(name):
    return lambda corpus: (corpus / name).unlink()


def writing(name, text):
    return lambda corpus: (corpus / name).write_text(text, encoding="utf-8")


def adding(name):
    def change(corpus):
        (corpus / name).parent.mkdir(parents=True, exist_ok=True)
        (corpus / name).touch()

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("dev_sent_emo.csv"), r"expected one table dev_sent_emo\.csv, found none; it comes with the corpus"),
        (
            writing("more/dev_sent_emo.csv", HEADER),
            r"expected one table dev_sent_emo\.csv, found .*meld/dev_.* and .*more/.*; keep one",
        ),
        (writing("dev_sent_emo.csv", HEADER), "expected 8 utterances in its tables, found 6; unpack the corpus again"),
        (writing("dev_sent_emo.csv", HEADER + DEV + DEV), r"dev_sent_emo\.csv: an utterance stands there twice"),
        (
            writing("dev_sent_emo.csv", HEADER + DEV.replace("surprise", "Joyful")),
            r"dev_sent_emo\.csv: expected one of anger, .* as Emotion, found 'Joyful'",
        ),
        (
            writing("dev_sent_emo.csv", HEADER.replace("Speaker", "Who") + DEV),
            r"dev_sent_emo\.csv: expected the columns .*missing: Speaker",
        ),
        (adding("train/train_splits/sea1_ep2_sc6_utt3.mp4"), r"utt3\.mp4: expected a name of MELD such as train_spli"),
        (adding("videos/dia0_utt0.mp4"), r"videos/dia0_utt0\.mp4: expected a name of MELD .*in a folder of train, dev"),
        (adding("train_wav/dia0_utt0.wav"), r"dia0_utt0\..* the same recording as .*; delete one of the two copies"),
    ],
)
def test_a_corpus_that_is_not_as_distributed_is_refused_in_one_line(corpus, change, message):
    (corpus / "more").mkdir()
    change(corpus)
    with pytest.raises(InputError, match=message) as caught:
        meld.parse(corpus, incomplete=False)
    assert "\n" not in str(caught.value)


def test_an_incomplete_corpus_may_lack_a_part(corpus):
    for name in (*FILES[4:6], "dev_sent_emo.csv"):
        (corpus / name).unlink()
    assert {one.details["split"] for one in parsed(corpus, incomplete=True).values()} == {"train", "test"}


def test_videos_become_a_manifest_and_what_is_damaged_or_of_nobody_is_listed(corpus, encode):
    for seed, name in enumerate(FILES):
        noise = np.random.default_rng(seed).normal(0, 0.1, (2, 24_000)).astype(np.float32)
        encode(corpus / name, "mp4", "aac", noise, 48_000)
    damaged = corpus / "train/train_splits/dia1_utt0.mp4"
    damaged.write_bytes(damaged.read_bytes()[:2000])
    params = intake.ManifestParams(
        merge={}, min_seconds=0.2, max_seconds=2.0, max_rejected_share=0.5, speaker_pattern={}, allow_incomplete=[]
    )
    table, rejected, _ = intake.build(corpus.parent, ["meld"], ["angry", "fearful", "sad", "surprised"], params)
    assert dict(zip(table["id"], table["speaker"], strict=True)) == {
        "meld/dev_dia0_utt0": "meld/Monica",
        "meld/test_dia0_utt0": "meld/Phoebe",
        "meld/test_dia0_utt1": "meld/Joey",
        "meld/train_dia0_utt0": "meld/Chandler",
    }
    assert [json.loads(cell)["split"] for cell in table["details"]] == ["dev", "test", "test", "train"]
    reasons = {
        path.rpartition("/")[2]: reason for path, reason in zip(rejected["path"], rejected["reason"], strict=True)
    }
    assert reasons == {
        **dict.fromkeys(("dia0_utt1.mp4", "dia125_utt3.mp4"), "unmapped"),  # happy, and of two people
        **dict.fromkeys(("dia66_utt9.mp4", "final_videos_testdia0_utt0.mp4"), "unmapped"),
        "dia1_utt0.mp4": "unreadable",
    }
