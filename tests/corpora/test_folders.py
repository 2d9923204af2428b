import itertools
import os
import re
import shutil

import numpy as np
import pytest
import soundfile
import yaml

from ser.corpora import folders, hints
from ser.files.failures import InputError


def record(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(160), 16000)


@pytest.fixture
def corpus(tmp_path):
    """Three recordings: angry/mary_1.wav, Happiness/bob_1.flac, sad/deep/mary_2.wav."""
    folder = tmp_path / "mine"
    for name in ("angry/mary_1.wav", "Happiness/bob_1.flac", "sad/deep/mary_2.wav"):
        record(folder / name)
    return folder


def write_metadata(corpus, *lines):
    (corpus / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def parsed(corpus, speaker_pattern=None, **reading):
    found = folders.parse(corpus, folders.Reading(speaker_pattern, **reading))
    return {utterance.name: utterance for utterance in found}


def test_folders_are_emotions_and_nothing_is_invented(corpus):
    found = parsed(corpus)
    assert {name: utterance.emotion for name, utterance in found.items()} == {
        "Happiness/bob_1": "happy",
        "angry/mary_1": "angry",
        "sad/deep/mary_2": "sad",
    }
    utterance = found["angry/mary_1"]
    assert utterance.path == corpus / "angry" / "mary_1.wav"
    told = (utterance.speaker, utterance.gender, utterance.age, utterance.language, utterance.votes, utterance.text)
    assert told == ("", "", None, "", {}, "")


def test_metadata_tells_everything(corpus):
    write_metadata(
        corpus,
        "path,speaker,gender,age,text,language,votes,intensity,ambiguous,blend,take,note",
        'angry/mary_1.wav,03,F,31.5,"A, b",en,"{""anger"": 7, ""sad"": 3, ""joy"": 0}",0.5,True,"{""sad"": 0.4}",01,x',
        "./Happiness/bob_1.flac,04,male,,,,,,false,,,",
        "sad\\deep\\mary_2.wav,03,nonbinary,1,,,,1e999,,NaN,,null",
    )
    found = parsed(corpus)
    mary = found["angry/mary_1"]
    assert (mary.speaker, mary.gender, mary.age, mary.text, mary.language) == ("03", "female", 31.5, "A, b", "en")
    assert mary.votes == {"angry": 7, "sad": 3}
    assert mary.details == {"intensity": 0.5, "ambiguous": True, "blend": {"sad": 0.4}, "take": "01", "note": "x"}
    bob = found["Happiness/bob_1"]
    assert (bob.speaker, bob.gender, bob.age, bob.votes, bob.details) == ("04", "male", None, {}, {"ambiguous": False})
    other = found["sad/deep/mary_2"]
    assert (other.gender, other.age) == ("nonbinary", 1.0)
    assert other.details == {"intensity": "1e999"}  # NaN and null say that it is unknown


def test_metadata_saved_by_a_spreadsheet_with_a_byte_order_mark_is_read(corpus):
    content = "path,speaker\nangry/mary_1.wav,03\nHappiness/bob_1.flac,04\nsad/deep/mary_2.wav,03\n"
    (corpus / "metadata.csv").write_text(content, encoding="utf-8-sig")
    assert parsed(corpus)["angry/mary_1"].speaker == "03"


def test_a_pattern_takes_the_speaker_from_the_file_name(corpus):
    found = parsed(corpus, r"(?P<speaker>[a-z]+)_\d")
    assert {name: utterance.speaker for name, utterance in found.items()} == {
        "Happiness/bob_1": "bob",
        "angry/mary_1": "mary",
        "sad/deep/mary_2": "mary",
    }


def test_a_pattern_may_stand_beside_metadata_without_speakers(corpus):
    write_metadata(corpus, "path,gender", "angry/mary_1.wav,f", "Happiness/bob_1.flac,m", "sad/deep/mary_2.wav,f")
    mary = parsed(corpus, r"(?P<speaker>[a-z]+)_\d")["angry/mary_1"]
    assert (mary.speaker, mary.gender) == ("mary", "female")


def test_a_file_that_the_pattern_does_not_match_is_named(corpus):
    with pytest.raises(InputError, match=r"bob_1\.flac: the name does not match manifest.speaker_pattern"):
        folders.parse(corpus, folders.Reading(r"(?P<speaker>mary)_\d"))


def test_two_sources_of_speakers_are_refused(corpus):
    write_metadata(corpus, "path,speaker", "angry/mary_1.wav,1", "Happiness/bob_1.flac,2", "sad/deep/mary_2.wav,1")
    with pytest.raises(InputError, match=r"a column speaker, yet manifest\.speaker_pattern"):
        folders.parse(corpus, folders.Reading(r"(?P<speaker>[a-z]+)_\d"))


def test_links_to_files_are_followed(corpus, tmp_path):
    shutil.copytree(corpus, tmp_path / "linked", copy_function=os.symlink)
    found = parsed(tmp_path / "linked")
    assert found["angry/mary_1"].path == tmp_path / "linked" / "angry" / "mary_1.wav"
    assert len(found) == 3


def test_a_link_to_a_folder_is_refused_because_changes_behind_it_go_unnoticed(corpus, tmp_path):
    (corpus / "sad").rename(tmp_path / "elsewhere")
    (corpus / "sad").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"mine/sad: a link to a folder.* && cp -rs .*elsewhere .*mine/sad$"):
        folders.parse(corpus, folders.Reading())


