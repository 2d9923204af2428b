import functools
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score

from ser.corpora.layouts import SPLITS
from ser.files.failures import InputError
from ser.splits import account, protocols, sentences, table
from ser.splits.told import WORDS
from tests.splits.made import DISJOINT, EMOTIONS, corpus, params, uneven


def joined(split, utterances):
    return split.merge(utterances, on="id")


CORPORA = {"even": corpus(), "uneven 1": uneven(1), "uneven 2": uneven(2)}


@functools.cache
def made(name, protocol, seed=0):
    """The split of one of ``CORPORA``, made once for all tests that look at it."""
    return protocols.make(CORPORA[name], EMOTIONS, params(protocol, seed=seed))


@pytest.mark.parametrize("protocol", table.PROTOCOLS)
@pytest.mark.parametrize("name", CORPORA)
class TestEveryProtocol:
    def test_every_fold_holds_every_utterance_once_in_one_of_three_parts(self, name, protocol):
        for _, rows in made(name, protocol).groupby(["protocol", "fold"]):
            assert rows["id"].tolist() == CORPORA[name]["id"].tolist()
            assert set(rows["part"]) == {"train", "validation", "test"}

    def test_every_training_part_holds_every_emotion(self, name, protocol):
        rows = joined(made(name, protocol), CORPORA[name])
        taught = rows[rows["part"] == "train"].groupby(["protocol", "fold"])["emotion"].nunique()
        assert (taught == len(EMOTIONS)).all()

    def test_passes_the_gate(self, name, protocol):
        table.check(made(name, protocol), CORPORA[name])

    def test_is_sorted_and_repeats(self, name, protocol):
        split = made(name, protocol)
        assert split.equals(split.sort_values(["protocol", "fold", "id"], ignore_index=True))
        shuffled = CORPORA[name].sample(frac=1, random_state=3)
        assert split.equals(protocols.make(shuffled, EMOTIONS, params(protocol)))

    def test_another_seed_gives_another_split(self, name, protocol):
        first, second = (made(name, protocol, seed) for seed in (0, 1))
        assert not first["part"].equals(second["part"])


@pytest.mark.parametrize(("protocol", "part"), [("kfold", "test"), ("holdout", "test"), ("loso", "validation")])
def test_another_seed_chooses_other_speakers_also_without_the_contrast(protocol, part):
    first, second = (
        made("even", protocol, seed)[lambda split: split["protocol"] == protocol]["part"] == part for seed in (0, 1)
    )
    assert not first.equals(second)


@pytest.mark.parametrize("protocol", DISJOINT)
@pytest.mark.parametrize("name", CORPORA)
def test_no_speaker_is_in_two_parts_of_a_speaker_disjoint_fold(name, protocol):
    rows = joined(made(name, protocol), CORPORA[name])
    rows = rows[rows["protocol"] == protocol]
    assert (rows.groupby(["fold", "speaker"])["part"].nunique() == 1).all()


@pytest.mark.parametrize("protocol", ["kfold", "loso", "sessions", "random"])
def test_every_utterance_is_tested_once_a_protocol(protocol):
    split = protocols.make(corpus(), EMOTIONS, params(protocol))
    tested = split[split["part"] == "test"].groupby("protocol")["id"].agg(["count", "nunique"])
    assert (tested == len(corpus())).all(axis=None)


@pytest.mark.parametrize("protocol", DISJOINT)
def test_random_stands_beside_the_chosen_protocol_with_as_many_folds_of_the_same_size(protocol):
    split = protocols.make(corpus(), EMOTIONS, params(protocol))
    assert set(split["protocol"]) == {protocol, "random"}
    sizes = split.groupby(["protocol", "part", "fold"]).size().unstack("protocol")
    assert sizes.notna().all(axis=None)
    mean = sizes.groupby("part").mean()
    np.testing.assert_allclose(mean[protocol], mean["random"], rtol=0.15)


def test_beside_a_holdout_random_tests_as_many_whatever_the_folds_of_kfold_are():
    split = protocols.make(corpus(), EMOTIONS, params("holdout", folds=2, test_share=0.12))
    tested = split[split["part"] == "test"].groupby("protocol").size()
    assert tested.to_dict() == {"holdout": 12, "random": 12}  # one speaker's of eight


def test_random_stands_alone_when_it_is_the_chosen_protocol():
    split = protocols.make(corpus(), EMOTIONS, params("random", folds=6))
    assert set(split["protocol"]) == {"random"}
    assert split["fold"].nunique() == 6


