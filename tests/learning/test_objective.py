import math

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from ser.files.failures import InputError
from ser.learning import objective
from ser.learning.objective import Adversary, Hard, Objective, Reversal, Weighted, WorstGroup
from ser.learning.recipe import AdversaryParams, RobustParams

ALL = slice(None)


@pytest.fixture
def random():
    return torch.Generator().manual_seed(0)


class TestHard:
    def test_is_the_class_weighted_mean_of_the_formula(self):
        logits = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 3.0]])
        loss = Hard(torch.tensor([0, 1, 0]), torch.tensor([1.0, 4.0]))(logits, ALL)
        each = math.log(1 + math.exp(-1)), math.log(2), math.log(1 + math.exp(3))
        assert loss.item() == pytest.approx((each[0] + 4 * each[1] + each[2]) / 6, rel=1e-6)

    def test_takes_the_utterances_of_the_batch(self, random):
        logits, truth = torch.randn(4, 3, generator=random), torch.tensor([0, 1, 2, 0])
        batch = torch.tensor([3, 1])
        assert Hard(truth, None)(logits[batch], batch) == cross_entropy(logits[batch], torch.tensor([0, 1]))


class TestWeighted:
    def test_is_the_weighted_mean_of_the_formula(self):
        logits = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
        targets = torch.tensor([[0.7, 0.3], [0.2, 0.8]])
        first = -0.7 * math.log(1 / (1 + math.exp(-1))) - 0.3 * math.log(1 / (1 + math.e))
        loss = Weighted(targets, torch.tensor([1.0, 3.0]))(logits, ALL)
        assert loss.item() == pytest.approx((first + 3 * math.log(2)) / 4, rel=1e-6)

    def test_is_least_where_the_probabilities_are_the_target(self):
        target = torch.tensor([[0.7, 0.2, 0.1]])
        logits = target.log().requires_grad_()
        Weighted(target, torch.ones(1))(logits, ALL).backward()
        torch.testing.assert_close(logits.grad, torch.zeros(1, 3), atol=1e-6, rtol=0)

    def test_with_all_weight_on_the_label_is_the_hard_loss(self, random):
        logits, truth, weights = torch.randn(9, 3, generator=random), torch.arange(9) % 3, torch.tensor([1.0, 2.0, 0.5])
        soft = Weighted(torch.eye(3)[truth], weights[truth])
        torch.testing.assert_close(soft(logits, ALL), Hard(truth, weights)(logits, ALL))


class TestWorstGroup:
    # Logits (0, 0) lose ln 2 whatever the label; (x, 0) loses ln(1 + e^-x) for the first label.
    def test_moves_weight_to_the_worse_group_as_worked_by_hand(self):
        targets, groups = torch.tensor([[1.0, 0.0]] * 4), torch.tensor([0, 0, 1, 1])
        loss = WorstGroup(targets, torch.ones(4), groups, step=0.5)
        bad, good = math.log(2), math.log(1 + math.exp(-2))

        logits = torch.tensor([[0.0, 0.0], [0.0, 0.0], [2.0, 0.0], [2.0, 0.0]])
        first = loss(logits, torch.arange(4))
        q = np.array([0.5 * math.exp(0.5 * bad), 0.5 * math.exp(0.5 * good)])
        q /= q.sum()
        np.testing.assert_allclose(loss.group_weights, q, rtol=1e-6)
        assert first.item() == pytest.approx(q @ [bad, good], rel=1e-6)

        # The second step has one of the first group, who is good now, and one of the second, who is bad.
        second = loss(torch.tensor([[2.0, 0.0], [0.0, 0.0]]), torch.tensor([1, 2]))
        q *= np.exp([0.5 * good, 0.5 * bad])
        q /= q.sum()
        np.testing.assert_allclose(loss.group_weights, q, rtol=1e-6)
        assert second.item() == pytest.approx(q @ [good, bad], rel=1e-6)

    def test_weighs_utterances_within_their_group(self):
        loss = WorstGroup(torch.tensor([[1.0, 0.0]] * 3), torch.tensor([1.0, 3.0, 5.0]), torch.tensor([0, 0, 1]), 1e-9)
        logits = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 0.0]])
        first = (math.log(2) + 3 * math.log(1 + math.exp(-2))) / 4
        assert loss(logits, torch.arange(3)).item() == pytest.approx((first + math.log(2)) / 2, rel=1e-6)

    def test_a_group_that_is_not_in_the_batch_adds_nothing(self):
        loss = WorstGroup(torch.tensor([[1.0, 0.0]] * 2), torch.ones(2), torch.tensor([0, 1]), step=0.5)
        value = loss(torch.zeros(1, 2), torch.tensor([1]))
        q = math.exp(0.5 * math.log(2)) / (1 + math.exp(0.5 * math.log(2)))
        np.testing.assert_allclose(loss.group_weights, [1 - q, q], rtol=1e-6)
        assert value.item() == pytest.approx(q * math.log(2), rel=1e-6)

    def test_passes_no_gradient_through_the_weights(self):
        logits = torch.tensor([[0.0, 0.0], [2.0, 0.0]], dtype=torch.float64, requires_grad=True)
        loss = WorstGroup(torch.tensor([[1.0, 0.0]] * 2), torch.ones(2), torch.tensor([0, 1]), step=5.0)
        loss(logits, torch.arange(2)).backward()
        shares = torch.tensor([[0.5, 0.5], [1 / (1 + math.exp(-2)), 1 / (1 + math.exp(2))]])
        expected = loss.group_weights[:, None] * (shares - torch.tensor([[1.0, 0.0]]))
        torch.testing.assert_close(logits.grad, expected, rtol=1e-6, atol=1e-7)


