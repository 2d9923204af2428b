import re

import numpy as np
import pytest
import soundfile

from ser.corpora import folders, layouts
from ser.files.failures import InputError


def corpus(tmp_path, *names):
    for name in names:
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.zeros(160), 16000)
    return tmp_path / "mine"


def parsed(folder, **reading):
    return {utterance.name: utterance for utterance in folders.parse(folder, folders.Reading(**reading))}


@pytest.mark.parametrize(
    ("path", "emotion", "speaker", "details"),
    [
        ("angry/Actor_01/a.wav", "angry", "Actor_01", {}),
        ("speaker 3/boredom/a.wav", "bored", "speaker 3", {}),
        ("train/angry/a.wav", "angry", "", {"split": "train"}),
        ("Test/angry/spk12/a.wav", "angry", "spk12", {"split": "Test"}),
        ("valid/spk12/angry/a.wav", "angry", "spk12", {"split": "valid"}),
        ("Devel/angry/a.wav", "angry", "", {"split": "Devel"}),
        ("test1/angry/a.wav", "angry", "", {"split": "test1"}),
        ("Train_set/angry/a.wav", "angry", "", {"split": "Train"}),
        ("angry/test/a.wav", "angry", "", {"split": "test"}),
        ("angry/take1/a.wav", "angry", "", {}),  # perhaps a person, perhaps not
        ("angry/0012/a.wav", "angry", "", {}),
        *((f"angry/{name}/a.wav", "angry", "", {}) for name in ("S1", "p 2", "m1", "f1")),
    ],
)
def test_layouts_are_recognised_by_the_names_of_folders(tmp_path, path, emotion, speaker, details):
    (utterance,) = parsed(corpus(tmp_path, path)).values()
    assert (utterance.emotion, utterance.speaker, utterance.details) == (emotion, speaker, details)


def test_women_and_men_by_number_are_persons_whose_gender_is_known(tmp_path):
    folder = corpus(tmp_path, "F1/angry/a.wav", "M2/sad/a.wav")
    assert [(one.speaker, one.gender) for one in parsed(folder).values()] == [("F1", "female"), ("M2", "male")]
    (folder / "metadata.csv").write_text("path,gender\nF1/angry/a.wav,other\nM2/sad/a.wav,\n")
    assert [(one.speaker, one.gender) for one in parsed(folder).values()] == [("F1", "other"), ("M2", "")]


def test_a_layout_that_a_user_names_tells_the_genders_of_women_and_men_by_number_too(tmp_path):
    folder, said = corpus(tmp_path, "all/F1/angry/a.wav", "all/M2/sad/a.wav"), []
    layout = "all/{speaker}/{emotion}/{file}"
    found = folders.parse(folder, folders.Reading(layout=layout), said.append)
    assert [one.gender for one in found] == ["female", "male"]
    assert said == [
        f"{folder}: genders are taken from the speakers' names: F1 is female, M2 male; if that is wrong, tell them in "
        "metadata.csv"
    ]
    (folder / "metadata.csv").write_text("path,gender\nall/F1/angry/a.wav,\nall/M2/sad/a.wav,female\n")
    assert [one.gender for one in parsed(folder, layout=layout).values()] == ["", "female"]


def test_codes_that_only_their_width_parts_are_read(tmp_path):
    folder = corpus(tmp_path, "10a02Ja.wav", "11b12Cb.wav")
    layout, words = "{speaker:2}{list:1}{sentence:2}{emotion:1}{take:1}.{file}", {"J": "happy", "C": "angry"}
    found = parsed(folder, layout=layout, words=words)
    assert [(one.speaker, one.emotion, one.details) for one in found.values()] == [
        ("10", "happy", {"list": "a", "sentence": 2, "take": "a"}),
        ("11", "angry", {"list": "b", "sentence": 12, "take": "b"}),
    ]
    with pytest.raises(InputError, match=r"10a02Ja\.wav: expected the layout"):
        parsed(folder, layout=layout.replace("list:1", "list:2"), words=words)


@pytest.mark.parametrize("names", [("f1", "f2"), ("m1", "m2"), ("s1", "s2")])
def test_a_letter_and_a_number_alone_might_be_folds_microphones_or_sentences(tmp_path, names):
    folder = corpus(tmp_path, *(f"{name}/{emotion}/a.wav" for name in names for emotion in ("angry", "sad")))
    said = rf"\{{emotion\}}/\{{file\}}'\}} \(by it the speakers are {', '.join(names)}: if these are no persons"
    with pytest.raises(InputError, match=said):
        parsed(folder)