def test_random_is_stratified_by_emotion_and_mixes_speakers():
    rows = joined(protocols.make(corpus(), EMOTIONS, params("random")), corpus())
    counts = rows[rows["part"] == "test"].groupby(["fold", "emotion"]).size()
    assert (counts == 6).all()  # 8 speakers x 3 takes in 4 folds
    assert (rows.groupby(["fold", "speaker"])["part"].nunique() > 1).mean() > 0.9


@pytest.mark.parametrize("protocol", ["holdout", "kfold"])
def test_tests_both_genders_and_every_emotion_equally(protocol):
    rows = joined(protocols.make(corpus(), EMOTIONS, params(protocol)), corpus())
    tested = rows[(rows["part"] == "test") & (rows["protocol"] == protocol)]
    assert (tested.groupby(["fold", "gender", "emotion"]).size() == 3).all()
    assert (tested.groupby("fold")["speaker"].nunique() == 2).all()


@pytest.mark.parametrize("seed", range(4))
def test_spreads_every_corpus_evenly_over_all_folds(seed):
    both = pd.concat([corpus(), corpus(speakers=8, name="other")], ignore_index=True)
    rows = joined(protocols.make(both, EMOTIONS, params("kfold", seed=seed)), both)
    tested = rows[(rows["part"] == "test") & (rows["protocol"] == "kfold")]
    speakers = tested.groupby(["fold", "corpus"])["speaker"].nunique()
    assert speakers.tolist() == [2] * 8  # of 8 in 4 folds


def test_an_unknown_gender_is_no_obstacle():
    table.check(protocols.make(corpus().assign(gender=""), EMOTIONS, params()), corpus())


@pytest.mark.parametrize(("share", "speakers"), [(0.5, 4), (0.25, 2), (0.12, 1)])
def test_holdout_tests_the_wanted_share_of_speakers(share, speakers):
    rows = joined(protocols.make(corpus(), EMOTIONS, params("holdout", test_share=share)), corpus())
    rows = rows[rows["protocol"] == "holdout"]
    assert rows["fold"].unique().tolist() == [0]
    assert rows[rows["part"] == "test"]["speaker"].nunique() == speakers


@pytest.mark.parametrize("seed", range(8))
def test_holdout_asks_for_every_emotion(seed):
    utterances = corpus()
    few = ["made/00", "made/02"]  # who are sad: fewer than there are pieces to choose from
    utterances = utterances[(utterances["emotion"] != "sad") | utterances["speaker"].isin(few)]
    rows = joined(protocols.make(utterances, EMOTIONS, params("holdout", seed=seed)), utterances)
    tested = rows[(rows["part"] == "test") & (rows["protocol"] == "holdout")]
    assert set(tested["emotion"]) == set(EMOTIONS)


@pytest.mark.parametrize("seed", range(4))
def test_holdout_of_three_speakers_leaves_one_to_validate(seed):
    split = protocols.make(corpus(3), EMOTIONS, params("holdout", test_share=0.5, seed=seed))
    rows = joined(split, corpus(3)).query("protocol == 'holdout'")
    assert rows.groupby("part")["speaker"].nunique().to_dict() == {"test": 1, "train": 1, "validation": 1}


@pytest.mark.parametrize(("share", "speakers"), [(0.5, 3), (0.33, 2), (0.17, 1)])
def test_the_wanted_share_of_the_training_speakers_validates(share, speakers):
    rows = joined(protocols.make(corpus(), EMOTIONS, params("kfold", validation_share=share)), corpus())
    validating = rows[(rows["part"] == "validation") & (rows["protocol"] == "kfold")]
    assert (validating.groupby("fold")["speaker"].nunique() == speakers).all()


def test_loso_tests_one_speaker_a_fold_in_order():
    rows = joined(protocols.make(corpus(), EMOTIONS, params("loso")), corpus())
    tested = rows[(rows["part"] == "test") & (rows["protocol"] == "loso")]
    speakers = tested.groupby("fold")["speaker"].unique().map(list)
    assert speakers.tolist() == [[speaker] for speaker in sorted(corpus()["speaker"].unique())]


def test_loso_lets_speakers_lack_an_emotion():
    utterances = corpus()
    utterances = utterances[(utterances["speaker"] != "made/00") | (utterances["emotion"] != "sad")]
    table.check(protocols.make(utterances, EMOTIONS, params("loso")), utterances)


def test_sessions_tests_one_session_a_fold():
    rows = joined(protocols.make(corpus(), EMOTIONS, params("sessions")), corpus())
    tested = rows[(rows["part"] == "test") & (rows["protocol"] == "sessions")]
    speakers = tested.groupby("fold")["speaker"].unique().map(list)
    assert speakers.tolist() == [[f"made/{2 * fold:02d}", f"made/{2 * fold + 1:02d}"] for fold in range(4)]


