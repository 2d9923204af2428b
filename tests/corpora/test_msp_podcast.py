import pytest

from ser.corpora import msp_podcast, parsers
from ser.files.failures import InputError
from tests import builders

CONSENSUS = """FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set
MSP-PODCAST_0001_0008.wav,A,5.2,2.0,5.6,97,Male,Train
MSP-PODCAST_0001_0019.wav,N,4.0,4.0,4.4,Unknown,Unknown,Train
MSP-PODCAST_0023_0047.wav,C,4.5,3.5,,Speaker_7,Female,Development
MSP-PODCAST_0153_0074_0001.wav,X,3.0,3.8,4.0,312,Female,Test1
"""
DETAILED = """FileName,WorkerID,EmoClass_Major,EmoClass_Second
MSP-PODCAST_0001_0008.wav,WORKER00000001,Angry,"Angry,Annoyed"
MSP-PODCAST_0001_0008.wav,WORKER00000002,Angry,Angry
MSP-PODCAST_0001_0008.wav,WORKER00000003,Disgust,Disgust
MSP-PODCAST_0001_0019.wav,WORKER00000001,Other-sarcastic tone,Other
MSP-PODCAST_0023_0047.wav,WORKER00000003,Contempt,Contempt
MSP-PODCAST_0023_0047.wav,WORKER00000004,,
"""
IN_ONE_COLUMN = """FileName,EmoDetail
MSP-PODCAST_0001_0008.wav,"WORKER00000001; Angry; Angry,Annoyed; A:6.000000; V:2.000000; D:6.000000;"
MSP-PODCAST_0001_0008.wav,"WORKER00000002; Angry; Angry; A:5.000000; V:2.000000; D:6.000000;"
MSP-PODCAST_0001_0008.wav,"WORKER00000003; Disgust; Disgust; A:5.000000; V:2.000000; D:5.000000;"
"""
PARTITION = "Train; MSP-PODCAST_0001_0008.wav\nTest3; MSP-PODCAST_0200_0001.wav\n"
TURNS = ("0001_0008", "0001_0019", "0023_0047", "0153_0074_0001", "0200_0001")


@pytest.fixture
def corpus(tmp_path):
    """Four labelled turns, and one whose label is withheld."""
    folder = tmp_path / "msp_podcast"
    for name in ("Audios", "Labels", "Transcripts"):
        (folder / name).mkdir(parents=True)
    (folder / "Labels" / "labels_consensus.csv").write_text(CONSENSUS)
    (folder / "Labels" / "labels_detailed.csv").write_text(DETAILED)
    (folder / "Partition.txt").write_text(PARTITION)
    (folder / "Transcripts" / "MSP-PODCAST_0001_0008.txt").write_text("Get out\n of here.\n")
    for turn in TURNS:
        (folder / "Audios" / f"MSP-PODCAST_{turn}.wav").touch()
    return folder


def test_labels_votes_and_transcripts_tell_everything(corpus):
    angry, neutral, contemptuous, none, withheld = msp_podcast.parse(corpus, incomplete=False)
    assert (angry.name, angry.emotion, angry.speaker, angry.gender) == ("MSP-PODCAST_0001_0008", "angry", "97", "male")
    assert (angry.text, angry.language, angry.votes) == ("Get out of here.", "en", {"angry": 2, "disgusted": 1})
    assert angry.details == {"split": "Train", "podcast": "0001", "arousal": 5.2, "valence": 2.0, "dominance": 5.6}
    assert (neutral.speaker, neutral.gender, neutral.text, neutral.votes) == ("", "", "", {"other": 1})
    assert (contemptuous.emotion, contemptuous.speaker, contemptuous.details) == (
        "contemptuous",
        "Speaker_7",
        {"split": "Development", "podcast": "0023", "arousal": 4.5, "valence": 3.5},
    )
    assert (none.name, none.emotion, none.votes) == ("MSP-PODCAST_0153_0074_0001", "undecided", {})
    assert (withheld.emotion, withheld.speaker) == ("undecided", "")
    assert withheld.details == {"split": "Test3", "podcast": "0200"}


def test_an_archive_may_put_it_into_a_folder_of_its_own(corpus):
    def told():
        found = msp_podcast.parse(corpus, incomplete=False)
        return [(one.name, one.emotion, one.speaker, one.gender, one.text, one.votes, one.details) for one in found]

    before = told()
    builders.archived(corpus, "MSP-PODCAST-Publish-1.11")
    assert told() == before


def test_what_raters_heard_may_stand_in_one_column(corpus):
    (corpus / "Labels" / "labels_detailed.csv").write_text(IN_ONE_COLUMN)
    assert msp_podcast.parse(corpus, incomplete=False)[0].votes == {"angry": 2, "disgusted": 1}


def test_an_incomplete_corpus_may_lack_turns_votes_and_the_list_of_parts(corpus):
    for name in ("Audios/MSP-PODCAST_0001_0019.wav", "Labels/labels_detailed.csv", "Partition.txt"):
        (corpus / name).unlink()
    utterances = msp_podcast.parse(corpus, incomplete=True)
    assert [utterance.emotion for utterance in utterances] == ["angry", "contemptuous", "undecided", "undecided"]
    assert not any(utterance.votes for utterance in utterances)


def test_a_name_that_stands_in_two_folders_is_refused(corpus):
    (corpus / "Audios" / "more").mkdir()
    (corpus / "Audios" / "more" / "MSP-PODCAST_0001_0008.wav").touch()
    with pytest.raises(InputError, match="MSP-PODCAST_0001_0008"):
        msp_podcast.parse(corpus, incomplete=False)