@pytest.mark.parametrize("paths", [("angry/female/a.wav", "sad/Male/a.wav"), ("W/angry/a.wav", "m/sad/a.wav")])
def test_folders_of_genders_are_recognised(tmp_path, paths):
    found = list(parsed(corpus(tmp_path, *paths)).values())
    assert {(one.emotion, one.gender, one.speaker) for one in found} == {("angry", "female", ""), ("sad", "male", "")}


def test_folders_of_genders_are_read_as_a_whole(tmp_path):
    found = parsed(corpus(tmp_path, "angry/H/a.wav", "sad/M/a.wav"))
    assert [one.gender for one in found.values()] == ["male", "female"]


@pytest.mark.parametrize(
    ("paths", "remark"),
    [
        (
            [f"angry/Actor_{number}/a.wav" for number in range(1, 6)],
            "speakers are the folders Actor_1, Actor_2, Actor_3 and 2 more; if they are none, say what they are: "
            "manifest.layout: {mine: '{emotion}/{level2}/{file}'}",
        ),
        (
            ["female/angry/a.wav"],
            "genders are the folders female; if they are none, say what they are: "
            "manifest.layout: {mine: '{level1}/{emotion}/{file}'}",
        ),
        (["angry/a.wav"], ""),
    ],
)
def test_what_is_recognised_without_being_asked_for_is_said(tmp_path, paths, remark):
    folder, said = corpus(tmp_path, *paths), []
    folders.parse(folder, folders.Reading(), said.append)
    assert said == [f"{folder}: {remark}"] * bool(remark)


def test_speakers_that_the_user_tells_are_not_said(tmp_path):
    folder, said = corpus(tmp_path, "angry/Actor_1/a.wav"), []
    folders.parse(folder, folders.Reading(layout="{emotion}/{speaker}/{file}"), said.append)
    folders.parse(folder, folders.Reading(speaker_pattern="(?P<speaker>.)"), said.append)
    (folder / "metadata.csv").write_text("path,speaker\nangry/Actor_1/a.wav,Actor_1\n")
    folders.parse(folder, folders.Reading(), said.append)
    assert said == []


def test_speakers_who_are_called_the_same_but_have_two_genders_are_two(tmp_path):
    folder = corpus(tmp_path, "F_01_angry_1.wav", "F_02_sad_1.wav", "M_01_angry_1.wav", "m_01_sad_1.wav")
    found = parsed(folder, layout="{gender}_{speaker}_{emotion}_{file}")
    assert [one.speaker for one in found.values()] == ["F_01", "02", "M_01", "m_01"]


@pytest.mark.parametrize(
    ("above", "pattern", "remark"),
    [
        (("session1", "session2"), "{session}/{speaker}/{emotion}/{file}", "sessions: 1, such as '01' in session1"),
        (("A", "B"), "{level1}/{speaker}/{emotion}/{file}", "level1s: 1, such as '01' in A"),
        (("German", "Polish"), "{language}/{speaker}/{emotion}/{file}", "languages: 1, such as '01' in de"),
        (("s1", "s2"), "{sentence}/{speaker}/{emotion}/{file}", ""),
        (("A", "A"), "{level1}/{speaker}/{emotion}/{file}", ""),
    ],
)
def test_names_of_speakers_that_come_again_below_several_folders_are_said(tmp_path, above, pattern, remark):
    paths = (f"{above[0]}/01/angry/a.wav", f"{above[1]}/01/sad/b.wav", f"{above[1]}/02/sad/b.wav")
    folder, said = corpus(tmp_path, *paths), []
    folders.parse(folder, folders.Reading(layout=pattern), said.append)
    (folder / "metadata.csv").write_text("path,age\n" + "".join(f"{path},30\n" for path in paths))
    folders.parse(folder, folders.Reading(layout=pattern), said.append)
    expected = f"{folder}: names of speakers that stand in several {remark}"
    assert [each[: len(expected)] for each in said] == [expected] * (2 if remark else 0)


def test_two_folders_that_are_emotions_are_refused(tmp_path):
    patterns = re.escape("'{emotion}/{level2}/{file}'} or '{level1}/{emotion}/{file}'")
    with pytest.raises(InputError, match=rf"neutral/angry/a\.wav: .* found 'neutral' and 'angry'; .*{patterns}"):
        parsed(corpus(tmp_path, "neutral/angry/a.wav"))
    manners = parsed(corpus(tmp_path / "manners", "angry/whisper/a.wav", "angry/anger/b.wav"))
    assert {one.emotion for one in manners.values()} == {"angry"}


