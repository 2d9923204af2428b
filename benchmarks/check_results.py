"""Compare metrics, tables and pictures with those committed: the same bytes, or figures within a tolerance."""

import argparse
import json
import platform
import subprocess
import sys
from pathlib import Path

from ser.benchmarks import agreement
from ser.machine import numerics

MADE = ("dvc.lock", "metrics", "plots")
MAKERS = (
    "params.yaml",
    "dvc.yaml",
    "requirements.txt",
    "constraints.txt",
    "stages",
    "ser",
    "models/pase_plus.safetensors",
)
READERS = {".json": json.loads, ".csv": agreement.cells}
SHOWN = 10


def git(*arguments: str) -> str:
    """Run git, and end with what it says where it fails."""
    ended = subprocess.run(["git", *arguments], capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"check-results: expected a git checkout to compare with: {ended.stderr.strip()}")
    return ended.stdout


def main() -> None:
    """Print one line where all agrees, and a line a figure where it does not; exit code 1 beyond the tolerance."""
    argparse.ArgumentParser(prog="check-results", description=__doc__).parse_args()
    edited = git("diff", "--name-only", "HEAD", "--", *MAKERS).split()
    changed = git("diff", "--name-only", "HEAD", "--", *MADE).split()
    if not changed:
        print("check-results: every file of metrics/ and plots/, and dvc.lock, has the committed bytes")
        return
    figures = []
    for name in changed:
        if reader := READERS.get(Path(name).suffix):
            committed = reader(git("show", f"HEAD:{name}"))
            found = reader(Path(name).read_text(encoding="utf-8")) if Path(name).exists() else {}
            figures += [(name, difference) for difference in agreement.compare(committed, found)]
    beyond = [(name, difference) for name, difference in figures if not difference.tolerable]
    print(f"check-results: {len(changed)} files differ from those committed: {', '.join(changed)}")
    print(f"check-results: {len(figures)} figures differ, {len(beyond)} beyond the tolerance; {reason(edited)}")
    for name, difference in beyond[:SHOWN]:
        print(f"check-results: {name}: {difference}", file=sys.stderr)
    if len(beyond) > SHOWN:
        print(f"check-results: and {len(beyond) - SHOWN} more", file=sys.stderr)
    if beyond and not edited:
        raise SystemExit(1)


def reason(edited: list[str]) -> str:
    """Say why results may differ on this machine."""
    if edited:
        return f"expected, for these are not as committed: {', '.join(edited)}"
    if not numerics.capable():
        return (
            f"the same bytes are promised for Linux on x86-64 with AVX2 only, and this is {platform.system()} on "
            f"{platform.machine()}: the last digits of sums differ"
        )
    return (
        "this processor should give the committed bytes: are the packages those of constraints.txt (pip list)? "
        "If so, please report it, with the processor's name"
    )


if __name__ == "__main__":
    main()
