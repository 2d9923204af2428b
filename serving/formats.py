"""How ``ser predict`` writes predictions: a table for people; CSV, JSON and JSON lines for programs."""

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Sequence

STYLES = ("table", "json", "jsonl", "csv")
STREAMED = ("jsonl", "csv")  # written as they come; of the others the end decides the beginning


class Writer:
    """Writes rows in one style.

    A row is a dict: ``file``; with a timeline ``start_s`` and ``end_s``; ``prediction``, the likeliest emotion;
    ``answer``, what to show; ``distance`` from the training speech, None where the model lacks it; ``probabilities``, a
    dict by emotion. In silence prediction, distance and probabilities are None.

    Args:
        style: one of ``STYLES``.
        labels: the emotions, in the order of the columns.
        timed: whether rows have times.
        write: takes a text of whole lines, without the last line's end.
        encoding: of what is written; JSON escapes what it lacks.

    Attributes:
        files: how many files' rows were taken.
    """

    def __init__(
        self,
        style: str,
        labels: Sequence[str],
        timed: bool,
        write: Callable[[str], None],
        encoding: str = "utf-8",
    ):
        self._style, self._labels, self._write, self._encoding = style, labels, write, encoding
        self.files = 0
        times = ["start_s", "end_s"] if timed else []
        self._columns = ["file", *times, "prediction", "answer", "distance", *(f"p_{label}" for label in labels)]
        self._kept: list[dict] = []

    def add(self, rows: Sequence[dict]) -> None:
        """Take the rows of a file."""
        if self._style not in STREAMED:
            self._kept += rows
        elif self._style == "jsonl":
            self._write("\n".join(self._json(row) for row in rows))
        else:
            lines = [self._cells(row, "{:.9g}") for row in rows]
            self._write(_csv(lines if self.files else [self._columns, *lines]))
        self.files += 1

    def end(self) -> None:
        """Write what has been kept for the end: where there was no row an empty list of JSON, else nothing."""
        if self._style == "json":
            self._write(self._json(self._kept, indent=2))
        elif self._kept:
            lines = [self._columns, *([visible(cell) for cell in self._cells(row, "{:.3f}")] for row in self._kept)]
            widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
            self._write("\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines))

    def _cells(self, row: dict, number: str) -> list[str]:
        times = [f"{row[key]:.9g}" for key in ("start_s", "end_s") if key in row]
        shares = row["probabilities"]
        numbers = [number.format(shares[label]) if shares else "" for label in self._labels]
        distance = "" if row["distance"] is None else number.format(row["distance"])
        return [printable(row["file"]), *times, row["prediction"] or "", row["answer"], distance, *numbers]

    def _json(self, value, indent: int | None = None) -> str:
        text = json.dumps(value, indent=indent, ensure_ascii=False)
        try:
            text.encode(self._encoding)
        except UnicodeEncodeError:
            return json.dumps(value, indent=indent)
        return text


def printable(text: str) -> str:
    """Write bytes of a file name that are not UTF-8 as JSON writes them, 0xe9 as a backslash and ``udce9``."""
    return text.encode("utf-8", "backslashreplace").decode()


def visible(text: str) -> str:
    """Write a text for people: also control characters of a file name as escapes, lest a terminal obeys them."""
    controls = ("Cc", "Zl", "Zp")
    escaped = [ascii(sign)[1:-1] if unicodedata.category(sign) in controls else sign for sign in printable(text)]
    return "".join(escaped)


def _csv(lines: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue().removesuffix("\n")
