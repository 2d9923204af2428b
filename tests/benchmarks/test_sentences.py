import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score

from ser.benchmarks import grid, sentence_folds, sentence_task, sentences
from ser.benchmarks.grid import Choice, GridParams
from ser.benchmarks.sentence_task import KNOWN, UNSEEN, SentenceParams
from ser.benchmarks.tasks import Answers, Task
from ser.features import Features
from ser.files.failures import InputError
from ser.plots import sentences as picture
from ser.scores.intervals import IntervalParams
from tests import builders

EMOTIONS = ["angry", "happy", "sad"]
TASK = Task("c", EMOTIONS, "kfold")
PARAMS = SentenceParams(["c"], ["words"], "lda", 3, [0])
GRID = GridParams({"svm_tuned": Choice(["train"], [], [1.0])}, ["train"], [0], 3, 0.25, 2)
INTERVALS = IntervalParams(200, 0.95, 0, 5)


def corpus(tied: bool) -> pd.DataFrame:
    """Nine speakers who say nine sentences each: all in the sentence's own emotion (tied), or each in another one."""
    rows = builders.manifest(9, 9, EMOTIONS)
    sentence = rows.groupby("speaker").cumcount().to_numpy()
    speaker = rows.groupby("speaker").ngroup().to_numpy()
    emotion = np.array(EMOTIONS)[(sentence if tied else sentence + speaker) % 3]
    return rows.assign(text=[f"sentence {number}" for number in sentence], language="en", emotion=emotion)


def encoded(rows: pd.DataFrame, vectors: np.ndarray) -> Features:
    ids, names = rows["id"].to_numpy(str), np.array([str(number) for number in range(vectors.shape[1])])
    return Features(ids, ids, vectors.astype(np.float32), names, "{}")


def hears_words(rows: pd.DataFrame) -> Features:
    """Vectors that tell the sentence and nothing else."""
    noise = np.random.default_rng(0).normal(0, 0.05, (len(rows), 9))
    return encoded(rows, pd.get_dummies(rows["text"]).to_numpy(float) + noise)


def hears_voices(rows: pd.DataFrame) -> Features:
    """Vectors that tell the emotion and nothing else."""
    noise = np.random.default_rng(1).normal(0, 0.2, (len(rows), 3))
    return encoded(rows, pd.get_dummies(rows["emotion"]).to_numpy(float) + noise)


def answers(rows: pd.DataFrame, encoders: dict[str, Features]) -> Answers:
    found = sentence_folds.folds(rows, TASK, PARAMS, GRID)
    narrow = sentence_folds.narrowed(GRID, PARAMS)
    said = grid.predict(found, encoders, rows, EMOTIONS, narrow, builders.train_params(networks=1))
    return Answers(TASK, rows, said)


# The folds


def test_every_utterance_is_tested_once_on_known_and_once_on_unseen_sentences():
    found = sentence_folds.folds(corpus(False), TASK, PARAMS, GRID)
    for kind in (KNOWN, UNSEEN):
        tested = sum((fold.parts == "test").astype(int) for fold in found if fold.protocol == kind)
        assert (tested == 1).all()


def test_nobody_who_is_tested_trains_and_unseen_sentences_are_in_no_training():
    rows = corpus(False)
    for fold in sentence_folds.folds(rows, TASK, PARAMS, GRID):
        tested, learns = rows[fold.parts == "test"], rows[np.isin(fold.parts, ("train", "validation"))]
        assert not set(tested["speaker"]) & set(learns["speaker"])
        common = set(tested["text"]) & set(learns["text"])
        assert bool(common) == (fold.protocol == KNOWN)


def test_known_and_unseen_differ_by_nothing_but_the_sentences():
    rows = corpus(False)
    found = sentence_folds.folds(rows, TASK, PARAMS, GRID)
    pairs = [{fold.protocol: fold.parts for fold in found if fold.number == number} for number in range(9)]
    for parts in pairs:
        assert ((parts[KNOWN] == "test") == (parts[UNSEEN] == "test")).all()
        counts = [
            rows[np.isin(parts[kind], ("train", "validation"))].groupby(["speaker", "emotion"]).size().to_dict()
            for kind in (KNOWN, UNSEEN)
        ]
        assert counts[0] == counts[1]


