"""What the service takes at most, and how long it waits: each a flag of ``ser serve``."""

import argparse
from dataclasses import dataclass, field, fields

from ser.files.failures import InputError


def _limit(default: float, words: str, least: float = 1):
    return field(default=default, metadata={"words": words, "least": least})


@dataclass(frozen=True)
class Limits:
    """The limits of one worker process; sizes in bytes, times in seconds. Each field tells what it bounds."""

    upload_bytes: int = _limit(25_000_000, "size of an upload; what is longer is refused as soon as it is")
    duration_s: float = _limit(120, "duration of a recording, after decoding")
    samples: int = _limit(60_000_000, "samples to decode, over all channels: 10 minutes of stereo at 48 kHz")
    windows: int = _limit(240, "windows in a timeline")
    timeline_s: float = _limit(600, "duration of all windows of a timeline together, as each is encoded by itself")
    requests: int = _limit(32, "recordings at once, being uploaded, waiting or computed")
    client_requests: int = _limit(8, "recordings at once from one client")
    streams: int = _limit(16, "streams at once")
    client_streams: int = _limit(4, "streams at once from one client")
    rate_per_minute: float = _limit(120, "recordings and streams begun by one client in a minute, in the long run")
    burst: int = _limit(40, "of these at once, after a pause")
    wrong_keys_per_minute: float = _limit(10, "wrong keys from one client in a minute")
    connections: int = _limit(2000, "open connections")
    head_s: float = _limit(10, "for the head of a request to arrive", 0.1)
    idle_s: float = _limit(5, "without a byte in an upload", 0.1)
    upload_s: float = _limit(60, "for a whole upload", 0.1)
    answer_s: float = _limit(60, "for an answer, waiting included", 0.1)
    stream_idle_s: float = _limit(20, "without audio in a stream, and for the answer to a ping", 0.1)
    stream_s: float = _limit(3600, "for a whole stream", 0.1)
    message_bytes: int = _limit(262_144, "size of a message in a stream")
    shutdown_s: int = _limit(30, "for requests under way when the service is told to stop")

    def __post_init__(self):
        for limit in fields(self):
            least, found = limit.metadata["least"], getattr(self, limit.name)
            if not least <= found < float("inf"):
                raise InputError(f"{flag(limit.name)}: expected at least {least}, found {found}")


def flag(name: str) -> str:
    """Give the flag of a field: ``upload_bytes`` is ``--upload-bytes``."""
    return "--" + name.replace("_", "-")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each limit."""
    group = parser.add_argument_group("limits", "at most, in each worker process; times in seconds")
    for limit in fields(Limits):
        words = f"{limit.metadata['words']} (default: {limit.default:,})"
        group.add_argument(flag(limit.name), type=limit.type, metavar="N", default=limit.default, help=words)


def from_flags(options: argparse.Namespace) -> Limits:
    """Collect the limits from parsed flags.

    Raises:
        InputError: one is too small.
    """
    return Limits(**{limit.name: getattr(options, limit.name) for limit in fields(Limits)})
