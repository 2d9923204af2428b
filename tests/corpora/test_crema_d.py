import shutil
from collections import Counter

import numpy as np
import pytest

from ser.corpora import crema_d
from ser.files.failures import InputError
from tests import builders

ACTORS = """"ActorID","Age","Sex","Race","Ethnicity"
1001,51,"Male","Caucasian","Not Hispanic"
1040,42,"Female","African American","Hispanic"
"""
VOTES = """"","A","D","F","H","N","S","fileName","numResponses","agreement","emoVote","meanEmoResp"
"100001",0,0,0,3,6,0,"1001_IEO_HAP_LO",9,0.666666666666667,"N",62
"100002",1,0,0,0,2,7,"1040_ITH_SAD_XX",10,0.7,"S",57.6666666666667
"200001",0,0,0,9,0,0,"1001_IEO_HAP_LO",9,1,"H",70
"200002",0,2,0,0,0,7,"1040_ITH_SAD_XX",9,0.777777777777778,"S",50
"300001",0,0,0,8,1,0,"1001_IEO_HAP_LO",9,0.888888888888889,"H",71
"300002",0,0,0,0,0,8,"1040_ITH_SAD_XX",8,1,"S",52
"""


@pytest.fixture
def corpus(tmp_path):
    """Two clips with their votes, the second misnamed as in older copies of the audio."""
    folder = tmp_path / "crema_d"
    for name in ("AudioWAV", "processedResults"):
        (folder / name).mkdir(parents=True)
    for name in ("1001_IEO_HAP_LO", "1040_ITH_SAD_X"):
        (folder / "AudioWAV" / f"{name}.wav").touch()
    (folder / "VideoDemographics.csv").write_text(ACTORS)
    (folder / "processedResults" / "tabulatedVotes.csv").write_text(VOTES)
    return folder


def test_names_and_tables_tell_everything(corpus):
    happy, sad = crema_d.parse(corpus, incomplete=True)
    assert (happy.name, happy.emotion, happy.language, happy.text) == (
        "1001_IEO_HAP_LO",
        "happy",
        "en",
        "It's eleven o'clock.",
    )
    assert (happy.speaker, happy.gender, happy.age) == ("1001", "male", 51.0)
    assert happy.votes == {"happy": 3, "neutral": 6}
    assert happy.details == {
        "intensity": "low",
        "sentence": "IEO",
        "race": "Caucasian",
        "ethnicity": "Not Hispanic",
        "voice_level": 62,
        "face_votes": {"happy": 9},
        "audiovisual_votes": {"happy": 8, "neutral": 1},
    }
    assert (sad.name, sad.path.name, sad.gender) == ("1040_ITH_SAD_XX", "1040_ITH_SAD_X.wav", "female")
    assert sad.votes == {"angry": 1, "neutral": 2, "sad": 7}
    assert sad.details["intensity"] == "unspecified"


def test_votes_on_another_recording_are_left_out(corpus):
    (corpus / "AudioWAV" / "1076_MTI_NEU_XX.wav").touch()
    (corpus / "VideoDemographics.csv").write_text(ACTORS + '1076,25,"Female","Caucasian","Not Hispanic"\n')
    *_, clip = crema_d.parse(corpus, incomplete=True)
    assert (clip.name, clip.emotion, clip.gender, clip.votes) == ("1076_MTI_NEU_XX", "neutral", "female", {})
    assert not {"voice_level", "face_votes", "audiovisual_votes"} & set(clip.details)


def test_an_archive_may_put_it_into_a_folder_of_its_own(corpus):
    def told():
        found = crema_d.parse(corpus, incomplete=True)
        return [(one.name, one.emotion, one.speaker, one.gender, one.text, one.votes, one.details) for one in found]

    before = told()
    builders.archived(corpus, "CREMA-D-master")
    assert told() == before


def test_missing_clips_are_refused_unless_declared(corpus):
    with pytest.raises(InputError, match=r"expected 7442 audio files .* found 2; .*allow_incomplete: \[crema_d\]"):
        crema_d.parse(corpus, incomplete=False)


def test_a_corpus_declared_incomplete_may_lack_the_tables(corpus):
    (corpus / "VideoDemographics.csv").unlink()
    (corpus / "processedResults" / "tabulatedVotes.csv").unlink()
    happy, _ = crema_d.parse(corpus, incomplete=True)
    assert (happy.speaker, happy.gender, happy.age, happy.votes) == ("1001", "", None, {})
    assert happy.details == {"intensity": "low", "sentence": "IEO"}