def test_a_corpus_without_sentences_is_refused():
    with pytest.raises(InputError, match="expected the sentence of every utterance"):
        sentence_folds.folds(corpus(False).assign(text=""), TASK, PARAMS, GRID)


# What they show


def test_an_encoder_that_hears_words_alone_is_found_out_where_sentences_tell_the_emotion():
    rows = corpus(True)
    figures = sentences.scored(
        {"c": answers(rows, {"words": hears_words(rows), "voices": hears_voices(rows)})}, "words", INTERVALS
    ).set_index("encoder")
    assert figures.at["words", "known"] == 1
    assert figures.at["words", "unseen"] < 0.5  # chance is a third
    assert figures.at["words", "gap_low"] > 0.3
    assert figures.at["voices", "unseen"] > 0.9
    assert figures.at["voices", "unseen_difference"] == pytest.approx(
        figures.at["voices", "unseen"] - figures.at["words", "unseen"]
    )
    assert figures.at["voices", "unseen_difference_low"] > 0.3
    assert pd.isna(figures.at["words", "unseen_difference"])


def test_where_every_sentence_is_said_in_every_emotion_words_alone_know_nothing():
    rows = corpus(False)
    (row,) = sentences.scored({"c": answers(rows, {"words": hears_words(rows)})}, "words", INTERVALS).to_dict("records")
    assert row["known"] < 0.5
    assert row["gap_low"] <= 0


@pytest.fixture(scope="module")
def told():
    rows = corpus(True)
    asked = answers(rows, {"voices": hears_voices(rows), "words": hears_words(rows)})
    return asked, sentences.scored({"one": asked, "two": asked}, "voices", INTERVALS)


def test_scores_are_those_of_scikit_learn(told):
    asked, figures = told
    for row in figures.to_dict("records"):
        for kind in (KNOWN, UNSEEN):
            said = asked.predictions[asked.predictions["encoder"].eq(row["encoder"])].query("protocol == @kind")
            truth = asked.utterances.set_index("id").loc[said["id"], "emotion"]
            assert row[kind] == pytest.approx(recall_score(truth, said["prediction"], average="macro"))
            assert row[f"{kind}_low"] <= row[kind] <= row[f"{kind}_high"]
        assert row["gap"] == pytest.approx(row["known"] - row["unseen"])


def test_utterances_whose_sentence_gives_the_emotion_away_are_scored_apart_from_those_whose_does_not():
    """Nine speakers say six sentences in one emotion each and three in another one each time."""
    tied, free = corpus(True), corpus(False)
    numbers = tied.groupby("speaker").cumcount()
    rows = tied.assign(emotion=tied["emotion"].where(numbers < 6, free["emotion"]))
    asked = answers(rows, {"words": hears_words(rows), "voices": hears_voices(rows)})
    parts = sentences.apart({"c": asked})
    assert {name: sorted(set(part.utterances["text"].str[-1])) for name, part in parts.items()} == {
        "c_tied": list("012345"),
        "c_free": list("678"),
    }
    figures = sentences.scored(parts, "words", INTERVALS).set_index(["task", "encoder"])
    assert figures.at[("c_tied", "words"), KNOWN] == 1
    assert figures.at[("c_free", "words"), KNOWN] < 0.5  # chance is a third
    assert figures.at[("c_free", "voices"), UNSEEN] > 0.9


@pytest.mark.parametrize("tied", [True, False])
def test_nothing_is_set_apart_where_all_sentences_are_alike(tied):
    rows = corpus(tied)
    assert sentences.apart({"c": Answers(TASK, rows, pd.DataFrame({"id": rows["id"]}))}) == {}


def test_few_speakers_give_no_interval(told):
    asked, _ = told
    few = dataclasses.replace(INTERVALS, minimum_speakers=10)
    row = sentences.scored({"one": asked}, "voices", few).iloc[0]
    assert pd.isna(row["gap_low"])
    assert row["gap"] == pytest.approx(row["known"] - row["unseen"])


def test_metrics_leave_out_what_is_missing(told):
    _, figures = told
    metrics = sentences.nested(figures)
    assert list(metrics) == ["one", "two"]
    assert "unseen_difference" not in metrics["one"]["voices"]
    assert metrics["one"]["words"]["unseen_difference"] < 0


