import json

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
import soundfile

from ser.corpora import folders, hints, index
from ser.files.failures import InputError


@pytest.fixture
def corpus(tmp_path):
    """Three recordings of half a second, in folders that say nothing: takes/1.wav to takes/3.wav."""
    folder = tmp_path / "mine"
    (folder / "takes").mkdir(parents=True)
    for number in (1, 2, 3):
        soundfile.write(folder / "takes" / f"{number}.wav", np.zeros(8000), 16000)
    return folder


def write(corpus, *lines, name="index.csv", encoding="utf-8"):
    (corpus / name).write_text("\n".join(lines) + "\n", encoding=encoding)


def parsed(corpus, **reading):
    found = folders.parse(corpus, folders.Reading(**reading))
    return {utterance.name: utterance for utterance in found}


def told(corpus, field, **reading):
    return [getattr(utterance, field) for utterance in parsed(corpus, **reading).values()]


THREE = ("path,emotion", "takes/1.wav,anger", "takes/2.wav,joy", "takes/3.wav,sad")


def test_a_table_is_a_corpus(corpus):
    write(
        corpus,
        "path,emotion,speaker,gender,age,text,language,votes,split,take",
        'takes/1.wav,Anger,03,F,31,"Yes, no",en,"{""angry"": 2}",train,1',
        "takes/3.wav,pleasant surprise,04,male,,,,,test,",
        "takes/2.wav,sarcastic,04,m,,,,,test,",
    )
    found = parsed(corpus)
    first = found["takes/1"]
    assert (first.emotion, first.speaker, first.gender, first.age, first.text) == (
        "angry", "03", "female", 31.0, "Yes, no",
    )  # fmt: skip
    assert (first.language, first.votes, first.details) == ("en", {"angry": 2}, {"split": "train", "take": 1})
    assert found["takes/3"].emotion == "surprised"
    assert (found["takes/2"].emotion, found["takes/2"].details["label"]) == ("other", "sarcastic")
    assert first.path == corpus / "takes" / "1.wav"


def records(labels=("angry", "happy", "sad")):
    return [{"path": f"takes/{n}.wav", "emotion": label, "speaker": "s1"} for n, label in enumerate(labels, start=1)]


def test_every_kind_of_table_says_the_same(corpus):
    table = pd.DataFrame(records())

    def lines():
        (corpus / "index.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records()))

    writers = {
        "index.csv": lambda: table.to_csv(corpus / "index.csv", index=False),
        "index.tsv": lambda: table.to_csv(corpus / "index.tsv", index=False, sep="\t"),
        "index.jsonl": lines,
        "index.json": lambda: (corpus / "index.json").write_text(json.dumps(records())),
        "Index.json": lambda: table.to_json(corpus / "Index.json"),
        "index.JSON": lambda: (corpus / "index.JSON").write_text(json.dumps(table.to_dict("list"))),
        "index.parquet": lambda: table.to_parquet(corpus / "index.parquet"),
    }
    for name, writer in writers.items():
        writer()
        assert told(corpus, "emotion") == ["angry", "happy", "sad"], name
        assert told(corpus, "speaker") == ["s1"] * 3, name
        (corpus / name).unlink()


def test_a_table_of_nkululeko_is_read(corpus):
    write(corpus, "file,speaker,emotion,gender", *(f"mine/takes/{n}.wav,{n},fear,female" for n in (1, 2, 3)))
    assert told(corpus, "emotion") == ["fearful"] * 3


def test_a_segmented_table_is_read_where_its_segments_are_the_files(corpus):
    rows = [f"takes/{n}.wav,0 days 00:00:00,0 days 00:00:00.5,{n},sad" for n in (1, 2)]
    write(corpus, "file,start,end,speaker,emotion", *rows, "takes/3.wav,0 days,,3,sad")
    assert told(corpus, "emotion") == ["sad"] * 3
    write(corpus, "file,start,end,speaker,emotion", *rows, "takes/3.wav,0 days,0 days 00:00:00.2,3,sad")
    with pytest.raises(
        InputError, match=r"row 4: a segment of 'takes/3.wav', start '0 days', end .*cut the segments out"
    ):
        parsed(corpus)


def test_segments_of_one_file_are_refused_also_where_its_path_begins_elsewhere(corpus):
    write(corpus, "file,start,end,emotion", "takes/1.wav,0,0.25,sad", "takes/1.wav,0.25,0.5,angry")
    with pytest.raises(InputError, match=r"row 3: a segment of 'takes/1.wav', start '0\.25', end '0\.5'"):
        parsed(corpus)
    rows = [f"/home/mary/takes/{n}.wav,0,{0.5 if n > 1 else 0.2},sad" for n in (1, 2, 3)]
    write(corpus, "file,start,end,emotion", *rows)
    with pytest.raises(InputError, match=r"row 2: a segment of '/home/mary/takes/1.wav', start '0', end '0\.2'"):
        parsed(corpus)


def test_a_json_of_speechbrain_is_read(corpus):
    content = {f"Ses{n}": {"wav": f"{{data_root}}/takes/{n}.wav", "length": 0.5, "emo": "hap"} for n in (1, 2, 3)}
    (corpus / "index.json").write_text(json.dumps(content))
    assert told(corpus, "emotion") == ["happy"] * 3
    assert told(corpus, "details")[0] == {"ID": "Ses1", "length": 0.5}


def test_a_csv_of_speechbrain_is_read(corpus):
    rows = [f"{n},0.5,/home/mary/corpus/takes/{n}.wav,ang,spk{n}" for n in (1, 2, 3)]
    write(corpus, "ID,duration,wav,emo,spk_id", *rows)
    assert told(corpus, "speaker") == ["spk1", "spk2", "spk3"]


def test_params_name_columns(corpus):
    rows = [f"takes/{n}.wav,sad,take {n}" for n in (1, 2, 3)]
    write(corpus, "recording,felt,emotion", *rows)
    columns = {"path": "recording", "emotion": "felt"}
    assert told(corpus, "emotion", columns=columns) == ["sad"] * 3
    assert told(corpus, "details", columns=columns)[0] == {"emotion (2)": "take 1"}
    with pytest.raises(InputError, match=r"expected the column 'feeling', named in manifest\.columns, found recording"):
        parsed(corpus, columns={"emotion": "feeling"})


@pytest.mark.parametrize("unknown", ["nan", "NA", "None", "n/a", "-", "?", "unknown", "", " "])
def test_nobody_is_called_unknown(corpus, unknown):
    write(
        corpus,
        "path,emotion,speaker,sex,age,language,votes",
        *(f"takes/{n}.wav,sad,{unknown},{unknown},{unknown},{unknown},{unknown}" for n in (1, 2, 3)),
    )
    utterance = parsed(corpus)["takes/1"]
    assert (utterance.speaker, utterance.gender, utterance.age, utterance.language) == ("", "", None, "")
    assert utterance.votes == {}


@pytest.mark.parametrize(
    ("language", "code"),
    [
        *((name, "de") for name in ("de", "DE", "deu", "ger", "German", "german", "de-DE", "de_at", "de-Latn-DE")),
        *(("zh-Hans", "zh"), ("es-419", "es"), ("gsw", "gsw"), ("swiss german", "swiss german")),
        *(("iw", "iw"), ("read-aloud", "read-aloud"), ("Klingonese", "Klingonese")),
    ],
)
def test_a_language_is_known_by_its_codes_and_names_and_others_stay(corpus, language, code):
    write(corpus, "path,emotion,Language", *(f"takes/{n}.wav,sad,{language}" for n in (1, 2, 3)))
    assert told(corpus, "language") == [code] * 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("first", [[], ["sep=;"], ['"sep=;"']])
def test_a_table_as_a_spreadsheet_saves_it_is_read(corpus, encoding, first):
    lines = ["path;emotion;Sex;age;level;;", "takes/1.wav;angry;w;31,5;0,25;;", ";;;;;;", "", "takes/2.wav;sad;m;;;;"]
    write(corpus, *first, *lines, "takes/3.wav;happy;F;20;1;;", ";;;;;;", encoding=encoding)
    assert told(corpus, "gender") == ["female", "male", "female"]
    assert told(corpus, "age") == [31.5, None, 20.0]
    assert told(corpus, "details") == [{"level": 0.25}, {}, {"level": 1}]


def test_a_spreadsheet_is_named_with_what_to_export(corpus):
    (corpus / "index.xlsx").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"index\.xlsx: a spreadsheet; export it as index\.csv .*CSV UTF-8"):
        parsed(corpus)


