"""Parsers of corpora whose files' names tell everything: made-up corpora of the published names."""

import itertools
import json
import os
import shutil
from collections import Counter

import pytest

from ser.corpora import (
    aesdd,
    ased,
    cafe,
    emotions,
    emov_db,
    emovo,
    esd,
    jl,
    mesd,
    nemo,
    savee,
    shemo,
    subesco,
    tess,
    turev,
    urdu,
)
from ser.corpora.parsers import PARSERS
from ser.files.failures import InputError


def made(tmp_path, *names):
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()  # parsers do not open audio
    return tmp_path


def only(parse, folder):
    (utterance,) = parse(folder, True)
    return utterance


def facts(utterance):
    return utterance.emotion, utterance.speaker, utterance.gender, utterance.age, utterance.language


@pytest.mark.parametrize(
    ("parse", "path", "expected", "details"),
    [
        (
            ased.parse,
            "05Angry/a5-03-01-02-50.wav",
            ("angry", "50", "male", None, "am"),
            {"sentence": "a3", "repetition": 1},
        ),
        (
            ased.parse,
            "04Sad/S4-04-02-01-29.wav",
            ("sad", "29", "female", None, "am"),
            {"sentence": "s4", "repetition": 2},
        ),
        # The name says 02, a man; the same speaker's 65 other names say 01.
        (
            ased.parse,
            "f2-02-01-02-25.wav",
            ("fearful", "25", "female", None, "am"),
            {"sentence": "f2", "repetition": 1},
        ),
        (emovo.parse, "f1/gio-f1-b1.wav", ("happy", "f1", "female", None, "it"), {"sentence": "b1"}),
        (
            cafe.parse,
            "Joie/Fort/04-J-2-1.wav",
            ("happy", "04", "female", 50.0, "fr"),
            {"sentence": 1, "intensity": "strong"},
        ),
        (cafe.parse, "Neutre/07-N-6.aiff", ("neutral", "07", "male", 15.0, "fr"), {"sentence": 6}),
        (cafe.parse, "Neutre/07-N-1-6.wav", ("neutral", "07", "male", 15.0, "fr"), {"sentence": 6}),
        (tess.parse, "OAF_angry/OAF_back_angry.wav", ("angry", "OAF", "female", 64.0, "en"), {"word": "back"}),
        (tess.parse, "OAF_neutral/OA_bite_neutral.wav", ("neutral", "OAF", "female", 64.0, "en"), {"word": "bite"}),
        (
            tess.parse,
            "YAF_pleasant_surprised/YAF_back_ps.wav",
            ("surprised", "YAF", "female", 26.0, "en"),
            {"word": "back"},
        ),
        (savee.parse, "ALL/DC_a01.wav", ("angry", "DC", "male", None, "en"), {"number": 1, "sentence": "1"}),
        (
            savee.parse,
            "AudioData/KL/su15.wav",
            ("surprised", "KL", "male", None, "en"),
            {"number": 15, "sentence": "su15"},
        ),
        (urdu.parse, "Neutral/SF20_F8_N012.wav", ("neutral", "SF20", "female", None, "ur"), {}),
        (urdu.parse, "Happy/SF4_F3_H019.wav", ("happy", "SF1", "female", None, "ur"), {}),  # SF4 is SF1
        (turev.parse, "Sound Source/Calm/1984_sk_eger.wav", ("calm", "1984", "", None, "tr"), {"word": "eger"}),
        (esd.parse, "0011/Angry/0011_000351.wav", ("angry", "0011", "male", None, "en"), {"sentence": 1}),
        (
            esd.parse,
            "0010/Surprise/train/0010_001750.wav",
            ("surprised", "0010", "male", None, "zh"),
            {"sentence": 350},
        ),
        (esd.parse, "0019/Neutral/0019_000001.wav", ("neutral", "0019", "female", None, "en"), {"sentence": 1}),
        (aesdd.parse, "anger/a03 (4).wav", ("angry", "4", "", None, "el"), {"sentence": 3}),
        (aesdd.parse, "anger/a20 (4).wav", ("angry", "4", "", None, "el"), {"sentence": "20 a 4"}),  # made up by 4
        (aesdd.parse, "fear/f10 (01).wav", ("fearful", "1", "", None, "el"), {"sentence": 10}),
        (aesdd.parse, "disgust/d04 (5)b.wav", ("disgusted", "5", "", None, "el"), {"sentence": 4}),
        (
            emov_db.parse,
            "bea_Amused/amused_1-28_0001.wav",
            ("other", "bea", "female", None, "en"),
            {"label": "amused", "sentence": 1},
        ),
        (
            emov_db.parse,
            "EmoV-DB_sorted/josh/Sleepy/sleepiness_113_140_0127.wav",
            ("other", "josh", "male", None, "en"),
            {"label": "sleepiness", "sentence": 127},
        ),
        (  # the name says 23, which another file is
            emov_db.parse,
            "josh_Amused/amused_197-224_0023.wav",
            ("other", "josh", "male", None, "en"),
            {"label": "amused", "sentence": 223},
        ),
        (
            emov_db.parse,
            "sam/Disgust_1-28_0009.wav",
            ("disgusted", "sam", "male", None, "en"),
            {"label": "disgust", "sentence": 9},
        ),
        (
            mesd.parse,
            "Mexican Emotional Speech Database (MESD)/Fear_M_A_por_favor.wav",
            ("fearful", "", "male", None, "es"),
            {"voice": "male", "list": "A", "word": "por_favor"},
        ),
        (
            mesd.parse,
            "Anger_C_B_ataque.wav",
            ("angry", "", "", None, "es"),
            {"voice": "child", "list": "B", "word": "ataque"},
        ),
        (shemo.parse, "female/F03S02.wav", ("sad", "F03", "female", None, "fa"), {}),
        (shemo.parse, "ShEMO/male/M02F01.wav", ("fearful", "M02", "male", None, "fa"), {}),
        (
            subesco.parse,
            "SUBESCO/M_10_EVAN_S_8_DISGUST_2.wav",
            ("disgusted", "M_10", "male", None, "bn"),
            {"sentence": 8, "take": 2},
        ),
        (
            subesco.parse,
            "F_02_MONIKA_S_2_SURPRISE_3].wav",
            ("surprised", "F_02", "female", None, "bn"),
            {"sentence": 2, "take": 3},
        ),
        (
            jl.parse,
            "male2_encouraging_6b_1.wav",
            ("other", "male2", "male", None, "en"),
            {"label": "encouraging", "sentence": "encouraging 6", "series": "b", "take": 1},
        ),
    ],
)
def test_names_tell_everything(tmp_path, parse, path, expected, details):
    utterance = only(parse, made(tmp_path, path))
    assert facts(utterance) == expected
    assert utterance.details == details
    assert utterance.path == tmp_path / path