def test_sessions_of_the_same_number_in_two_corpora_are_two():
    both = pd.concat([corpus(), corpus(name="other")], ignore_index=True)
    split = protocols.make(both, EMOTIONS, params("sessions"))
    assert split[split["protocol"] == "sessions"]["fold"].nunique() == 8


def test_predefined_takes_the_parts_of_the_corpus():
    rows = joined(protocols.make(corpus(), EMOTIONS, params("predefined")), corpus())
    rows = rows[rows["protocol"] == "predefined"]
    assert rows.groupby("part")["speaker"].unique().map(list).to_dict() == {
        "test": ["made/00", "made/04"],
        "train": ["made/02", "made/03", "made/06", "made/07"],
        "validation": ["made/01", "made/05"],
    }


def test_predefined_knows_every_folder_that_the_manifest_takes_for_a_part():
    assert set(WORDS) >= SPLITS


def with_parts(words):
    """The corpus with parts of other names: a word for each speaker, None for none."""
    utterances = corpus()
    told = dict(zip(sorted(set(utterances["speaker"])), words, strict=True))
    details = [json.dumps({"split": told[speaker]} if told[speaker] else {}) for speaker in utterances["speaker"]]
    return utterances.assign(details=details)


def test_predefined_knows_usual_words_and_sets_validation_speakers_aside_where_the_corpus_has_none():
    utterances = with_parts(["Training", "train ", "TRAIN", "training", "train", "train", "testing", "Test"])
    rows = joined(protocols.make(utterances, EMOTIONS, params("predefined")), utterances)
    speakers = rows[rows["protocol"] == "predefined"].groupby("part")["speaker"].unique()
    assert list(speakers["test"]) == ["made/06", "made/07"]
    assert len(speakers["validation"]) == 2
    assert len(speakers["train"]) == 4


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["train"] * 6 + ["eval", "test"], {"made/06": "validation", "made/07": "test"}),
        (["train"] * 6 + ["evaluation", "Test1"], {"made/06": "validation", "made/07": "test"}),
        (["train"] * 5 + ["dev", "eval", "test"], {"made/05": "validation", "made/06": "test", "made/07": "test"}),
        (["train"] * 6 + ["dev", "eval"], {"made/06": "validation", "made/07": "test"}),
    ],
)
def test_what_a_corpus_calls_evaluation_is_its_test_or_beside_one_its_validation(words, parts):
    utterances = with_parts(words)
    rows = joined(protocols.make(utterances, EMOTIONS, params("predefined")), utterances)
    of = rows[rows["protocol"] == "predefined"].groupby("speaker")["part"].unique().map(list)
    assert {speaker: of[speaker] for speaker in parts} == {speaker: [part] for speaker, part in parts.items()}


def with_unknown(part):
    """The corpus with twelve more utterances of unknown speakers, in a part of its own."""
    more = corpus(speakers=1, name="nobody").assign(speaker="", details=json.dumps({"split": part}))
    return pd.concat([corpus(), more]).sort_values("id", ignore_index=True)


@pytest.mark.parametrize("words", [None, ["train"] * 6 + ["test1", "Test2"]])
def test_predefined_trains_the_unknown_speakers_that_the_corpus_trains(words):
    utterances = with_unknown("train")
    if words:
        known = utterances["speaker"] != ""
        utterances.loc[known, "details"] = with_parts(words)["details"].to_numpy()
    rows = protocols.make(utterances, EMOTIONS, params("predefined"))
    table.check(rows, utterances)
    rows = joined(rows[rows["protocol"] == "predefined"], utterances)
    assert set(rows.loc[rows["speaker"] == "", "part"]) == {"train"}
    assert rows.loc[rows["part"] == "validation", "speaker"].nunique() == 2


@pytest.mark.parametrize("part", ["dev", "test"])
def test_predefined_refuses_to_ask_unknown_speakers(part):
    with pytest.raises(InputError, match=r"but 12 of 108 utterances have no speaker, such as 'nobody/00angry0'"):
        protocols.make(with_unknown(part), EMOTIONS, params("predefined"))
    split = protocols.make(with_unknown("train"), EMOTIONS, params("predefined"))
    asked = split["id"].str.startswith("nobody") & (split["protocol"] == "predefined")
    split.loc[asked, "part"] = {"dev": "validation"}.get(part, part)
    with pytest.raises(InputError, match="predefined, fold 0: expected a speaker for every utterance"):
        table.check(split, with_unknown("train"))


