import dataclasses
import functools
import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score

from ser import manifest
from ser.corpora.layouts import SPLITS
from ser.files import tables
from ser.files.failures import InputError
from ser.splits import account, oracle, protocols, sentences, table
from ser.splits.protocols import SplitParams
from ser.splits.told import WORDS

EMOTIONS = ["angry", "happy", "neutral", "sad"]
DISJOINT = ("holdout", "predefined", "kfold", "loso", "sessions")
NUMBERED = (("a", "de"), ("a", "en"), ("b", "en"))  # corpora and languages whose sentences have numbers
OWN = ("test", "dev", "train", "train")  # the parts that the corpus itself names, of its speakers in turn


def params(protocol="kfold", **changes):
    return dataclasses.replace(SplitParams(protocol, 4, 0.25, 0.25, 0), **changes)


def corpus(speakers=8, emotions=EMOTIONS, takes=3, name="made"):
    """Speakers of alternating gender, two a session, who speak every emotion equally often."""
    rows = [
        {
            "id": f"{name}/{speaker:02d}{emotion}{take}",
            "corpus": name,
            "speaker": f"{name}/{speaker:02d}",
            "gender": ("female", "male")[speaker % 2],
            "emotion": emotion,
            "sha256": f"hash of {name} {speaker} {emotion} {take}",
            "language": "",
            "text": "",
            "details": json.dumps({"session": speaker // 2 + 1, "split": OWN[speaker % len(OWN)]}),
        }
        for speaker in range(speakers)
        for emotion in emotions
        for take in range(takes)
    ]
    return pd.DataFrame(rows).sort_values("id", ignore_index=True)


def uneven(seed):
    """Speakers who speak unlike amounts of each emotion."""
    whole = corpus(speakers=9, takes=8)
    return whole.sample(frac=0.6, random_state=seed).sort_values("id", ignore_index=True)


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
    utterances = with_parts(["Training", "train ", "TRAIN", "training", "train", "train", "eval", "Test"])
    rows = joined(protocols.make(utterances, EMOTIONS, params("predefined")), utterances)
    speakers = rows[rows["protocol"] == "predefined"].groupby("part")["speaker"].unique()
    assert list(speakers["test"]) == ["made/06", "made/07"]
    assert len(speakers["validation"]) == 2
    assert len(speakers["train"]) == 4


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


class TestGate:
    """Each test breaks a good split in one way."""

    utterances = corpus()

    @pytest.fixture
    def split(self):
        return protocols.make(self.utterances, EMOTIONS, params())

    def refuse(self, split, message, utterances=None):
        with pytest.raises(InputError, match=message):
            table.check(split, self.utterances if utterances is None else utterances)

    def row(self, split, protocol, part):
        return split.index[(split["protocol"] == protocol) & (split["part"] == part)][0]

    @pytest.mark.parametrize(("part", "other"), [("train", "test"), ("train", "validation"), ("validation", "test")])
    def test_a_speaker_in_two_parts(self, split, part, other):
        row = self.row(split, "kfold", part)
        speaker = self.utterances.set_index("id")["speaker"][split["id"][row]]
        split.loc[row, "part"] = other
        split = split[split["fold"] == 0]
        self.refuse(
            split, f"kfold, fold 0: the speaker '{speaker}' leaks: it is in {' and '.join(sorted((part, other)))}"
        )

    @pytest.mark.parametrize("protocol", ["kfold", "random"])
    def test_the_same_audio_in_two_parts(self, split, protocol):
        rows = [self.row(split, protocol, part) for part in ("train", "test")]
        copied = self.utterances.copy()
        copied.loc[copied["id"].isin(split["id"][rows]), "sha256"] = "twin"
        self.refuse(split[split["protocol"] == protocol], f"{protocol}, fold 0: the audio 'twin' leaks", copied)

    def test_an_utterance_in_two_parts(self, split):
        extra = split.loc[[self.row(split, "random", "train")]].assign(part="test")
        self.refuse(
            pd.concat([split, extra]), f"random, fold 0: the utterance '{extra['id'].iloc[0]}' stands there twice"
        )

    def test_an_utterance_that_the_manifest_does_not_know(self, split):
        split.loc[5, "id"] = "made/ghost"
        self.refuse(split, "'made/ghost' is not an utterance of the manifest")

    def test_an_utterance_that_the_split_does_not_know(self, split):
        self.refuse(split.drop(index=3), f"kfold, fold 0: 1 utterances are missing, the first is '{split['id'][3]}'")

    def test_a_part_without_utterances(self, split):
        self.refuse(split.replace({"part": {"validation": "train"}}), "the part validation is empty")

    def test_a_training_part_without_an_emotion(self, split):
        fold = split[(split["protocol"] == "kfold") & (split["fold"] == 0)]
        tested = self.utterances["id"].isin(fold.loc[fold["part"] == "test", "id"])
        relabelled = self.utterances.assign(emotion=self.utterances["emotion"].mask(tested, "bored"))
        self.refuse(fold, "kfold, fold 0: the training part has no utterance of 'bored'", relabelled)

    def test_an_utterance_tested_in_two_folds(self, split):
        again = split[(split["protocol"] == "kfold") & (split["fold"] == 0)].assign(fold=4)
        self.refuse(pd.concat([split, again]), "kfold: '.*' is tested twice")

    @pytest.mark.parametrize("protocol", ["kfold", "random"])
    @pytest.mark.parametrize("fold", [0, 2, 3])
    def test_a_missing_fold(self, split, protocol, fold):
        left = split[(split["protocol"] != protocol) | (split["fold"] != fold)]
        if fold < 3:
            self.refuse(left, rf"split: {protocol}: expected the folds 0 to 3, found .*; run the split stage again")
        elif protocol == "kfold":
            self.refuse(left, "kfold: expected every utterance in the test part of a fold, found 24 in none of the 3, ")
        else:
            self.refuse(left, "split: random: expected the folds 0 to 3, found 0, 1, 2;")

    def test_folds_that_are_not_counted_from_0(self, split):
        self.refuse(split.assign(fold=split["fold"] + 1), "kfold: expected the folds 0 to 4, found 1, 2, 3, 4;")

    @pytest.mark.parametrize("protocol", ["kfold", "random"])
    def test_an_utterance_that_nobody_tests(self, split, protocol):
        row = self.row(split, protocol, "test")
        speaker = self.utterances.set_index("id")["speaker"][split["id"][row]]
        everyone = self.utterances.loc[self.utterances["speaker"] == speaker, "id"]
        chosen = (split["protocol"] == protocol) & (split["fold"] == 0) & split["id"].isin(everyone)
        split.loc[chosen & (split["part"] == "test"), "part"] = "train"
        if protocol == "random":
            self.refuse(split, "random: expected every utterance in the test part of a fold, found")
        else:
            self.refuse(
                split, "kfold: expected every utterance in the test part of a fold, found 12 in none of the 4, "
            )

    @pytest.mark.parametrize(("protocol", "other"), [("kfold", "random"), ("random", "kfold")])
    def test_a_missing_contrast(self, split, protocol, other):
        only = split[split["protocol"] == protocol]
        if protocol == "random":
            table.check(only, self.utterances)  # it may be the chosen one
        else:
            self.refuse(only, "split: expected random beside one protocol, found kfold;")

    def test_two_protocols_beside_the_contrast(self, split):
        more = split[split["protocol"] == "kfold"].assign(protocol="loso")
        self.refuse(pd.concat([split, more]), "expected random beside one protocol, found kfold, loso, random")

    def test_a_holdout_with_a_second_fold(self):
        split = protocols.make(self.utterances, EMOTIONS, params("holdout"))
        table.check(split, self.utterances)
        other = split[split["protocol"] == "holdout"].assign(fold=1)
        swapped = other.assign(part=other["part"].replace({"test": "validation", "validation": "test"}))
        self.refuse(pd.concat([split, swapped]), "holdout: expected the folds 0 to 0, found 0, 1;")

    def test_an_unknown_speaker(self, split):
        unknown = self.utterances.copy()
        unknown.loc[0, "speaker"] = ""
        self.refuse(split, "kfold, fold 0: expected a speaker for every utterance", unknown)

    def test_an_empty_split(self, split):
        self.refuse(split.iloc[:0], "found no rows")


class TestFile:
    def test_comes_back_as_it_was_written(self, tmp_path):
        split = protocols.make(corpus(), EMOTIONS, params())
        tables.write(split, tmp_path / "split.csv")
        assert table.read(tmp_path / "split.csv").equals(split)

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ("kfould,0,a,test", r"column protocol, row 2 \(fold 0, id a\): expected one of holdout, .* found 'kfould'"),
            (
                "kfold,0,a,tset",
                r"column part, row 2 .*: expected one of train, validation, test, left_out, found 'tset'",
            ),
            (
                "kfold,first,a,test",
                r"column fold, row 2 \(protocol kfold, id a\): expected a whole number .* found 'first'",
            ),
            ("kfold,,a,test", "column fold, row 2 .*: expected a whole number of 0 or more, found an empty cell"),
            ("kfold,0.5,a,test", "column fold, row 2 .*: expected a whole number of 0 or more, found 0.5"),
            ("kfold,-1,a,test", "column fold, row 2 .*: expected a whole number of 0 or more, found -1"),
            ("kfold,1,b,test", "expected no two rows alike, found 'kfold, 1, b' in row 2 and row 3"),
        ],
    )
    def test_with_a_strange_word_is_refused(self, tmp_path, row, message):
        (tmp_path / "split.csv").write_text(f"protocol,fold,id,part\n{row}\nkfold,1,b,train\n")
        with pytest.raises(InputError, match=message):
            table.read(tmp_path / "split.csv")