@pytest.mark.parametrize(
    ("told_age", "age", "band"),
    [
        ("31", 31.0, None),
        ("31,5", 31.5, None),
        ("20s", 24.5, "20s"),
        ("25-30", 27.5, "25-30"),
        ("30~39", 34.5, "30~39"),
        ("25 – 34", 29.5, "25 – 34"),
    ],
)
def test_a_narrow_band_of_ages_counts_as_its_middle_and_keeps_its_words(corpus, told_age, age, band):
    rows = [f'takes/{n}.wav,sad,"{told_age}"' for n in (1, 2, 3)]
    write(corpus, "path,emotion,age", *rows)
    utterance = parsed(corpus)["takes/1"]
    assert (utterance.age, utterance.details.get("age_band")) == (age, band)


@pytest.mark.parametrize("age", ["18-65", "60+", "young", "40-30", "200", "0"])
def test_an_age_that_says_too_little_is_refused(corpus, age):
    write(corpus, "path,emotion,age", *(f"takes/{n}.wav,sad,{age}" for n in (1, 2, 3)))
    with pytest.raises(InputError, match=rf"row 2: expected an age in years.*found '{age.replace('+', '.')}'"):
        parsed(corpus)


def votes(corpus, *cells, raters=None):
    """Write a table without emotions whose votes are these."""
    rows = [
        {"path": f"takes/{n}.wav", "votes": cell, **({"raters": raters} if raters else {})}
        for n, cell in enumerate(cells, start=1)
    ]
    (corpus / "index.json").write_text(json.dumps(rows))
    return told(corpus, "votes")


def test_votes_written_as_decimals_are_counts(corpus):
    assert votes(corpus, {"angry": 7.0, "sad": 3}, {"sad": 1}, {"sad": 2}) == [
        {"angry": 7, "sad": 3}, {"sad": 1}, {"sad": 2},
    ]  # fmt: skip


def test_shares_become_the_fewest_raters_that_give_all_of_them(corpus):
    found = votes(corpus, {"angry": 0.7, "sad": 0.3}, {"sad": 1.0, "angry": 0.0}, {"sad": 0.5, "happy": 0.5})
    assert found == [{"angry": 7, "sad": 3}, {"sad": 10}, {"happy": 5, "sad": 5}]
    assert told(corpus, "details") == [{"raters_from_shares": 10}] * 3
    assert told(corpus, "emotion") == ["angry", "sad", "undecided"]


def test_shares_of_thirds_may_add_up_to_a_hundredth_less(corpus):
    found = votes(corpus, {"angry": 0.33, "sad": 0.33, "happy": 0.33}, {"sad": 1.0}, {"sad": 1.0})
    assert found == [{"angry": 1, "happy": 1, "sad": 1}, {"sad": 3}, {"sad": 3}]


def test_votes_for_two_names_of_an_emotion_are_added_up(corpus):
    found = votes(corpus, {"angry": 3, "anger": 2, "sad": 1}, {"sad": 1}, {"sad": 1})
    assert found == [{"angry": 5, "sad": 1}, {"sad": 1}, {"sad": 1}]


def test_shares_of_a_known_number_of_raters_become_its_counts(corpus):
    found = votes(corpus, {"angry": 0.33, "sad": 0.67}, {"sad": 1.0}, {"sad": 1.0}, raters=6)
    assert found == [{"angry": 2, "sad": 4}, {"sad": 6}, {"sad": 6}]
    assert told(corpus, "details") == [{"raters": 6}] * 3


