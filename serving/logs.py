"""The log of the service: a JSON object a line; no audio, no file names, no addresses, no keys."""

import json
import logging
import sys
from datetime import UTC, datetime

LOG = logging.getLogger("ser.serve")


class JsonLines(logging.Formatter):
    """Lay out a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Give time, level, event, the fields given by ``event``, and the traceback of an error, in one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": " ".join(record.getMessage().split()),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up() -> None:
    """Log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    LOG.setLevel(logging.INFO)


def no_false_alarm(record: logging.LogRecord) -> bool:
    """Filter what uvicorn logs of a stream that was refused by an HTTP response, as if that were an error of ours."""
    return record.msg != "ASGI callable returned without completing handshake."


def event(name: str, level: int = logging.INFO, **fields) -> None:
    """Log an event and its fields."""
    LOG.log(level, name, extra={"fields": fields})
