"""What makes a vector, as a person chooses it."""

from dataclasses import dataclass, field

OUTPUT = "output"


@dataclass(frozen=True)
class Recipe:
    """The choices that decide a vector; ``ser.encoders.catalogue.check`` tells whether there is such a one.

    Which weights and which device go beside it: a file or a machine is no choice of numbers. A choice that has no
    effect on an encoder (``Encoder.choices``) is not in the fingerprint of its vectors.

    Attributes:
        encoder: one of ``ser.encoders.catalogue.ENCODERS``.
        statistics: how to pool frames over time, names out of ``ser.encoders.pooling.STATISTICS``.
        layers: whose frames to pool, out of the encoder's.
        frames: which frames to pool, one of ``ser.encoders.pooling.FRAMES``: ``all``, or the ``active`` ones, joined as
            if nothing had been between them.
        seed: of the random weights, where the encoder is an untrained one.
        level: to which a signal's active frames are brought before anything else, their mean square in dB re full
            scale (a sine of full scale has -3); None: as recorded.
    """

    encoder: str
    statistics: list[str] = field(default_factory=lambda: ["mean", "std"])
    layers: list[str] = field(default_factory=lambda: [OUTPUT])
    frames: str = "all"
    seed: int = 0
    level: float | None = None
