from ser import naming
from ser.ambiguity import doubt, references
from ser.people import ATTRIBUTES


def test_every_attribute_score_and_reference_has_words():
    assert set(naming.ATTRIBUTES) == set(ATTRIBUTES)
    assert set(naming.SCORES) == {*doubt.OWN_SCORES, *doubt.SCORES}
    assert set(naming.REFERENCES) == set(references.REFERENCES)
    assert {*references.AGREEMENT, "model"} == set(naming.JUDGES)


def test_no_two_keys_have_the_same_words():
    for words in (naming.ATTRIBUTES, naming.SCORES, naming.REFERENCES, naming.EVIDENCE, naming.JUDGES):
        assert len(set(words.values())) == len(words)


def test_keys_are_made_words():
    assert naming.plain("60_and_over") == "60 and over"
