import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import cross_entropy

from ser.files.failures import InputError
from ser.learning import soft_labels

LABELS = ["sad", "angry", "happy"]  # not in the order of the alphabet


def rows(*votes, corpus="c", emotion="sad"):
    return pd.DataFrame(
        {"id": [f"{corpus}/{n}" for n in range(len(votes))], "corpus": corpus, "emotion": emotion, "votes": votes}
    )


def test_one_hot_puts_all_weight_on_the_label():
    np.testing.assert_array_equal(soft_labels.one_hot(["happy", "sad"], LABELS), [[0, 0, 1], [1, 0, 0]])


def test_smoothed_spreads_a_share_over_all_labels():
    found = soft_labels.smoothed(["happy", "sad"], LABELS, 0.3)
    np.testing.assert_allclose(found, [[0.1, 0.1, 0.8], [0.8, 0.1, 0.1]])


def test_smoothed_is_the_label_smoothing_of_torch():
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    truth = np.array(LABELS, dtype=object)[[0, 2, 1, 1, 0]]
    ours = cross_entropy(logits, torch.from_numpy(soft_labels.smoothed(truth, LABELS, 0.2)))
    assert ours.item() == pytest.approx(
        cross_entropy(logits, torch.tensor([0, 2, 1, 1, 0]), label_smoothing=0.2).item()
    )


def test_votes_become_shares_of_the_label_set():
    found = soft_labels.from_votes(rows('{"angry": 3, "sad": 1}', '{"happy": 2, "other": 6}'), LABELS)
    np.testing.assert_allclose(found, [[0.25, 0.75, 0], [0, 0, 1]])


def test_an_utterance_without_a_vote_for_a_label_is_refused_by_its_corpus():
    table = pd.concat([rows('{"sad": 3}', corpus="b"), rows("", '{"other": 2}', '{"angry": 1}', corpus="a")])
    with pytest.raises(InputError, match=r"found none with 2 of 'a', such as 'a/0'; choose train\.labels smoothed"):
        soft_labels.from_votes(table, LABELS)


def test_corpora_whose_votes_say_no_more_than_the_label_are_named():
    table = pd.concat(
        [
            rows('{"sad": 9, "other": 1}', '{"sad": 5}', corpus="recognised"),
            rows('{"sad": 9, "angry": 1}', '{"sad": 5}', corpus="heard"),
            rows("", corpus="silent"),
        ]
    )
    assert soft_labels.same_as_hard(table, LABELS) == ["recognised", "silent"]