class TestAdversary:
    @pytest.fixture
    def hidden(self, random):
        return torch.randn(6, 4, generator=random)

    @pytest.fixture
    def adversary(self):
        with torch.random.fork_rng():
            torch.manual_seed(3)
            return Adversary(4, torch.tensor([0, 1, 2, -1, 1, 0]), strength=0.3)

    def plain(self, adversary, hidden, rows):
        """The same guess without reversal, over the rows of known group."""
        return cross_entropy(adversary.guess(hidden[rows]), adversary.groups[rows])

    def test_reverses_and_scales_the_gradient_of_what_it_reads(self, adversary, hidden):
        one, other = hidden.clone().requires_grad_(), hidden.clone().requires_grad_()
        loss, plain = adversary(one, torch.arange(6)), self.plain(adversary, other, [0, 1, 2, 4, 5])
        assert loss.item() == pytest.approx(plain.item())
        (found,), (expected,) = torch.autograd.grad(loss, one), torch.autograd.grad(plain, other)
        assert expected.abs().max() > 0.01
        torch.testing.assert_close(found, -0.3 * expected)

    def test_learns_with_the_gradient_as_it_is(self, adversary, hidden):
        parameters = list(adversary.parameters())
        found = torch.autograd.grad(adversary(hidden, torch.arange(6)), parameters)
        expected = torch.autograd.grad(self.plain(adversary, hidden, [0, 1, 2, 4, 5]), parameters)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other)

    def test_leaves_out_those_whose_group_is_unknown(self, adversary, hidden):
        hidden = hidden.requires_grad_()
        adversary(hidden, torch.arange(6)).backward()
        assert (hidden.grad[3] == 0).all()
        assert adversary(hidden[[3]], torch.tensor([3])).item() == 0

    def test_is_added_to_the_loss_on_the_emotions(self, adversary, hidden, random):
        emotions, logits = Hard(torch.arange(6) % 2, None), torch.randn(6, 2, generator=random)
        batch = torch.tensor([5, 0, 2])
        expected = emotions(logits[batch], batch) + adversary(hidden[batch], batch)
        assert Objective(emotions, adversary)(hidden[batch], logits[batch], batch) == expected
        assert Objective(emotions)(hidden[batch], logits[batch], batch) == emotions(logits[batch], batch)

    def test_reversal_passes_values_on_and_survives_a_check_of_its_gradient(self):
        hidden = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
        assert torch.equal(Reversal.apply(hidden, 0.7), hidden)
        (found,) = torch.autograd.grad((Reversal.apply(hidden, 0.7) ** 3).sum(), hidden)
        torch.testing.assert_close(found, -0.7 * 3 * hidden**2)


class TestCellWeights:
    TRUTH = ("angry",) * 4 + ("sad",) * 4
    GROUPS = ("female", "female", "female", "male", "female", "male", "male", "male")

    def test_make_every_cell_count_the_same(self):
        weights = objective.cell_weights(self.TRUTH, self.GROUPS)
        np.testing.assert_allclose(weights, [2 / 3, 2 / 3, 2 / 3, 2, 2, 2 / 3, 2 / 3, 2 / 3])
        assert weights.mean() == pytest.approx(1)

    def test_let_the_others_share_the_weight_of_an_emotion_that_a_group_lacks(self):
        weights = objective.cell_weights([*self.TRUTH, "bored"], [*self.GROUPS, "male"])
        np.testing.assert_allclose(weights, np.array([0.5, 0.5, 0.5, 1.5, 1.5, 0.5, 0.5, 0.5, 3]))

    def test_empty_cells_are_named(self):
        assert objective.empty_cells(self.TRUTH, self.GROUPS) == []
        assert objective.empty_cells([*self.TRUTH, "bored"], [*self.GROUPS, "male"]) == ["female bored"]


class TestGroupCodes:
    def test_number_groups_in_the_order_of_the_alphabet(self):
        codes = objective.group_codes(["male", "female", "male"], "x", may_be_unknown=False)
        assert codes.tolist() == [1, 0, 1]
        assert codes.dtype == np.int64

    def test_mark_the_unknown_where_they_may_be(self):
        assert objective.group_codes(["b", "", "a"], "x", may_be_unknown=True).tolist() == [1, -1, 0]

    def test_refuse_some_unknown_where_they_may_not_be(self):
        with pytest.raises(InputError, match=r"^x: expected it for every training utterance, .* unknown for 1 of 3;"):
            objective.group_codes(["b", "", "a"], "x", may_be_unknown=False)

    @pytest.mark.parametrize(
        ("groups", "found"), [(["", ""], "it unknown for everyone"), (["female", ""], "only female")]
    )
    @pytest.mark.parametrize("may_be_unknown", [True, False])
    def test_refuse_fewer_than_two_groups(self, groups, found, may_be_unknown):
        with pytest.raises(InputError, match=f"^x: expected at least two groups in training, found {found}; choose"):
            objective.group_codes(groups, "x", may_be_unknown)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [(AdversaryParams, {"strength": 0.0}, "strength"), (RobustParams, {"step": -0.1}, "step")],
)
def test_params_out_of_range_are_refused(kind, changes, message):
    with pytest.raises(ValueError, match=f"^{message}: expected a number above 0"):
        kind(**changes)
