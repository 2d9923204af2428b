from collections import Counter

import numpy as np
import pytest
import soundfile

from ser.corpora import emodb
from ser.files.failures import InputError
from tests import builders

# As in the distributed file: Latin-1, non-breaking spaces as padding, decimal commas.
ERKENNUNG = (
    "Nr.\tSatz\terkannt\tnatuerlich\n"
    "1\xa0\xa0\t03a01Ab.wav\t65,00\xa0\xa0\t35,00\xa0\xa0\n"
    "2\xa0\xa0\t03a01Fa.wav\t90,00\xa0\xa0\t75,00\xa0\xa0\n"
    "3\xa0\xa0\t16b03Nb.wav\t95,24\xa0\xa0\t80,95\xa0\xa0\n"
    "4\xa0\xa0\t08b10Wd.wav\t100,00\xa0\xa0\t100,00\xa0\xa0\n"
)


@pytest.fixture
def corpus(tmp_path):
    """Three recordings and the listening test, which also lists a take that was not released."""
    folder = tmp_path / "emodb"
    (folder / "wav").mkdir(parents=True)
    for name in ("03a01Fa", "16b03Nb", "08b10Wd"):
        soundfile.write(folder / "wav" / f"{name}.wav", np.zeros(160), 16000)
    (folder / "erkennung.txt").write_bytes(ERKENNUNG.encode("latin-1"))
    return folder


def test_names_and_the_listening_test_tell_everything(corpus):
    angry, happy, neutral = sorted(emodb.parse(corpus, incomplete=True), key=lambda utterance: utterance.emotion)
    assert (happy.name, happy.emotion, happy.speaker, happy.gender, happy.age) == ("03a01Fa", "happy", "03", "male", 31)
    assert (happy.language, happy.text) == ("de", "Der Lappen liegt auf dem Eisschrank.")
    assert happy.path == corpus / "wav" / "03a01Fa.wav"
    assert [utterance.votes for utterance in (angry, happy, neutral)] == [{}] * 3  # nobody knows what others heard
    assert happy.details == {"sentence": "a01", "take": "a", "recognition": 0.9, "naturalness": 0.75}
    assert (neutral.speaker, neutral.gender, neutral.age) == ("16", "female", 31)
    assert neutral.details["recognition"] == 0.9524  # of the 21 listeners of sentence b03, 20
    assert angry.details["recognition"] == 1.0


def test_an_archive_may_put_it_into_a_folder_of_its_own(corpus):
    def told():
        found = emodb.parse(corpus, incomplete=True)
        return [(one.name, one.emotion, one.speaker, one.gender, one.text, one.votes, one.details) for one in found]

    before = told()
    builders.archived(corpus, "emodb_2.0")
    assert told() == before


def test_missing_files_are_refused_unless_declared(corpus):
    with pytest.raises(InputError, match=r"expected 535 audio files .* found 3; .*allow_incomplete: \[emodb\]"):
        emodb.parse(corpus, incomplete=False)


def test_an_empty_corpus_is_refused_even_if_declared(tmp_path):
    (tmp_path / "emodb").mkdir()
    with pytest.raises(InputError, match=r"found 0; unpack the corpus again$"):
        emodb.parse(tmp_path / "emodb", incomplete=True)


def test_a_corpus_declared_incomplete_may_lack_the_listening_test(corpus):
    (corpus / "erkennung.txt").unlink()
    utterances = emodb.parse(corpus, incomplete=True)
    assert [utterance.votes for utterance in utterances] == [{}] * 3
    assert all(set(utterance.details) == {"sentence", "take"} for utterance in utterances)


@pytest.mark.parametrize("name", ["07a01Fa", "03c01Fa", "03a01Xa", "song"])
def test_a_foreign_name_is_refused(corpus, name):
    soundfile.write(corpus / "wav" / f"{name}.wav", np.zeros(160), 16000)
    with pytest.raises(InputError, match=rf"{name}\.wav: expected an EMO-DB name .* name its folder otherwise"):
        emodb.parse(corpus, incomplete=True)


def test_a_file_that_no_listener_heard_is_refused(corpus):
    soundfile.write(corpus / "wav" / "03a01Wa.wav", np.zeros(160), 16000)
    with pytest.raises(InputError, match=r"03a01Wa\.wav: not listed"):
        emodb.parse(corpus, incomplete=True)


