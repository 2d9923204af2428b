import pandas as pd
import pytest

from ser.benchmarks import tasks, vectors
from ser.files import tables
from ser.files.failures import InputError

PREDICTION = {
    "encoder": "mfcc",
    "classifier": "svm",
    "normalisation": "train",
    "protocol": "kfold",
    "seed": 0,
    "fold": 1,
    "id": "c/1",
    "prediction": "sad",
}
ENCODER = {"encoder": "mfcc", "numbers": 120, "note": ""}


@pytest.mark.parametrize(("read", "row"), [(tasks.read, PREDICTION), (vectors.read_encoders, ENCODER)])
def test_what_was_written_is_read_and_a_second_row_of_the_same_is_refused(tmp_path, read, row):
    tables.write(pd.DataFrame([row]), tmp_path / "table.csv")
    assert read(tmp_path / "table.csv").to_dict("records") == [row]
    tables.write(pd.DataFrame([row, row]), tmp_path / "table.csv")
    with pytest.raises(
        InputError, match=r"expected no two rows alike, found 'mfcc.* in row 2 and row 3; run the stage"
    ):
        read(tmp_path / "table.csv")


@pytest.mark.parametrize("name", ["../features", "/tmp", "..", "a/b", ""])
def test_an_encoder_whose_name_leads_out_of_its_folder_is_refused(tmp_path, name):
    tables.write(pd.DataFrame([ENCODER | {"encoder": name}]), tmp_path / "encoders.csv")
    with pytest.raises(InputError, match="column encoder, row 2: expected the name of a folder, found"):
        vectors.read_encoders(tmp_path / "encoders.csv")


def test_a_seed_that_is_no_number_is_refused(tmp_path):
    tables.write(pd.DataFrame([PREDICTION | {"seed": "first"}]), tmp_path / "predictions.csv")
    with pytest.raises(InputError, match=r"column seed, row 2 .*: expected a whole number of 0 or more, found 'first'"):
        tasks.read(tmp_path / "predictions.csv")