def numbers(last):
    return range(1, last + 1)


# AESDD has each utterance by each speaker, but for these, and some a second time.
LACKING = {"d03 (1)", "d18 (5)", "f02 (4)", "f10 (1)", "f11 (1)", "f12 (1)", "f13 (1)", "h11 (3)", "s01 (5)", "s05 (3)"}
BESIDES = [
    *("d03 (01)", "f10 (01)", "f11 (01)", "f12 (01)", "f13 (01)", "a06 (5)b", "d01 (5)b"),
    *("d03 (5)b", "d04 (5)b", "f18 (5)b", "s01 (5)a", "s01 (5)b", "s02 (5)b", "s04 (5)b"),
]
EMOV_DB = {  # how many files a speaker has of each manner
    "bea": {"Amused": 296, "Angry": 304, "Disgusted": 333, "Neutral": 357, "Sleepy": 497},
    "jenie": {"Amused": 222, "Angry": 496, "Disgusted": 189, "Neutral": 417, "Sleepy": 466},
    "josh": {"Amused": 298, "Neutral": 302, "Sleepy": 263},
    "sam": {"Amused": 501, "Angry": 468, "Disgusted": 497, "Neutral": 492, "Sleepy": 495},
}
MANNERS = dict(zip(EMOV_DB["sam"], emotions.EMOV_DB, strict=True))
SUBESCO = {
    "F": "OISHI MONIKA SMITA SWARNALI MOUNI SIMI TITHI JOYEETA CHAITY FAHMEE".split(),  # noqa: SIM905
    "M": "BASHIR NIPUN ILIAS BIBHAS DURANTO SHUKANTO SIBLY PRASUN SHUMANTA EVAN".split(),  # noqa: SIM905
}
# Every name of the corpora whose names are all combinations, or nearly; of EmoV-DB, MESD and ShEMO as many.
WHOLE = {
    "aesdd": [
        *(
            f"{name}.wav"
            for emotion, sentence, speaker in itertools.product("adfhs", numbers(20), numbers(6))
            if (name := f"{emotion}{sentence:02d} ({speaker})") not in LACKING
        ),
        *(f"{name}.wav" for name in BESIDES),
    ],
    "emov_db": [
        f"{speaker}_{manner}/{MANNERS[manner]}_1-560_{number:04d}.wav"
        for speaker, manners in EMOV_DB.items()
        for manner, count in manners.items()
        for number in numbers(count)
    ],
    "mesd": [
        f"{emotion}_{voice}_{words}_word_{letter}.wav"
        for emotion, voice, words, letter in itertools.product(emotions.MESD, "CFM", "AB", "abcdefghijklmnopqrstuvwx")
        if (emotion, voice, words, letter) not in (("Anger", "C", "A", "a"), ("Neutral", "C", "A", "b"))
    ],
    "shemo": [
        f"{speaker}{emotion}{number:02d}.wav"
        for speaker, emotion, number in itertools.product(
            [*(f"F{number:02d}" for number in numbers(31)), *(f"M{number:02d}" for number in numbers(56))],
            emotions.SHEMO,
            numbers(6),
        )
    ][:3000],
    "subesco": [
        f"{gender}_{number:02d}_{name}_S_{sentence}_{emotion}_{take}.wav"
        for gender, names in SUBESCO.items()
        for number, name in enumerate(names, start=1)
        for sentence, emotion, take in itertools.product(numbers(10), emotions.SUBESCO, numbers(5))
    ],
    "emovo": [
        f"{emotion}-{actor}-{sentence}.wav"
        for emotion, actor, sentence in itertools.product(
            emotions.EMOVO,
            ("f1", "f2", "f3", "m1", "m2", "m3"),
            ("b1", "b2", "b3", "l1", "l2", "l3", "l4", "n1", "n2", "n3", "n4", "n5", "d1", "d2"),
        )
    ],
    "cafe": [
        f"{actor:02d}-{emotion}-{intensity}-{sentence}.wav"
        for actor, emotion, intensity, sentence in itertools.product(numbers(12), "CDJNPST", (1, 2), numbers(6))
        if (emotion, intensity) != ("N", 2)
    ],
    "savee": [
        f"ALL/{speaker}_{emotion}{number:02d}.wav"
        for speaker, emotion, number in itertools.product(("DC", "JE", "JK", "KL"), emotions.SAVEE, numbers(30))
        if number <= 15 or emotion == "n"
    ],
    "jl": [
        f"{speaker}_{emotion}_{sentence}{letter}_{take}.wav"
        for speaker, emotion, sentence, letter, take in itertools.product(
            ("female1", "female2", "male1", "male2"), emotions.JL, numbers(15), "ab", (1, 2)
        )
    ],
}


