"""Figures in the documents are those of the metrics: an interval without a source, or an outdated one, fails.

The metrics are those that git holds or those that lie here: a run on another processor, or of a variant, leaves
figures that no document can quote.
"""

import ast
import json
import re
import subprocess
import textwrap
from functools import reduce
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    "README.md",
    "docs/results.md",
    "docs/real_corpora.md",
    "docs/benchmark.md",
    "docs/fusion.md",
    "docs/robustness.md",
    "models/pase_plus.md",
)
# An estimate and its interval, as in 0.664 [0.597, 0.726] or +0.145 [+0.114, +0.179], be it over the end of a line.
INTERVAL = re.compile(r"([+-]?\d\.\d{2,4})\**\s+\[([+-]?\d\.\d{2,4}),\s+([+-]?\d\.\d{2,4})\]")

# The columns of docs/results.md: the folder of the metrics, and whose doubt there is.
COLUMNS = {"metrics/emodb": "listeners", "metrics": "votes"}
# Its rows whose figures have no interval of their own: where each stands, in file and place.
SINGLE = {
    "UAR without the 15 %": ["ambiguity cost.PEOPLE.uar.without"],
    "UAR without as many": ["ambiguity cost.PEOPLE.uar.matched"],
    "expected calibration error, 15 bins": ["evaluate calibration.after.ece"],
    "... by the luck of speakers alone: mean": [
        "evaluate calibration.after.ece_by_chance",
        "evaluate calibration.after.ece_by_chance_high",
    ],
    "p; by Holm": [f"bias gender.gap.female_minus_male.{name}" for name in ("p", "p_holm", "p_smallest")],
    "95 % of the gaps under permutation": [
        f"bias gender.gap.female_minus_male.unbiased_{end}" for end in ("low", "high")
    ],
    "smallest detectable gap": ["bias gender.gap.female_minus_male.detectable"],
    "age: largest gap": ["bias age.gap.largest.uar", "bias age.gap.largest.p"],
    "equalised-odds gap": [
        "bias gender.gap.equalised_odds.raw",
        "bias gender.gap.unweighted_average_bias.raw",
        "bias gender.gap.unweighted_average_bias.matched",
    ],
    "expected calibration error, women": ["bias gender.female.calibration_error", "bias gender.male.calibration_error"],
    "... by the luck of their speakers alone": [
        "bias gender.female.calibration_error_by_chance",
        "bias gender.male.calibration_error_by_chance",
    ],
    "UAR per speaker": ["bias speaker.uar_worst_decile", "bias speaker.uar_gini"],
    "claims refused": ["bias audit.refused_claims"],
}


def quoted(text: str) -> list[tuple[str, str, str]]:
    return [match.groups() for match in INTERVAL.finditer(text)]


def measured(node: object) -> set[tuple[float, float, float]]:
    """Every estimate with its interval, at any depth: ``uar`` beside ``uar_low``, or whatever stands beside ``low``."""
    if not isinstance(node, dict):
        return set()
    ends = {
        name: (node.get(f"{name}_low", node.get("low")), node.get(f"{name}_high", node.get("high"))) for name in node
    }
    found = {
        (value, *ends[name])
        for name, value in node.items()
        if isinstance(value, float) and not any(end is None for end in ends[name])
    }
    return found.union(*(measured(child) for child in node.values()))


def agrees(words: tuple[str, str, str], numbers: tuple[float, float, float]) -> bool:
    """Whether the words are the numbers, rounded or with the sign turned round (a loss told as a gain)."""

    value, low, high = numbers
    return any(
        all(near(word, number) for word, number in zip(words, told, strict=True))
        for told in (numbers, (-value, -high, -low))
    )


def near(word: str, value: float) -> bool:
    """Whether a word is a number, rounded to as many digits as it has."""
    return abs(float(word) - value) <= 0.5 * 10.0 ** -len(word.partition(".")[2]) + 1e-6


def git(*arguments: str) -> str:
    """What git says; nothing outside a checkout."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def sources() -> set[tuple[float, float, float]]:
    here = [file.read_text() for file in sorted((ROOT / "metrics").rglob("*.json"))]
    names = git("ls-tree", "-r", "--name-only", "HEAD", "metrics").split()
    committed = [git("show", f"HEAD:{name}") for name in names if name.endswith(".json")]
    return set().union(*(measured(json.loads(text)) for text in here + committed))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_quoted_interval_stands_in_a_metrics_file(document, sources):
    found = quoted((ROOT / document).read_text())
    assert found, "a document without any interval would pass unread"
    lost = [words for words in found if not any(agrees(words, numbers) for numbers in sources)]
    assert not lost, f"{document} quotes what no file under metrics/ says: {lost}"


@pytest.mark.parametrize("row", SINGLE)
def test_figures_without_an_interval_are_those_of_their_column(row):
    (line,) = [line for line in (ROOT / "docs/results.md").read_text().splitlines() if line.startswith(f"| {row}")]
    for cell, (folder, people) in zip(line.split("|")[2:4], COLUMNS.items(), strict=True):
        words = re.findall(r"[+-]?\d+(?:\.\d+)?", cell)
        assert len(words) == len(SINGLE[row])
        for word, source in zip(words, SINGLE[row], strict=True):
            file, place = source.replace("PEOPLE", people).split()
            assert any(near(word, value) for value in values(f"{folder}/{file}.json", place)), source


def values(name: str, place: str) -> list[float]:
    """The number at a place of a file, as it lies here and as git holds it; a run of a variant may lack it."""
    texts = [(ROOT / name).read_text(), git("show", f"HEAD:{name}")]
    found = [reduce(lambda node, key: node.get(key, {}), place.split("."), json.loads(text or "{}")) for text in texts]
    return [value for value in found if value != {}]


def test_a_figure_that_was_not_measured_is_noticed(sources):
    assert not any(agrees(("0.999", "0.998", "1.000"), numbers) for numbers in sources)


COMMANDS = ("arecord", "cat", "curl", "dvc", "for", "git", "make", "pip", "python", "ser", "SER_SCHEDULER=")


@pytest.mark.parametrize(
    "document", sorted(path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")])
)
def test_each_line_of_a_shell_block_is_a_command(document):
    """A block that was filled as if it were prose is none."""
    for block in re.findall(
        r"^```\n(.*?)^```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        lines = block.replace("\\\n", "").splitlines()
        if lines[0].startswith(COMMANDS) and not lines[0].startswith("dvc.yaml"):
            assert [line for line in lines if not line.startswith((*COMMANDS, "#")) and line] == []


def test_each_block_of_python_can_be_read_by_it():
    """A block that was filled as if it were prose cannot, wherever in a list it stands."""
    documents = git("ls-files", "*.md").split()
    if not documents:
        pytest.skip("outside a checkout nothing tells which documents are the repository's")
    fences = re.compile(r"^( *)```python\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
    blocks = [(name, code) for name in documents for _, code in fences.findall((ROOT / name).read_text("utf-8"))]
    assert {"data/raw/README.md", "docs/serving.md"} <= {name for name, _ in blocks}
    for name, code in blocks:
        assert ast.parse(textwrap.dedent(code), name).body
