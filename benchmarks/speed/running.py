"""Commands in processes of their own, timed; and the folders that stages are run in."""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ser.corpora.emotions import EMODB
from ser.machine import numerics

ROOT = Path(__file__).resolve().parents[2]
# Starts a command and says what it took. From a small process of its own, since a process begins as a copy of its
# parent, whose memory would count as taken.
LAUNCH = """
import os, sys, time
begun = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(pid, 0)
print(time.perf_counter() - begun, used.ru_maxrss / 1e6, flush=True)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Cost:
    """What a command took.

    Attributes:
        seconds: from its start to its end.
        peak_gb: resident memory at most, of the largest of its processes, in GB.
        said: what it printed on standard output.
    """

    seconds: float
    peak_gb: float
    said: str


def python(
    *arguments: str | Path,
    cwd: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    interpreter: str | Path = sys.executable,
) -> Cost:
    """Run Python with arguments, which must succeed.

    Args:
        arguments: of the command.
        cwd: where it runs.
        environment: its environment; this process', if None.
        interpreter: another Python than this one.

    Raises:
        RuntimeError: it failed; the message is what it wrote on standard error.
    """
    command = [sys.executable, "-I", "-S", "-c", LAUNCH, str(interpreter), *map(str, arguments)]
    ended = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(map(str, arguments))}: {ended.stderr[-2000:]}")
    *said, took = ended.stdout.splitlines()
    seconds, peak_gb = map(float, took.split())
    return Cost(seconds, peak_gb, "\n".join(said))


def free() -> dict[str, str]:
    """Give an environment in which numerics are not fixed, and this project's modules are found."""
    known = numerics.THREADS | numerics.KERNELS
    return {key: value for key, value in os.environ.items() if key not in known} | {"PYTHONPATH": str(ROOT)}


def stage(name: str, **flags: Path | str | int) -> Cost:
    """Run a stage of dvc.yaml with flags."""
    words = [word for flag, value in flags.items() for word in (f"--{flag.replace('_', '-')}", str(value))]
    return python("-m", f"stages.{name}", *words)


def read_corpora(params: Path, raw: Path, folder: Path) -> Cost:
    """Run the stage ``manifest`` on a folder of corpora; manifest.csv and what else it makes go into ``folder``."""
    names = {"manifest": "manifest.csv", "rejected": "rejected.csv", "shared": "shared.csv", "metrics": "manifest.json"}
    return stage("manifest", params=params, raw=raw, **{flag: folder / name for flag, name in names.items()})


def features(folder: Path, params: Path, manifest: Path, weights: Path) -> float:
    """Run the stage ``features`` with one worker on ``raw`` of a folder, from nothing; gives its seconds."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        places = {"features": Path(made) / "features", "baseline": Path(made) / "baseline"}
        given = {"params": params, "raw": folder / "raw", "manifest": manifest, "weights": weights}
        return stage("features", **given, **places, workers=1).seconds


def write_params(path: Path, **blocks) -> Path:
    """Write the project's params.yaml with changes, of a block the keys given."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for name, value in blocks.items():
        params[name] = params[name] | value if isinstance(value, dict) else value
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    return path


def link(corpus: Path, folder: Path, files: Sequence[Path] | None = None) -> None:
    """Link the files of a corpus into a folder.

    Args:
        corpus: its folder.
        folder: where the links go.
        files: those to link; all, if None.
    """
    for path in sorted(corpus.rglob("*")) if files is None else files:
        if path.is_file():
            place = folder / path.relative_to(corpus)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(path.resolve())


def add_corpus(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which corpus ``prepare`` takes, and of it what."""
    parser.add_argument("--corpus", type=Path, default=Path("../shared/corpora/emodb"))
    emotions = sorted(EMODB.values())
    parser.add_argument("--emotions", nargs="+", default=emotions, help="of the corpus (default: those of EMO-DB)")
    parser.add_argument("--utterances", type=int, help="how many of them (default: all)")


def prepare(options: argparse.Namespace, folder: Path) -> Path:
    """Link a corpus into ``raw`` of a folder, and let the stage ``manifest`` read it.

    Args:
        options: of ``add_corpus``; of fewer utterances those evenly chosen stand in the manifest.
        folder: of the measurement; params.yaml and manifest.csv are written to it.

    Returns:
        The manifest.
    """
    corpus, count = options.corpus, options.utterances
    link(corpus, folder / "raw" / corpus.name)
    params = write_params(folder / "params.yaml", corpora=[corpus.name], emotions=options.emotions)
    table = folder / "manifest.csv"
    read_corpora(params, folder / "raw", folder)
    if count is not None:
        header, *rows = table.read_text(encoding="utf-8").splitlines(keepends=True)
        chosen = [rows[number * len(rows) // count] for number in range(min(count, len(rows)))]
        table.write_text("".join([header, *chosen]), encoding="utf-8")
    return table