def test_the_page_has_a_table_for_each_task_the_best_on_unseen_sentences_first(told):
    asked, figures = told
    said = sentence_task.described(TASK, asked.utterances)
    assert said.endswith("9 sentences; 100% of the utterances are of a sentence that is said in one emotion only.")
    text = sentences.page(figures, {"one": said, "two": said}, PARAMS, "voices", 0.95)
    assert text.count("| encoder") == 2
    assert text.index("| voices") < text.index("| words")
    row = figures.iloc[1]
    assert f"{row['known']:.3f} [{row['known_low']:.3f}, {row['known_high']:.3f}]" in text


def test_the_picture_has_a_panel_for_each_task_and_two_dots_for_each_encoder(told):
    _, figures = told
    panels = picture.draw(figures, {"one": 0.25, "two": 0.5}).axes
    assert [axes.get_title(loc="left") for axes in panels] == ["one", "two"]
    for axes in panels:
        hollow, full = (found for found in axes.lines if found.get_marker() == "o")
        assert (hollow.get_fillstyle(), full.get_fillstyle()) == ("none", "full")
        assert list(full.get_xdata()) == figures.loc[figures["task"] == "one", "unseen"].tolist()
        assert [label.get_text() for label in axes.get_yticklabels()] == ["voices", "words"]


def test_encoders_stand_in_one_order_in_all_panels_each_with_its_chance(told):
    _, figures = told
    turned = figures[figures["task"] == "two"].iloc[::-1]
    panels = picture.draw(pd.concat([figures[figures["task"] == "one"], turned]), {"one": 0.25, "two": 0.5}).axes
    for axes, chance in zip(panels, (0.25, 0.5), strict=True):
        assert [label.get_text() for label in axes.get_yticklabels()] == ["voices", "words"]
        (dashed,) = [found for found in axes.lines if found.get_linestyle() == "--"]
        assert list(dashed.get_xdata()) == [chance, chance]
    for name, found in zip(("known", "unseen"), (x for x in panels[1].lines if x.get_marker() == "o"), strict=True):
        assert list(found.get_xdata()) == turned[name].tolist()[::-1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tasks": []}, "tasks"),
        ({"tasks": ["c", "c"]}, "tasks"),
        ({"groups": 1}, "groups"),
        ({"seeds": [-1]}, "seeds"),
        ({"seeds": []}, "seeds"),
        ({"encoders": []}, "encoders"),
    ],
)
def test_params_out_of_range_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(PARAMS, **changes)


def drawn(text, emotions, seeds):
    """Six speakers, and answers by chance, known and unseen."""
    rows = pd.DataFrame({"id": [f"c/{n:03d}" for n in range(len(text))], "text": text, "emotion": emotions})
    rows = rows.assign(speaker=[f"c/{n % 6}" for n in range(len(rows))], corpus="c", language="en", details="")
    names, parts = sorted(set(emotions)), []
    for seed in range(seeds):
        for number, kind in enumerate((KNOWN, UNSEEN)):
            said = np.random.default_rng([seed, number]).choice(names, len(rows))
            keys = {"encoder": "ours", "classifier": "lda", "normalisation": "train", "protocol": kind, "seed": seed}
            parts.append(pd.DataFrame({**keys, "fold": 0, "id": rows["id"], "prediction": said}))
    return Answers(Task("t", names, "kfold"), rows, pd.concat(parts, ignore_index=True))


def test_the_deviation_over_draws_is_that_of_a_sample():
    asked = drawn(["a", "b"] * 60, ["angry", "angry", "sad", "sad"] * 30, seeds=3)
    (found,) = sentences.scored({"t": asked}, "ours", INTERVALS).to_dict("records")
    for kind in (KNOWN, UNSEEN):
        own = asked.predictions[asked.predictions["protocol"] == kind].groupby("seed")["prediction"]
        uars = [recall_score(asked.utterances["emotion"], said, average="macro") for _, said in own]
        assert found[f"{kind}_sd"] == pytest.approx(np.std(uars, ddof=1))


def test_sentences_of_some_emotions_are_neither_tied_nor_free():
    text = ["x", "x", "x", "y", "y", "z1", "z2", "z3"] * 6
    emotions = ["angry", "happy", "sad", "angry", "sad", "angry", "happy", "sad"] * 6
    parts = sentences.apart({"t": drawn(text, emotions, seeds=1)})
    said = {name: set(part.utterances["text"]) for name, part in parts.items()}
    assert said == {"t_tied": {"z1", "z2", "z3"}, "t_free": {"x"}}