def speaker_oracle(utterances):
    return oracle.oracle(utterances["emotion"], utterances["speaker"])


class TestSpeakerOracle:
    def test_by_hand(self):
        # a speaks 3 angry, 1 sad: guess angry. b speaks 2 sad, 1 angry: guess sad. Recalls: angry 3/4, sad 2/3.
        utterances = pd.DataFrame({"speaker": list("aaaabbb"), "emotion": [*["angry"] * 3, *["sad"] * 3, "angry"]})
        assert speaker_oracle(utterances) == pytest.approx((3 / 4 + 2 / 3) / 2)

    def test_of_a_balanced_corpus_is_chance(self):
        assert speaker_oracle(corpus()) == pytest.approx(oracle.chance(corpus())) == 0.25
        assert not oracle.tied(corpus())

    def test_of_one_emotion_a_speaker_is_certainty(self):
        utterances = corpus()
        utterances = utterances[
            utterances["speaker"].str[-1].astype(int) % 4 == utterances["emotion"].map(EMOTIONS.index)
        ]
        assert speaker_oracle(utterances) == 1
        assert oracle.tied(utterances)

    def test_is_the_best_of_all_guesses_by_the_speaker_alone(self):
        random = np.random.default_rng(0)
        for _ in range(20):
            utterances = pd.DataFrame({"speaker": random.choice(list("abcd"), 15, p=[0.5, 0.3, 0.1, 0.1])})
            utterances["emotion"] = random.choice(EMOTIONS[:3], 15, p=[0.6, 0.3, 0.1])
            speakers = sorted(set(utterances["speaker"]))
            guesses = [
                utterances["speaker"].map(dict(zip(speakers, guess, strict=True)))
                for guess in itertools.product(sorted(set(utterances["emotion"])), repeat=len(speakers))
            ]
            best = max(recall_score(utterances["emotion"], guess, average="macro") for guess in guesses)
            assert speaker_oracle(utterances) == pytest.approx(best)

    def test_an_emotion_that_is_the_commonest_of_everybody_hides_no_tie(self):
        # Everybody is angry six times and speaks one other emotion, four times.
        utterances = pd.DataFrame({"speaker": np.repeat(np.arange(30), 10).astype(str)})
        utterances["emotion"] = [
            emotion for number in range(30) for emotion in ["angry"] * 6 + [["happy", "neutral", "sad"][number % 3]] * 4
        ]
        assert speaker_oracle(utterances) == pytest.approx(3 / 4)  # recalls: 0 of anger, else 1
        assert oracle.tied(utterances)

    @pytest.mark.parametrize("each", [1, 2, 3])
    def test_of_few_utterances_a_speaker_is_high_by_chance_and_ties_nothing(self, each):
        random = np.random.default_rng(each)
        utterances = pd.DataFrame({"speaker": np.repeat(np.arange(100), each).astype(str)})
        utterances["emotion"] = random.choice(EMOTIONS, len(utterances))
        found = speaker_oracle(utterances)
        assert found > 0.5
        assert oracle.by_chance(utterances["emotion"], utterances["speaker"]) == pytest.approx(found, abs=0.05)
        assert not oracle.tied(utterances)

    def test_of_one_emotion_a_speaker_is_tied_from_two_utterances_on(self):
        utterances = pd.DataFrame({"speaker": np.repeat(np.arange(40), 2).astype(str)})
        utterances["emotion"] = np.repeat(np.tile(EMOTIONS, 10), 2)
        assert oracle.tied(utterances)

    def test_a_rare_emotion_that_falls_to_few_speakers_by_chance_ties_nothing(self):
        speakers = pd.Series(np.repeat(np.arange(10), 40))
        tied = 0
        for seed in range(20):
            emotions = np.random.default_rng(seed).permutation([*["angry"] * 394, *["happy", "neutral", "sad"] * 2])
            tied += oracle.tied_to(pd.Series(emotions), speakers)
        assert tied <= 3  # one in 21 is to be expected; without a look at the spread it is six

    @pytest.mark.parametrize(("emotions", "limit"), [(4, 0.50), (7, 3 / 7)])  # a third of the way to certainty
    def test_is_tied_beyond_a_third_of_what_chance_leaves(self, emotions, limit):
        # As many groups as emotions, each of which prefers one: the oracle is the share of the preferred.
        for share in (limit - 0.02, limit + 0.02):
            each, others = round(1000 * share), round(1000 * (1 - share) / (emotions - 1))
            said = [np.repeat(np.arange(emotions), [each if at == own else others for at in range(emotions)])
                    for own in range(emotions)]  # fmt: skip
            groups = pd.Series(np.repeat(np.arange(emotions), [len(own) for own in said]))
            assert oracle.tied_to(pd.Series(np.concatenate(said)), groups) == (share > limit)

    @pytest.mark.parametrize("groups", [2, 3, 4])
    def test_groups_fewer_than_emotions_that_share_them_out_are_tied(self, groups):
        emotions = pd.Series(np.repeat(np.arange(8), 100))
        assert oracle.tied_to(emotions, emotions % groups)
        assert not oracle.tied_to(emotions, pd.Series(np.tile(np.arange(groups), 800)[:800]))

    def test_one_utterance_of_an_unknown_speaker_hides_no_tie(self):
        utterances = pd.DataFrame({"corpus": "c", "speaker": np.repeat(np.arange(28), 10).astype(str)})
        utterances["emotion"] = np.tile(np.repeat(EMOTIONS, 10), 7)
        utterances.loc[0, "speaker"] = ""
        assert oracle.tied(utterances)
        found = oracle.tied_corpora(utterances)
        assert list(found) == ["c"]
        assert re.fullmatch(r"a UAR of 1\.000 \(0\.[34]\d\d with labels shuffled\)", found["c"])

    def test_by_chance_does_not_depend_on_the_order_of_the_rows(self):
        utterances, shuffled = uneven(1), uneven(1).sample(frac=1, random_state=0)
        first, second = (oracle.by_chance(rows["emotion"], rows["speaker"]) for rows in (utterances, shuffled))
        assert first == second

    def test_sentences_of_the_same_number_in_another_corpus_or_language_are_others(self):
        rows = pd.concat([corpus(4, name=name).assign(language=language) for name, language in NUMBERED])
        rows["details"] = json.dumps({"sentence": "1"})
        assert sentences.known(rows).groupby([rows["corpus"], rows["language"]]).nunique().tolist() == [1] * 3
        assert sentences.known(rows).nunique() == 3

    def test_by_chance_of_many_utterances_a_speaker_is_one_over_the_emotions(self):
        emotions = pd.Series(np.tile(EMOTIONS, 2000))
        assert oracle.by_chance(emotions, pd.Series(np.repeat(["a", "b"], 4000))) == pytest.approx(0.25, abs=0.02)

    def test_needs_speakers(self):
        unknown = corpus().assign(speaker="")
        assert oracle.figures(unknown["emotion"], unknown["speaker"], "speaker") == {}
        assert not oracle.tied(corpus().assign(speaker=""))

    @pytest.mark.parametrize(("first", "tied"), [(0.5, False), (0.8, True)])
    def test_warns_a_third_of_the_way_from_chance_to_certainty(self, first, tied):
        # Two emotions, two speakers who prefer one each: the oracle is that preference; the limit is 0.667.
        count = round(first * 10)
        emotions = ["angry"] * count + ["sad"] * (10 - count) + ["sad"] * count + ["angry"] * (10 - count)
        utterances = pd.DataFrame({"speaker": ["a"] * 10 + ["b"] * 10, "emotion": emotions})
        assert speaker_oracle(utterances) == pytest.approx(first)
        assert oracle.tied(utterances) == tied


