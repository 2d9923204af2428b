"""What ``dvc repro`` takes where there is nothing to do, beside the same pipeline whose commands are empty."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import yaml

from benchmarks.speed.running import ROOT

UP_TO_DATE = "Data and pipelines are up to date."


def run(folder: Path, *command: str) -> str:
    """Run a command of a repository, which must succeed, with DVC's settings of this measurement alone."""
    settings = folder.parent / f"{folder.name}-settings"
    places = {f"DVC_{kind}_DIR": str(settings / kind) for kind in ("SITE_CACHE", "GLOBAL_CONFIG", "SYSTEM_CONFIG")}
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "GIT_"))} | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_{what}": "measured" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        **places,
    }
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)}: {ended.stdout[-1000:]}{ended.stderr[-1000:]}")
    return ended.stdout


def copy(project: Path, folder: Path) -> None:
    """Copy a project: what git tracks, and the outputs that dvc.lock names."""
    tracked = subprocess.run(["git", "ls-files"], cwd=project, capture_output=True, text=True, check=True).stdout
    lock = yaml.safe_load((project / "dvc.lock").read_text(encoding="utf-8"))
    outputs = [out["path"] for stage in lock["stages"].values() for out in stage["outs"]]
    for name in dict.fromkeys([*tracked.splitlines(), *outputs]):
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (project / name).is_dir():
            shutil.copytree(project / name, place, dirs_exist_ok=True)
        elif (project / name).is_file():
            shutil.copy2(project / name, place)


def emptied(definition: str) -> str:
    """Give a dvc.yaml whose commands do nothing."""
    pipeline = yaml.safe_load(definition)
    for stage in pipeline["stages"].values():
        stage["cmd"] = "true"
    return yaml.safe_dump(pipeline, sort_keys=False)


def commit(folder: Path) -> None:
    """Make a folder a repository in which everything is done: outputs in the cache, the lock in git."""
    run(folder, "git", "init", "--quiet")
    run(folder, "dvc", "commit", "--force", "dvc.yaml")
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", "measured")


def repro(folder: Path) -> float:
    """Run ``dvc repro``, which must find nothing to do; gives its seconds."""
    begun = time.perf_counter()
    said = run(folder, "dvc", "repro")
    seconds = time.perf_counter() - begun
    if UP_TO_DATE not in said or "Running stage" in said:
        raise RuntimeError(f"expected nothing to do in {folder}, found: {said[-1000:]}")
    return seconds


def main() -> None:
    """Run both in turns, and print medians and their ratio as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=ROOT, help="a checkout after dvc repro (default: this one)")
    parser.add_argument("--pairs", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        real, empty = Path(name) / "real", Path(name) / "empty"
        for folder in (real, empty):
            copy(options.project, folder)
        (empty / "dvc.yaml").write_text(emptied((empty / "dvc.yaml").read_text(encoding="utf-8")), encoding="utf-8")
        for folder in (real, empty):
            commit(folder)
        if (real / "dvc.lock").read_bytes() != (options.project / "dvc.lock").read_bytes():
            raise SystemExit(
                f"{options.project}: expected the outputs of its dvc.lock, found others; run dvc repro there"
            )
        for folder in (real, empty):
            repro(folder)  # DVC remembers the hashes
        pairs = pd.DataFrame([(repro(real), repro(empty)) for _ in range(options.pairs)], columns=["real", "empty"])
    middle, ratio = pairs.median(), (pairs["real"] / pairs["empty"]).median()
    columns = ["`dvc repro` with nothing to do", "seconds", "of empty commands, median of pairs"]
    rows = [("the pipeline", middle["real"], ratio), ("its stages with empty commands", middle["empty"], 1.0)]
    print(pd.DataFrame(rows, columns=columns).to_markdown(index=False, floatfmt=("", ".2f", ".2f")))


if __name__ == "__main__":
    main()
