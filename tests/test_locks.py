"""The committed results are those of the committed code, by the digests in each dvc.lock, or declared to be older."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
import yaml
from dvc.dependency import ParamsDependency
from dvc.repo import Repo

ROOT = Path(__file__).parents[1]
# Not that of pretraining/, which takes hours or a GPU: it is the record of the run that made the first weights.
LOCKS = ("dvc.lock", "benchmarks/dvc.lock", "fusion/dvc.lock", "robustness/dvc.lock")
ON_DEMAND = LOCKS[1:]  # they take hours and corpora that few have
FORMER = "benchmarks/former.yaml"


def md5(path: Path) -> str:
    """What DVC calls a file, or a folder: then the digest of the list of its files, with ``.dir``."""
    if path.is_file():
        return hashlib.md5(path.read_bytes()).hexdigest()
    files = sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    entries = [{"md5": md5(file), "relpath": file.relative_to(path).as_posix()} for file in files]
    listing = json.dumps(sorted(entries, key=lambda entry: entry["relpath"]), sort_keys=True)
    return hashlib.md5(listing.encode()).hexdigest() + ".dir"


def named(lock: str, kind: str) -> set[tuple[str, Path, str]]:
    """What each stage of a lock names as dependencies (``deps``) or outputs (``outs``): stage, place here, digest."""
    folder = (ROOT / lock).parent
    definition = yaml.safe_load((folder / "dvc.yaml").read_text())["stages"]
    found = set()
    for stage, entry in yaml.safe_load((ROOT / lock).read_text())["stages"].items():
        defined = definition[stage.partition("@")[0]]
        start = folder / defined.get("do", defined).get("wdir", "")
        found |= {(stage, (start / each["path"]).resolve(), each["md5"]) for each in entry.get(kind, ())}
    return found


def code(lock: str) -> set[tuple[str, Path, str]]:
    """The code that each stage of a lock names."""
    return {each for each in named(lock, "deps") if each[1].suffix == ".py" or each[1].is_relative_to(ROOT / "ser")}


def others(wanted: set[tuple[str, Path, str]]) -> list[str]:
    """Say what is not here as stages name it."""
    here = {path: md5(path) for path in {path for _, path, _ in wanted}}
    return sorted(f"{stage}: {path.relative_to(ROOT)}" for stage, path, digest in wanted if here[path] != digest)


@pytest.mark.parametrize("lock", LOCKS)
def test_results_are_of_the_committed_code(lock):
    edited = subprocess.run(["git", "status", "--porcelain", "--", "*.py"], cwd=ROOT, capture_output=True, text=True)
    if edited.returncode or edited.stdout:
        pytest.skip("the code here is not that of a commit")
    digests = code(lock)
    assert digests
    stale = others(digests)
    if lock in ON_DEMAND:
        told = declared()
        stale = [each for each in stale if each.partition(": ")[2] not in told]
    assert not stale, f"{lock}: made by other code, run dvc repro and commit what it leaves: {', '.join(stale)}"


def declared() -> dict[str, str]:
    """What of the code is known to be newer than results made on demand, and why their figures stand."""
    return yaml.safe_load((ROOT / FORMER).read_text()) or {}


def test_what_is_said_to_be_newer_than_results_is():
    edited = subprocess.run(["git", "status", "--porcelain", "--", "*.py"], cwd=ROOT, capture_output=True, text=True)
    if edited.returncode or edited.stdout:
        pytest.skip("the code here is not that of a commit")
    newer = {each.partition(": ")[2] for lock in ON_DEMAND for each in others(code(lock))}
    assert set(declared()) <= newer, f"{FORMER}: take out what the results are made by: {set(declared()) - newer}"
    assert all(declared().values())


@pytest.mark.parametrize("lock", LOCKS)
def test_results_in_git_are_those_of_the_lock(lock):
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    edited = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode or edited.stdout:
        pytest.skip("the files here are not those of a commit")
    tracked = {ROOT / name for name in listed.stdout.split("\0")}
    digests = {each for each in named(lock, "outs") if each[1] in tracked}
    assert digests
    changed = others(digests)
    assert not changed, f"{lock}: names other results, run dvc repro and commit what it leaves: {', '.join(changed)}"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_the_dependencies_and_outputs_of_its_definition_and_no_others(lock):
    """DVC passes over what a lock names beyond its definition, and leaves it out when the stage runs again."""
    defined = {stage.name: stage for stage in Repo(str(ROOT)).stage.collect(lock.replace(".lock", ".yaml"))}
    locked = yaml.safe_load((ROOT / lock).read_text())["stages"]
    assert locked.keys() == defined.keys()
    for name, stage in defined.items():
        files = [each.def_path for each in stage.deps if not isinstance(each, ParamsDependency)]
        assert sorted(each["path"] for each in locked[name].get("deps", ())) == sorted(files), name
        outs = [each.def_path for each in stage.outs]
        assert sorted(each["path"] for each in locked[name].get("outs", ())) == sorted(outs), name
