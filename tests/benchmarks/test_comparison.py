import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, recall_score

from ser.benchmarks import comparison
from ser.benchmarks.comparison import CompareParams, System
from ser.files import tables
from ser.scores.intervals import Bootstrap, IntervalParams
from ser.splits import oracle

EMOTIONS = ["angry", "sad", "neutral"]
PARAMS = CompareParams("ours", System("theirs", "svm", "train"), IntervalParams(100, 0.9, 3, 4))


@pytest.fixture
def manifest():
    """Six speakers, unequal in utterances and in emotions."""
    generator = np.random.default_rng(0)
    speakers = np.repeat([f"c/{name}" for name in "abcdef"], [5, 9, 12, 6, 8, 10])
    rows = pd.DataFrame({"id": [f"c/{number:02d}" for number in range(50)], "speaker": speakers})
    return rows.assign(emotion=generator.choice(EMOTIONS, 50, p=[0.5, 0.3, 0.2]))


def system(manifest, right, seed, *key):
    """Predictions that are right with some probability, less so for the later speakers."""
    generator = np.random.default_rng(seed)
    hard = manifest["speaker"].map({f"c/{name}": 0.1 * number for number, name in enumerate("abcdef")})
    guesses = generator.choice(EMOTIONS, len(manifest))
    words = np.where(generator.random(len(manifest)) < right - hard, manifest["emotion"], guesses)
    keys = dict(zip(("encoder", "classifier", "normalisation", "protocol", "seed"), key, strict=True))
    return pd.DataFrame({**keys, "fold": 0, "id": manifest["id"], "prediction": words})


@pytest.fixture
def predictions(manifest):
    return pd.concat(
        [
            system(manifest, 0.9, 1, "ours", "svm", "train", "loso", 0),
            system(manifest, 0.9, 2, "ours", "mlp", "train", "loso", 0),
            system(manifest, 0.9, 3, "ours", "mlp", "train", "loso", 1),
            system(manifest, 1.3, 4, "ours", "mlp", "train", "random", 0),
            system(manifest, 1.3, 5, "ours", "mlp", "train", "random", 1),
            system(manifest, 0.6, 6, "theirs", "svm", "train", "loso", 0),
            system(manifest, 0.6, 7, "theirs", "mlp", "train", "loso", 0),
            system(manifest, 0.6, 8, "theirs", "mlp", "train", "loso", 1),
            system(manifest, 0.5, 9, "other", "svm", "speaker", "loso", 0),
        ],
        ignore_index=True,
    )


def uars(manifest, predictions, key, rows=slice(None)):
    """Each seed's UAR on some rows of the manifest, by scikit-learn."""
    return [recall_score(*pair[:, rows], average="macro") for pair in pairs(manifest, predictions, key)]


def pairs(manifest, predictions, key):
    """Each seed's truths and predictions in the manifest's order, as numbers: scikit-learn scores words slowly."""
    names = ("encoder", "classifier", "normalisation", "protocol")
    own = predictions[(predictions[list(names)] == list(key)).all(axis=1)]
    found = []
    for _, part in own.groupby("seed"):
        words = (manifest["emotion"], part.set_index("id").loc[manifest["id"], "prediction"])
        found.append(np.array([pd.Index(EMOTIONS).get_indexer(column) for column in words]))
    return found


def replicates(manifest, statistic):
    """Any statistic of rows, over resampled speakers written out row by row, and the interval of these."""
    speakers = sorted(manifest["speaker"].unique())
    bootstrap = Bootstrap.of(speakers, PARAMS.intervals)
    found = []
    for weights in bootstrap.weights.astype(int):
        chosen = np.repeat(speakers, weights)
        found.append(statistic(np.concatenate([np.flatnonzero(manifest["speaker"] == name) for name in chosen])))
    return [float(bound) for bound in bootstrap.bounds(np.array(found))]


def row(table, *key):
    names = ["encoder", "classifier", "normalisation", "protocol"]
    (found,) = table[(table[names] == list(key)).all(axis=1)].to_dict("records")
    return found


OURS, THEIRS = ("ours", "mlp", "train", "loso"), ("theirs", "mlp", "train", "loso")