def test_sentences_of_jl_are_those_that_are_spoken_whatever_the_series(tmp_path):
    names = ("male1_angry_3a_1.wav", "male1_happy_3b_2.wav", "male1_anxious_3a_1.wav", "male1_anxious_3b_1.wav")
    sentences = [only(jl.parse, made(tmp_path / name, name)).details["sentence"] for name in names]
    assert sentences[0] == sentences[1] != sentences[2] == sentences[3]


@pytest.mark.parametrize("corpus", WHOLE)
def test_the_whole_corpus_is_accepted_and_one_file_less_is_not(tmp_path, corpus):
    folder = made(tmp_path / corpus, *WHOLE[corpus])
    utterances = PARSERS[corpus](folder, False)
    assert len({utterance.name for utterance in utterances}) == len(WHOLE[corpus])
    next(folder.rglob("*.wav")).unlink()
    with pytest.raises(InputError, match=rf"expected {len(WHOLE[corpus])} .*allow_incomplete: \[{corpus}\]"):
        PARSERS[corpus](folder, False)


@pytest.mark.parametrize(
    "corpus",
    [
        *("aesdd", "ased", "cafe", "emov_db", "emovo", "esd", "jl", "mesd", "nemo"),
        *("savee", "shemo", "subesco", "tess", "turev", "urdu"),
    ],
)
def test_a_foreign_name_is_refused(tmp_path, corpus):
    folder = made(tmp_path / corpus, "samples/song.wav")
    with pytest.raises(
        InputError, match=r"song\.wav: expected a name of .* such as .*\.wav.*take the file out.*name its folder"
    ):
        PARSERS[corpus](folder, True)


