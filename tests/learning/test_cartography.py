import numpy as np
import pandas as pd
import pytest

from ser.files import tables
from ser.files.failures import InputError
from ser.learning import cartography
from ser.learning.cartography import Recorder

LABELS = ["sad", "angry", "happy"]


def training(truth, epochs, seed):
    """Probabilities after each epoch, (epochs, utterances, labels), and a recorder that has seen them."""
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(3), size=(epochs, len(truth)))
    recorder = Recorder(truth, LABELS)
    for epoch in probabilities:
        recorder.record(epoch)
    return probabilities, recorder


def test_pools_epochs_and_folds_as_numpy_does():
    truth = {"c/a": "happy", "c/b": "sad", "c/c": "angry"}
    first, one = training(["happy", "sad"], epochs=5, seed=0)
    second, other = training(["angry", "happy"], epochs=3, seed=1)
    table = cartography.combine([one.of_fold(["c/a", "c/b"]), other.of_fold(["c/c", "c/a"])])
    assert tuple(table.columns) == cartography.COLUMNS
    assert table["id"].tolist() == ["c/a", "c/b", "c/c"]
    seen = {"c/a": np.concatenate([first[:, 0], second[:, 1]]), "c/b": first[:, 1], "c/c": second[:, 0]}
    for row in table.itertuples():
        label = LABELS.index(truth[row.id])
        assert row.epochs == len(seen[row.id])
        assert row.confidence == pytest.approx(seen[row.id][:, label].mean())
        assert row.variability == pytest.approx(seen[row.id][:, label].std())
        assert row.correctness == pytest.approx((seen[row.id].argmax(axis=1) == label).mean())
    assert table["folds"].tolist() == [2, 1, 1]


def test_a_probability_that_never_changes_has_no_variability():
    recorder = Recorder(["sad"], LABELS)
    for _ in range(7):
        recorder.record(np.array([[0.1, 0.6, 0.3]]))
    (row,) = cartography.combine([recorder.of_fold(["c/a"])] * 3).itertuples()
    assert (row.folds, row.epochs, row.correctness) == (3, 21, 0)
    assert row.confidence == pytest.approx(0.1)
    assert row.variability == pytest.approx(0, abs=1e-12)


def test_the_order_of_utterances_does_not_matter():
    _, one = training(["happy", "sad"], epochs=4, seed=0)
    fold = one.of_fold(["c/b", "c/a"])
    pd.testing.assert_frame_equal(cartography.combine([fold]), cartography.combine([fold.iloc[::-1]]))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("id", "", r"column id, row 2: expected some text, found an empty cell"),
        ("epochs", 0, r"column epochs, row 2 \(id a\): expected a whole number of 1 or more, found 0"),
        ("confidence", "high", r"column confidence, row 2 \(id a\): expected a number from 0 to 1, found 'high'"),
        ("confidence", 1.5, r"column confidence, row 2 \(id a\): expected a number from 0 to 1, found 1.5"),
        ("variability", -0.1, r"column variability, row 2 \(id a\): expected a number from 0 to 1, found -0.1"),
    ],
)
def test_a_file_that_training_never_writes_is_refused(tmp_path, column, value, message):
    row = {"id": "a", "folds": 1, "epochs": 2, "confidence": 0.5, "variability": 0.1, "correctness": 1.0}
    tables.write(pd.DataFrame([row]), tmp_path / "dynamics.csv")
    assert cartography.read(tmp_path / "dynamics.csv").to_dict("records") == [row]
    tables.write(pd.DataFrame([row | {column: value}]), tmp_path / "dynamics.csv")
    with pytest.raises(InputError, match=f"{message}; run the stage train again"):
        cartography.read(tmp_path / "dynamics.csv")