class TestSummary:
    def test_counts_utterances_and_speakers(self):
        utterances = corpus()
        summary = account.summarise(protocols.make(utterances, EMOTIONS, params(validation_share=0.33)), utterances)
        assert summary["utterances"] == 96
        assert summary["speakers"] == 8
        assert summary["emotions"] == 4
        assert summary["chance_uar"] == summary["speaker_oracle_uar"] == 0.25
        part = {"utterances_min": 24, "utterances_mean": 24, "speakers_min": 2, "speakers_mean": 2}
        train = {"utterances_min": 48, "utterances_mean": 48, "speakers_min": 4, "speakers_mean": 4}
        assert summary["speaker_independent"] == {"folds": 4, "test": part, "validation": part, "train": train}
        assert summary["random"]["test"]["utterances_mean"] == 24
        assert summary["random"]["test"]["speakers_min"] > 4

    def test_has_the_same_keys_for_every_protocol(self):
        splitted = [protocols.make(corpus(), EMOTIONS, params(protocol)) for protocol in DISJOINT]
        keys = [sorted(_keys(account.summarise(split, corpus()))) for split in splitted]
        assert keys[0] == keys[1] == keys[2] == keys[3]

    def test_says_how_well_a_sentence_tells_the_emotion_where_every_one_is_known(self):
        utterances = corpus()
        split = protocols.make(utterances, EMOTIONS, params())
        assert "sentence_oracle_uar" not in account.summarise(split, utterances)
        said = utterances.assign(text=utterances["emotion"].replace({"sad": "one", "happy": "one"}))
        summary = account.summarise(split, said)
        assert (summary["sentences"], summary["sentence_oracle_uar"]) == (3, 0.75)
        assert summary["sentence_oracle_uar_by_chance"] == pytest.approx(0.25, abs=0.1)

    def test_leaves_out_speakers_where_they_are_unknown(self):
        utterances = corpus().assign(speaker="")
        summary = account.summarise(protocols.make(utterances, EMOTIONS, params("random")), utterances)
        assert not [key for key in _keys(summary) if "speaker" in key]