def test_predefined_tests_on_chosen_parts_and_leaves_the_others_out_with_their_unknown_speakers():
    utterances = with_unknown("Test2")
    words = ["train"] * 5 + ["test1", "test1", "test2"]
    utterances.loc[utterances["speaker"] != "", "details"] = with_parts(words)["details"].to_numpy()
    split = protocols.make(utterances, EMOTIONS, params("predefined", test_parts=["Test1"]))
    table.check(split, utterances)
    rows = joined(split[split["protocol"] == "predefined"], utterances).groupby("part")["speaker"].unique().map(set)
    assert rows["test"] == {"made/05", "made/06"}
    assert rows["left_out"] == {"made/07", ""}
    assert rows["train"] | rows["validation"] == {f"made/0{number}" for number in range(5)}
    assert account.summarise(split, utterances)["speaker_independent"]["left_out"]["utterances_mean"] == 24
    with pytest.raises(InputError, match="have no speaker"):
        protocols.make(utterances, EMOTIONS, params("predefined"))


def test_predefined_lets_a_speaker_be_in_a_part_that_is_left_out_as_well():
    utterances = with_parts(["train"] * 6 + ["test1", "test1"])
    utterances.loc[utterances.index[-1], "details"] = json.dumps({"split": "test2"})
    split = protocols.make(utterances, EMOTIONS, params("predefined", test_parts=["test1"]))
    table.check(split, utterances)
    assert (split["part"] == "left_out").sum() == 2  # and by the contrast


def test_a_part_to_test_on_that_there_is_not_is_refused():
    utterances = with_parts(["train"] * 6 + ["test1", "test2"])
    with pytest.raises(
        InputError, match=r"split.test_parts: expected some of the corpus' own, test1, test2, found 'test3'"
    ):
        protocols.make(utterances, EMOTIONS, params("predefined", test_parts=["test3"]))
    with pytest.raises(ValueError, match="test_parts: expected the protocol predefined"):
        params("kfold", test_parts=["test1"])


def test_predefined_refuses_to_validate_on_nobody():
    unknown = with_unknown("train").query("speaker == ''")
    known = with_parts(["test"] * 8)
    with pytest.raises(
        InputError, match=r"fold 0: expected a part of the corpus' own to validate on, .* found neither"
    ):
        protocols.make(pd.concat([known, unknown]), EMOTIONS, params("predefined"))


def test_predefined_does_not_count_unknown_speakers_as_one_person():
    utterances = with_unknown("train")
    told = with_parts(["train"] + ["test"] * 7)
    utterances.loc[utterances["speaker"] != "", "details"] = told["details"].to_numpy()
    with pytest.raises(
        InputError,
        match=r"cannot set a validation part aside .* 'angry', has 8 speakers, such as made/00 and made/01, 1 of them",
    ):
        protocols.make(utterances, EMOTIONS, params("predefined"))


def test_predefined_sets_validation_speakers_aside_where_unknown_ones_train_their_emotion():
    utterances = with_unknown("train")
    told = with_parts(["train"] * 3 + ["test"] * 5)
    known = utterances["speaker"] != ""
    utterances.loc[known, "details"] = told["details"].to_numpy()
    unheard = known & utterances["speaker"].isin(["made/00", "made/01", "made/02"]) & (utterances["emotion"] == "happy")
    utterances = utterances[~unheard]
    rows = joined(protocols.make(utterances, EMOTIONS, params("predefined")), utterances)
    rows = rows[rows["protocol"] == "predefined"]
    assert rows[rows["part"] == "validation"]["speaker"].isin(["made/00", "made/01", "made/02"]).all()
    assert set(rows[(rows["part"] == "train") & (rows["emotion"] == "happy")]["speaker"]) == {""}


def test_the_random_contrast_of_predefined_leaves_out_what_that_leaves_out():
    utterances = with_parts(["train"] * 5 + ["test1", "test2", "test2"])
    split = protocols.make(utterances, EMOTIONS, params("predefined", test_parts=["test1"]))
    table.check(split, utterances)
    left_out = split[split["part"] == "left_out"].groupby("protocol")["id"].agg(set)
    assert left_out["random"] == left_out["predefined"]
    sizes = split.groupby("protocol")["part"].value_counts().unstack()
    assert abs(sizes.loc["random", "test"] - sizes.loc["predefined", "test"]) <= len(EMOTIONS)


