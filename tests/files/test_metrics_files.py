import json
import math

import numpy as np
import pytest

from ser.files import tables


def test_the_bytes_are_sorted_rounded_and_end_with_a_newline(tmp_path):
    tables.write_metrics({"uar": 2 / 3, "counts": {"test": 7, "random": 1}}, tmp_path / "metrics.json")
    assert (tmp_path / "metrics.json").read_text() == (
        '{\n  "counts": {\n    "random": 1,\n    "test": 7\n  },\n  "uar": 0.666667\n}\n'
    )


def test_the_order_of_the_keys_does_not_change_the_bytes(tmp_path):
    tables.write_metrics({"a": 1, "b": 2.5}, tmp_path / "one.json")
    tables.write_metrics({"b": 2.5, "a": 1}, tmp_path / "other.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "other.json").read_bytes()


def test_numpy_scalars_are_plain_numbers(tmp_path):
    tables.write_metrics({"whole": np.int64(3), "part": np.float32(0.25)}, tmp_path / "metrics.json")
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"whole": 3, "part": 0.25}


def test_zero_has_no_sign(tmp_path):
    tables.write_metrics({"gap": -0.0000001}, tmp_path / "metrics.json")
    assert (tmp_path / "metrics.json").read_text() == '{\n  "gap": 0.0\n}\n'


@pytest.mark.parametrize("leaf", [math.nan, math.inf, np.float32("nan"), True, np.bool_(False), "0.5", None, [1]])
def test_a_leaf_that_is_no_finite_number_is_refused_by_its_place_and_the_old_file_stays(tmp_path, leaf):
    (tmp_path / "metrics.json").write_text("old")
    with pytest.raises(ValueError, match=r"expected a finite number at pooled\.uar"):
        tables.write_metrics({"pooled": {"uar": leaf}}, tmp_path / "metrics.json")
    assert (tmp_path / "metrics.json").read_text() == "old"