def test_a_number_of_raters_with_a_decimal_point_or_for_some_rows_is_taken(corpus):
    half = '"{""angry"": 0.5, ""sad"": 0.5}"'
    rows = [f"takes/{number}.wav,{half},{raters}" for number, raters in ((1, "10.0"), (2, ""), (3, "4"))]
    write(corpus, "path,votes,Raters", *rows)
    assert told(corpus, "votes") == [{"angry": 5, "sad": 5}, {"angry": 1, "sad": 1}, {"angry": 2, "sad": 2}]
    assert told(corpus, "details") == [{"raters": 10.0}, {"raters_from_shares": 2}, {"raters": 4}]


@pytest.mark.parametrize(
    ("column", "field"),
    [
        *((name, "speaker") for name in ("Speaker ID", "speaker-name", "actor", "Subject", "Participant", "client_id")),
        *(("Language ", "language"), ("Sex", "gender"), ("fileName", "path")),
    ],
)
def test_columns_are_known_however_their_names_are_written(corpus, column, field):
    path = "path," if field != "path" else ""
    cells = [f"takes/{number}.wav,sad{',x' if path else ''}" for number in (1, 2, 3)]
    write(corpus, f"{path}emotion,{column}" if path else f"{column},emotion", *cells)
    utterance = parsed(corpus)["takes/1"]
    assert field == "path" or getattr(utterance, field) == "x"
    assert utterance.details == {}


@pytest.mark.parametrize(
    "column", ["notes", "image", "page", "stage", "angle", "agent", "next", "test", "vote", "genre", "sentence"]
)
def test_a_column_of_another_kind_is_a_detail(corpus, column):
    write(corpus, f"path,emotion,{column}", *(f"takes/{number}.wav,sad,1" for number in (1, 2, 3)))
    assert told(corpus, "details") == [{column: 1}] * 3


@pytest.mark.parametrize(
    ("column", "ours"),
    [("speker", "speaker"), ("speakers", "speaker"), ("gendre", "gender"), ("languoge", "language"), ("paths", "path")],
)
def test_a_column_that_is_misspelt_is_refused_with_the_way_out(corpus, column, ours):
    write(
        corpus, f"{'file' * (ours != 'path')},emotion,{column}", *(f"takes/{number}.wav,sad,x" for number in (1, 2, 3))
    )
    with pytest.raises(
        InputError, match=rf"the column '{column}' .* '{ours}'\? .*manifest\.columns: \{{mine: \{{{ours}: {column}\}}"
    ):
        parsed(corpus)


def test_the_way_out_of_a_misspelt_column_works(corpus):
    write(corpus, "path,Emotions", *THREE[1:])
    with pytest.raises(InputError, match=r"manifest\.columns: \{mine: \{emotion: Emotions\}\}"):
        parsed(corpus)
    assert told(corpus, "emotion", columns={"emotion": "Emotions"}) == ["angry", "happy", "sad"]


def genders(corpus, *cells):
    write(corpus, "path,emotion,gender", *(f"takes/{n}.wav,sad,{cell}" for n, cell in enumerate(cells, start=1)))
    return told(corpus, "gender")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("H", "M", ""), ["male", "female", ""]),
        (("hombre", "mujer", "M"), ["male", "female", "female"]),
        (("homem", "m", "h"), ["male", "female", "male"]),
        (("H", "F", "F"), ["male", "female", "female"]),
        (("H", "F", "M"), ["male", "female", "M"]),  # a man or mujer, nobody knows
        (("M", "F", "W"), ["male", "female", "female"]),
        (("Männlich", "weiblich", "femme"), ["male", "female", "female"]),
        (("men", "women", "girl"), ["male", "female", "female"]),
    ],
)
def test_a_column_of_genders_is_read_as_a_whole(corpus, cells, expected):
    assert genders(corpus, *cells) == expected


def test_genders_that_are_not_known_are_said(corpus):
    genders(corpus, "F", "x", "x")
    said = []
    folders.parse(corpus, folders.Reading(), said.append)
    assert said == [f"{corpus}: genders that are not known: 'x' (2 utterances); write female or male, or leave them"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("M", "V", "V"), ["M", "V", "V"]),  # mujer and varón, or man and vrouw
        (("F", "N", "N"), ["F", "N", "N"]),  # férfi and nő
        (("F", "M", "N"), ["female", "male", "N"]),
        (("ma\u0308nnlich", "weiblich", "maennlich"), ["male", "female", "male"]),
    ],
)
def test_letters_that_name_women_in_one_language_and_men_in_another_are_left(corpus, cells, expected):
    assert genders(corpus, *cells) == expected


def test_names_in_params_are_the_same_however_accents_are_written(corpus):
    write(corpus, "path,emotion", "takes/1.wav,z\u0142os\u0301c\u0301", *THREE[2:])
    assert told(corpus, "emotion", words={"z\u0142o\u015b\u0107": "angry"}) == ["angry", "happy", "sad"]


def test_an_abbreviation_that_words_in_params_lack_is_said(corpus):
    write(corpus, "path,emotion", "takes/1.wav,dis", "takes/2.wav,gio", "takes/3.wav,sad")
    said = []
    folders.parse(corpus, folders.Reading(words={"gio": "happy"}), said.append)
    assert said == [f"{corpus}: 'dis' is taken for disgusted, as manifest.words does not tell what it means"]
    said.clear()
    folders.parse(corpus, folders.Reading(words={"gio": "happy", "dis": "contemptuous"}), said.append)
    assert said == []


def test_files_without_a_row_are_left_out_where_params_allow_it(corpus):
    write(corpus, *THREE[:3])
    said = []
    found = folders.parse(corpus, folders.Reading(incomplete=True), said.append)
    assert [utterance.name for utterance in found] == ["takes/1", "takes/2"]
    assert said == [f"{corpus}: left out: 1 of 3 recordings, which have no row in index.csv, such as 'takes/3.wav'"]
    (corpus / "index.csv").unlink()
    with pytest.raises(InputError, match=r"manifest\.allow_incomplete names the corpus, which has no table index\.csv"):
        parsed(corpus, incomplete=True)


