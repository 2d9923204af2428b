import pytest

from ser.corpora import votes
from ser.files.failures import InputError

PER_CENT = ['{"angry": 75, "sad": 25}', '{"sad": 100}', ""]
PLACES = ["index.csv, row 1", "index.csv, row 2", "index.csv, row 3"]


def test_votes_of_a_hundred_in_every_row_are_taken_for_per_cent_and_refused():
    with pytest.raises(
        InputError, match="row 1: votes: expected numbers of raters, found 100 in every row; if they are"
    ):
        votes.read(PER_CENT, ["", "", ""], PLACES, {})
    told, found = votes.read(PER_CENT, ["100", "100", ""], PLACES, {})
    assert (told, found) == ([{"angry": 75, "sad": 25}, {"sad": 100}, {}], 0)
    other = ['{"angry": 75, "sad": 25}', '{"sad": 90}', ""]
    assert votes.read(other, ["", "", ""], PLACES, {})[0][1] == {"sad": 90}
