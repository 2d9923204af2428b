import shutil

import pytest

from ser.corpora import iemocap, parsers
from ser.files.failures import InputError
from tests import builders

EVALUATION = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()
C-E3:\tNeutral;\t()
C-E4:\tNeutral; Anger;\t(mildly aggravated; polite)
C-F1:\tAnger;\t(curious)
A-E3:\tval 3; act 2; dom  2;\t()
A-F1:\tval 3; act 2; dom  1;\t()

[10.0100 - 11.3925]\tSes01F_impro01_M000\texc\t[4.0000, 3.3333, 3.0000]
C-E1:\tExcited;\t()
C-E2:\tExcited; Happiness;\t()
C-E4:\tOther;\t(amused)
C-M1:\tExcited;\t()

[12.0000 - 13.0000]\tSes01F_impro01_M001\txxx\t[3.0000, 3.0000, 3.0000]
C-E1:\tAnger;\t()
C-E2:\tSadness;\t()
C-E4:\tSmugness;\t()
"""
SCRIPTED = """[0.5000 - 1.0000]\tSes03M_script01_1b_F012\tang\t[1.5000, 4.0000, 4.5000]
C-E1:\tAnger;\t()
"""
TRANSCRIPTS = """Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.
F: [a note without a turn]
Ses01F_impro01_M000 [010.0100-011.3925]: Really? [LAUGHTER]
Ses01F_impro01_M001 [012.0000-013.0000]: Well.
"""


def write_session(corpus, number, dialog, evaluation, transcripts, turns):
    session = corpus / f"Session{number}"
    for name in ("dialog/EmoEvaluation", "dialog/transcriptions", f"sentences/wav/{dialog}"):
        (session / name).mkdir(parents=True)
    (session / "dialog" / "EmoEvaluation" / f"{dialog}.txt").write_text(evaluation)
    (session / "dialog" / "EmoEvaluation" / f"._{dialog}.txt").write_bytes(b"\x00\x05\x16\x07 a Mac's leftover")
    (session / "dialog" / "transcriptions" / f"{dialog}.txt").write_text(transcripts)
    for turn in turns:
        (session / "sentences" / "wav" / dialog / f"{turn}.wav").touch()


@pytest.fixture
def corpus(tmp_path):
    """Session 1 with three improvised turns, session 3 with a scripted one."""
    folder = tmp_path / "iemocap"
    turns = ["Ses01F_impro01_F000", "Ses01F_impro01_M000", "Ses01F_impro01_M001"]
    write_session(folder, 1, "Ses01F_impro01", EVALUATION, TRANSCRIPTS, turns)
    text = "Ses03M_script01_1b_F012 [000.5000-001.0000]: No!\n"
    write_session(folder, 3, "Ses03M_script01_1b", SCRIPTED, text, ["Ses03M_script01_1b_F012"])
    return folder


def test_evaluations_and_transcripts_tell_everything(corpus):
    neutral, excited, undecided, angry = iemocap.parse(corpus, incomplete=True)
    assert (neutral.name, neutral.emotion, neutral.speaker, neutral.gender) == (
        "Ses01F_impro01_F000",
        "neutral",
        "Ses01F",
        "female",
    )
    assert (neutral.language, neutral.text) == ("en", "Excuse me.")
    assert neutral.votes == {"neutral": 3, "angry": 1}
    assert neutral.details == {
        "session": 1,
        "dialog": "Ses01F_impro01",
        "improvised": True,
        "raters": {"E2": ["neutral"], "E3": ["neutral"], "E4": ["neutral", "angry"]},
        "self": {"F1": ["angry"]},
        "valence": 2.5,
        "activation": 2.5,
        "dominance": 2.5,
    }
    assert (excited.emotion, excited.speaker, excited.gender) == ("excited", "Ses01M", "male")
    assert excited.votes == {"excited": 2, "happy": 1, "other": 1}
    assert excited.text == "Really? [LAUGHTER]"
    assert excited.details["valence"] == 4.0
    assert excited.details["activation"] == 3.3333
    assert (undecided.emotion, undecided.votes) == ("undecided", {"angry": 1, "sad": 1, "other": 1})
    assert (angry.emotion, angry.speaker, angry.text) == ("angry", "Ses03F", "No!")
    assert (angry.details["session"], angry.details["improvised"]) == (3, False)


def test_an_archive_may_put_it_into_a_folder_of_its_own(corpus):
    def told():
        found = iemocap.parse(corpus, incomplete=True)
        return [(one.name, one.emotion, one.speaker, one.gender, one.text, one.votes, one.details) for one in found]

    before = told()
    builders.archived(corpus, "IEMOCAP_full_release")
    assert told() == before


def test_an_archive_may_put_it_two_folders_deep(corpus):
    expected = [utterance.name for utterance in iemocap.parse(corpus, incomplete=True)]
    builders.archived(corpus, "IEMOCAP_full_release")
    builders.archived(corpus, "IEMOCAP_full_release_withoutVideos")
    (corpus / "__MACOSX" / "IEMOCAP_full_release" / "Session1").mkdir(parents=True)
    assert [utterance.name for utterance in iemocap.parse(corpus, incomplete=True)] == expected


def test_missing_sessions_are_refused_unless_declared(corpus):
    with pytest.raises(InputError, match=r"expected 5 sessions, found 2; .* manifest\.allow_incomplete: \[iemocap\]"):
        iemocap.parse(corpus, incomplete=False)


def test_a_folder_without_sessions_is_refused_even_if_declared(tmp_path):
    with pytest.raises(InputError, match=r"expected 5 sessions, found 0; unpack the corpus again$"):
        iemocap.parse(tmp_path, incomplete=True)


def test_a_flat_copy_is_told_the_layout_that_it_lacks(tmp_path):
    (tmp_path / "Ses01F_impro01_F000.wav").touch()
    with pytest.raises(
        InputError, match=r"expected SessionN/dialog/EmoEvaluation, .*flat copies have lost it: .*a meta"
    ):
        iemocap.parse(tmp_path, incomplete=True)


def test_an_archive_without_the_first_session_is_found(corpus):
    shutil.rmtree(corpus / "Session1")
    builders.archived(corpus, "IEMOCAP_full_release")
    assert [utterance.speaker for utterance in iemocap.parse(corpus, incomplete=True)] == ["Ses03F"]


def complete(corpus, counts):
    """A corpus of five sessions and one dialogue each, whose turns have the labels that ``counts`` tells."""
    labels = [label for label, count in counts.items() for _ in range(count)]
    for number in range(1, 6):
        dialog = f"Ses0{number}F_impro01"
        own = labels[number - 1 :: 5]
        turns = [f"{dialog}_M{index:04d}" for index in range(len(own))]
        lines = [f"[0.0 - 1.0]\t{turn}\t{label}\t[1.0, 2.0, 3.0]\n" for turn, label in zip(turns, own, strict=True)]
        write_session(corpus, number, dialog, "".join(lines), "", turns)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A corpus that counts as complete with ten turns."""
    monkeypatch.setattr(iemocap, "TURNS", {"angry": 6, "sad": 4})
    complete(tmp_path / "small", {"ang": 6, "sad": 4})
    return tmp_path / "small"