@pytest.mark.parametrize("name", ["1001_XXX_HAP_LO", "1001_IEO_JOY_LO", "1001_IEO_HAP_ZZ", "1001"])
def test_a_foreign_name_is_refused(corpus, name):
    (corpus / "AudioWAV" / f"{name}.wav").touch()
    with pytest.raises(InputError, match=rf"{name}\.wav: expected a CREMA-D name .* name its folder otherwise"):
        crema_d.parse(corpus, incomplete=True)


@pytest.mark.parametrize(
    ("name", "message"), [("1002_IEO_HAP_LO", "the actor 1002 is not listed"), ("1001_IEO_HAP_HI", "lacks its votes")]
)
def test_a_clip_that_the_tables_do_not_know_is_refused(corpus, name, message):
    (corpus / "AudioWAV" / f"{name}.wav").touch()
    with pytest.raises(InputError, match=message):
        crema_d.parse(corpus, incomplete=True)


def test_a_table_of_votes_without_its_columns_is_refused(corpus):
    (corpus / "processedResults" / "tabulatedVotes.csv").write_text("clip,votes\n1,2\n")
    with pytest.raises(InputError, match=r"tabulatedVotes\.csv: expected the columns A, D, F, H, N, S"):
        crema_d.parse(corpus, incomplete=True)


def test_an_empty_level_or_age_stays_unknown(corpus):
    votes, actors = corpus / "processedResults" / "tabulatedVotes.csv", corpus / "VideoDemographics.csv"
    votes.write_text(VOTES.replace('"N",62', '"N",'))
    actors.write_text(ACTORS.replace("1001,51", "1001,"))
    happy, sad = crema_d.parse(corpus, incomplete=True)
    assert happy.votes == {"happy": 3, "neutral": 6}
    assert "voice_level" not in happy.details
    assert np.isnan(happy.age)
    assert (sad.details["voice_level"], sad.age) == (57.6667, 42.0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"N",62', '"N",loud', r"column meanEmoResp, row 2: expected a number from 0 to 100, found 'loud'; take the"),
        ('100001",0', '100001",some', r"column A, row 2: expected a whole number of 0 or more, found 'some'; take the"),
    ],
)
def test_a_word_in_place_of_a_number_is_refused_in_one_line(corpus, old, new, message):
    (corpus / "processedResults" / "tabulatedVotes.csv").write_text(VOTES.replace(old, new))
    with pytest.raises(InputError, match=rf"tabulatedVotes\.csv: {message}"):
        crema_d.parse(corpus, incomplete=True)


@pytest.mark.corpus
def test_the_distributed_tables_are_read_whole(corpora, tmp_path):
    """The figures come from counting the table's own columns; the paper reports about 41 % recognition by voice."""
    source = corpora("crema_d")
    shutil.copy(source / "VideoDemographics.csv", tmp_path)
    shutil.copytree(source / "processedResults", tmp_path / "processedResults")
    votes = crema_d.read_votes(tmp_path / "processedResults" / "tabulatedVotes.csv")
    clips = {clip for clip, _ in votes}
    (tmp_path / "AudioWAV").mkdir()
    for clip in clips:
        (tmp_path / "AudioWAV" / f"{clip}.wav").touch()
    utterances = crema_d.parse(tmp_path, incomplete=False)
    assert len(utterances) == len(clips) == 7442
    genders = Counter({utterance.speaker: utterance.gender for utterance in utterances}.values())
    assert genders == {"male": 48, "female": 43}
    utterances = [utterance for utterance in utterances if utterance.votes]
    assert len(utterances) == 7439  # raters were given other recordings in place of three
    ranked = [Counter(utterance.votes).most_common() for utterance in utterances]
    ties = [len(order) > 1 and order[0][1] == order[1][1] for order in ranked]
    assert sum(ties) / 7439 == pytest.approx(0.087, abs=0.0005)
    no_half = [2 * order[0][1] < sum(count for _, count in order) for order in ranked]
    assert sum(no_half) / 7439 == pytest.approx(0.208, abs=0.0005)
    recognised = [
        not tie and order[0][0] == utterance.emotion
        for utterance, order, tie in zip(utterances, ranked, ties, strict=True)
    ]
    assert sum(recognised) / 7439 == pytest.approx(0.416, abs=0.0005)


def test_recordings_may_lie_without_their_folder(corpus):
    told = [utterance.name for utterance in crema_d.parse(corpus, incomplete=True)]
    for path in list((corpus / "AudioWAV").iterdir()):
        path.rename(corpus / path.name)
    (corpus / "AudioWAV").rmdir()
    assert [utterance.name for utterance in crema_d.parse(corpus, incomplete=True)] == told