def test_names_of_speakers_that_come_again_in_each_of_several_corpora_are_said(corpus):
    rows = ["takes/1.wav,anger,1,RAVDESS", "takes/2.wav,joy,1,SAVEE", "takes/3.wav,sad,2,SAVEE"]
    write(corpus, "path,emotion,speaker,dataset", *rows)
    said = []
    folders.parse(corpus, folders.Reading(), said.append)
    assert said == [
        f"{corpus}: names of speakers that stand in several datasets: 1, such as '1' in RAVDESS and SAVEE; each "
        "counts as one person: if they are different people, give them different names, such as RAVDESS_1"
    ]


def test_speakers_called_as_genders_are_said(corpus):
    write(corpus, "path,emotion,speaker", *(f"{line},{name}" for line, name in zip(THREE[1:], "FMF", strict=True)))
    said = []
    folders.parse(corpus, folders.Reading(), said.append)
    assert said == [f"{corpus}: the speakers are F and M, as genders are called; each counts as one person"]


def test_what_hugging_face_tells_of_a_recording_is_its_path_and_its_classes_have_names(corpus):
    audio = [{"bytes": None, "path": f"takes/{number}.wav"} for number in (1, 2, 3)]
    features = {"label": {"names": ["joy", "anger"], "_type": "ClassLabel"}, "audio": {"_type": "Audio"}}
    table = pyarrow.Table.from_pydict({"audio": audio, "label": [1, 0, 1], "speaker_id": [4, 5, 6]})
    header = {"huggingface": json.dumps({"info": {"features": features}})}
    pyarrow.parquet.write_table(table.replace_schema_metadata(header), corpus / "index.parquet")
    assert told(corpus, "emotion") == ["angry", "happy", "angry"]
    (corpus / "index.parquet").unlink()
    lines = [json.dumps({"audio": {**one, "array": [0.0], "sampling_rate": 8}, "label": "sad"}) for one in audio]
    write(corpus, *lines, name="index.jsonl")
    assert told(corpus, "emotion") == ["sad"] * 3


def test_json_with_an_object_a_line_is_read_whatever_its_suffix(corpus):
    rows = [{"audio_filepath": row["path"], "emotion": row["emotion"], "duration": 0.5} for row in records()]
    write(corpus, *map(json.dumps, rows), name="index.json")
    assert told(corpus, "emotion") == ["angry", "happy", "sad"]


def test_words_of_the_corpus_are_those_of_its_votes_too(corpus):
    cells = [f'takes/{n}.wav,{word},"{{""{word}"": 2, ""N"": 1}}"' for n, word in ((1, "W"), (2, "sur"), (3, "N"))]
    write(corpus, "path,emotion,votes", *cells)
    words = {"W": "angry", "sur": "sad", "N": "neutral"}
    assert told(corpus, "emotion", words=words) == ["angry", "sad", "neutral"]
    assert told(corpus, "votes", words=words)[:2] == [{"angry": 2, "neutral": 1}, {"sad": 2, "neutral": 1}]
    with pytest.raises(InputError, match=r"row 2: votes: .* found 'W'; .*manifest\.words"):
        parsed(corpus)


def test_line_ends_and_control_characters_within_a_cell_are_blanks(corpus):
    content = 'path,emotion,speaker,text,mood\ntakes/1.wav,sad,"a\rb","one\r\ntwo\x1a",p\tq\n'
    rest = "".join(f"takes/{number}.wav,sad,,,\n" for number in (2, 3))
    (corpus / "index.csv").write_bytes((content + rest).encode())
    utterance = parsed(corpus)["takes/1"]
    assert (utterance.speaker, utterance.text, utterance.details) == ("a b", "one two", {"mood": "p q"})


def test_a_parquet_table_whose_index_is_a_column_too_is_read(corpus):
    table = pd.DataFrame(records()).assign(index=[7, 8, 9], level_0=1)
    table.set_index("path", drop=False).to_parquet(corpus / "index.parquet")
    assert told(corpus, "speaker") == ["s1"] * 3
    table.set_index(pd.Index([5, 6, 7])).to_parquet(corpus / "index.parquet")
    assert told(corpus, "details")[0] == {"index": 7, "level_0": 1}
    pd.DataFrame(records()).set_index("path").to_parquet(corpus / "index.parquet")
    assert told(corpus, "emotion") == ["angry", "happy", "sad"]


def test_columns_are_known_in_any_case(corpus):
    lines = [
        line + extra for line, extra in zip(THREE, (",Age,VOTES,Split", ",31,,TRAIN", ",,,-", ",,,?"), strict=True)
    ]
    write(corpus, *lines)
    assert told(corpus, "age") == [31.0, None, None]
    assert told(corpus, "details") == [{"split": "TRAIN"}, {}, {}]
    write(corpus, "path,emotion,Session,SESSION", *(f"{line},1,1" for line in THREE[1:]))
    with pytest.raises(InputError, match="the columns Session and SESSION could both be the session; say which one is"):
        parsed(corpus)