def test_the_random_contrast_of_a_large_test_part_tests_about_as_many():
    utterances = with_parts(["train"] * 2 + ["test"] * 6)
    split = protocols.make(utterances, EMOTIONS, params("predefined"))
    table.check(split, utterances)
    sizes = split.groupby("protocol")["part"].value_counts().unstack()
    assert sizes.loc["predefined", "test"] == 72
    assert sizes.loc["random", "test"] == pytest.approx(72, abs=len(EMOTIONS))
    assert sizes.loc["random", "train"] == pytest.approx(sizes.loc["predefined", "train"], abs=len(EMOTIONS))


def test_three_speakers_are_enough():
    utterances = corpus(speakers=3)
    for protocol in ("holdout", "loso", "kfold"):
        table.check(protocols.make(utterances, EMOTIONS, params(protocol, folds=3, test_share=0.5)), utterances)


def test_one_take_of_each_emotion_is_enough():
    utterances = corpus(speakers=4, takes=1)
    for protocol in table.PROTOCOLS:
        table.check(protocols.make(utterances, EMOTIONS, params(protocol, folds=2)), utterances)


def speaking(speakers=8, sentences=6, languages=("en",)):
    """Everybody says each sentence of a language in every emotion."""
    rows = corpus(speakers, takes=sentences)
    tongues = rows["speaker"].str[-2:].astype(int) // 2 % len(languages)
    rows["language"] = np.array(languages)[tongues]
    return rows.assign(text=rows["language"] + " Sentence " + rows["id"].str[-1])


def apart(protocol="kfold", groups=3, **changes):
    return params(protocol, sentences="disjoint", sentence_groups=groups, **changes)


