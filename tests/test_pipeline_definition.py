"""DVC does not follow imports: prove that every dvc.yaml declares what its stages import, read and write.

Equality, not inclusion: a missing dependency goes stale in silence, a surplus one reruns a stage for nothing.
"""

import ast
import functools
import importlib.metadata
import re
import shlex
import shutil
import sys
from pathlib import Path, PurePosixPath

import pytest
import yaml
from dvc.utils.hydra import apply_overrides

ROOT = Path(__file__).resolve().parents[1]
PIPELINES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("dvc.yaml", "*/dvc.yaml", "*/*/dvc.yaml")
    for path in ROOT.glob(pattern)
    if not path.parent.name.startswith(".")
)
REQUIREMENTS = "requirements.txt"
PARAMS = "params.yaml"


@functools.cache
def parsed(source: str) -> ast.Module:
    """The syntax tree of a module; the proof asks for the same ones over and over."""
    return ast.parse(source)


def tree(root: Path, file: str | Path) -> ast.Module:
    return parsed((root / file).read_text(encoding="utf-8"))


def module_files(root: Path, name: str) -> list[str]:
    """The files that importing a dotted name runs: its packages' ``__init__`` with code, and the module itself.

    ``python -m`` puts the root on the path. Names of other people's packages and of functions have no file.
    """
    found, folder = [], Path()
    for part in name.split("."):
        package, module = folder / part / "__init__.py", folder / f"{part}.py"
        file = package if (root / package).is_file() else module
        if not (root / file).is_file():
            break
        if file == module or tree(root, file).body:
            found.append(file.as_posix())
        folder = folder / part
    return found


def imported_names(root: Path, file: str) -> frozenset[str]:
    """Every dotted name that a file may import, wherever in the file: at the top, in a function, under a condition."""
    return names_in((root / file).read_text(encoding="utf-8"), file)


@functools.cache
def names_in(source: str, file: str) -> frozenset[str]:
    names = set()
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import; write it absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Name | ast.Attribute):
            called = node.id if isinstance(node, ast.Name) else node.attr
            assert called not in ("import_module", "__import__"), f"{file}: an import that nobody can read off"
    return frozenset(names)


@functools.cache
def closure(root: Path, script: str) -> set[str]:
    """A script, its package, and all that they import of ours, directly or not; looked up once for each root."""
    files, waiting = set(), module_files(root, script.removesuffix(".py").replace("/", "."))
    while waiting:
        file = waiting.pop()
        if file not in files:
            files.add(file)
            for name in imported_names(root, file):
                waiting += module_files(root, name)
    return files