@pytest.mark.parametrize(
    ("corpus", "first", "second"),
    [
        ("tess", "OAF_angry/OAF_back_angry.wav", "TESS Toronto emotional speech set data/OAF_angry/OAF_back_angry.wav"),
        ("savee", "ALL/DC_a01.wav", "AudioData/DC/a01.wav"),
        ("aesdd", "anger/a03 (4).wav", "Acted Emotional Speech Dynamic Database/anger/a03 (4).wav"),
        ("emov_db", "bea_Amused/amused_1-28_0001.wav", "EmoV-DB_sorted/bea/Amused/amused_1-28_0001.wav"),
        ("mesd", "Anger_F_A_tarde.wav", "Mexican Emotional Speech Database (MESD)/Anger_F_A_tarde.wav"),
        ("shemo", "female/F03S02.wav", "ShEMO/female/F03S02.wav"),
        ("subesco", "F_02_MONIKA_S_1_NEUTRAL_5.wav", "SUBESCO/F_02_MONIKA_S_1_NEUTRAL_5.wav"),
    ],
)
def test_a_corpus_that_lies_there_twice_is_refused(tmp_path, corpus, first, second):
    with pytest.raises(InputError, match=r"the same (name|recording) as .*; delete one of the two copies"):
        PARSERS[corpus](made(tmp_path / corpus, first, second), True)


@pytest.mark.parametrize("inner", ["TESS data", "outer"])
def test_the_folder_that_holds_nothing_but_copies_is_named(tmp_path, inner):
    names = ("OAF_sad/OAF_back_sad.wav", "YAF_sad/YAF_back_sad.wav", "YAF_sad/YAF_bar_sad.wav")
    folder = made(tmp_path, *names, *(f"{inner}/{name}" for name in names))
    with pytest.raises(InputError, match=rf"3 files are there twice, among them all 3 in {folder}/{inner}$"):
        tess.parse(folder, True)
    (folder / inner / "YAF_sad/YAF_bath_sad.wav").touch()
    with pytest.raises(InputError, match=rf"3 files are there twice, among them all 2 in {folder}/YAF_sad$"):
        tess.parse(folder, True)
    (folder / "OAF_sad/OAF_bath_sad.wav").touch()
    (folder / "YAF_sad/YAF_bean_sad.wav").touch()
    with pytest.raises(InputError, match=r"3 files are there twice$"):
        tess.parse(folder, True)


def test_the_filtered_copies_in_a_clone_of_turev_db_are_left_out(tmp_path):
    copies = (f"Model Output for Test Data/testEmotions{band}/sound/Angry/1157_kz_beste.wav" for band in (500, 8000))
    folder = made(tmp_path, "Sound Source/Angry/1157_kz_beste.wav", "Sound Source/Calm/1984_sk_eger.wav", *copies)
    assert [utterance.path.parts[-3] for utterance in turev.parse(folder, True)] == ["Sound Source"] * 2