def test_the_complete_corpus_holds_the_usual_5531_turns_of_four_classes(tmp_path):
    published = dict(ang=1103, hap=595, exc=1041, sad=1084, neu=1708, fru=1849, sur=107, fea=40, dis=2, oth=3, xxx=2507)
    complete(tmp_path, published)
    utterances = iemocap.parse(tmp_path, incomplete=False)
    assert len(utterances) == 10_039
    usual = {"angry", "happy", "excited", "sad", "neutral"}
    assert sum(utterance.emotion in usual for utterance in utterances) == 5531


def test_a_corpus_with_other_labels_is_refused(small):
    evaluation = small / "Session2" / "dialog" / "EmoEvaluation" / "Ses02F_impro01.txt"
    evaluation.write_text(evaluation.read_text().replace("ang", "sad"))
    with pytest.raises(InputError, match=r"expected 6 turns labelled angry, found 5; .* were changed"):
        iemocap.parse(small, incomplete=False)


def test_a_turn_without_audio_is_refused_unless_declared(small):
    (small / "Session2" / "sentences" / "wav" / "Ses02F_impro01" / "Ses02F_impro01_M0001.wav").unlink()
    with pytest.raises(InputError, match=r"no audio file for the turn Ses02F_impro01_M0001 .*allow_incomplete"):
        iemocap.parse(small, incomplete=False)
    assert len(iemocap.parse(small, incomplete=True)) == 9


def test_audio_without_a_turn_is_refused_unless_declared(small):
    (small / "Session2" / "sentences" / "wav" / "Ses02F_impro01" / "Ses02F_impro01_M9999.wav").touch()
    with pytest.raises(InputError, match=r"M9999\.wav: no file of .*EmoEvaluation has this turn"):
        iemocap.parse(small, incomplete=False)
    assert len(iemocap.parse(small, incomplete=True)) == 10


def test_a_missing_transcript_is_refused_unless_declared(small):
    (small / "Session4" / "dialog" / "transcriptions" / "Ses04F_impro01.txt").unlink()
    with pytest.raises(InputError, match=r"Ses04F_impro01\.txt: no such file; it comes with the corpus"):
        iemocap.parse(small, incomplete=False)
    assert len(iemocap.parse(small, incomplete=True)) == 10


def test_missing_transcripts_are_said_with_what_stays_blank(small):
    assert parsers.blank(small.rename(small.with_name("iemocap"))) == ""
    for number in (2, 4):
        (small.with_name("iemocap") / f"Session{number}/dialog/transcriptions/Ses0{number}F_impro01.txt").unlink()
    assert parsers.blank(small.with_name("iemocap")) == (
        "no Session2/dialog/transcriptions/Ses02F_impro01.txt, nor 1 more of that kind, so blank: text; put there "
        "what you have of them"
    )


@pytest.mark.parametrize("head", ["Ses01F_impro01_F000\tjoy", "Ses09F_impro01_F000\tneu", "turn\tneu"])
def test_a_foreign_turn_or_label_is_refused(corpus, head):
    evaluation = corpus / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"
    evaluation.write_text(f"[0.0 - 1.0]\t{head}\t[1.0, 2.0, 3.0]\n")
    with pytest.raises(InputError, match="expected a turn such as Ses01F_impro01_M003 and its label"):
        iemocap.parse(corpus, incomplete=True)
