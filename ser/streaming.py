"""A signal that comes piece by piece: what a window shares with the one before is not encoded again.

What costs is kept between two answers: the last block's frames, and what reaches the output past the QRNN. Each window
has the vector that it has alone. So its first frames are made anew, its beginning reflected, and the QRNN's memory is
begun anew: carried on from what was said before, it would be another one than in training (docs/experiments.md).
"""

import numpy as np
import torch

from ser.encoders import pooling
from ser.encoders.extractor import Extractor
from ser.encoders.pase_plus import PaseEncoder
from ser.encoders.recipe import OUTPUT

EDGE = 8  # frames: the convolutions reach 1,185 samples to each side of a frame


def possible(extractor: Extractor) -> bool:
    """Tell whether an extractor's windows can be made of frames that are kept: the output of PASE+.

    Where signals are brought to one level, each window has a gain of its own, and its frames are no other's.
    """
    encoder = extractor.encoder
    if extractor.recipe.level is not None:
        return False
    recurrent = isinstance(encoder, PaseEncoder) and encoder.frozen.rnn is not None
    return recurrent and encoder.layers == [OUTPUT]


class Stream:
    """The vectors of windows of one stream, each of which reaches further than the one before.

    The frames that are kept are those of the whole stream up to the last window's end. An answer waits for nothing: its
    last eight frames, 80 ms, see the end reflected, and are made anew when more has come. Its first eight see the
    window's beginning reflected; they serve this answer alone.

    Args:
        extractor: one of whom ``possible`` is true.
    """

    def __init__(self, extractor: Extractor) -> None:
        self.extractor = extractor
        self._first = self._end = 0  # of the frames that are kept, in the stream
        self._begun = 0  # the frame at whose beginning what is kept was reflected
        self._below = self._past = None  # (1, channels, frames): the last block's; the output less the QRNN's part

    def vector(self, signal: np.ndarray, start: int) -> np.ndarray:
        """Measure a window.

        Args:
            signal: float32 (samples,), the window, mono at 16 kHz; the part of a hop at its end is left out.
            start: where it begins in the stream, in samples, a multiple of the hop; not before the window that was
                measured last.

        Returns:
            float32 (numbers,), those of ``Extractor.vector`` but for rounding.

        Raises:
            InputError: as ``Extractor.vector``, of a window of a few frames; longer ones are not checked.
        """
        hop = self.extractor.encoder.hop
        first, count = start // hop, signal.size // hop
        assert start == first * hop, "windows begin at a hop"
        assert first >= self._first, "windows follow one another"
        if count <= 2 * EDGE:
            return self.extractor.vector(signal)
        signal = signal[: count * hop]
        with torch.inference_mode():
            self._bring_up(signal, first, count)
            frames = self._output(signal)
        if self.extractor.recipe.frames == "active":
            frames = frames[:, pooling.active(signal, count)]
        return pooling.pool(frames, self.extractor.recipe.statistics)

    def _bring_up(self, signal: np.ndarray, first: int, count: int) -> None:
        """Encode what is new of a window, and drop what is before it."""
        hop = self.extractor.encoder.hop
        certain = self._end - EDGE  # frames before this one saw what comes after them
        known = max(0, certain - first)
        if known <= EDGE:  # too little to join the new frames to
            known, self._begun = 0, first
        context = EDGE if known else 0
        below, past = self._encode(signal[(known - context) * hop :])
        if known:
            kept = slice(first - self._first, certain - self._first)
            below = torch.cat([self._below[..., kept], below[..., context:]], dim=2)
            past = torch.cat([self._past[..., kept], past[..., context:]], dim=2)
        self._below, self._past, self._first, self._end = below, past, first, first + count

    def _encode(self, signal: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        encoder = self.extractor.encoder
        below, past, _ = encoder.frozen.convolve(torch.from_numpy(signal).to(encoder.place)[None, None])
        return below, past

    def _output(self, signal: np.ndarray) -> np.ndarray:
        """Run the QRNN over a window, and give the output's frames, float32 (channels, frames)."""
        encoder, below, past = self.extractor.encoder, self._below, self._past
        if self._first > self._begun:
            # Twice the edge: the end of this piece, reflected too, does not reach the frames that are taken.
            begin = self._encode(signal[: 2 * EDGE * encoder.hop])
            below, past = (
                torch.cat([new[..., :EDGE], kept[..., EDGE:]], dim=2)
                for new, kept in zip(begin, (below, past), strict=True)
            )
        qrnn, _ = encoder.frozen.rnn(below)
        return encoder.frozen.output(qrnn, past)[0].cpu().numpy()