@pytest.mark.parametrize(
    ("header", "cells", "fault"),
    [
        ("Start,End", "0.1,0.3", r", Start '0\.1', End '0\.3';"),
        ("start,end", "00:01,00:03", ", start '00:01', end '00:03';"),
        ("start,duration", "0.2,0.3", r", start '0\.2', duration '0\.3';"),
        ("start,duration", "0,0.3", r", start '0', duration '0\.3';"),
        ("start,duration_s", "0,0.3", r", start '0', duration_s '0\.3';"),
        ("offset,duration", "0.2,0.3", r"offset '0\.2'"),
        ("onset,offset", "0,0.3", r", onset '0', offset '0\.3';"),
        ("onset_s,offset_s", "0,0.3", r", onset_s '0', offset_s '0\.3';"),
        ("from,to", "0,0.3", r", from '0', to '0\.3';"),
        ("xmin,xmax", "0,0.3", r", xmin '0', xmax '0\.3';"),
        ("tmin,tmax", "0.1,0.5", r", tmin '0\.1', tmax '0\.5';"),
        ("start_ms,end_ms", "200,500", ", start_ms '200', end_ms '500';"),
        ("start_ms,end_ms", "0,200", ", start_ms '0', end_ms '200';"),
        ("start,end_sample", "0,3200", ", start '0', end_sample '3200';"),
        ("t_start,t_end", "0.1,0.5", r", t_start '0\.1', t_end '0\.5';"),
        ("segment_start,segment_end", "0,0.3", r", segment_start '0', segment_end '0\.3';"),
        ("start_offset,end_offset", "0,0.3", r", start_offset '0', end_offset '0\.3';"),
        ("Start (s),End (s)", "0,0.3", r", Start \(s\) '0', End \(s\) '0\.3';"),
        ("start,stop", "0,0.3", r", start '0', stop '0\.3';"),
        ("begin,finish", "0,0.3", r", begin '0', finish '0\.3';"),
        ("Begin Time - ss.msec,End Time - ss.msec", "0.1,0.3", r", Begin Time - ss\.msec '0\.1'"),
        ("end", "0.3", r", end '0\.3';"),
        ("start_time,End Time", "0.1,0.3", r", start_time '0\.1', End Time '0\.3';"),
        ("onset", "0.1", r", onset '0\.1';"),
        ("begin,end_s", "0,0.3", r", begin '0', end_s '0\.3';"),
        ("start,end", "soon,", "row 2: start: expected a time within the recording, such as 1.5, found 'soon'"),
    ],
)
def test_segments_are_refused_however_they_are_written(corpus, header, cells, fault):
    write(corpus, f"path,emotion,{header}", *(f"{line},{cells}" for line in THREE[1:]))
    with pytest.raises(InputError, match=fault):
        parsed(corpus)


def test_segments_in_a_table_beside_emotion_folders_are_refused(corpus):
    (corpus / "takes").rename(corpus / "angry")
    lines = [f"angry/{number}.wav,s{number},0.1,0.3" for number in (1, 2, 3)]
    write(corpus, "path,speaker,start,end", *lines, name="metadata.csv")
    with pytest.raises(
        InputError, match=r"row 2: a segment of 'angry/1.wav', start '0\.1', end '0\.3'; a recording must"
    ):
        parsed(corpus)


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("offset,duration", "0.0,0.47"),
        ("from,to", "home,work"),
        ("offset", "0.2"),
        ("duration", "0.2"),
        ("xmin", "3"),
        ("start_ms,end_ms", "0,500"),
        ("start_sample,end_sample", "0,8000"),
        ("start,duration_ms", "0,510"),
    ],
)
def test_what_tells_no_part_of_a_recording_is_no_segment(corpus, header, cells):
    write(corpus, f"path,emotion,{header}", *(f"{line},{cells}" for line in THREE[1:]))
    assert told(corpus, "emotion") == ["angry", "happy", "sad"]


def test_whole_files_may_be_told_with_decimal_commas(corpus):
    write(corpus, "path;emotion;start;end", *(f"{line.replace(',', ';')};0,0;0,5" for line in THREE[1:]))
    assert told(corpus, "emotion") == ["angry", "happy", "sad"]


def test_json_lines_are_parted_by_line_feeds_alone_and_faults_name_the_line(corpus):
    lines = [json.dumps(record | {"text": "one\u2028two"}, ensure_ascii=False) for record in records()]
    write(corpus, *lines, name="index.jsonl")
    assert told(corpus, "text") == ["one\u2028two"] * 3
    write(corpus, *lines[:2], "{", name="index.jsonl")
    with pytest.raises(InputError, match=r"index\.jsonl: line 3: not valid JSON") as caught:
        parsed(corpus)
    assert str(caught.value).count("index.jsonl") == 1
    write(corpus, lines[0].replace("s1", "\\ud83d"), name="index.jsonl")
    with pytest.raises(InputError, match="record 1: speaker: expected text, found half of a character"):
        parsed(corpus)


def test_shares_that_no_raters_can_have_given_are_refused(corpus):
    with pytest.raises(InputError, match=r"record 1: expected votes whose shares add up to 1"):
        votes(corpus, {"angry": 0.7, "sad": 0.2}, {"sad": 1.0}, {"sad": 1.0})
    with pytest.raises(InputError, match=r"found none that does; add a column raters"):
        votes(corpus, {"angry": 0.123456, "sad": 0.876544}, {"sad": 1.0}, {"sad": 1.0})
    with pytest.raises(InputError, match=r"record 1: votes: expected shares that 3 raters can give"):
        votes(corpus, {"angry": 0.5, "sad": 0.5}, {"sad": 1.0}, {"sad": 1.0}, raters=3)


def test_names_in_another_form_of_unicode_are_found(corpus):
    (corpus / "takes/1.wav").rename(corpus / "takes/cafe\u0301.wav")
    write(corpus, "path,emotion", "takes/caf\u00e9.wav,sad", *THREE[2:])
    assert told(corpus, "emotion") == ["happy", "sad", "sad"]