def test_a_layout_is_recognised_only_where_every_path_fits(tmp_path):
    folder = corpus(tmp_path, "angry/Actor_01/a.wav", "sad/b.wav")
    assert {utterance.speaker for utterance in parsed(folder).values()} == {""}


def test_what_a_user_says_of_speakers_counts_more_than_a_recognised_folder(tmp_path):
    folder = corpus(tmp_path, "angry/Actor_01/mary_1.wav")
    assert parsed(folder, speaker_pattern="(?P<speaker>[a-z]+)_")["angry/Actor_01/mary_1"].speaker == "mary"
    (folder / "metadata.csv").write_text("path,speaker\nangry/Actor_01/mary_1.wav,m\n")
    assert parsed(folder)["angry/Actor_01/mary_1"].speaker == "m"


def test_a_pattern_names_any_layout(tmp_path):
    folder = corpus(tmp_path, "session1/mary/angry/01_a.wav", "session2/bob/joy/02_b.wav")
    found = parsed(folder, layout="{session}/{speaker}/{emotion}/{take}_{file}")
    mary, bob = found["session1/mary/angry/01_a"], found["session2/bob/joy/02_b"]
    assert (mary.emotion, mary.speaker, mary.details) == ("angry", "mary", {"session": "session1", "take": "01"})
    assert (bob.emotion, bob.speaker) == ("happy", "bob")


@pytest.mark.parametrize(
    ("layout", "name", "emotion", "details"),
    [
        ("{rest}_{emotion}.{file}", "01_kids_talking_angry.wav", "angry", {"rest": "01_kids_talking"}),
        ("{rest}_{emotion}.{file}", "01_kids_pleasant_surprised.wav", "surprised", {"rest": "01_kids"}),
        ("{rest}_{emotion}_{file}", "01_kids_angry_2.wav", "angry", {"rest": "01_kids"}),
        ("{take}-{rest}_{emotion}/{file}", "1-a_b_angry/1.wav", "angry", {"take": 1, "rest": "a_b"}),
        ("{rest}_{emotion}_{file}", "01_angry_sad_2.wav", "angry", {"rest": "01"}),  # the shortest, as ever
    ],
)
def test_a_layout_is_cut_so_that_the_emotion_is_one(tmp_path, layout, name, emotion, details):
    (found,) = parsed(corpus(tmp_path, name), layout=layout).values()
    assert (found.emotion, found.details) == (emotion, details)


@pytest.mark.parametrize(
    ("layout", "name", "told"),
    [
        ("{rest}_{emotion}_{file}", "01_kids_sad_angry_2.wav", "kids"),  # two emotions
        ("{rest}_{emotion}{file}", "01_kids_sad.wav", "k"),  # nothing parts the emotion from what follows
        ("{rest}_{emotion:3}_{file}", "01_kid_sad_2.wav", "kid"),
    ],
)
def test_a_layout_that_might_be_cut_in_several_ways_is_not_guessed(tmp_path, layout, name, told):
    with pytest.raises(InputError, match=rf"expected an emotion .* found in 1 of 1 files '{told}' \(1\)"):
        parsed(corpus(tmp_path, name), layout=layout)


def test_tess_as_kaggle_offers_it_has_a_pattern(tmp_path):
    folder = corpus(tmp_path, "OAF_angry/OAF_back_angry.wav", "YAF_pleasant_surprised/YAF_back_ps.wav")
    found = parsed(folder, layout="{speaker}_{emotion}/{file}")
    assert [(utterance.speaker, utterance.emotion) for utterance in found.values()] == [
        ("OAF", "angry"), ("YAF", "surprised"),
    ]  # fmt: skip


def test_codes_in_names_are_read_where_params_say_what_they_mean(tmp_path):
    folder = corpus(tmp_path, "03-02-1-17.wav", "03-05-2-18.wav")
    layout, words = "{mode}-{emotion}-{sentence}-{speaker}.{file}", {"02": "happy", "05": "other"}
    found = [(one.emotion, one.speaker, one.details) for one in parsed(folder, layout=layout, words=words).values()]
    assert found == [("happy", "17", {"mode": "03", "sentence": 1}), ("other", "18", {"mode": "03", "sentence": 2})]
    with pytest.raises(
        InputError,
        match=r"03-05-2-18\.wav: .* found in 1 of 2 files '05' \(1\); .* say by manifest\.words what they mean",
    ):
        parsed(folder, layout=layout, words={"02": "happy"})


