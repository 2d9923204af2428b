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
        ("F2/Sadness/a.wav", "sad", "F2", {}),
        ("speaker 3/boredom/a.wav", "bored", "speaker 3", {}),
        ("train/angry/a.wav", "angry", "", {"split": "train"}),
        ("Test/angry/spk12/a.wav", "angry", "spk12", {"split": "Test"}),
        ("valid/spk12/angry/a.wav", "angry", "spk12", {"split": "valid"}),
        ("Devel/angry/a.wav", "angry", "", {"split": "Devel"}),
        ("test1/angry/a.wav", "angry", "", {"split": "test1"}),
        ("angry/take1/a.wav", "angry", "", {}),  # perhaps a person, perhaps not
        ("angry/0012/a.wav", "angry", "", {}),
    ],
)
def test_layouts_are_recognised_by_the_names_of_folders(tmp_path, path, emotion, speaker, details):
    (utterance,) = parsed(corpus(tmp_path, path)).values()
    assert (utterance.emotion, utterance.speaker, utterance.details) == (emotion, speaker, details)


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
    with pytest.raises(InputError, match=r"03-05-2-18\.wav: .* found '05'; .* say by manifest\.words what it means"):
        parsed(folder, layout=layout, words={"02": "happy"})


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
    with pytest.raises(InputError, match=f"mine/mary: no known emotion; .*{expected}"):
        parsed(corpus(tmp_path, "mary/angry/a.wav"))


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["mary/angry/a.wav", "paul/sad/a.wav"], ["{speaker}/{emotion}/{file}"]),
        (["AESDD/anger/a.wav", "AESDD/fear/b.wav"], ["{speaker}/{emotion}/{file}", "AESDD/{emotion}/{file}"]),
        (["female/angry/0.wav", "male/angry/0.wav"], ["{gender}/{emotion}/{file}"]),
        (["one/Angry/train/1.wav", "two/Sad/test/1.wav"], ["{speaker}/{emotion}/{split}/{file}"]),
        (["s 1/anger/one/a.wav", "s 2/fear/two/a.wav"], ["{speaker}/{emotion}/{level3}/{file}"]),
        (["mary/angry/a.wav", "paul/a.wav"], []),
        (["mary/one.wav", "paul/two.wav"], []),
        (["mary_anger_01.wav", "paul_sad_02.wav"], ["{speaker}_{emotion}_{file}"]),
        (["mary-one-anger.wav", "paul-two-joy.wav"], ["{speaker}-{part2}-{emotion}.{file}"]),
        (["OAF_angry/1.wav", "YAF_pleasant_surprised/1.wav"], ["{speaker}_{emotion}/{file}"]),
        (["joy_mary/1.wav", "fear_paul/1.wav"], ["{emotion}_{speaker}/{file}"]),
        (["joy_1.wav", "fear_2.wav"], ["{emotion}_{file}"]),
        (["Actor_1/a_joy_1.wav", "Actor_2/a_fear_1.wav"], ["{speaker}/{part1}_{emotion}_{file}"]),
        (
            ["all/m_joy_1.wav", "all/m_sad_1.wav"],
            ["{level1}/{speaker}_{emotion}_{file}", "all/{speaker}_{emotion}_{file}"],
        ),
        (["train/m_joy_1.wav", "test/p_sad_1.wav"], ["{split}/{speaker}_{emotion}_{file}"]),
        (["mary_anger_01.wav", "paul_02_sad.wav"], []),
    ],
)
def test_patterns_that_are_proposed_read_every_path(paths, expected):
    assert layouts.proposals(paths) == expected
    for pattern in expected:
        layouts.check(pattern)
        assert set(layouts.read(paths, pattern, "c")) == set(paths)


def test_where_no_folder_tells_the_emotion_a_table_or_a_pattern_is_proposed(tmp_path):
    with pytest.raises(
        InputError, match=r"mine/mary: no known emotion; .*list the recordings in .*index\.csv, or name a"
    ):
        parsed(corpus(tmp_path, "mary/one.wav"))


def test_a_path_that_does_not_fit_is_refused_with_the_layout(tmp_path):
    folder = corpus(tmp_path, "mary/angry/a.wav", "angry/b.wav")
    with pytest.raises(InputError, match=r"mine/angry/b\.wav: expected the layout '\{speaker\}/\{emotion\}/\{file\}'"):
        parsed(folder, layout="{speaker}/{emotion}/{file}")
    with pytest.raises(InputError, match=r"b\.wav: expected an emotion as manifest\.layout says, found 'b'"):
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