def test_a_turn_without_label_has_no_part_unless_it_is_withheld(corpus):
    (corpus / "Audios" / "MSP-PODCAST_0300_0001.wav").touch()
    found = {each.name: each.details.get("split") for each in msp_podcast.parse(corpus, incomplete=True)}
    assert (found["MSP-PODCAST_0200_0001"], found["MSP-PODCAST_0300_0001"]) == ("Test3", None)


def without(*names):
    def change(corpus):
        for name in names:
            (corpus / name).unlink()

    return change


def writing(name, text):
    return lambda corpus: (corpus / name).write_text(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("Audios/MSP-PODCAST_0001_0019.wav"), "no audio for 1 of 4 turns of .*, such as MSP-PODCAST_0001_0019"),
        (
            writing("Audios/MSP-PODCAST_0300_0001.wav", ""),
            "no label for 1 of 6 turns .*MSP-PODCAST_0300_0001.wav, which",
        ),
        (without("Labels/labels_consensus.csv"), "labels_consensus.csv: no such file"),
        (without("Labels/labels_detailed.csv"), "labels_detailed.csv: no such file; it comes with the corpus"),
        (without("Partition.txt"), "Partition.txt: no such file; it comes with the corpus"),
        (
            writing("Labels/labels_consensus.csv", CONSENSUS.replace("0008.wav,A", "0008.wav,Anger")),
            "one of the letters A, C, .* found 'Anger' of MSP-PODCAST_0001_0008.wav",
        ),
        (
            writing("Labels/labels_consensus.csv", CONSENSUS.replace("5.2", "high")),
            "expected numbers as EmoAct, .*'high'",
        ),
        (
            writing("Labels/labels_consensus.csv", CONSENSUS.replace("5.2", "inf")),
            "expected numbers as EmoAct, .*infinite",
        ),
        (
            writing("Labels/labels_consensus.csv", CONSENSUS.replace("0019", "0008")),
            r"labels_consensus\.csv: MSP-PODCAST_0001_0008\.wav stands there twice",
        ),
        (
            writing("Labels/labels_detailed.csv", DETAILED.replace(".wav", "")),
            "expected turns of .*, found none, the first is MSP-PODCAST_0001_0008",
        ),
        (
            writing("Labels/labels_detailed.csv", IN_ONE_COLUMN.replace(";", "|")),
            "expected emotions such as Angry and Neutral, found",
        ),
        (
            writing("Labels/labels_detailed.csv", "FileName,Emotion\n"),
            "a column EmoClass_Major or EmoDetail, found FileName, Emotion",
        ),
    ],
)
def test_a_corpus_that_is_not_as_distributed_is_refused_in_one_line(corpus, change, message):
    change(corpus)
    with pytest.raises(InputError, match=message) as caught:
        msp_podcast.parse(corpus, incomplete=False)
    assert "\n" not in str(caught.value)


def test_a_file_of_another_corpus_is_refused_even_where_files_may_be_missing(corpus):
    (corpus / "Audios" / "03a01Fa.wav").touch()
    with pytest.raises(InputError, match=r"03a01Fa\.wav: expected a name such as MSP-PODCAST_0001_0008\.wav"):
        msp_podcast.parse(corpus, incomplete=True)


@pytest.mark.parametrize("suffix", [".flac", ".WAV"])
def test_converted_audio_has_the_labels_of_its_turns(corpus, suffix):
    before = [(one.name, one.emotion, one.votes, one.details) for one in msp_podcast.parse(corpus, incomplete=False)]
    for path in list((corpus / "Audios").iterdir()):
        path.rename(path.with_suffix(suffix))
    after = [(one.name, one.emotion, one.votes, one.details) for one in msp_podcast.parse(corpus, incomplete=False)]
    assert after == before


def test_turns_outside_their_folder_are_told_where_they_belong(corpus):
    for path in list((corpus / "Audios").iterdir()):
        path.rename(corpus / path.name)
    with pytest.raises(InputError, match=r"in its folder Audios, beside Labels/.*, found 0; move the turns into that"):
        msp_podcast.parse(corpus, incomplete=False)


def test_tables_that_are_missing_are_said_with_what_stays_blank(corpus):
    assert parsers.blank(corpus) == ""
    for name in ("Labels/labels_detailed.csv", "Partition.txt"):
        (corpus / name).unlink()
    assert parsers.blank(corpus) == (
        "no Labels/labels_detailed.csv, so blank: votes; no Partition.txt, so blank: split of turns without a label; "
        "put there what you have of them"
    )


def test_folders_and_tables_of_older_releases_are_known(corpus):
    (corpus / "Audios").rename(corpus / "Audio")
    (corpus / "Labels" / "labels_consensus.csv").rename(corpus / "Labels" / "labels_concensus.csv")
    (corpus / "Labels").rename(corpus / "label")
    (corpus / "Partition.txt").rename(corpus / "Partitions.txt")
    assert len(msp_podcast.parse(corpus, incomplete=False)) == 5


def test_without_turns_of_test3_the_list_of_parts_is_not_asked_for(corpus):
    (corpus / "Partition.txt").unlink()
    (corpus / "Audios" / "MSP-PODCAST_0200_0001.wav").unlink()
    assert len(msp_podcast.parse(corpus, incomplete=False)) == 4