def _keys(metrics, prefix=""):
    for key, value in metrics.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _keys(value, f"{prefix}{key}.")


def test_a_random_split_overstates_on_speaker_coloured_vectors_and_a_disjoint_one_does_not():
    """The vectors know the speaker and nothing of emotion; each speaker prefers an emotion, as in found speech."""
    random = np.random.default_rng(0)
    speakers = np.repeat(np.arange(24), 30)
    preferred = speakers % 4
    truth = np.where(random.random(len(speakers)) < 0.6, preferred, random.integers(0, 4, len(speakers)))
    vectors = random.normal(size=(24, 40))[speakers] + 0.3 * random.normal(size=(len(speakers), 40))
    utterances = pd.DataFrame(
        {
            "id": [f"made/{number:04d}" for number in range(len(speakers))],
            "corpus": "made",
            "speaker": [f"made/{speaker:02d}" for speaker in speakers],
            "gender": "",
            "emotion": [EMOTIONS[emotion] for emotion in truth],
            "sha256": [f"hash {number}" for number in range(len(speakers))],
            "details": "",
        }
    )
    split = protocols.make(utterances, EMOTIONS, params("kfold", folds=4))
    uar = {}
    for protocol, folds in split.groupby("protocol"):
        guess = np.empty(len(utterances), dtype=object)
        for _, rows in folds.groupby("fold"):
            test, train = ((rows["part"] == part).to_numpy() for part in ("test", "train"))
            guess[test] = LogisticRegression().fit(vectors[train], utterances["emotion"][train]).predict(vectors[test])
        uar[protocol] = recall_score(utterances["emotion"], guess, average="macro")
    assert uar["kfold"] == pytest.approx(0.25, abs=0.06)
    assert uar["random"] > 0.5
    assert speaker_oracle(utterances) == pytest.approx(uar["random"], abs=0.1)