class TestDisjointSentences:
    @pytest.mark.parametrize("protocol", ["kfold", "loso"])
    @pytest.mark.parametrize("languages", [("en",), ("de", "en")])
    def test_who_learns_shares_neither_speaker_nor_sentence_with_the_test(self, protocol, languages):
        utterances = speaking(languages=languages)
        split = protocols.make(utterances, EMOTIONS, apart(protocol))
        table.check(split, utterances, True)
        rows = joined(split[split["protocol"] == protocol], utterances)
        for _, fold in rows.groupby("fold"):
            tested, learning = fold[fold["part"] == "test"], fold[fold["part"].isin(["train", "validation"])]
            assert not set(tested["text"]) & set(learning["text"])
            assert not set(tested["speaker"]) & set(learning["speaker"])
            validating = fold[fold["part"] == "validation"]
            assert not set(validating["speaker"]) & set(fold.loc[fold["part"] == "train", "speaker"])

    def test_every_utterance_is_tested_once_in_folds_of_speaker_groups_by_sentence_groups(self):
        split = protocols.make(speaking(), EMOTIONS, apart())
        rows = split[(split["protocol"] == "kfold") & (split["part"] == "test")]
        assert rows["fold"].nunique() == 4 * 3
        assert sorted(rows["id"]) == sorted(speaking()["id"])
        assert set(rows.groupby("fold").size()) == {2 * 2 * 4}  # speakers, sentences, emotions

    def test_what_is_left_out_has_one_foot_in_the_test_and_is_counted(self):
        # By hand, of 8 speakers and 6 sentences in 4 emotions: 2 and 2 are tested, so that 2 x 4 + 6 x 2 are left out.
        utterances = speaking()
        split = protocols.make(utterances, EMOTIONS, apart())
        counts = account.summarise(split, utterances)
        assert counts["speaker_independent"]["left_out"]["utterances_mean"] == (2 * 4 + 6 * 2) * 4
        assert counts["speaker_independent"]["test"]["utterances_mean"] == 2 * 2 * 4
        assert counts["random"]["left_out"]["utterances_mean"] == (2 * 4 + 6 * 2) * 4

    @pytest.mark.parametrize("protocol", ["kfold", "loso"])
    def test_the_random_contrast_differs_by_the_speakers_alone(self, protocol):
        utterances = speaking()
        rows = joined(protocols.make(utterances, EMOTIONS, apart(protocol)), utterances)
        rows["learns"] = rows["part"].isin(["train", "validation"])
        mine, random = (rows[rows["protocol"] == name].set_index(["fold", "id"]) for name in (protocol, "random"))
        assert mine["part"].eq("test").equals(random["part"].eq("test"))
        counted = [part.groupby(["fold", "emotion"])["learns"].sum() for part in (mine, random)]
        assert counted[0].equals(counted[1])
        heard = 0
        for _, fold in random.groupby("fold"):
            tested, learning = fold[fold["part"] == "test"], fold[fold["learns"]]
            assert not set(tested["text"]) & set(learning["text"])
            heard += bool(set(tested["speaker"]) & set(learning["speaker"]))
        assert heard == random.index.get_level_values("fold").nunique()
        draws = random[random["learns"]].reset_index().groupby("fold")["id"].agg(frozenset)
        assert draws.nunique() == len(draws)

    def test_another_seed_groups_the_sentences_otherwise(self):
        rows = speaking()
        tests = [np.flatnonzero(rows["speaker"] == speaker) for speaker in sorted(set(rows["speaker"]))]
        first, second = (sentences.crossed(rows, sentences.named(rows, "test"), tests, 3, seed) for seed in (0, 1))
        assert [cell.tolist() for cell in first] != [cell.tolist() for cell in second]

    def test_sentences_are_told_apart_by_words_not_by_case_or_blanks(self):
        utterances = speaking()
        odd = utterances["gender"] == "male"
        shouted = utterances.assign(text=utterances["text"].where(~odd, "  " + utterances["text"].str.upper()))
        assert protocols.make(shouted, EMOTIONS, apart()).equals(protocols.make(utterances, EMOTIONS, apart()))

    def test_numbers_of_sentences_do_where_a_corpus_does_not_tell_the_words(self):
        utterances = speaking()
        numbered = utterances.assign(
            text="", details=[json.dumps({"sentence": f"s{name[-1]}"}) for name in utterances["id"]]
        )
        assert protocols.make(numbered, EMOTIONS, apart()).equals(protocols.make(utterances, EMOTIONS, apart()))

    def test_a_speaker_who_says_sentences_of_one_group_alone_gets_one_fold(self):
        utterances = speaking()
        few = utterances[(utterances["speaker"] != "made/00") | utterances["text"].str.endswith("0")]
        split = protocols.make(few, EMOTIONS, apart("loso"))
        table.check(split, few, True)
        assert split.loc[split["protocol"] == "loso", "fold"].nunique() == 7 * 3 + 1

    def test_the_usual_split_is_the_same_with_any(self):
        assert protocols.make(speaking(), EMOTIONS, params()).equals(
            protocols.make(corpus(takes=6), EMOTIONS, params())
        )

    def test_an_emotion_of_fewer_utterances_than_groups_of_sentences_passes_without_a_warning(self):
        utterances = speaking()
        few = utterances["id"].isin([f"made/0{number}sad{number}" for number in range(5)])
        kept = utterances[(utterances["emotion"] != "sad") | few].reset_index(drop=True)
        split = protocols.make(kept, EMOTIONS, apart(groups=6))
        table.check(split, kept, True)

    def test_a_word_that_tells_the_emotion_is_known_to_the_usual_folds_and_not_to_these(self):
        """Vectors that know nothing but the sentence, and sentences of one emotion each: the leak, and its cure."""
        utterances = speaking(sentences=3)
        utterances["text"] = utterances["emotion"] + utterances["id"].str[-1]
        vectors = pd.get_dummies(utterances["text"]).to_numpy(float)
        uar = {}
        for name, settings in (("any", params()), ("disjoint", apart())):
            split = protocols.make(utterances, EMOTIONS, settings)
            guess = np.empty(len(utterances), dtype=object)
            for protocol, _, parts in table.folds(split, utterances):
                if protocol == "kfold":
                    test, train = parts == "test", parts == "train"
                    model = LogisticRegression().fit(vectors[train], utterances["emotion"][train])
                    guess[test] = model.predict(vectors[test])
            uar[name] = recall_score(utterances["emotion"], guess, average="macro")
        assert uar["any"] == 1
        assert uar["disjoint"] <= 0.25

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"text": "", "details": ""}, r"sentence of every utterance, found neither .* of 192 of 192, such as"),
            ({"text": "hello"}, "the emotion 'angry' has the single sentence 'hello'"),
        ],
    )
    def test_is_refused_where_sentences_cannot_be_kept_apart(self, change, message):
        with pytest.raises(InputError, match=message) as caught:
            protocols.make(speaking().assign(**change), EMOTIONS, apart())
        assert "\n" not in str(caught.value)

    def test_one_utterance_without_a_sentence_is_named(self):
        utterances = speaking()
        utterances.loc[5, ["text", "details"]] = ""
        with pytest.raises(InputError, match=f"of 1 of 192, such as '{utterances['id'][5]}'"):
            protocols.make(utterances, EMOTIONS, apart())

    def test_an_emotion_that_no_other_sentence_teaches_is_refused(self):
        utterances = speaking()
        few = utterances["id"].isin(["made/00sad0", "made/00sad1", "made/01sad0"])
        kept = utterances[(utterances["emotion"] != "sad") | few]
        with pytest.raises(InputError, match="no other speaker says another sentence in the emotion 'sad'"):
            protocols.make(kept, EMOTIONS, apart("loso"))

    @pytest.mark.parametrize("protocol", ["holdout", "sessions", "random"])
    def test_is_refused_with_other_protocols(self, protocol):
        with pytest.raises(ValueError, match=f"expected the protocol kfold or loso, found {protocol}"):
            apart(protocol)

    @pytest.mark.parametrize("fold", [0, 11])
    def test_the_gate_refuses_a_sentence_that_leaks(self, fold):
        utterances = speaking()
        split = protocols.make(utterances, EMOTIONS, apart())
        split = split[split["protocol"] == "kfold"].reset_index(drop=True)
        left = split.index[(split["part"] == "left_out") & (split["fold"] == fold)]
        speakers = joined(split.loc[left], utterances).set_index("id")["speaker"]
        training = joined(split[(split["part"] == "train") & (split["fold"] == fold)], utterances)
        taught = set(training.loc[training["protocol"] == "kfold", "speaker"])
        leak = next(row for row in left if speakers[split["id"][row]] in taught)
        split.loc[leak, "part"] = "train"
        with pytest.raises(InputError, match=rf"kfold, fold {fold}: the sentence 'en sentence .' leaks: it is in"):
            table.check(split, utterances)

    def test_the_gate_asks_for_it_where_told_that_sentences_are_apart(self):
        split = protocols.make(speaking(), EMOTIONS, params())
        table.check(split, speaking())
        with pytest.raises(InputError, match=r"the sentence 'en sentence .' leaks"):
            table.check(split, speaking(), True)

    def test_an_utterance_left_out_of_all_folds_is_missed(self):
        utterances = speaking()
        split = protocols.make(utterances, EMOTIONS, apart())
        tested = (split["protocol"] == "kfold") & (split["part"] == "test") & (split["fold"] == 0)
        split.loc[split.index[tested][0], "part"] = "left_out"
        with pytest.raises(InputError, match="found 1 in none of the 12"):
            table.check(split, utterances)


