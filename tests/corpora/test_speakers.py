from ser.corpora import speakers


def test_whole_numbers_as_pandas_writes_them_are_the_same_speaker():
    rows = [{"corpus": "c", "speaker": f"c/{name}"} for name in ("01", "1.0", "2", "1.5", "10")]
    assert speakers.fold(rows) == ["c/01 = c/1.0"]
    assert [row["speaker"] for row in rows] == ["c/01", "c/01", "c/2", "c/1.5", "c/10"]


def test_signs_that_nobody_sees_and_wide_letters_make_no_second_person():
    names = ["anna", "anna\u200b", "\ufeffanna", "an\u00adna", "\uff41\uff4e\uff4e\uff41", "anne"]
    rows = [{"corpus": "c", "speaker": f"c/{name}"} for name in names]
    speakers.fold(rows)
    assert [row["speaker"] for row in rows] == ["c/anna"] * 5 + ["c/anne"]


def named(corpus, *names, gender=""):
    return [{"corpus": corpus, "speaker": f"{corpus}/{name}", "gender": gender} for name in names]


def test_two_corpora_whose_speakers_have_the_same_names_are_remarked_on():
    assert speakers.same_names(named("a", "03", "08", "09"), named("b", "3", "8", "9", "10", "11")) == [
        "a and b: speakers have the same names (3, 8, 9): if they are the same people, leave one of the two corpora out"
    ]


def test_names_that_only_some_share_or_of_other_genders_or_of_one_speaker_are_two_peoples():
    assert speakers.same_names(named("a", "1", "2", "4"), named("b", "1", "2", "3")) == []
    assert speakers.same_names(named("a", "1", "2", gender="female"), named("b", "1", "2", gender="male")) == []
    assert speakers.same_names(named("a", "anna"), named("b", "anna", "bo")) == []
    assert speakers.same_names(named("a", "1", "2", gender="female"), named("b", "1", "2"))


def test_a_speaker_for_nearly_every_utterance_is_said_to_be_a_name_of_recordings():
    rows = [{"corpus": "c", "speaker": f"c/{number}"} for number in range(20)]
    several = [{"corpus": "d", "speaker": f"d/{number % 10}"} for number in range(20)]
    nobody = [{"corpus": "e", "speaker": ""} for _ in range(20)]
    (remark,) = speakers.one_each([*rows, *several, *nobody])
    assert remark.startswith("c: 20 speakers of 20 utterances, such as c/0: if these are names of recordings")
    assert speakers.one_each(rows[:9]) == []