def test_hidden_files_and_other_documents_are_no_audio(corpus):
    (corpus / "angry" / "._mary_1.wav").write_bytes(b"a Mac's leftover")
    (corpus / "angry" / "README.txt").write_text("recorded at home")
    (corpus / "documents").mkdir()
    (corpus / "documents" / "licence.txt").write_text("free")
    assert len(parsed(corpus)) == 3


def test_audio_that_libsndfile_cannot_read_is_not_overlooked(corpus):
    (corpus / "angry" / "phone.m4a").write_bytes(b"....ftypM4A ")
    assert "angry/phone" in parsed(corpus)


def test_an_empty_corpus_is_refused(tmp_path):
    (tmp_path / "mine" / "angry").mkdir(parents=True)
    with pytest.raises(InputError, match=r"mine: expected audio files in a folder per emotion.* found none; add them"):
        folders.parse(tmp_path / "mine", folders.Reading())


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("all.zip", r"1 of other kinds \(1 \.zip\); unpack the archive; add them"),
        ("data/train.parquet", r"\(1 \.parquet\); write the audio of the Parquet or Arrow files to"),
        ("notes.txt", r"\(1 \.txt\); add them"),
    ],
)
def test_what_lies_in_a_corpus_without_audio_is_said(tmp_path, name, hint):
    (tmp_path / "mine/data").mkdir(parents=True)
    (tmp_path / "mine" / name).touch()
    with pytest.raises(InputError, match=f"found none, but .*{hint}"):
        folders.parse(tmp_path / "mine", folders.Reading())


def test_words_for_an_unknown_emotion_folder_are_offered(tmp_path):
    record(tmp_path / "mine/H/one.wav")
    with pytest.raises(InputError, match=r"say what it means: manifest\.words: \{mine: \{'H': \.\.\.\}\}"):
        folders.parse(tmp_path / "mine", folders.Reading())


def test_words_that_no_emotion_is_called_by_are_said(corpus):
    said = []
    folders.parse(corpus, folders.Reading(words={"sad": "angry", "W": "angry", "Z": "sad"}), said.append)
    assert said == [
        f"{corpus}: no emotion is called 'W', 'Z' there, of which manifest.words tells; mend it, or take it out"
    ]


def test_tables_are_found_however_their_names_are_written(corpus):
    write_metadata(corpus, "path,speaker", "angry/mary_1.wav,a", *REST)
    (corpus / "metadata.csv").rename(corpus / "Metadata.CSV")
    assert parsed(corpus)["angry/mary_1"].speaker == "a"
    assert folders.documents(corpus) == ("Metadata.CSV",)
    write_metadata(corpus, "path,speaker", "angry/mary_1.wav,a", *REST)
    with pytest.raises(InputError, match=r"expected one table, found Metadata\.CSV and metadata\.csv"):
        parsed(corpus)


def test_an_unknown_emotion_folder_is_refused_with_the_known_ones(corpus):
    (corpus / "angry").rename(corpus / "angrry")
    with pytest.raises(InputError, match="angrry: no known emotion; rename the folder to one of angry, happy, sad"):
        folders.parse(corpus, folders.Reading())


def test_audio_outside_an_emotion_folder_is_refused(corpus):
    soundfile.write(corpus / "loose.wav", np.zeros(160), 16000)
    with pytest.raises(InputError, match=r"loose\.wav: expected in a folder named for its emotion"):
        folders.parse(corpus, folders.Reading())