def test_a_score_is_the_mean_over_seeds_of_scikit_learns(manifest, predictions):
    found = row(comparison.table(predictions, manifest, EMOTIONS, PARAMS), *OURS)
    own = predictions[(predictions["encoder"] == "ours") & (predictions["classifier"] == "mlp")]
    parts = [part["prediction"] for _, part in own[own["protocol"] == "loso"].groupby("seed")]
    truth = manifest["emotion"]
    assert found["seeds"] == 2
    assert found["uar"] == pytest.approx(np.mean(uars(manifest, predictions, OURS)))
    assert found["accuracy"] == pytest.approx(np.mean([accuracy_score(truth, part) for part in parts]))
    assert found["macro_f1"] == pytest.approx(np.mean([f1_score(truth, part, average="macro") for part in parts]))


def test_intervals_are_those_of_speakers_resampled_row_by_row(manifest, predictions):
    found = row(comparison.table(predictions, manifest, EMOTIONS, PARAMS), *OURS)
    low, high = replicates(manifest, lambda rows: np.mean(uars(manifest, predictions, OURS, rows)))
    assert (found["uar_low"], found["uar_high"]) == pytest.approx((low, high))
    assert low < found["uar"] < high


@pytest.mark.slow
def test_a_difference_is_that_of_the_same_resampled_speakers(manifest, predictions):
    found = row(comparison.table(predictions, manifest, EMOTIONS, PARAMS), *THEIRS)

    def difference(rows):
        return np.mean(uars(manifest, predictions, THEIRS, rows)) - np.mean(uars(manifest, predictions, OURS, rows))

    low, high = replicates(manifest, difference)
    assert found["difference"] == pytest.approx(difference(slice(None)))
    assert (found["difference_low"], found["difference_high"]) == pytest.approx((low, high))


@pytest.mark.slow
def test_the_drop_is_random_minus_the_other_protocol_of_the_same_system(manifest, predictions):
    table = comparison.table(predictions, manifest, EMOTIONS, PARAMS)
    random = (*OURS[:3], "random")

    def drop(rows):
        return np.mean(uars(manifest, predictions, random, rows)) - np.mean(uars(manifest, predictions, OURS, rows))

    found = row(table, *OURS)
    assert found["drop"] == pytest.approx(drop(slice(None)))
    assert (found["drop_low"], found["drop_high"]) == pytest.approx(tuple(replicates(manifest, drop)))
    assert np.isnan(row(table, *random)["drop"])
    assert np.isnan(row(table, *THEIRS)["drop"])  # nobody ran it at random


def test_the_yardstick_is_one_system_for_all_of_its_protocol(manifest, predictions):
    table = comparison.table(predictions, manifest, EMOTIONS, PARAMS)
    yardstick = row(table, "theirs", "svm", "train", "loso")
    for found in table[table["protocol"] == "loso"].to_dict("records"):
        if found["encoder"] == "theirs" and found["classifier"] == "svm":
            assert np.isnan(found["over_yardstick"])  # it is the yardstick
        else:
            assert found["over_yardstick"] == pytest.approx(found["uar"] - yardstick["uar"])
    assert np.isnan(row(table, *OURS[:3], "random")["over_yardstick"])


def test_a_paired_interval_of_two_like_systems_is_narrower_than_either(manifest):
    one = system(manifest, 0.9, 1, "ours", "svm", "train", "loso", 0)
    other = one.assign(encoder="theirs")
    other.loc[other.index[::9], "prediction"] = "sad"
    found = row(comparison.table(pd.concat([one, other]), manifest, EMOTIONS, PARAMS), "theirs", "svm", "train", "loso")
    assert found["difference_high"] - found["difference_low"] < 0.7 * (found["uar_high"] - found["uar_low"])


def test_random_stands_last_and_then_what_needs_no_voice(manifest, predictions):
    table = comparison.table(predictions, manifest, EMOTIONS, PARAMS)
    assert table["protocol"].fillna("").tolist() == [*["loso"] * 5, "random", "", "", ""]
    floors = table.set_index("encoder").iloc[-3:]
    assert floors.at["chance", "uar"] == pytest.approx(1 / 3)
    assert floors.at["speaker oracle", "uar"] == oracle.oracle(manifest["emotion"], manifest["speaker"])
    assert floors.at["speaker oracle, labels shuffled", "uar"] == oracle.by_chance(
        manifest["emotion"], manifest["speaker"]
    )


def test_where_a_speaker_is_unknown_chance_stands_alone(manifest, predictions):
    known = manifest["speaker"].mask(manifest["speaker"] == manifest["speaker"].iloc[0], "")
    table = comparison.table(predictions, manifest.assign(speaker=known), EMOTIONS, PARAMS)
    assert table["encoder"].tolist()[-1] == "chance"
    assert not table["encoder"].str.startswith("speaker oracle").any()