class TestRefuses:
    @pytest.mark.parametrize("protocol", DISJOINT)
    def test_unknown_speakers_where_speakers_must_be_apart(self, protocol):
        utterances = corpus()
        utterances.loc[:4, "speaker"] = ""
        with pytest.raises(InputError, match=r"5 of 96 .*metadata\.csv.*manifest\.speaker_pattern.*random, which over"):
            protocols.make(utterances, EMOTIONS, params(protocol))

    def test_no_unknown_speaker_at_random(self):
        utterances = corpus().assign(speaker="", gender="")
        table.check(protocols.make(utterances, EMOTIONS, params("random")), utterances)

    def test_fewer_speakers_than_folds(self):
        with pytest.raises(InputError, match=r"9 folds for 8 speakers; lower it, or choose split.protocol loso"):
            protocols.make(corpus(), EMOTIONS, params(folds=9))

    def test_fewer_utterances_than_folds(self):
        with pytest.raises(InputError, match="97 folds for 96 utterances; lower it"):
            protocols.make(corpus(), EMOTIONS, params("random", folds=97))

    def test_a_cut_that_leaves_a_fold_without_speaker(self):
        # Found by search: rounding makes scikit-learn's greedy cut put three speakers into one of five folds.
        spoken = ["sad sad angry", "happy angry", "sad angry", "sad happy angry", "sad sad sad"]
        rows = [(speaker, emotion) for speaker, words in enumerate(spoken) for emotion in words.split()]
        utterances = pd.DataFrame(rows, columns=["speaker", "emotion"]).assign(corpus="made", details="")
        utterances["gender"] = np.array(["female", "male"])[utterances["speaker"] % 2]
        utterances["speaker"] = "made/" + utterances["speaker"].astype(str)
        utterances["id"] = [f"made/{number:02d}" for number in range(len(rows))]
        with pytest.raises(InputError, match="one of 5 folds got no speaker"):
            protocols.make(utterances, ["angry", "happy", "sad"], params(folds=5))

    def test_fewer_than_three_speakers(self):
        with pytest.raises(InputError, match=r"expected at least 3 speakers, .* found 2"):
            protocols.make(corpus(speakers=2), EMOTIONS, params("loso"))

    @pytest.mark.parametrize("protocol", DISJOINT)
    def test_an_emotion_with_one_speaker(self, protocol):
        utterances = corpus()
        utterances = utterances[(utterances["emotion"] != "sad") | (utterances["speaker"] == "made/05")]
        with pytest.raises(InputError, match=r"'sad' has the single speaker 'made/05'.*leave it out of `emotions`"):
            protocols.make(utterances, EMOTIONS, params(protocol))

    def test_an_emotion_whose_speakers_are_all_tested_together(self):
        utterances = corpus()
        utterances = utterances[(utterances["emotion"] != "sad") | utterances["speaker"].isin(["made/04", "made/05"])]
        with pytest.raises(
            InputError,
            match=r"sessions, fold 2: cannot set .*'sad', has 2 speakers, such as made/04 and .*, 0 of them outside",
        ):
            protocols.make(utterances, EMOTIONS, params("sessions"))

    def test_a_single_utterance_of_an_emotion_at_random(self):
        utterances = corpus()
        utterances = utterances[(utterances["emotion"] != "sad") | (utterances["id"] == "made/05sad0")]
        with pytest.raises(
            InputError,
            match=r"random, fold .*: cannot set .*'sad', has 1 utterance, such as made/05sad0, 0 of them outside",
        ):
            protocols.make(utterances, EMOTIONS, params("random"))

    def test_an_emotion_of_the_label_set_without_utterances(self):
        with pytest.raises(InputError, match="found none of bored; leave them out"):
            protocols.make(corpus(), [*EMOTIONS, "bored"], params())

    def test_sessions_where_an_utterance_has_none(self):
        utterances = corpus()
        utterances.loc[7, "details"] = ""
        with pytest.raises(InputError, match=f"none for 1 utterances, such as '{utterances['id'][7]}'; choose loso"):
            protocols.make(utterances, EMOTIONS, params("sessions"))

    def test_a_single_session(self):
        with pytest.raises(InputError, match="the single session 'made/1'"):
            protocols.make(corpus().assign(details='{"session": 1}'), EMOTIONS, params("sessions"))

    def test_sessions_that_share_a_speaker(self):
        utterances = corpus()
        utterances.loc[0, "details"] = '{"session": 4}'
        with pytest.raises(InputError, match="the speaker 'made/00' in 2 of them"):
            protocols.make(utterances, EMOTIONS, params("sessions"))

    @pytest.mark.parametrize(
        ("words", "fault"),
        [
            (["train"] * 6 + ["test", None], r"none for 'made/07angry0' and 11 others; choose kfold"),
            (["train"] * 6 + ["test", "test3"], r"'test3' for 'made/07angry0' and 11 others"),
            (["train"] * 6 + ["dev", "dev"], r"no 'angry' to test on"),
            (["dev"] * 6 + ["test", "test"], r"no 'angry' to train on"),
        ],
    )
    def test_parts_that_the_corpus_does_not_name(self, words, fault):
        with pytest.raises(InputError, match=rf"^split.protocol predefined: expected .* found {fault}"):
            protocols.make(with_parts(words), EMOTIONS, params("predefined"))

    def test_parts_of_the_corpus_that_share_a_speaker(self):
        utterances = corpus()
        utterances.loc[0, "details"] = '{"split": "train"}'
        with pytest.raises(InputError, match="found the speaker 'made/00' in test and train; choose kfold"):
            protocols.make(utterances, EMOTIONS, params("predefined"))

    def test_parts_of_the_corpus_whose_test_lacks_an_emotion(self):
        utterances = corpus()
        utterances = utterances[(utterances["emotion"] != "sad") | ~utterances["speaker"].isin(["made/00", "made/04"])]
        with pytest.raises(InputError, match="found no 'sad' to test on"):
            protocols.make(utterances, EMOTIONS, params("predefined"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folds": 1}, "folds"),
        ({"test_share": 0.0}, "test_share"),
        ({"validation_share": 0.6}, "validation_share"),
        ({"seed": -1}, "seed"),
    ],
)
def test_params_out_of_range_are_refused(changes, message):
    with pytest.raises(ValueError, match=f"^{message}: expected"):
        params(**changes)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_holdout_tests_the_piece_of_the_same_cut_that_is_nearest_to_the_share_wanted(seed):
    utterances = CORPORA["uneven 1"]
    cells, off = utterances.groupby(["gender", "emotion"]).size(), {}
    cut, held = (
        joined(made("uneven 1", name, seed).query("protocol == @name and part == 'test'"), utterances)
        for name in ("kfold", "holdout")
    )
    for _, rows in cut.groupby("fold"):
        shares = rows.groupby(["gender", "emotion"]).size().reindex(cells.index, fill_value=0) / cells
        off[frozenset(rows["speaker"])] = (shares - 0.25).abs().mean()
    assert set(held["speaker"]) == min(off, key=off.get)