def test_a_table_of_emotions_by_the_other_tables_name_is_told_its_own(tmp_path):
    record(tmp_path / "mine/clips/one.wav")
    (tmp_path / "mine/metadata.csv").write_text("file_name,label\nclips/one.wav,anger\n")
    with pytest.raises(InputError, match=r"metadata\.csv: has the column 'label'.*name the table index\.csv"):
        folders.parse(tmp_path / "mine", folders.Reading())
    (tmp_path / "mine/metadata.csv").rename(tmp_path / "mine/index.csv")
    (utterance,) = folders.parse(tmp_path / "mine", folders.Reading())
    assert utterance.emotion == "angry"


@pytest.mark.parametrize("name", ["labels.csv", "clips/metadata.csv", "list.xlsx"])
def test_a_table_that_is_not_read_is_named_where_no_folder_tells_the_emotions(tmp_path, name):
    record(tmp_path / "mine/clips/one.wav")
    (tmp_path / "mine" / name).touch()
    with pytest.raises(InputError, match=rf"where .*mine/{re.escape(name)} tells them, make it .*mine/index\.csv"):
        folders.parse(tmp_path / "mine", folders.Reading())


def test_several_tables_that_are_not_read_are_to_become_one(tmp_path):
    record(tmp_path / "mine/clips/one.wav")
    for part in ("dev", "test", "train"):
        (tmp_path / f"mine/{part}.csv").touch()
    with pytest.raises(
        InputError, match=r"where \S+mine/dev\.csv and 2 more tell them, join them in one, \S+index\.csv"
    ):
        folders.parse(tmp_path / "mine", folders.Reading())
    assert ", nor are 2 more: name one, or all joined in one, metadata.csv " in hints.unread(tmp_path / "mine")


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (("angry/1.wav", "sad/1.wav"), "say what it is: manifest.layout: {mine: 'Dataset/{emotion}/{file}'}"),
        (
            ("mary_angry.wav", "paul_sad.wav"),
            "say what it is: manifest.layout: {mine: 'Dataset/{part1}_{emotion}.{file}'}",
        ),
        (("1/a.wav", "2/b.wav"), "list the recordings in MINE/index.csv, or name a pattern in manifest.layout"),
    ],
)
def test_a_folder_around_all_others_is_not_to_be_called_an_emotion(tmp_path, names, hint):
    folder = tmp_path / "mine"
    for name in names:
        record(folder / "Dataset" / name)
    with pytest.raises(InputError) as caught:
        folders.parse(folder, folders.Reading())
    assert str(caught.value) == (
        f"{folder}/Dataset: no known emotion, and no recording lies elsewhere; {hint.replace('MINE', str(folder))}, or "
        f"move all that is in it up: mv {folder}/Dataset/* {folder}"
    )


@pytest.mark.parametrize(
    ("name", "parser"),
    [
        ("OAF_angry/OAF_back_angry.wav", "tess"),
        ("wav/03a01Fa.wav", "emodb"),
        ("all/DC/a01.wav", "savee"),
        ("Actor_01/03-01-06-01-02-01-01.wav", "ravdess"),
        ("clips/1001_IEO_HAP_LO.wav", "crema_d"),
        ("bea/Amused/amused_1-28_0001.wav", "emov_db"),
    ],
)
def test_files_named_as_those_of_a_known_corpus_are_told_its_name(tmp_path, name, parser):
    record(tmp_path / "mine" / name)
    with pytest.raises(
        InputError,
        match=rf"named as those of {parser}: .*lay it out as data/raw/.*say `corpora: \[{parser}\]`; if it is ano",
    ):
        folders.parse(tmp_path / "mine", folders.Reading())


def test_actors_that_ravdess_has_not_are_not_taken_for_its_own(tmp_path):
    record(tmp_path / "mine/clips/03-01-06-01-02-01-25.wav")
    with pytest.raises(InputError, match="clips: no known emotion; rename the folder"):
        folders.parse(tmp_path / "mine", folders.Reading())