def test_a_word_that_else_says_nothing_may_be_the_corpus_own(corpus):
    write(corpus, *THREE[:3], "takes/3.wav,none")
    assert told(corpus, "emotion", words={"none": "neutral"}) == ["angry", "happy", "neutral"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["path,speaker", "takes/1.wav,a"],
            "expected a column emotion or votes, found path, speaker; .*; columns of one rater each, or of one emotion",
        ),
        (["emotion", "sad"], "expected the columns path.*missing: path; say which one it is: manifest.columns"),
        (
            ["speaker,gender,emotion", "mary,f,sad", "bob,m,sad"],
            r"missing: path; it has one row per speaker: join it to the files first \(data/raw/README\.md",
        ),
        (
            ["speaker,emotion", "mary,sad", "bob,sad", "mary,joy"],
            r"missing: path; say which one it is: manifest\.columns: \{mine: \{path: \.\.\.\}\}",
        ),
        (
            ["speaker,recording,emotion", "mary,/a/1.wav,sad", "bob,/a/2.wav,sad"],
            r"missing: path; say so: manifest\.columns: \{mine: \{path: recording\}\}",
        ),
        (["path,wav_path,file,emotion", "4,2,3,sad"], r"index\.csv: row 2: no audio file '4'"),
        (["wav,file,emotion", "1,2,sad"], "the columns wav and file could both be the path"),
        ([*THREE[:3], "takes/3.wav,meh"], r"column emotion: .* found 'meh' \(1\)"),
        (
            [*THREE[:2], "takes/2.wav,ugh", "takes/3.wav,meh"],
            r"found 'ugh' \(1\), 'meh' \(1\) .* manifest\.words: \{mine: \{'ugh': \.\.\., 'meh': \.\.\.\}\}",
        ),
        ([*THREE[:3], "takes/3.wav,"], "row 4: neither emotion nor votes, as in 1 of 3 rows; write 'undecided'"),
        (
            [*THREE[:3], "takes/3.wav,none"],
            r"row 4: neither emotion nor votes \('none' counts as unknown, unless manifest\.words says .*\), as in",
        ),
        ([*THREE[:3], "takes/4.wav,sad"], r"row 4: no audio file 'takes/4\.wav' in .*, and 1 of 3 rows have none"),
        (
            [*THREE[:1], "/a/takes/9.wav,sad", "/a/takes/2.wav,joy", "/a/takes/3.wav,joy"],
            r"row 2: no audio file '/a/takes/9\.wav' in .*, and 1 of 3 rows have none",
        ),
        ([*THREE[:3], "takes/3.mp4,sad"], r"no audio file 'takes/3\.mp4' .*, where 'takes/3\.wav' is: write it so"),
        (["takes/1.wav,anger", *THREE[2:]], r"first line is that of 'takes/1\.wav', no header: write one above it"),
        (
            THREE[:3],
            r"1 of 3 audio files have no row, the first is 'takes/3\.wav'; add .* manifest\.allow_incomplete: \[mine\]",
        ),
        (
            [*THREE, "takes/4.wav,sad"],
            r"row 5: no audio file 'takes/4\.wav' in .*, and 1 of 4 rows have none; .*, or delete the row$",
        ),
        ([*THREE, "takes/3.wav,sad"], r"row 5: 'takes/3\.wav' stands here a second time; delete one of the rows"),
        (
            [*THREE, *THREE[1:]],
            r"row 5: .* a second time; 3 of 3 files have several rows: .* a file with a column votes",
        ),
        (["path,emotion,emotion", *THREE[1:]], "the column 'emotion' stands there twice"),
        (
            ["path,emotion", "takes/1.wav,a,b"],
            "row 2: expected 2 cells a row as in the header, found more",
        ),
        (["path,emotion", 'takes/1.wav,"a'], "line 2: expected a UTF-8 CSV table"),
        (["path,emotion,speker", "takes/1.wav,a,b"], "the column 'speker' cannot be used; did you mean 'speaker'"),
    ],
)
def test_a_table_that_cannot_be_taken_whole_is_refused(corpus, lines, message):
    write(corpus, *lines)
    with pytest.raises(InputError, match=message):
        parsed(corpus)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("index.csv", "path,emotion\n".encode("utf-16"), r"found UTF-16 \(Excel's 'Unicode text'\)"),
        ("index.csv", "path,emotion\ncaf\u00e9.wav,sad\n".encode("cp1252"), "found another encoding"),
        ("index.csv", b"", "found no header"),
        ("index.json", b"{", "not valid JSON"),
        ("index.jsonl", b"[1, 2]\n", "expected a JSON object for each recording"),
        ("index.parquet", b"PAR1", "no Parquet table"),
    ],
)
def test_a_file_that_is_no_table_is_refused(corpus, name, content, message):
    (corpus / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        parsed(corpus)


def test_audio_within_the_table_is_refused(corpus):
    frame = pd.DataFrame({"path": ["takes/1.wav"], "emotion": ["sad"], "audio": [{"bytes": b"RIFF", "path": "1.wav"}]})
    frame.to_parquet(corpus / "index.parquet")
    with pytest.raises(InputError, match="record 1: audio: the audio itself stands in the table; write it to files"):
        parsed(corpus)


def test_two_tables_are_refused(corpus):
    write(corpus, *THREE)
    write(corpus, *THREE, name="index.tsv")
    with pytest.raises(InputError, match=r"expected one table, found index\.csv and index\.tsv"):
        parsed(corpus)
    (corpus / "index.tsv").unlink()
    write(corpus, *THREE, name="metadata.csv")
    with pytest.raises(InputError, match=r"expected one table, found index\.csv and metadata\.csv"):
        parsed(corpus)


def test_a_pattern_takes_the_speaker_from_file_names_where_the_table_has_none(corpus):
    write(corpus, *THREE)
    assert told(corpus, "speaker", speaker_pattern=r"(?P<speaker>\d)") == ["1", "2", "3"]
    write(corpus, "path,emotion,speaker", *(f"takes/{n}.wav,sad,a" for n in (1, 2, 3)))
    with pytest.raises(InputError, match=r"index\.csv: has a column speaker, yet manifest\.speaker_pattern"):
        parsed(corpus, speaker_pattern=r"(?P<speaker>\d)")


def test_columns_in_params_without_a_table_are_refused(corpus):
    (corpus / "takes").rename(corpus / "angry")
    with pytest.raises(InputError, match=r"manifest\.columns names the corpus, which has no table"):
        parsed(corpus, columns={"emotion": "label"})


def test_every_alias_is_of_a_column_and_of_one_only():
    aliases = [alias for names in index.ALIASES.values() for alias in names]
    assert len(aliases) == len(set(aliases))
    assert set(index.ALIASES) <= {*index.COLUMNS, *index.MEANT}


@pytest.mark.parametrize("cut", ["name", "stem"])
def test_a_table_may_name_files_without_their_folders(corpus, cut):
    names = [{"name": f"{number}.wav", "stem": str(number)}[cut] for number in (1, 2, 3)]
    write(
        corpus, "path|emotion", *(f"{name}|{word}" for name, word in zip(names, ("anger", "joy", "sad"), strict=True))
    )
    assert told(corpus, "emotion") == ["angry", "happy", "sad"]
    soundfile.write(corpus / "1.wav", np.ones(8000) / 2, 16000)
    with pytest.raises(InputError):  # which of both it is, nobody knows
        parsed(corpus)


# Quotes


def test_a_quote_in_a_sentence_of_a_tsv_table_is_a_quote_and_swallows_no_rows(corpus):
    rows = (
        'takes/1.wav\t"Stop, he said.\tangry\ta',
        "takes/2.wav\thello\thappy\ta",
        'takes/3.wav\tbye, he said"\tsad\tb',
    )
    write(corpus, "path\ttext\temotion\tspeaker", *rows, name="index.tsv")
    assert told(corpus, "emotion") == ["angry", "happy", "sad"]
    assert told(corpus, "speaker") == ["a", "a", "b"]
    assert told(corpus, "text") == ['"Stop, he said.', "hello", 'bye, he said"']


def test_a_tsv_table_that_quotes_tabs_and_line_ends_as_pandas_does_is_read(corpus):
    texts = ["one\ttab", "two\nlines", 'a "word"']
    table = pd.DataFrame(records()).assign(text=texts)
    table.to_csv(corpus / "index.tsv", index=False, sep="\t")
    assert told(corpus, "text") == ["one tab", "two lines", 'a "word"']
    table.assign(text=['a "word"'] * 3).to_csv(corpus / "index.tsv", index=False, sep="\t")
    assert told(corpus, "text") == ['a "word"'] * 3


def test_a_quote_that_is_not_closed_is_named_where_it_stands(corpus):
    write(corpus, "path,emotion,text", 'takes/1.wav,angry,"Stop', "takes/2.wav,happy,x", "takes/3.wav,sad,y")
    with pytest.raises(InputError, match=r"index\.csv: line 2: expected .* a quote that is neither closed nor doubled"):
        parsed(corpus)
    write(corpus, "path,emotion,text", "takes/1.wav,angry,x", 'takes/2.wav,happy,"Stop," he said', "takes/3.wav,sad,y")
    with pytest.raises(InputError, match=r"line 3: .*write a quote in a quoted cell twice"):
        parsed(corpus)


def test_rows_that_two_stray_quotes_would_join_are_refused(corpus):
    write(corpus, "path,text,emotion", 'takes/1.wav,"Stop,angry', "takes/2.wav,x,happy", 'takes/3.wav,bye",sad')
    with pytest.raises(InputError, match=r"line 2: a quoted cell holds whole rows, such as 'takes/2\.wav,x,happy'"):
        parsed(corpus)
    write(
        corpus,
        "path,emotion,text",
        'takes/1.wav,angry,"two',
        'lines, of text"',
        "takes/2.wav,happy,x",
        "takes/3.wav,sad,y",
    )
    assert told(corpus, "text")[0] == "two lines, of text"


def test_signs_in_a_quoted_name_of_a_column_part_no_cells(corpus):
    write(corpus, 'path;emotion;"text, as said, by them"', *(f"takes/{n}.wav;angry;x" for n in (1, 2, 3)))
    assert told(corpus, "emotion") == ["angry"] * 3


def test_a_cell_that_holds_the_audio_itself_is_refused(corpus):
    write(corpus, "path,emotion,audio", f"takes/1.wav,angry,{'x' * 140_000}", *(f"takes/{n}.wav,sad," for n in (2, 3)))
    with pytest.raises(InputError, match=r"line 2: .*a cell of more than 131,072 signs: where the audio itself stands"):
        parsed(corpus)


# Speakers and ages as others write them


@pytest.mark.parametrize("name", ["unk", "<UNK>", "Unknown_Speaker", "anonymous", "-1", "n/d", "."])
def test_words_for_nobody_are_no_speaker(corpus, name):
    write(corpus, "path,emotion,speaker", *(f"takes/{n}.wav,angry,{name}" for n in (1, 2)), "takes/3.wav,sad,1")
    assert told(corpus, "speaker") == ["", "", "1"]


def test_a_column_that_may_tell_no_persons_is_said_to_be_taken_for_speakers(corpus):
    rows = [f"takes/{n}.wav,angry,billing" for n in (1, 2, 3)]
    for name, number in {"subject": 1, "speaker_id": 0, "spk": 0, "Speaker": 0}.items():
        write(corpus, f"path,emotion,{name}", *rows)
        said = []
        folders.parse(corpus, folders.Reading(), said.append)
        assert len(said) == number
    write(corpus, "path,emotion,subject", *rows)
    folders.parse(corpus, folders.Reading(columns={"speaker": "subject"}), said.append)
    assert not said


def test_ages_in_words_as_common_voice_tells_them_are_bands(corpus):
    write(
        corpus,
        "path,emotion,age",
        *(f"takes/{n}.wav,angry,{age}" for n, age in enumerate(("teens", "twenties", "fourties"), 1)),
    )
    assert told(corpus, "age") == [16.0, 24.5, 44.5]
    assert [detail["age_band"] for detail in told(corpus, "details")] == ["13-19", "20s", "40s"]


def test_params_can_name_the_column_of_a_corpus_own_split(corpus):
    write(
        corpus,
        "path,emotion,subset",
        *(f"takes/{n}.wav,angry,{part}" for n, part in enumerate(("train", "dev", "test"), 1)),
    )
    assert told(corpus, "details", columns={"split": "subset"})[2] == {"split": "test"}


def test_files_whose_names_come_again_are_found_by_suffix_case_or_the_folders_before_them(tmp_path):
    for speaker in ("mary", "tom"):
        (tmp_path / "mine/wav" / speaker).mkdir(parents=True)
        for take in ("1", "2"):
            soundfile.write(tmp_path / "mine/wav" / speaker / f"{take}.wav", np.zeros(8000), 16000)
    corpus = tmp_path / "mine"
    for written in ("wav/{}/{}.mp3", "WAV/{}/{}.WAV", "{}/{}.wav", "{}/{}"):
        names = [written.format(speaker, take) for speaker in ("mary", "tom") for take in ("1", "2")]
        write(corpus, "path,emotion", *(f"{name},sad" for name in names))
        with pytest.raises(InputError, match=f"no audio file '{names[0]}'.* where 'wav/mary/1.wav' is: write it so"):
            parsed(corpus)


def test_names_alone_join_rows_and_files_only_where_no_folder_contradicts_them(corpus):
    (corpus / "other").mkdir()
    (corpus / "takes/2.wav").rename(corpus / "other/2.wav")
    said = []
    write(corpus, "path,emotion", *(f"away/{number}/{number}.wav,sad" for number in (1, 2, 3)))
    assert len(folders.parse(corpus, folders.Reading(), said.append)) == 3
    assert said == [
        f"{corpus}/index.csv: rows and files go together by the files' names alone, as 'away/1/1.wav' with "
        "'takes/1.wav'"
    ]
    write(corpus, "path,emotion", "other/1.wav,sad", "takes/2.wav,sad", "other/3.wav,sad")
    with pytest.raises(
        InputError, match=r"no audio file 'other/1\.wav' .*, though the folder is there.*'takes/1\.wav'"
    ):
        parsed(corpus)


def test_a_list_under_a_single_key_is_read(corpus):
    (corpus / "index.json").write_text(json.dumps({"utterances": records()}))
    assert told(corpus, "emotion") == ["angry", "happy", "sad"]


def test_sentences_that_look_like_numbers_stay_apart_and_zeros_before_them_say_nothing(corpus):
    cells = (("1.1", "1.10", "3e2"), ("01", "1", "1.0"))
    write(corpus, "path,emotion,sentence", *(f"{line},{cell}" for line, cell in zip(THREE[1:], cells[0], strict=True)))
    assert [details["sentence"] for details in told(corpus, "details")] == ["1.1", "1.10", "3e2"]
    write(corpus, "path,emotion,sentence", *(f"{line},{cell}" for line, cell in zip(THREE[1:], cells[1], strict=True)))
    assert [details["sentence"] for details in told(corpus, "details")] == [1, 1, 1]


def test_an_unknown_speaker_that_pandas_wrote_as_a_float_is_nobody(corpus):
    write(
        corpus,
        "path,emotion,speaker",
        *(f"{line},{cell}" for line, cell in zip(THREE[1:], ("1.0", "-1.0", ""), strict=True)),
    )
    assert told(corpus, "speaker") == ["1.0", "", ""]


def test_folders_of_persons_beside_a_table_are_named(corpus):
    for number in (1, 2, 3):
        (corpus / f"Actor_0{number}").mkdir()
        (corpus / f"takes/{number}.wav").rename(corpus / f"Actor_0{number}/{number}.wav")
    write(corpus, "path,emotion", *(f"Actor_0{number}/{number}.wav,sad" for number in (1, 2, 3)))
    found = folders.parse(corpus, folders.Reading())
    said = hints.untold_speakers(corpus, found, None)
    assert said == "if the folders Actor_01, Actor_02, Actor_03 are persons, write them into a column speaker"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Greek", "el"),
        ("el", "el"),
        ("Farsi", "fa"),
        ("Bangla", "bn"),
        ("Odia", "or"),
        ("Mandarin", "zh"),
        ("cmn", "zh"),
    ],
)
def test_usual_names_of_languages_have_their_codes(corpus, written, code):
    write(corpus, "path,emotion,language", *(f"{line},{written}" for line in THREE[1:]))
    assert told(corpus, "language") == [code] * 3