def test_too_few_speakers_give_figures_without_intervals(manifest, predictions):
    params = dataclasses.replace(PARAMS, intervals=dataclasses.replace(PARAMS.intervals, minimum_speakers=7))
    table = comparison.table(predictions, manifest, EMOTIONS, params)
    few = row(table, *THEIRS)
    many = row(comparison.table(predictions, manifest, EMOTIONS, PARAMS), *THEIRS)
    assert few["uar"] == pytest.approx(many["uar"])
    assert few["difference"] == pytest.approx(many["difference"])
    assert table.filter(regex="_(low|high)$").isna().all(axis=None)


def test_an_encoder_without_weights_has_a_row_that_says_so(manifest, predictions):
    table = comparison.table(predictions, manifest, EMOTIONS, PARAMS)
    encoders = pd.DataFrame({"encoder": ["ours", "big"], "numbers": [4, 0], "note": ["", "weights not available"]})
    whole = comparison.with_absent(table, encoders)
    assert len(whole) == len(table) + 1
    last = whole.iloc[-1]
    assert (last["encoder"], last["note"]) == ("big", "weights not available")
    assert last[["uar", "classifier"]].isna().all()


def test_metrics_are_plain_numbers_by_encoder_classifier_and_normalisation(manifest, predictions, tmp_path):
    table = comparison.table(predictions, manifest, EMOTIONS, PARAMS)
    encoders = pd.DataFrame({"encoder": ["big"], "numbers": [0], "note": ["weights not available"]})
    nested = comparison.nested(comparison.with_absent(table, encoders))
    tables.write_metrics(nested, tmp_path / "metrics.json")  # which refuses NaN and words
    assert set(nested) == {"ours", "theirs", "other", *comparison.FLOORS.values()}
    found = nested["ours"]["mlp"]["train"]
    assert found["uar"] == row(table, *OURS)["uar"]
    assert found["drop_low"] == row(table, *OURS)["drop_low"]
    assert found["seeds"] == 2
    assert found["random"]["uar"] == row(table, *OURS[:3], "random")["uar"]
    assert set(nested["theirs"]["svm"]["train"]) & {"difference", "over_yardstick"} == {"difference"}


def test_the_best_system_is_named_of_those_that_know_no_test_speaker(manifest, predictions):
    table = comparison.table(predictions, manifest, EMOTIONS, PARAMS)
    honest = {key: np.mean(uars(manifest, predictions, key)) for key in (OURS, ("ours", "svm", "train", "loso"))}
    best = max(honest, key=honest.get)
    assert comparison.best(table) == f"{best[0]} + {best[1]}, UAR {honest[best]:.3f}"
    assert comparison.best(table[table["normalisation"] == "speaker"]) == "none with the normalisation train"


def plain(truth, shares):
    """Six speakers of eight utterances, and a system that is right by chance, with another share for each seed."""
    rows = pd.DataFrame(
        {"id": [f"c/{n:03d}" for n in range(48)], "speaker": np.repeat([f"c/{n}" for n in range(6)], 8)}
    )
    rows = rows.assign(emotion=truth)
    parts = []
    for seed, share in enumerate(shares):
        right = np.random.default_rng(seed).random(48) < share
        said = np.where(right, truth, np.where(truth == "sad", "angry", "sad"))
        keys = {"encoder": "ours", "classifier": "lda", "normalisation": "train", "protocol": "loso", "seed": seed}
        parts.append(pd.DataFrame({**keys, "fold": 0, "id": rows["id"], "prediction": said}))
    params = CompareParams("ours", System("ours", "lda", "train"), IntervalParams(500, 0.95, 0, 5))
    said = pd.concat(parts, ignore_index=True)
    (found,) = comparison.table(said, rows, ["angry", "sad"], params).query("encoder == 'ours'").to_dict("records")
    return found, said


def test_a_score_of_three_seeds_is_their_mean():
    truth = np.tile(["angry", "sad"], 24)
    found, said = plain(truth, [0.9, 0.85, 0.2])
    own = [recall_score(truth, part["prediction"], average="macro") for _, part in said.groupby("seed")]
    assert found["uar"] == pytest.approx(np.mean(own))


def test_an_emotion_of_one_speaker_leaves_the_uar_without_an_interval():
    found, _ = plain(np.where(np.arange(48) < 4, "sad", "angry"), [0.8])
    assert np.isnan(found["uar_low"])
    assert np.isnan(found["macro_f1_high"])
    assert found["accuracy_low"] < found["accuracy"] < found["accuracy_high"]
