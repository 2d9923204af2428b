import numpy as np
import pytest

from ser.corpora import lengths


def rows(corpus, *seconds):
    return [{"corpus": corpus, "seconds": one} for one in seconds]


def test_a_corpus_whose_recordings_are_all_cut_to_one_length_is_said():
    found = rows("mine", *[2.0] * 27, 1.5, 1.7, 1.9) + rows("yours", *np.arange(1, 4, 0.1))
    assert lengths.remarks(found) == [
        "mine: 27 of 30 recordings last exactly 2 s: if these are copies that were cut or padded, what was cut off is "
        "not heard; take the originals, if there are any"
    ]


def test_of_a_corpus_whose_originals_differ_in_length_that_is_said():
    (remark,) = lengths.remarks(rows("emodb", *[2.0] * 20))
    assert remark.startswith(
        "emodb: 20 of 20 recordings last exactly 2 s, while they differ in length as distributed: "
    )


@pytest.mark.parametrize(
    "seconds",
    [
        [2.0] * 19,  # too few
        [2.0] * 26 + [1.5] * 4,  # too small a share
        [2 + sample / 16_000 for sample in range(30)],  # equal when rounded only
    ],
)
def test_lengths_that_may_be_equal_by_chance_are_not_said(seconds):
    assert lengths.remarks(rows("mine", *seconds)) == []
