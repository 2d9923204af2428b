import pytest

from ser.files.failures import InputError
from ser.splits import names


@pytest.mark.parametrize(
    ("protocols", "expected"), [(["random", "loso"], "loso"), (["kfold", "kfold"], "kfold"), (["random"], "random")]
)
def test_the_chosen_protocol_is_the_one_beside_random(protocols, expected):
    assert names.chosen(protocols) == expected


def test_two_protocols_beside_random_are_refused():
    with pytest.raises(InputError, match="expected one protocol beside 'random', found kfold, loso"):
        names.chosen(["kfold", "loso", "random"])


def test_random_is_named_with_a_warning():
    assert names.with_warning("random") == "random (test speakers are in training as well)"
    assert names.with_warning("kfold") == "kfold"