def test_a_collection_of_known_corpora_is_told_where_each_belongs(tmp_path):
    for name in ("Crema/1001_IEO_HAP_LO.wav", "Savee/DC_a01.wav", "Tess/OAF_angry/OAF_back_angry.wav"):
        record(tmp_path / "mine" / name)
    expected = (
        rf"mine/Crema: .* named as those of crema_d: .* move it to {tmp_path}/crema_d and say `corpora: \[crema_d\]"
    )
    with pytest.raises(InputError, match=expected):
        folders.parse(tmp_path / "mine", folders.Reading())


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        (
            "anger/mary/one.wav",
            "if {speaker} stands for persons in it: manifest.layout: {mine: '{emotion}/{speaker}/{file}'}",
        ),
        ("anger/03a01Fa.wav", "the files are named as those of emodb: if it is this corpus, rename the folder to"),
        ("anger/one.wav", ""),
    ],
)
def test_what_may_tell_unknown_speakers_is_said(tmp_path, name, hint):
    record(tmp_path / "mine" / name)
    record(tmp_path / "mine" / name.replace("mary", "paul"))
    folder = tmp_path / "mine"
    said = hints.untold_speakers(folder, folders.parse(folder, folders.Reading()), None)
    assert said.startswith(hint)
    assert bool(said) == bool(hint)


@pytest.mark.parametrize(("sign", "other"), [("_", "-"), ("-", "_")])
def test_names_that_files_begin_with_in_several_emotions_are_proposed_as_speakers(tmp_path, sign, other):
    folder = tmp_path / "mine"
    for emotion, name in itertools.product(("angry", "sad"), ("anna", "bo", "bo", "carl")):
        record(folder / emotion / f"{name}{other * (sign == '_')}x{sign}{len(name)}.wav")
    said = hints.untold_speakers(folder, folders.parse(folder, folders.Reading()), None)
    told, _, proposed = said.partition(": manifest.speaker_pattern: ")
    assert told.endswith(", with which names of files begin, are persons")
    pattern = yaml.safe_load(proposed)["mine"]
    speakers = {one.speaker for one in folders.parse(folder, folders.Reading(speaker_pattern=pattern))}
    assert speakers == {f"{name}{other * (sign == '_')}x" for name in ("anna", "bo", "carl")}


@pytest.mark.parametrize("rest", ["", "-1"])
def test_words_in_names_are_proposed_as_speakers_before_more_numbers_that_names_begin_with(tmp_path, rest):
    folder = tmp_path / "mine"
    for emotion, number, who in itertools.product(("angry", "sad"), range(201, 205), ("anna", "bob")):
        record(folder / emotion / f"{number}-{emotion}-{who}{rest}.wav")
    said = hints.untold_speakers(folder, folders.parse(folder, folders.Reading()), None).split("; ")
    assert said[0].startswith("if anna, bob, part 3 of files' names, are persons: manifest.speaker_pattern: ")
    assert said[1].startswith("if 201, 202, 203, with which names of files begin, are persons: ")
    for line, persons in zip(said, ({"anna", "bob"}, {"201", "202", "203", "204"}), strict=True):
        pattern = yaml.safe_load(line.partition(": manifest.speaker_pattern: ")[2])["mine"]
        assert {one.speaker for one in folders.parse(folder, folders.Reading(speaker_pattern=pattern))} == persons


def test_numbers_in_folders_are_proposed_as_speakers_beside_words(tmp_path):
    folder = tmp_path / "mine"
    for emotion, number, who in itertools.product(("angry", "sad"), "1234", ("anna", "bob")):
        record(folder / emotion / number / who / "a.wav")
    said = hints.untold_speakers(folder, folders.parse(folder, folders.Reading()), None)
    assert said.endswith(
        "manifest.layout: {mine: '{emotion}/{level2}/{speaker}/{file}'}; or, if it does in this: "
        "'{emotion}/{speaker}/{level3}/{file}'"
    )


@pytest.mark.parametrize(
    "names",
    [
        ("angry/angry_1.wav", "angry/angry_2.wav", "sad/sad_1.wav"),  # emotions
        ("angry/take_1.wav", "sad/take_2.wav"),  # all the same
        ("angry/anna_1.wav", "angry/bo_1.wav", "sad/anna_2.wav", "sad/bo.wav"),  # not of every file
    ],
)
def test_names_that_tell_no_speakers_are_not_proposed(tmp_path, names):
    folder = tmp_path / "mine"
    for name in names:
        record(folder / name)
    assert hints.untold_speakers(folder, folders.parse(folder, folders.Reading()), None) == ""


def test_who_has_said_what_is_known_is_told_nothing_of_speakers(tmp_path):
    record(tmp_path / "mine/anger/mary/03a01Fa.wav")
    folder, layout = tmp_path / "mine", "{emotion}/{room}/{file}"
    known = folders.parse(folder, folders.Reading(speaker_pattern="(?P<speaker>..)"))
    assert hints.untold_speakers(folder, known, None) == ""
    assert hints.untold_speakers(folder, folders.parse(folder, folders.Reading(layout=layout)), layout) == ""
    (folder / "index.csv").write_text("path,emotion,speaker\nanger/mary/03a01Fa.wav,joy,mary\n")
    assert hints.untold_speakers(folder, folders.parse(folder, folders.Reading()), None) == ""