def test_of_many_names_that_are_no_emotions_a_message_repeats_some_and_counts_the_others(tmp_path):
    words = [f"word{number:02d}" for number in range(25)]
    folder = corpus(tmp_path, *(f"mary_{word}_{take}.wav" for word in words for take in (1, 2)))
    listed = ", ".join(rf"'{word}' \(2\)" for word in words[:20])
    with pytest.raises(InputError, match=rf"found in 50 of 50 files {listed} and 5 more; rename them to one of"):
        parsed(folder, layout="{speaker}_{emotion}_{file}")


def test_folders_with_words_of_their_own_are_recognised(tmp_path):
    folder = corpus(tmp_path, "Actor_01/W/a.wav", "Actor_02/anger/a.wav")
    found = parsed(folder, words={"W": "surprised"})
    assert [(one.emotion, one.speaker) for one in found.values()] == [("surprised", "Actor_01"), ("angry", "Actor_02")]
    (single,) = parsed(corpus(tmp_path / "other", "W/a.wav"), words={"W": "surprised"}).values()
    assert single.emotion == "surprised"


def test_metadata_stands_beside_a_pattern_but_not_for_the_same(tmp_path):
    folder = corpus(tmp_path, "mary/angry/a.wav")
    (folder / "metadata.csv").write_text("path,age\nmary/angry/a.wav,31\n")
    layout = "{speaker}/{emotion}/{file}"
    assert parsed(folder, layout=layout)["mary/angry/a"].age == 31
    (folder / "metadata.csv").write_text("path,speaker\nmary/angry/a.wav,m\n")
    with pytest.raises(InputError, match=r"metadata\.csv: has a column speaker, yet manifest\.layout takes it"):
        parsed(folder, layout=layout)


def test_folders_of_speakers_with_any_name_are_refused_with_the_pattern_to_write(tmp_path):
    expected = re.escape("manifest.layout: {mine: '{speaker}/{emotion}/{file}'}")
    with pytest.raises(InputError, match=f"mine/mary: no known emotion .*{expected}"):
        parsed(corpus(tmp_path, "mary/angry/a.wav", "mary/sad/a.wav", "paul/sad/a.wav"))