def test_a_damaged_listening_test_is_refused(corpus):
    with (corpus / "erkennung.txt").open("a") as stream:
        stream.write("5\t08b10Wd.wav\n")
    with pytest.raises(InputError, match=r"erkennung\.txt: line 6: expected number, file and two percentages"):
        emodb.parse(corpus, incomplete=True)


def test_blank_lines_of_the_listening_test_are_skipped(corpus):
    with (corpus / "erkennung.txt").open("a", encoding="latin-1") as stream:
        stream.write("\n\xa0\n\n")
    assert len(emodb.parse(corpus, incomplete=True)) == 3


def test_an_empty_confidence_of_version_2_0_stays_blank_and_a_word_is_refused(corpus):
    (corpus / "erkennung.txt").unlink()
    table = corpus / "db.emotion.csv"
    lines = ["file,emotion,emotion.confidence", "wav/03a01Fa.wav,happiness,0.9", "wav/16b03Nb.wav,neutral,0.9524"]
    table.write_text("\n".join([*lines, "wav/08b10Wd.wav,anger,"]))
    told = {utterance.name: utterance.details.get("recognition") for utterance in emodb.parse(corpus, incomplete=True)}
    assert told == {"03a01Fa": 0.9, "16b03Nb": 0.9524, "08b10Wd": None}
    table.write_text("\n".join([*lines, "wav/08b10Wd.wav,anger,high"]))
    message = r"db\.emotion\.csv: column emotion\.confidence, row 4 .* expected a number from 0 to 1, found 'high'"
    with pytest.raises(InputError, match=message):
        emodb.parse(corpus, incomplete=True)


@pytest.mark.corpus
def test_the_distributed_corpus_is_read_whole(corpora):
    utterances = emodb.parse(corpora("emodb"), incomplete=False)
    emotions = Counter(utterance.emotion for utterance in utterances)
    # Counts from the corpus' own documentation.
    assert emotions == {
        "angry": 127,
        "bored": 81,
        "disgusted": 46,
        "fearful": 69,
        "happy": 71,
        "sad": 62,
        "neutral": 79,
    }
    assert len({utterance.speaker for utterance in utterances if utterance.gender == "female"}) == 5
    assert len({utterance.speaker for utterance in utterances if utterance.gender == "male"}) == 5
    assert all(utterance.details["recognition"] >= 0.8 for utterance in utterances)  # released: at least 80 %


@pytest.mark.corpus
def test_shares_of_the_distributed_listening_test_are_those_of_whole_listeners(corpora):
    for utterance in emodb.parse(corpora("emodb"), incomplete=False):
        listeners = 21 if utterance.details["sentence"] == "b03" else 20
        for share in (utterance.details["recognition"], utterance.details["naturalness"]):
            assert share == pytest.approx(round(share * listeners) / listeners, abs=5e-5)


def test_version_2_0_has_more_takes_and_tables_of_its_own(tmp_path):
    folder = tmp_path / "emodb"
    (folder / "wav").mkdir(parents=True)
    names = [f"{speaker}{sentence}{emotion}{take}" for speaker in emodb.SPEAKERS for sentence in emodb.SENTENCES
             for emotion in "WLEAFTN" for take in "ab"][: emodb.FILES_2_0]  # fmt: skip
    for name in names:
        (folder / "wav" / f"{name}.wav").touch()
    (folder / "laryngo").mkdir()
    (folder / "laryngo" / "03a01Wa.wav").touch()
    lines = [
        "file,emotion,emotion.confidence,emotion.naturalness",
        *(f"wav/{name}.wav,anger,0.55,0.1" for name in names),
    ]
    (folder / "db.emotion.csv").write_text("\n".join(lines) + "\n")
    utterances = emodb.parse(folder, incomplete=False)
    assert len(utterances) == 816
    first = next(utterance for utterance in utterances if utterance.name == "03a01Wa")
    assert first.votes == {}
    assert first.details == {"sentence": "a01", "take": "a", "recognition": 0.55}
    (folder / "wav" / f"{names[-1]}.wav").unlink()
    with pytest.raises(InputError, match=r"expected 816 audio files .* \(535, or 816 of 2\.0\), found 815"):
        emodb.parse(folder, incomplete=False)


def test_recordings_may_lie_without_their_folder(corpus):
    told = [utterance.name for utterance in emodb.parse(corpus, incomplete=True)]
    for path in list((corpus / "wav").iterdir()):
        path.rename(corpus / path.name)
    (corpus / "wav").rmdir()
    assert [utterance.name for utterance in emodb.parse(corpus, incomplete=True)] == told