def test_a_list_without_speakers_of_files_named_as_those_of_a_corpus_is_told_of_it(tmp_path):
    record(tmp_path / "mine/wav/03a01Fa.wav")
    folder = tmp_path / "mine"
    (folder / "index.csv").write_text("path,emotion\nwav/03a01Fa.wav,joy\n")
    said = hints.untold_speakers(folder, folders.parse(folder, folders.Reading()), None)
    assert said.startswith("the files are named as those of emodb: if it is this corpus, rename")


def test_columns_of_an_index_that_may_tell_the_speakers_are_named(tmp_path):
    rows = ["path,emotion,split,Sample_Rate,who,word,level"]
    for number, (emotion, who, word) in enumerate([("joy", "mo", "a"), ("sad", "mo", "b"), ("joy", "pa", "a")] * 2):
        record(tmp_path / f"mine/{number}.wav")
        rows.append(f"{number}.wav,{emotion},train,{8000 * (1 + number % 2)},{who},{word},{number}")
    folder = tmp_path / "mine"
    (folder / "index.csv").write_text("\n".join(rows))
    assert hints.untold_speakers(folder, folders.parse(folder, folders.Reading()), None) == (
        "if one of the columns who does: manifest.columns: {mine: {speaker: who}}"
    )
    reading = folders.Reading(columns={"speaker": "who"})
    assert hints.untold_speakers(folder, folders.parse(folder, reading), None) == ""


NONE = ["Happiness/bob_1.flac,", "sad/deep/mary_2.wav,"]
REST = ["Happiness/bob_1.flac,b", "sad/deep/mary_2.wav,c"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["recording,speaker", "angry/mary_1.wav,a", *REST], "metadata.csv: expected the columns path.* missing: path"),
        (["path,speaker", "angry/mary_9.wav,a", *REST], "row 2: no audio file 'angry/mary_9.wav'"),
        (["path,speaker", "angry/mary_1.wav,a", *REST, "angry/mary_1.wav,a"], "row 5: .* stands here a second time"),
        (["path,speaker", *REST], "1 of 3 audio files have no row, the first is 'angry/mary_1.wav'"),
        (["path,speker", "angry/mary_1.wav,a", *REST], "the column 'speker' cannot be used; did you mean 'speaker'"),
        (["path,emotion", "angry/mary_1.wav,a", *REST], "the column 'emotion' cannot be used; the manifest finds it"),
        (["path,age", "angry/mary_1.wav,old", *REST], "row 2: expected an age in years, found 'old'"),
        (["path,age", "angry/mary_1.wav,-1", *REST], "row 2: expected an age in years, found '-1'"),
        (["path,votes", "angry/mary_1.wav,7", *REST], "row 2: expected votes as JSON"),
        (["path,votes", "angry/mary_1.wav,angry", *REST], "row 2: expected votes as JSON"),
        (
            ["path,votes", 'angry/mary_1.wav,"{""angry"": 0.5}"', *NONE],
            "row 2: expected votes whose shares add up to 1",
        ),
        (["path,votes", 'angry/mary_1.wav,"{""angry"": -1}"', *REST], "row 2: expected votes as JSON"),
        (["path,votes", 'angry/mary_1.wav,"{""anxty"": 1}"', *REST], "row 2: votes: .* found 'anxty'"),
        ([""], "metadata.csv: expected a UTF-8 CSV table"),
    ],
)
def test_metadata_that_does_not_agree_with_the_files_is_refused(corpus, lines, message):
    write_metadata(corpus, *lines)
    with pytest.raises(InputError, match=message):
        folders.parse(corpus, folders.Reading())


def test_a_column_that_contradicts_the_folders_is_said(tmp_path):
    said = []
    for emotion in ("angry", "happy"):
        (tmp_path / f"mine/{emotion}").mkdir(parents=True)
        soundfile.write(tmp_path / f"mine/{emotion}/one.wav", np.zeros(160), 16000)
    (tmp_path / "mine/metadata.csv").write_text("path,label\nangry/one.wav,happy\nhappy/one.wav,happy\n")
    found = folders.parse(tmp_path / "mine", folders.Reading(), said.append)
    assert [utterance.emotion for utterance in found] == ["angry", "happy"]
    assert said == [
        f"{tmp_path}/mine/metadata.csv: the column 'label' tells other emotions than the folders for 1 of 2 "
        "recordings, such as 'happy' of 'angry/one.wav'; the folders count, and it is kept as a detail"
    ]


