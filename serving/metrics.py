"""What the service counts, for Prometheus."""

import os
from contextlib import suppress
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
SHARED = "PROMETHEUS_MULTIPROC_DIR"  # the folder in which worker processes put their counts together
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The counts of one worker process."""

    def __init__(self):
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "ser_requests", "Requests by address and status", ["method", "route", "status"], registry=registry
        )
        self.request_seconds = Histogram(
            "ser_request_seconds", "Time to an answer", ["route"], buckets=SECONDS, registry=registry
        )
        self.computing_seconds = Histogram(
            "ser_computing_seconds", "Time in decoding and model", ["kind"], buckets=SECONDS, registry=registry
        )
        self.audio_seconds = Counter("ser_audio_seconds", "Audio that was answered for", ["kind"], registry=registry)
        self.answers = Counter("ser_answers", "Answers by what they were", ["kind", "answer"], registry=registry)
        self.skipped = Counter("ser_skipped_answers", "Answers in streams that came too late", registry=registry)
        self._inside = Gauge(
            "ser_inside", "Recordings and streams under way", ["kind"], registry=registry, multiprocess_mode="livesum"
        )

    def inside(self, kind: str, count: int) -> None:
        """Set how many recordings or streams are under way."""
        self._inside.labels(kind).set(count)

    def text(self) -> bytes:
        """Give the counts of all worker processes, as Prometheus reads them."""
        registry = self._registry
        if SHARED in os.environ:
            _forget_the_dead(Path(os.environ[SHARED]))
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
        return generate_latest(registry)


def _forget_the_dead(folder: Path) -> None:
    """Take away what worker processes that have ended said of themselves as they were; what they counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        process = int(file.stem.rpartition("_")[2])
        if not _runs(process):
            with suppress(FileNotFoundError):  # another worker was faster
                multiprocess.mark_process_dead(process, str(folder))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