def blocks_read(root: Path, script: str) -> set[str]:
    """The blocks that a script asks for: the second argument of each ``params.read``."""
    blocks = set()
    for node in ast.walk(tree(root, script)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "params.read":
            block = node.args[1]
            assert isinstance(block, ast.Constant), f"{script}: params.read wants the block's name as it stands"
            blocks.add(block.value)
    return blocks


def expanded(root: Path, paths: set[str]) -> set[str]:
    """The modules that dependencies on code stand for: a folder for all of its own that hold code."""
    files = set()
    for path in paths:
        inside = (root / path).rglob("*.py") if (root / path).is_dir() else [root / path]
        modules = (file.relative_to(root).as_posix() for file in inside)
        files |= {module for module in modules if not module.endswith("__init__.py") or tree(root, module).body}
    return files


def declared(entries: list | None) -> list[str]:
    """The paths of a stage's deps, outs, metrics or plots, with or without options."""
    return [name for entry in entries or () for name in ([entry] if isinstance(entry, str) else entry)]


def problems(root: Path, pipeline: str) -> list[str]:
    """What a dvc.yaml declares too little or too much, a line each; none where all is right."""
    found = []

    def compare(stage: str, what: str, declares: set[str], needs: set[str]):
        found.extend(f"{stage}: {what} {name} is used but not declared" for name in sorted(needs - declares))
        found.extend(f"{stage}: {what} {name} is declared but not used" for name in sorted(declares - needs))

    definition = yaml.safe_load((root / pipeline).read_text(encoding="utf-8"))
    for stage, entry in definition["stages"].items():
        entry = entry.get("do", entry)  # of a foreach stage
        folder = PurePosixPath(pipeline).parent / entry.get("wdir", "")

        def below_root(paths, folder=folder) -> set[str]:
            return {relative(root, folder, path) for path in paths}

        python, option, module, *arguments = shlex.split(entry["cmd"])
        # Not `python SCRIPT`, which looks for `ser` beside the script first and then where it is installed: a copy of
        # the project, as `dvc exp run --temp` makes it, would run the code of the checkout.
        assert (python, option) == ("python", "-m"), f"{stage}: expected 'python -m MODULE --flag path ...'"
        assert below_root(["."]) == {"."}, f"{stage}: expected to run at the root, where its modules are found"
        script = f"{module.replace('.', '/')}.py"
        on_the_command_line = below_root(value for value in arguments if not value.startswith("--"))

        deps = below_root(declared(entry.get("deps")))
        outs = below_root(name for kind in ("outs", "metrics", "plots") for name in declared(entry.get(kind)))
        # A folder of ser/ is code, whatever is in it; a template that is named by itself is data.
        code = {p for p in deps if p.endswith(".py") or (p.startswith("ser/") and (root / p).is_dir())}
        data = (deps - code - {REQUIREMENTS}) | outs
        in_code = {path for path in on_the_command_line if any(path.startswith(f"{folder}/") for folder in code)}
        params = [({PARAMS: [line]} if isinstance(line, str) else line) for line in entry.get("params", ())]
        params_files = below_root(file for line in params for file in line)
        blocks = {key.split(".")[0] for line in params for keys in line.values() for key in keys}

        compare(stage, "module", expanded(root, code), closure(root, script))
        compare(stage, "path", data, on_the_command_line - params_files - in_code)
        compare(stage, "params block", blocks, blocks_read(root, script))
        compare(stage, "file", deps & {REQUIREMENTS}, {REQUIREMENTS})
    return found


def relative(root: Path, folder: PurePosixPath, path: str) -> str:
    """A path as seen from the root, without ``..``."""
    return (root / folder / path).resolve().relative_to(root.resolve()).as_posix()


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_every_stage_declares_what_it_imports_reads_and_writes_and_nothing_else(pipeline):
    assert problems(ROOT, pipeline) == []


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_table_among_the_plots_has_a_template(pipeline):
    """Without one DVC draws its last column, whatever that is; such a table belongs among the outs."""
    stages = yaml.safe_load((ROOT / pipeline).read_text(encoding="utf-8"))["stages"]
    for entry in stages.values():
        for plot in entry.get("do", entry).get("plots", ()):
            ((name, options),) = plot.items()
            assert name.endswith(".png") or "template" in options, name


def test_the_blocks_of_params_stand_in_the_order_of_the_stages():
    stages = list(yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"])
    blocks = list(yaml.safe_load((ROOT / PARAMS).read_text(encoding="utf-8")))
    shared = ["corpora", "emotions", "age_bands", "intervals"]
    assert blocks == [
        *shared,
        *(stage for stage in stages if stage not in ("evaluate", "bundle", "report")),
    ]  # which have no more


def test_every_stage_has_one_script_of_its_name():
    definition = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    scripts = {path.stem for path in (ROOT / "stages").glob("*.py")} - {"__init__"}
    assert scripts == set(definition["stages"])
    for stage, entry in definition["stages"].items():
        assert entry["cmd"].split()[:3] == ["python", "-m", f"stages.{stage}"]


def test_a_path_that_users_write_may_have_blanks():
    definition = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    with_weights = [entry["cmd"] for entry in definition["stages"].values() if "features.weights" in entry["cmd"]]
    assert with_weights
    for command in with_weights:
        arguments = shlex.split(command.replace("${features.weights}", "my weights/base.bin"))
        assert arguments[arguments.index("--weights") + 1] == "my weights/base.bin"


def test_every_package_that_the_project_imports_is_pinned():
    pinned = set()
    for path in ROOT.glob("requirements*.txt"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.startswith(("#", "-")):
                distribution, _ = line.split("==")
                pinned.add(re.sub(r"[-_.]+", "-", distribution).lower())
    distributions = importlib.metadata.packages_distributions()
    folders = ("ser", "stages", "serving", "pretraining", "benchmarks", "robustness", "fusion", "fetching", "tests")
    data = ROOT / "benchmarks/data"  # checkouts that real corpora run in, which may hold scripts of others
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if data not in path.parents]
    names = {name.split(".")[0] for file in files for name in imported_names(ROOT, file.relative_to(ROOT).as_posix())}
    foreign = names - sys.stdlib_module_names - set(folders)
    # What is optional need not be installed, and then is looked for by the name that it is imported by.
    unpinned = {
        name
        for name in foreign
        if not pinned & {re.sub(r"[-_.]+", "-", known).lower() for known in distributions.get(name, (name,))}
    }
    assert unpinned == set()


# The proof proves something only if it fails: break a small project in each way.

SCRIPT = """
import argparse
from ser import params
from ser.loud import Loud

def main():
    from ser.late import late
    params.read(arguments.params, "make", Loud)
"""
DEFINITION = """stages:
  make:
    cmd: python -m stages.make --params params.yaml --raw data/raw --table data/table.csv --metrics metrics/make.json
    deps:
      - stages/__init__.py
      - stages/make.py
      - ser/first.py
      - ser/params.py
      - ser/loud/__init__.py
      - ser/both
      - ser/late.py
      - ser/inner.py
      - data/raw
      - requirements.txt
    params:
      - make
    outs:
      - data/table.csv
    metrics:
      - metrics/make.json:
          cache: false
"""


@pytest.fixture
def project(tmp_path):
    """A project of one stage that declares everything, in a folder of its own and as the main pipeline."""
    files = {
        "dvc.yaml": DEFINITION,
        "inner/dvc.yaml": DEFINITION.replace("make:\n", "make:\n    wdir: ..\n", 1),
        "stages/__init__.py": "import ser.first",
        "ser/first.py": "",
        "stages/make.py": SCRIPT,
        "ser/__init__.py": "",
        "ser/params.py": "",
        "ser/loud/__init__.py": "Loud = dict",
        "ser/both/__init__.py": "",
        "ser/both/one.py": "from ser.both import two",
        "ser/both/two.py": "",
        "ser/late.py": "import numpy\nimport ser.both.one\nfrom ser.inner import thing as late",
        "ser/inner.py": "import ser.late  # round again",
        "ser/unused.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def change(project: Path, file: str, old: str, new: str):
    text = (project / file).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (project / file).write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("pipeline", ["dvc.yaml", "inner/dvc.yaml"])
def test_a_right_definition_has_no_problem(project, pipeline):
    assert problems(project, pipeline) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("dvc.yaml", "      - ser/params.py\n", "", "module ser/params.py is used but not declared"),
        ("dvc.yaml", "      - ser/late.py\n", "", "module ser/late.py is used but not declared"),
        ("dvc.yaml", "      - ser/inner.py\n", "", "module ser/inner.py is used but not declared"),
        ("dvc.yaml", "      - stages/__init__.py\n", "", "module stages/__init__.py is used but not declared"),
        ("dvc.yaml", "      - ser/first.py\n", "", "module ser/first.py is used but not declared"),
        ("dvc.yaml", "      - stages/make.py\n", "", "module stages/make.py is used but not declared"),
        ("dvc.yaml", "ser/inner.py", "ser/inner.py\n      - ser/unused.py", "module ser/unused.py is declared but not"),
        ("ser/inner.py", "import ser.late", "import ser.unused", "module ser/unused.py is used but not declared"),
        ("ser/__init__.py", "", "VERSION = 1", "module ser/__init__.py is used but not declared"),
        ("dvc.yaml", "      - ser/both\n", "", "module ser/both/one.py is used but not declared"),
        ("dvc.yaml", "ser/both\n", "ser/both/one.py\n", "module ser/both/two.py is used but not declared"),
        ("ser/both/three.py", "", "", "module ser/both/three.py is declared but not used"),
        ("stages/make.py", "    from ser.late import late\n", "", "module ser/late.py is declared but not used"),
        ("dvc.yaml", "      - data/raw\n", "", "path data/raw is used but not declared"),
        ("dvc.yaml", " --raw data/raw", "", "path data/raw is declared but not used"),
        ("dvc.yaml", " --metrics metrics/make.json", "", "path metrics/make.json is declared but not used"),
        ("dvc.yaml", "    outs:\n      - data/table.csv\n", "", "path data/table.csv is used but not declared"),
        ("dvc.yaml", "    params:\n      - make\n", "", "params block make is used but not declared"),
        ("dvc.yaml", "      - make\n", "      - make\n      - other\n", "params block other is declared but not used"),
        ("stages/make.py", '"make"', '"other"', "params block other is used but not declared"),
        ("dvc.yaml", "      - requirements.txt\n", "", "file requirements.txt is used but not declared"),
    ],
)
def test_what_is_declared_too_little_or_too_much_is_found(project, file, old, new, problem):
    if old:
        change(project, file, old, new)
    else:
        (project / file).write_text(new, encoding="utf-8")
    assert any(line.startswith(f"make: {problem}") for line in problems(project, "dvc.yaml"))


@pytest.mark.parametrize("code", ["from . import inner", "import importlib\nimportlib.import_module('ser.inner')"])
def test_an_import_that_cannot_be_read_off_is_refused(project, code):
    (project / "ser/late.py").write_text(code, encoding="utf-8")
    with pytest.raises(AssertionError, match=r"ser/late\.py: "):
        problems(project, "dvc.yaml")


@pytest.mark.slow
def test_nothing_can_be_left_out_of_the_real_definition(tmp_path):
    """Take each line out of a copy of this project's own dvc.yaml, one at a time."""
    for folder in ("ser", "stages"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    definition = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    for stage, entry in definition["stages"].items():
        for kind in ("deps", "params", "outs", "metrics", "plots"):
            for line in entry.get(kind, ()):
                broken = {**entry, kind: [other for other in entry[kind] if other != line]}
                (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {stage: broken}}), encoding="utf-8")
                found = problems(tmp_path, "dvc.yaml")
                assert found, f"{stage} does without {line}"
                assert all(problem.endswith(" is used but not declared") for problem in found)


@pytest.mark.parametrize("change", ["train.dropout=0.4", "features.encoder=egemaps", "features.level=-26"])
def test_an_experiment_changes_its_own_line_of_the_params_and_no_other(tmp_path, change):
    """DVC writes lists one item a line, and loses comments below them."""
    written = tmp_path / PARAMS
    shutil.copy(ROOT / PARAMS, written)
    apply_overrides(written, [change])
    before, after = (path.read_text(encoding="utf-8").splitlines() for path in (ROOT / PARAMS, written))
    assert len(before) == len(after)
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1
