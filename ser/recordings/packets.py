"""What the packets of a track tell: how many there are, where they end, and how much of the end is padding."""

import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from ser.recordings import cut

# How iTunes tells delay, padding and length of AAC, in samples, in a tag.
ITUNES = re.compile(r" [0-9A-F]+ ([0-9A-F]+) ([0-9A-F]+) ([0-9A-F]+)", re.IGNORECASE)
MP3_DELAY = 529  # samples, of the decoder; FFmpeg takes them from padding, too


@dataclass
class Packets:
    """The packets of a track, as far as they were seen.

    Attributes:
        count: how many.
        end: where in the file they end, in bytes.
        last: the last one.
        duration: that of the last one, in ticks of the track's clock.
        earlier: those of the packets before it.
    """

    count: int = 0
    end: int = 0
    last: bytes = b""
    duration: int = 0
    earlier: set[int] = field(default_factory=set)

    def add(self, content: bytes, position: int, duration: int) -> None:
        """See another one, from its position in the file on."""
        if self.count:
            self.earlier.add(self.duration)
        self.count, self.last, self.duration = self.count + 1, content, duration
        self.end = max(self.end, position + len(content))


def mp3_padding(path: Path, packets: Packets, read: int, samples: int) -> int:
    """Tell how many samples at the end are the encoder's padding, which FFmpeg leaves there.

    The first frame says it, which FFmpeg does not believe where there is a tag behind a short recording.

    Args:
        path: the MP3 file.
        packets: all of them.
        read: how many samples FFmpeg gave.
        samples: how many of them are of the last packet.
    """
    frames, delay, padding = cut.mp3_promised(path)
    left = packets.count == frames and read == frames * samples - delay - MP3_DELAY
    return max(0, padding - MP3_DELAY) if left else 0


def mp4_padding(packets: Packets, promised: int, tick: Fraction, tag: str, samples: int) -> int:
    """Tell how many samples at the end of AAC, MP3 or Opus in MP4 are the encoder's padding, which FFmpeg leaves there.

    The length of the last packet says it (ISO 14496-12, 8.6.1.2), which is believed where all others are exactly of a
    packet's samples, or a tag of iTunes. The end of the list of edits says it, too, but on a clock that may be coarser.

    Args:
        packets: all of them.
        promised: how many the file says there are.
        tick: of the track's clock, in samples.
        tag: what iTunes wrote, or "".
        samples: how many the last packet has.
    """
    padding, whole = 0, samples / tick
    if packets.duration and whole.denominator == 1 and packets.earlier <= {int(whole)}:
        padding = max(0, samples - round(packets.duration * tick))
    if said := ITUNES.match(tag):
        delay, remainder, sound = (int(number, 16) for number in said.groups())
        if packets.count == promised and delay + sound + remainder == samples * packets.count:
            padding = max(padding, remainder)
    return padding