def test_the_damaged_file_of_aesdd_is_not_missed(tmp_path):
    folder = made(tmp_path / "aesdd", *WHOLE["aesdd"], "s05 (3).wav")
    assert len(aesdd.parse(folder, False)) == len(WHOLE["aesdd"]) + 1


def test_the_same_name_of_two_speakers_of_emov_db_is_two_utterances(tmp_path):
    folder = made(tmp_path, "bea_Amused/amused_1-28_0001.wav", "sam_Amused/amused_1-28_0001.wav")
    names = [(utterance.name, utterance.speaker) for utterance in emov_db.parse(folder, True)]
    assert names == [("bea_amused_1-28_0001", "bea"), ("sam_amused_1-28_0001", "sam")]


def test_a_file_of_emov_db_outside_its_speaker_s_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"0001\.wav: expected a name of EmoV-DB .*put the file into a folder of its"):
        emov_db.parse(made(tmp_path, "Amused/amused_1-28_0001.wav"), True)


def test_words_of_emov_db_are_those_of_its_copy_of_cmu_arctic(tmp_path):
    made(tmp_path, "sorted/bea/Amused/amused_1-28_0002.wav")
    lines = '( arctic_a0001 "One." )\n( arctic_a0002 "Two, too." )\n( arctic_b0002 "No." )\n'
    (tmp_path / "sorted" / "cmuarctic.data").write_text(lines)
    assert only(emov_db.parse, tmp_path).text == "Two, too."


def test_words_of_emov_db_may_be_in_another_encoding(tmp_path):
    made(tmp_path, "bea_Amused/amused_1-28_0002.wav")
    lines = '( arctic_a0001 "D\u00e9j\u00e0 vu." )\n( arctic_a0002 "Two, too." )\n'
    (tmp_path / "cmuarctic.data").write_bytes(lines.encode("latin-1"))
    assert only(emov_db.parse, tmp_path).text == "Two, too."


def test_words_of_shemo_are_those_of_its_repaired_transcripts(tmp_path):
    made(tmp_path, "female/F03S02.wav", "female/F03S03.wav", "male/M01A01.wav")
    misnamed = tmp_path / "transcript" / "final text" / "F03S03.ort"
    misnamed.parent.mkdir(parents=True)
    misnamed.write_text("of another recording")
    said = {
        "speech_name": "F03S02",
        "text_name": "F03N07",
        "emotion": "neutral",
        "transcript": "\u200fسلام \u200e دوست",
    }
    (tmp_path / "modified_shemo.json").write_text(json.dumps({"F03S02.wav": said}))
    assert [(one.text, one.emotion, one.details) for one in shemo.parse(tmp_path, True)] == [
        ("سلام دوست", "sad", {"emotion_of_text": "neutral"}),
        ("", "sad", {}),
        ("", "angry", {}),
    ]


@pytest.mark.parametrize(("content", "message"), [("{", "not valid JSON"), ('{"a": {"b": 1}}', "emotion, speech_name")])
def test_damaged_words_of_shemo_are_refused(tmp_path, content, message):
    (made(tmp_path, "female/F03S02.wav") / "modified_shemo.json").write_text(content)
    with pytest.raises(InputError, match=message):
        shemo.parse(tmp_path, True)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("f03", "3"), ("n18", "3"), ("f04", "f04"), ("n23", "f04"), ("h05", "h05"), ("n30", "h05"), ("n15", "n15")],
)
def test_sentences_of_savee_are_told_apart_by_their_numbers(tmp_path, name, sentence):
    assert only(savee.parse, made(tmp_path, f"AudioData/JE/{name}.wav")).details["sentence"] == sentence