def both(*patterns):
    """Paths whose ``%`` is each of two emotions."""
    return [pattern.replace("%", emotion) for pattern in patterns for emotion in ("angry", "sad")]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (both("mary/%/a.wav", "paul/%/a.wav"), "{speaker}/{emotion}/{file}"),
        (both("AESDD/%/a.wav"), "AESDD/{emotion}/{file}"),
        (["female/angry/0.wav", "male/angry/0.wav"], "{gender}/{emotion}/{file}"),
        (both("one/%/train/1.wav", "two/%/test/1.wav"), "{speaker}/{emotion}/{split}/{file}"),
        (both("s 1/%/one/a.wav", "s 2/%/two/a.wav"), "{speaker}/{emotion}/{level3}/{file}"),
        (["mary/angry/a.wav", "paul/a.wav"], ""),
        (["mary/one.wav", "paul/two.wav"], ""),
        (both("mary_%_01.wav", "paul_%_02.wav"), "{speaker}_{emotion}_{file}"),
        (both("mary-one-%.wav", "paul-two-%.wav"), "{speaker}-{part2}-{emotion}.{file}"),
        (["OAF_angry/1.wav", "OAF_sad/1.wav", "YAF_pleasant_surprised/1.wav"], "{speaker}_{emotion}/{file}"),
        (both("%_mary/1.wav", "%_paul/1.wav"), "{emotion}_{speaker}/{file}"),
        (["joy_1.wav", "fear_2.wav"], "{emotion}_{file}"),
        (both("Actor_1/a_%_1.wav", "Actor_2/b_%_1.wav"), "{speaker}/{part1}_{emotion}_{file}"),
        (both("all/mo_%_1.wav", "all/pa_%_1.wav"), "all/{speaker}_{emotion}_{file}"),
        (both("{all}/mo_%_1.wav", "{all}/pa_%_1.wav"), "{level1}/{speaker}_{emotion}_{file}"),
        (both("train/mo_%_1.wav", "test/pa_%_1.wav"), "{split}/{speaker}_{emotion}_{file}"),
        (["mary_anger_01.wav", "paul_02_sad.wav"], ""),
        (["01_kids_talking_angry.wav", "2019_x_sad.wav"], "{rest}_{emotion}.{file}"),
        (["01_kids_talking_angry/1.wav", "2019_x_sad/1.wav"], "{rest}_{emotion}/{file}"),
        # Two emotions: of the speaker, and of the one who is spoken to.
        (["anger_fear_1/1_h.wav", "fear_anger_2/2_a.wav", "sad_joy_3/3_h.wav"], ""),
        (both("angry/mary_%_1.wav", "sad/paul_%_1.wav"), ""),
        # What is surely no person.
        (["01_Angry/a.wav", "02_Happy/a.wav", "01_Angry/b.wav"], "{part1}_{emotion}/{file}"),
        (both("female_%/1.wav", "male_%/1.wav"), "{gender}_{emotion}/{file}"),
        (both("F_01_%_1.wav", "M_02_%_1.wav"), "{gender}_{speaker}_{emotion}_{file}"),
        (both("rec_%_1.wav"), "{part1}_{emotion}_{file}"),
        (both("%_normal/1.wav", "%_strong/1.wav"), "{emotion}_{intensity}/{file}"),
        (both("Session1/%/x.wav", "Session2/%/x.wav"), "{session}/{emotion}/{file}"),
        (both("take1/%/x.wav", "take2/%/x.wav"), "{level1}/{emotion}/{file}"),
        (both("train_mo_%_1.wav", "test-set_pa_%_1.wav"), "{split}_{speaker}_{emotion}_{file}"),
        (both("English/%/x.wav", "German/%/x.wav"), "{language}/{emotion}/{file}"),
        # A person stands beside.
        (both("English/Actor_01/%/x.wav", "German/Actor_02/%/x.wav"), "{language}/{speaker}/{emotion}/{file}"),
        (both("hall/Actor_01/%/x.wav", "room/Actor_02/%/x.wav"), "{level1}/{speaker}/{emotion}/{file}"),
        (both("%/strong/Actor_01/x.wav", "%/weak/Actor_02/x.wav"), "{emotion}/{intensity}/{speaker}/{file}"),
        (both("data/Session1/Actor_01/%/x.wav"), "data/{session}/{speaker}/{emotion}/{file}"),
        (both("s1_actor01_%_1.wav", "s2_actor02_%_1.wav"), "{part1}_{speaker}_{emotion}_{file}"),
        # Numbers that Windows writes behind names.
        (both("fm01_% (1).wav", "fm02_% (2).wav"), "{part1}_{emotion} ({take}).{file}"),
        (both("% (1).wav", "% (2).wav"), "{emotion} ({take}).{file}"),
        (
            both(*(f"{n}-%-{who} ({n}).wav" for n in "1234" for who in ("anna", "bob"))),
            "{part1}-{emotion}-{speaker} ({take}).{file}",
        ),
        (["1_x_angry (1).wav", "2_sad (2).wav"], "{rest}_{emotion} ({take}).{file}"),
        (both("mo_%_a (1).wav", "pa_%_b.wav"), "{speaker}_{emotion}_{file}"),
        # Words that recur, and numbers before them, perhaps of sentences.
        (
            both(*(f"20{n}-%-{who}.wav" for n in range(4) for who in ("anna", "bob"))),
            "{part1}-{emotion}-{speaker}.{file}",
        ),
        (both(*(f"{n}_%_x1_{who}_7.wav" for n in "1234" for who in ("mo", "pa"))), "{speaker}_{emotion}_{file}"),
        (
            both(*(f"{n}_%_x1_{who}_7.wav" for n in "1234" for who in ("moe", "pat"))),
            "{part1}_{emotion}_{part3}_{speaker}_{file}",
        ),
        (both(*(f"{n}_{who}_%.wav" for n in "1234" for who in ("anna", "bob"))), "{part1}_{speaker}_{emotion}.{file}"),
        (both(*(f"{n}_{code}_%.wav" for n in "1234" for code in ("DFA", "IEO"))), "{speaker}_{part2}_{emotion}.{file}"),
        (both(*(f"{n}_{who}_%.wav" for n in "123" for who in ("anna", "bob"))), "{speaker}_{part2}_{emotion}.{file}"),
        (
            both(*(f"%/{n}/{who}/a.wav" for n in "1234" for who in ("anna", "bob"))),
            "{emotion}/{level2}/{speaker}/{file}",
        ),
    ],
)
def test_patterns_that_are_proposed_read_every_path(paths, expected):
    assert layouts.proposal(paths) == expected
    if expected:
        layouts.check(expected)
        assert set(layouts.read(paths, expected, "c")) == set(paths)