@pytest.mark.corpus
def test_emodb_is_not_tied_to_its_speakers(corpora):
    """The parser is tested elsewhere: here the file names alone say who speaks what."""
    stems = sorted(path.stem for path in (corpora("emodb") / "wav").glob("*.wav"))
    utterances = pd.DataFrame({"speaker": [stem[:2] for stem in stems], "emotion": [stem[5] for stem in stems]})
    assert len(utterances) == 535
    assert speaker_oracle(utterances) < oracle.chance(utterances) + 0.1
    assert not oracle.tied(utterances)


def test_reads_the_manifest_that_the_pipeline_writes(tmp_path):
    known = corpus()
    known = known.assign(path=known["id"], seconds=1.0, sampling_rate=16000, sha256=[f"{n:064x}" for n in known.index])
    whole = known.reindex(columns=manifest.COLUMNS, fill_value="")
    tables.write(whole, tmp_path / "manifest.csv")
    utterances = manifest.read(tmp_path / "manifest.csv")
    table.check(protocols.make(utterances, EMOTIONS, params("sessions")), utterances)


def test_folds_are_laid_out_in_the_order_of_the_manifest():
    utterances = corpus().sample(frac=1, random_state=0)
    split = protocols.make(utterances, EMOTIONS, params())
    found = list(table.folds(split, utterances))
    assert [fold[:2] for fold in found] == [(name, fold) for name in ("kfold", "random") for fold in range(4)]
    for protocol, number, parts in found:
        rows = split[(split["protocol"] == protocol) & (split["fold"] == number)]
        assert dict(zip(utterances["id"], parts, strict=True)) == dict(zip(rows["id"], rows["part"], strict=True))


def test_the_digest_tells_splits_apart_and_not_the_order_of_their_rows():
    split = protocols.make(corpus(), EMOTIONS, params())
    assert table.digest(split.sample(frac=1, random_state=0)) == table.digest(split)
    other = split.copy()
    other.loc[7, "part"] = "test" if other.loc[7, "part"] == "train" else "train"
    assert table.digest(other) != table.digest(split)


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