def test_of_savee_s_87_sentences_15_are_said_in_several_emotions(tmp_path):
    said = {}
    for utterance in savee.parse(made(tmp_path, *WHOLE["savee"]), False):
        said.setdefault(utterance.details["sentence"], []).append(utterance.emotion)
    assert len(said) == 3 + 12 + 60 + 12
    assert Counter(len(set(emotions)) for emotions in said.values()) == {7: 3, 2: 12, 1: 72}


def test_words_of_mesd_are_written_with_blanks(tmp_path):
    assert only(mesd.parse, made(tmp_path, "Fear_M_A_por_favor.wav")).text == "por favor"


def test_words_of_mesd_may_have_letters_of_spanish(tmp_path):
    assert only(mesd.parse, made(tmp_path, "Anger_C_A_año.wav")).text == "año"


def test_a_number_of_esd_in_another_emotions_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"0011_000351\.wav: expected numbers of 350 for each of Neutral, Angry"):
        esd.parse(made(tmp_path, "0011/Sad/0011_000351.wav"), True)


def test_a_flat_copy_of_esd_is_told_the_layout_that_it_lacks(tmp_path):
    with pytest.raises(InputError, match=r"as 0011/Angry/0011_000351\.wav; .*or sort a flat copy so"):
        esd.parse(made(tmp_path, "0011_000351.wav"), True)


TABLE = (
    "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage\n"
    "EB0_anger_1.wav\tanger\tTo jest \"to\".\tto jest to\t        EB0\tfemale\t27\n"
)  # fmt: skip


def test_the_table_of_nemo_tells_what_names_do_not(tmp_path):
    made(tmp_path, "samples/EB0_anger_1.wav")
    (tmp_path / "data.tsv").write_text(TABLE, encoding="utf-8")
    utterance = only(nemo.parse, tmp_path)
    assert facts(utterance) == ("angry", "EB0", "female", 27.0, "pl")
    assert (utterance.text, utterance.details) == ('To jest "to".', {"sentence": 1})
    (tmp_path / "data.tsv").unlink()
    assert facts(only(nemo.parse, tmp_path)) == ("angry", "EB0", "", None, "pl")


@pytest.mark.parametrize("name", ["EB0_anger_1.wav", "anger/EB0_anger_1.flac", "samples/EB0_anger_1.WAV"])
def test_copies_of_nemo_in_other_folders_and_formats_have_its_table(tmp_path, name):
    made(tmp_path, name)
    (tmp_path / "data.tsv").write_text(TABLE, encoding="utf-8")
    assert facts(only(nemo.parse, tmp_path)) == ("angry", "EB0", "female", 27.0, "pl")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TABLE.replace("EB0_anger_1", "EB0_anger_2"), r"EB0_anger_1\.wav: not listed in .*data\.tsv"),
        (TABLE.replace("\tanger\t", "\tfear\t"), r"data\.tsv: tells another emotion or speaker of EB0_anger_1\.wav"),
        (TABLE.replace("raw_text", "text"), r"data\.tsv: expected the columns .*missing: raw_text"),
    ],
)
def test_a_table_of_nemo_that_does_not_agree_is_refused(tmp_path, table, message):
    made(tmp_path, "samples/EB0_anger_1.wav")
    (tmp_path / "data.tsv").write_text(table, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        nemo.parse(tmp_path, True)


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("corpus", "size", "speakers", "counts"),
    [
        ("nemo", 4481, 9, {"neutral": 809, "sad": 769, "angry": 749, "happy": 749, "fearful": 736, "surprised": 669}),
        ("ased", 2474, 65, {"neutral": 522, "fearful": 510, "happy": 486, "angry": 486, "sad": 470}),
    ],
)
def test_the_distributed_corpus_comes_in_whole(tmp_path, corpora, corpus, size, speakers, counts):
    shutil.copytree(corpora(corpus), tmp_path / corpus, copy_function=os.symlink)
    utterances = PARSERS[corpus](tmp_path / corpus, False)
    assert (len(utterances), len({utterance.speaker for utterance in utterances})) == (size, speakers)
    assert Counter(utterance.emotion for utterance in utterances) == counts
