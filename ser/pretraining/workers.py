"""The workers: small networks on the encoder's frames, each with a self-supervised task that pays no label.

Source: PASE+ (arXiv 2001.09239, section 2.3): regressions of speech features with seven frames of context, the
waveform, and two discriminators that estimate mutual information, local (LIM) and global (GIM). To save time the
regressions see a random sample of each chunk's frames, which changes no task. The discriminators' anchors are of the
first half of a distorted chunk, their positives of the second half, clean and encoded for itself, and their negatives
of the second half of another chunk: what the QRNN remembers of a pass through the encoder must not tell them apart.
(The authors' positives are of other chunks of a file, clean and encoded for themselves, too.)
"""

from collections.abc import Collection

import torch
from torch import Tensor, nn
from torch.nn import functional

from ser.pretraining.teacher import Distillation, TeacherTargets

CONTEXT = 7


class Regression(nn.Module):
    """Predict a target at seven frames around each frame.

    Args:
        channels: numbers per encoder frame.
        dimensions: numbers per target frame.
        hidden: hidden units.
    """

    def __init__(self, channels: int, dimensions: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(channels, hidden, 1), nn.PReLU(hidden), nn.Conv1d(hidden, dimensions * CONTEXT, 1)
        )

    def forward(self, frames: Tensor, target: Tensor, places: Tensor) -> Tensor:
        """Mean squared error.

        Args:
            frames: (batch, channels, frames), the encoder's.
            target: (batch, dimensions, frames), normalised.
            places: (sample,) which frames to predict from; three or more away from the ends.

        Returns:
            The loss, a scalar.
        """
        prediction = self.layers(frames[..., places])  # (batch, dimensions * context, sample)
        around = places[:, None] + torch.arange(-(CONTEXT // 2), CONTEXT // 2 + 1, device=places.device)
        wanted = target[..., around].permute(0, 1, 3, 2).flatten(1, 2)  # (batch, dimensions * context, sample)
        return functional.mse_loss(prediction.float(), wanted)


class Waveform(nn.Module):
    """Decode the waveform from the frames by transposed convolutions.

    Args:
        channels: numbers per encoder frame.
        maps: channels of the three layers.
    """

    STRIDES = (4, 4, 10)
    KERNEL = 30

    def __init__(self, channels: int, maps: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for stride, width in zip(self.STRIDES, maps, strict=True):
            padding = (self.KERNEL - stride) // 2
            layers += [nn.ConvTranspose1d(channels, width, self.KERNEL, stride, padding), nn.PReLU(width)]
            channels = width
        self.layers = nn.Sequential(*layers, nn.Conv1d(channels, 1, 1))

    def forward(self, frames: Tensor, target: Tensor) -> Tensor:
        """Mean absolute error: (batch, channels, frames), (batch, 160 frames) -> a scalar."""
        decoded = self.layers(frames)[:, 0].float()
        return functional.l1_loss(decoded, target[:, : decoded.shape[1]])


class Discriminator(nn.Module):
    """Tell a pair of vectors of the same chunk from a pair of different chunks.

    Args:
        channels: numbers per vector.
        hidden: hidden units.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2 * channels, hidden), nn.PReLU(hidden), nn.Linear(hidden, 1))

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Binary cross-entropy over both kinds of pair: three times (pairs, channels) -> a scalar."""
        same = self.layers(torch.cat([anchor, positive], dim=1)).float()
        other = self.layers(torch.cat([anchor, negative], dim=1)).float()
        return (functional.softplus(-same) + functional.softplus(other)).mean() / 2


class Workers(nn.Module):
    """Every worker on the same frames.

    Args:
        channels: numbers per encoder frame.
        dimensions: numbers per frame of each regression target.
        hidden: hidden units of each worker.
        maps: channels of the waveform decoder.
        teacher_numbers: numbers of the teacher's state; 0 for no teacher.
        idle: names of workers to leave out.
    """

    def __init__(
        self,
        channels: int,
        dimensions: dict[str, int],
        hidden: int,
        maps: tuple[int, ...],
        teacher_numbers: int = 0,
        idle: Collection[str] = (),
    ) -> None:
        super().__init__()
        self.regressions = nn.ModuleDict(
            {name: Regression(channels, count, hidden) for name, count in dimensions.items() if name not in idle}
        )
        if "waveform" not in idle:
            self.waveform = Waveform(channels, maps)
        if "lim" not in idle:
            self.lim = Discriminator(channels, hidden)
        if "gim" not in idle:
            self.gim = Discriminator(channels, hidden)
        if teacher_numbers:
            self.distillation = Distillation(channels, teacher_numbers, idle)

    @property
    def names(self) -> list[str]:
        """The losses' names, in their order."""
        others = [name for name in ("waveform", "lim", "gim") if hasattr(self, name)]
        return [*self.regressions, *others, *(self.distillation.names if hasattr(self, "distillation") else ())]

    @property
    def discriminate(self) -> bool:
        """Whether LIM or GIM is there, which need the second halves encoded for themselves."""
        return hasattr(self, "lim") or hasattr(self, "gim")

    def forward(
        self,
        frames: Tensor,
        targets: dict[str, Tensor],
        waveform: Tensor,
        draw: torch.Generator,
        sample: int,
        halves: Tensor | None = None,
        negative: Tensor | None = None,
        teacher_targets: TeacherTargets | None = None,
    ) -> dict[str, Tensor]:
        """Run the workers.

        Args:
            frames: (batch, channels, frames), of the distorted signals.
            targets: name to (batch, dimensions, frames), of the clean signals, normalised.
            waveform: (batch, samples), clean, normalised.
            draw: draws frames, on the CPU.
            sample: how many frames of each chunk the regressions and LIM see.
            halves: (batch, channels, frames // 2), of the second halves of the clean signals, encoded for themselves;
                for LIM and GIM alone.
            negative: (batch,), the chunk of which each chunk's negatives are; for LIM and GIM alone.
            teacher_targets: what the teacher says of the clean signals, if there is one.

        Returns:
            Name to loss, each a scalar, in the order of ``names``.
        """
        length = frames.shape[2]
        margin = CONTEXT // 2
        inner = length - 2 * margin
        places = (torch.randperm(inner, generator=draw)[: min(sample, inner)] + margin).to(frames.device)
        losses = {name: worker(frames, targets[name], places) for name, worker in self.regressions.items()}
        if hasattr(self, "waveform"):
            losses["waveform"] = self.waveform(frames, waveform)
        first = frames[..., : length // 2]
        if hasattr(self, "lim"):
            anchor, positive = (drawn(part, sample, draw) for part in (first, halves))
            losses["lim"] = self.lim(anchor.flatten(0, 1), positive.flatten(0, 1), positive[negative].flatten(0, 1))
        if hasattr(self, "gim"):
            positive = halves.mean(2)
            losses["gim"] = self.gim(first.mean(2), positive, positive[negative])
        if teacher_targets is not None:
            losses |= self.distillation(frames, teacher_targets)
        return losses


def drawn(frames: Tensor, count: int, draw: torch.Generator) -> Tensor:
    """Draw frames in random order: (batch, channels, frames) -> (batch, at most count, channels)."""
    places = torch.randperm(frames.shape[2], generator=draw)[:count].to(frames.device)
    return frames[..., places].transpose(1, 2)