@pytest.mark.parametrize(
    "path",
    [
        *("{gender}/{speaker}/{emotion}", "{gender}/{emotion}/{speaker}", "{emotion}/{gender}/{speaker}"),
        *("{speaker}/{split}/{emotion}", "{emotion}/{split}/{speaker}"),
    ],
)
def test_three_kinds_of_folders_are_recognised(tmp_path, path):
    for speaker, gender in (("Actor_01", "Girls"), ("Actor_02", "Boys")):
        for emotion in ("angry", "sad"):
            folder = tmp_path / "mine" / path.format(gender=gender, speaker=speaker, emotion=emotion, split="train")
            folder.mkdir(parents=True)
            soundfile.write(folder / "one.wav", np.zeros(160), 16000)
    found = folders.parse(tmp_path / "mine", folders.Reading())
    assert {(utterance.speaker, utterance.emotion) for utterance in found} == {
        (speaker, emotion) for speaker in ("Actor_01", "Actor_02") for emotion in ("angry", "sad")
    }
    if "{gender}" in path:
        assert {(utterance.speaker, utterance.gender) for utterance in found} == {
            ("Actor_01", "female"),
            ("Actor_02", "male"),
        }


def test_who_names_a_layout_without_speakers_is_told_where_they_may_be(tmp_path):
    folder = tmp_path / "mine"
    for name in ("Audios/anger/anna-1.wav", "Audios/anger/bob-1.wav", "Audios/sad/anna-1.wav", "Audios/sad/bob-1.wav"):
        record(folder / name)
    layout = "Audios/{emotion}/{file}"
    found = folders.parse(folder, folders.Reading(layout=layout))
    hint = hints.untold_speakers(folder, found, layout)
    assert hint.startswith("if anna, bob, with which names of files begin, are persons: manifest.speaker_pattern: ")
    pattern = yaml.safe_load(hint.partition("manifest.speaker_pattern: ")[2])["mine"]
    read = folders.parse(folder, folders.Reading(speaker_pattern=pattern, layout=layout))
    assert {one.speaker for one in read} == {"anna", "bob"}


def test_numbers_that_begin_anew_with_each_gender_are_not_proposed_as_speakers(tmp_path):
    folder = tmp_path / "mine"
    for emotion, gender, number in itertools.product(("angry", "sad"), ("female", "male"), ("01", "02", "03")):
        record(folder / emotion / gender / f"{number}_1.wav")
    found = folders.parse(folder, folders.Reading())
    assert {one.gender for one in found} == {"female", "male"}
    assert hints.untold_speakers(folder, found, None) == ""


@pytest.mark.parametrize(("table", "proposed"), [("train/labels.tsv", "index.tsv"), ("x/l.xlsx", "index.csv")])
def test_a_table_is_to_be_named_by_its_own_suffix(tmp_path, table, proposed):
    record(tmp_path / "mine/clips/1.wav")
    (tmp_path / "mine" / table).parent.mkdir(parents=True)
    (tmp_path / "mine" / table).write_text("path\temotion\n")
    with pytest.raises(InputError, match=rf"make it that table, \S+mine/{proposed}\)"):
        folders.parse(tmp_path / "mine", folders.Reading())


def test_files_named_for_another_emotion_than_their_folder_are_said(tmp_path):
    names = ["angry/mary_anger1.wav", "angry/bob_sad_2.wav", "sad/mary_sadness.wav", "sad/new_2.wav"]
    folder = tmp_path / "mine"
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    said = []
    folders.parse(folder, folders.Reading(), said.append)
    assert said == [
        f"{folder}: names of files tell another emotion than their folder or table: 1 of 3, such as "
        "'angry/bob_sad_2.wav', which counts as angry; if the name is right, move it, or mend the table"
    ]


def test_words_in_names_of_files_that_tell_no_emotion_of_the_file_are_not_said(tmp_path):
    folder = tmp_path / "mine"  # half the names tell another emotion, as where they are those of the sentences
    names = ("angry/happy_1.wav", "angry/fear_1.wav", "sad/sad_1.wav", "sad/the_sad_story_of_an_angry_man.wav")
    for name in (*names, "angry/ang_dis.wav"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    said = []
    folders.parse(folder, folders.Reading(), said.append)
    assert [each for each in said if "another emotion" in each] == []
