"""A normaliser and a small network: from vectors to a score for each emotion."""

import itertools

import torch
from torch import Tensor, nn

from ser.learning.recipe import Recipe


class Network(nn.Module):
    """A normaliser and a multilayer perceptron; each hidden layer: linear, batch norm, ReLU, dropout.

    Where the recipe says so it has a start beside it: the scores of a linear discriminant analysis, which are fixed,
    and to which the perceptron adds; at first, nothing. What to add is easier to learn than the whole (K. He et al.,
    "Deep residual learning for image recognition", 2016, arXiv 1512.03385). A linear classifier is a network without
    hidden layers.

    Attributes:
        mean: what is subtracted of a vector, (inputs,).
        scale: by which that is divided, (inputs,).
        layers: the perceptron.
        start: the linear scores, or None.
    """

    def __init__(self, recipe: Recipe, inputs: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self._widths = [inputs, *recipe.params.layers]
        layers = []
        for before, after in itertools.pairwise(self._widths):
            layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU(), nn.Dropout(recipe.params.dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(self._widths[-1], len(recipe.labels)))
        self.start = None
        if recipe.params.starts:
            self.start = nn.Linear(inputs, len(recipe.labels)).requires_grad_(False)
            for parameter in self.layers[-1].parameters():
                nn.init.zeros_(parameter)
        self.double()

    def normalised(self, vectors: Tensor) -> Tensor:
        """Normalise vectors, (utterances, inputs)."""
        return (vectors - self.mean) / self.scale

    def forward(self, vectors: Tensor) -> Tensor:
        """Score emotions.

        Args:
            vectors: float64 (utterances, inputs), by speaker normalised already where the recipe says ``speaker``.

        Returns:
            Logits (utterances, labels).
        """
        return self.output(self.last_hidden(vectors))

    def last_hidden(self, vectors: Tensor) -> Tensor:
        """Give what the logits are made of: the last hidden layer and, after it, the scores of the start.

        Args:
            vectors: as for ``forward``.

        Returns:
            (utterances, units), or (utterances, units + labels) with a start; without hidden layers, the vectors
            normalised.
        """
        normalised = self.normalised(vectors)
        hidden = self.layers[:-1](normalised)
        return hidden if self.start is None else torch.cat([hidden, self.start(normalised)], dim=1)

    def output(self, hidden: Tensor) -> Tensor:
        """Give the logits, (utterances, labels), of what ``last_hidden`` gave."""
        if self.start is None:
            return self.layers[-1](hidden)
        units = self._widths[-1]
        return self.layers[-1](hidden[:, :units]) + hidden[:, units:]