def test_where_words_come_before_numbers_as_speakers_the_other_pattern_is_named_too(tmp_path):
    names = both(*(f"20{number}-%-{who}.wav" for number in range(4) for who in ("anna", "bob")))
    proposed = "{mine: '{part1}-{emotion}-{speaker}.{file}'} (by it the speakers are anna, bob: if these are no persons"
    other = "; if 200, 201, 202 and 1 more are, it is '{speaker}-{emotion}-{part3}.{file}')"
    with pytest.raises(InputError, match=f"{re.escape(proposed)}.*{re.escape(other)}"):
        parsed(corpus(tmp_path, *names))
    read = parsed(tmp_path / "mine", layout="{part1}-{emotion}-{speaker}.{file}")
    assert {one.speaker for one in read.values()} == {"anna", "bob"}


def test_a_pattern_is_proposed_where_few_files_lie_elsewhere_and_names_them(tmp_path):
    names = both(*(f"mo/%/{n}.wav" for n in range(10)), *(f"pa/%/{n}.wav" for n in range(10)))
    assert layouts.proposal([*names, "pa/whole.wav"]) == "{speaker}/{emotion}/{file}"
    expected = re.escape("'{speaker}/{emotion}/{file}'") + ".*, which fits all but 'pa/whole.wav': move these out"
    with pytest.raises(InputError, match=expected):
        parsed(corpus(tmp_path, *names, "pa/whole.wav"))


def test_words_of_the_corpus_are_known_where_a_pattern_is_proposed():
    paths = ["mary_W.wav", "mary_T.wav", "paul_W.wav"]
    assert layouts.proposal(paths, {"W": "angry", "T": "sad"}) == "{speaker}_{emotion}.{file}"


def test_where_one_folder_alone_is_no_known_emotion_it_is_named_and_not_the_persons(tmp_path):
    names = [
        f"{person}/{emotion}/0.wav" for person in ("anna", "bob") for emotion in ("angry", "happy", "sad", "adoration")
    ]
    folder = corpus(tmp_path, *names)
    expected = "but for 'adoration', .*manifest.words: {mine: {'adoration': ...}}"
    with pytest.raises(InputError, match=re.escape("seems to be '{speaker}/{emotion}/{file}', ") + expected):
        parsed(folder)
    read = parsed(folder, layout="{speaker}/{emotion}/{file}", words={"adoration": "other"})
    assert read["anna/adoration/0"].emotion == "other"


def test_where_no_folder_tells_the_emotion_a_table_or_a_pattern_is_proposed(tmp_path):
    with pytest.raises(
        InputError, match=r"mine/mary: no known emotion; .*list the recordings in .*index\.csv, or name a"
    ):
        parsed(corpus(tmp_path, "mary/one.wav"))


def test_a_path_that_does_not_fit_is_refused_with_the_layout(tmp_path):
    folder = corpus(tmp_path, "mary/angry/a.wav", "angry/b.wav")
    with pytest.raises(InputError, match=r"mine/angry/b\.wav: expected the layout '\{speaker\}/\{emotion\}/\{file\}'"):
        parsed(folder, layout="{speaker}/{emotion}/{file}")
    with pytest.raises(
        InputError, match=r"b\.wav: expected an emotion as manifest\.layout says, found in 1 of 1 files 'b' \(1\)"
    ):
        parsed(corpus(tmp_path / "other", "angry/b.wav"), layout="{speaker}/{emotion}.{file}")


def test_a_pattern_beside_a_table_of_emotions_is_refused(tmp_path):
    folder = corpus(tmp_path, "mary/angry/a.wav")
    (folder / "index.csv").write_text("path,emotion\nmary/angry/a.wav,sad\n")
    with pytest.raises(InputError, match=r"index\.csv: tells the emotions, yet manifest\.layout names 'mine'"):
        parsed(folder, layout="{speaker}/{emotion}/{file}")


@pytest.mark.parametrize(
    "pattern", ["{speaker}/{file}", "{emotion}/{emotion}", "{emotion}/{path}", "{emotion}/{}", "emotion", "{emotion/}"]
)
def test_a_pattern_that_cannot_work_is_refused(pattern):
    with pytest.raises(ValueError, match=r"expected a pattern of the whole path, with \{emotion\} and each field once"):
        layouts.check(pattern)