def test_what_was_taken_off_the_rows_paths_is_said(corpus):
    write(corpus, "path,emotion", "train/takes/1.wav,anger", "train/takes/2.wav,joy", "train/takes/3.wav,sad")
    said = []
    assert len(folders.parse(corpus, folders.Reading(), said.append)) == 3
    assert said == [
        f"{corpus / 'index.csv'}: paths begin with 'train', which is not here, and was taken off: are these its files?"
    ]


def test_rows_of_files_that_were_converted_go_by_their_names_and_that_is_said(corpus):
    write(corpus, "path,emotion", "old/1.flac,anger", "old/2.flac,joy", "old/3.flac,sad")
    said = []
    found = folders.parse(corpus, folders.Reading(), said.append)
    assert [(one.path.name, one.emotion) for one in found] == [("1.wav", "angry"), ("2.wav", "happy"), ("3.wav", "sad")]
    assert said == [
        f"{corpus / 'index.csv'}: rows and files go together by the files' names alone, as 'old/1.flac' with "
        "'takes/1.wav'"
    ]


@pytest.mark.parametrize("column", ["annotator", "rater_id", "Listener", "worker_id", "session_id"])
def test_who_rated_is_not_proposed_as_who_speaks(corpus, column):
    rows = [f"takes/{number}.wav,{label},{who}" for number, label, who in ((1, "anger", "x"), (2, "joy", "x"))]
    for number in (3, 4):
        soundfile.write(corpus / "takes" / f"{number}.wav", np.zeros(8000), 16000)
    rows += [f"takes/{number}.wav,{label},y" for number, label in ((3, "sad"), (4, "joy"))]
    write(corpus, f"path,emotion,{column}", *rows)
    assert hints.untold_speakers(corpus, folders.parse(corpus, folders.Reading()), None) == ""
