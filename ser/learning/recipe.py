"""All that makes a classifier, but the data: the block ``train`` of params.yaml, labels, features, fold."""

import math
from dataclasses import dataclass, field
from typing import Literal

from ser.files.failures import InputError
from ser.files.params import COSTS, SEEDS, check_ranges

NETWORK = "mlp"

# Columns of the manifest that name groups; ``none`` switches off what would use them.
Attribute = Literal["none", "gender", "speaker", "corpus", "language"]


@dataclass(frozen=True)
class AdversaryParams:
    """The block ``train.adversary``.

    Attributes:
        attribute: what the last hidden layer shall not show.
        strength: what the reversed gradient is multiplied by: the paper's lambda, here held constant.
    """

    attribute: Attribute = "none"
    strength: float = 0.3

    def __post_init__(self):
        if self.strength <= 0:
            raise ValueError(f"strength: expected a number above 0, found {self.strength}; attribute none switches off")


@dataclass(frozen=True)
class RobustParams:
    """The block ``train.robust``.

    Attributes:
        attribute: whose groups are compared.
        step: how fast weight moves to the group with the higher loss: the paper's eta.
    """

    attribute: Attribute = "none"
    step: float = 0.01

    def __post_init__(self):
        if self.step <= 0:
            raise ValueError(f"step: expected a number above 0, found {self.step}; attribute none switches off")


@dataclass(frozen=True)
class TrainParams:
    """The block ``train`` of params.yaml.

    ``lda`` and ``svm`` (``ser.learning.linear``) read ``normalisation``, ``class_weights`` and, the latter, ``cost``.
    What says how a network is built and descends is not read then; what only a network can learn is refused.

    Attributes:
        hidden: units of each hidden layer.
        dropout: share of hidden units silenced in training.
        learning_rate: of AdamW.
        weight_decay: of AdamW.
        batch_size: utterances a step; batches are cut equal, so they may be a little larger.
        epochs: at most.
        patience: epochs without a lower validation loss before training ends.
        normalisation: ``train``: mean and standard deviation of the training utterances; ``speaker``: each speaker's
            own, which uses the test speaker's audio, though no label; ``none``.
        class_weights: whether rare emotions weigh more in the loss, so that each counts the same in sum; ``lda`` takes
            all for equally likely.
        seed: of the initial weights, the order of utterances and dropout.
        labels: the targets: ``hard``, the label; ``soft``, the shares of the votes; ``smoothed``, the label with
            some weight for every emotion.
        smoothing: that weight, with ``smoothed``.
        group_weights: the attribute whose cells with the emotions count the same.
        adversary: what shall not show in the last hidden layer.
        robust: the attribute whose worst group counts.
        classifier: ``mlp``, the network; ``lda``, shrunk linear discriminant analysis; ``svm``, a linear support vector
            machine.
        cost: C of ``svm``.
        networks: the mean of how many counts; each is stopped by other speakers (``ser.learning.choices``).
        start: ``lda``: a network adds to the scores of a shrunk linear discriminant analysis of its training part,
            multiplied so that they fit its validation part, and begins with them; ``none``: it stands alone, as it also
            does with an adversary, for the scores would show what the last hidden layer shall not.
        calibration: ``temperature``: the probabilities are sharpened or softened by one number, so that they fit
            speakers whom the networks were not trained on; ``none``: they are taken as they come.
        abstain_below: the confidence, 0 to 1, below which the answer is that nobody can say; 0: there is always one.
    """

    hidden: list[int]
    dropout: float
    learning_rate: float
    weight_decay: float
    batch_size: int
    epochs: int
    patience: int
    normalisation: Literal["train", "speaker", "none"]
    class_weights: bool
    seed: int
    labels: Literal["hard", "soft", "smoothed"] = "hard"
    smoothing: float = 0.1
    group_weights: Attribute = "none"
    adversary: AdversaryParams = field(default_factory=AdversaryParams)
    robust: RobustParams = field(default_factory=RobustParams)
    classifier: Literal["mlp", "lda", "svm"] = "mlp"
    cost: float = 0.01
    networks: int = 1
    start: Literal["lda", "none"] = "none"
    calibration: Literal["temperature", "none"] = "none"
    abstain_below: float = 0.0

    @property
    def starts(self) -> bool:
        """Whether networks add to scores of discriminant analysis."""
        return self.classifier == NETWORK and self.start == "lda" and self.adversary.attribute == "none"

    def check_lending(self) -> None:
        """Refuse other corpora in training where nothing takes them.

        Raises:
            InputError: the networks do not start from discriminant analysis.
        """
        if self.classifier == NETWORK and not self.starts:
            raise InputError(
                "auxiliary.corpora: expected networks that start from discriminant analysis, to which they are lent; "
                "choose train.start lda without an adversary, or train.classifier lda or svm"
            )

    @property
    def layers(self) -> list[int]:
        """Units of each hidden layer that the chosen classifier has: a linear one is a network without."""
        return self.hidden if self.classifier == NETWORK else []

    def __post_init__(self):
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden: expected at least one layer of 1 or more units, found {self.hidden}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: expected 0 or more and below 1, found {self.dropout}")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate: expected a number above 0, found {self.learning_rate}")
        check_ranges(
            self,
            batch_size=(2, math.inf),  # for batch norm
            weight_decay=(0, math.inf),
            epochs=(1, math.inf),
            patience=(1, math.inf),
            seed=SEEDS,
            cost=COSTS,
            networks=(1, 100),
            abstain_below=(0, 1),
        )
        if not 0 < self.smoothing < 1:
            raise ValueError(f"smoothing: expected a share between 0 and 1, such as 0.1, found {self.smoothing}")
        if self.group_weights != "none" and not self.class_weights:
            raise ValueError(
                f"group_weights: expected none without class_weights, found {self.group_weights}; cells that count the "
                "same make emotions count the same"
            )
        if self.group_weights != "none" and self.robust.attribute != "none":
            raise ValueError(
                f"group_weights: expected none beside robust, found {self.group_weights}; both weigh groups, choose one"
            )
        if self.classifier != NETWORK:
            attributes = {"adversary": self.adversary.attribute, "robust": self.robust.attribute}
            asked = {"labels": self.labels, "group_weights": self.group_weights} | attributes
            for key, found in asked.items():
                if found not in ("hard", "none"):
                    raise ValueError(
                        f"classifier: expected mlp with {key} {found}, found {self.classifier}; only the network can "
                        f"learn that, so choose mlp, or {key} {'hard' if key == 'labels' else 'none'}"
                    )


@dataclass(frozen=True)
class Recipe:
    """All that makes a classifier, but the data.

    Attributes:
        labels: the emotions, in the order of the probabilities.
        params: how it is trained.
        extractor: the fingerprint of what made the vectors.
        protocol: of the split.
        fold: of the protocol.
        split: the digest of the whole split (``ser.splits.table.digest``); empty where there is none to tell apart.
    """

    labels: list[str]
    params: TrainParams
    extractor: str
    protocol: str
    fold: int
    split: str = ""
