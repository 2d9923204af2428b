"""The pipeline under real DVC, in a copy of this project with a tiny corpus of tones: what reruns, what does not."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from ser import features

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
STAGES = [
    "synthesize",
    "manifest",
    "features",
    "split",
    "augment",
    "auxiliary",
    "train",
    "evaluate",
    "bias",
    "representation",
    "ambiguity",
    "listen",
    "familiarity",
    "bundle",
    "report",
]
EMOTIONS = ["angry", "happy", "sad", "neutral"]
# The smallest pipeline that still has every stage: what is set here, over the project's own params.yaml.
TINY = {
    "corpora": ["synthetic", "tones"],
    "emotions": EMOTIONS,
    "intervals": {"resamples": 100},
    "synthesize": {"speakers": 4, "utterances_per_emotion": 1},
    "features": {"encoder": "mfcc"},
    "split": {"protocol": "holdout", "test_share": 0.25, "validation_share": 0.25},
    "train": {"hidden": [8], "epochs": 3, "patience": 3},
    "bias": {"permutations": 100},
    "representation": {"permutations": 2},
    "ambiguity": {"resamples": 100},
    "listen": {"utterances": 2},
}
# Read by every Python before all else. To start workers takes longer than the work on so few utterances.
ONE_PROCESSOR = "import os\nos.cpu_count = lambda: 1\n"


class Project:
    """A git and DVC repository in a folder, driven through its commands."""

    def __init__(self, folder: Path):
        self.folder = folder
        settings = folder.parent / f"{folder.name}-settings"
        settings.mkdir(parents=True, exist_ok=True)
        (settings / "sitecustomize.py").write_text(ONE_PROCESSOR)
        # Byte code is kept, as a user's Python does: without it every stage compiles all that it imports again.
        left_out = ("DVC", "GIT", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(left_out)},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(settings),
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(settings / "site"),
            "DVC_GLOBAL_CONFIG_DIR": str(settings / "global"),
            "DVC_SYSTEM_CONFIG_DIR": str(settings / "system"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            **{f"GIT_{who}_{what}": "tester" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }

    def run(self, *command: str) -> str:
        """Run a command that must succeed; returns all that it printed."""
        ended = subprocess.run(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert ended.returncode == 0, f"{' '.join(command)}\n{ended.stdout}"
        return ended.stdout

    def stages_run(self, *command: str) -> list[str]:
        """Run a DVC command and name the stages that it ran, in the order of dvc.yaml."""
        return sorted(re.findall(r"Running stage '(\w+)'", self.run("dvc", *command)), key=STAGES.index)

    def commit(self, message: str):
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def text(self, path: str) -> str:
        return (self.folder / path).read_text(encoding="utf-8")

    def table(self, path: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / path, keep_default_na=False)

    def set_params(self, **blocks):
        """Change values of params.yaml; of a block, the keys given."""
        params = yaml.safe_load(self.text("params.yaml"))
        for name, value in blocks.items():
            params[name] = {**params[name], **value} if isinstance(value, dict) else value
        (self.folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")

    def add_corpus(self, name: str, speakers: list[str], pitch_hz: float):
        """Write half a second per speaker and emotion: tones on noise, the emotion in their pitch."""
        rows = []
        for number, speaker in enumerate(speakers):
            for rank, emotion in enumerate(EMOTIONS):
                rows.append({"path": f"{emotion}/{speaker}.wav", "speaker": speaker})
                rows[-1]["gender"] = ("female", "male")[number % 2]
                self.add_tone(f"{name}/{rows[-1]['path']}", pitch_hz * (1 + 0.2 * rank + 0.01 * number), seed=number)
        pd.DataFrame(rows).to_csv(self.folder / "data/raw" / name / "metadata.csv", index=False)

    def add_tone(self, path: str, pitch_hz: float, seed: int):
        time_s = np.arange(8_000) / 16_000
        noise = np.random.default_rng(seed).normal(0, 0.01, len(time_s))
        file = self.folder / "data/raw" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, 0.3 * np.sin(2 * np.pi * pitch_hz * time_s) + noise, 16_000)


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
    """The project after its first ``dvc repro``, committed: for reading only."""
    project = Project(tmp_path_factory.mktemp("dvc") / "project")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    for name in tracked.splitlines():
        if (ROOT / name).is_file():  # not if it is about to be deleted
            (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, project.folder / name)
    project.set_params(**TINY)
    project.add_corpus("tones", [f"t{number}" for number in range(8)], pitch_hz=200)
    project.run("git", "init", "--quiet", "--initial-branch", "main")
    project.run("dvc", "add", "data/raw/tones")
    assert project.stages_run("repro") == STAGES
    project.commit("reproduced")
    return project


@pytest.fixture
def project(reproduced, tmp_path):
    """A copy of the reproduced project, to change."""
    shutil.copytree(reproduced.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def test_a_second_repro_runs_no_stage(project):
    assert project.stages_run("repro") == []
    assert "up to date" in project.run("dvc", "status", "dvc.yaml")


def test_everything_that_is_small_is_in_git_and_the_rest_is_not(reproduced):
    committed = reproduced.run("git", "ls-files").splitlines()
    made = [name for name in committed if name.startswith(("metrics/", "plots/"))]
    assert {"metrics/manifest.json", "metrics/evaluate.json", "metrics/bias.json", "plots/confusion.png"} <= set(made)
    large = [name for name in committed if name.endswith((".npz", ".wav", ".safetensors"))]
    assert large == ["models/pase_plus.safetensors", "models/pase_plus_self_supervised.safetensors"]  # shipped
    assert reproduced.run("git", "status", "--porcelain") == ""


def test_a_forced_repro_gives_the_same_lock_whatever_the_surroundings(project, tmp_path):
    """Another path, user, home, time zone, locale, umask, hash seed, threads, processors, and a matplotlibrc."""
    elsewhere = Project(tmp_path / "another place" / "project")
    shutil.copytree(project.folder, elsewhere.folder, symlinks=True)
    home = tmp_path / "home"
    (home / ".config/matplotlib").mkdir(parents=True)
    (home / ".config/matplotlib/matplotlibrc").write_text("font.size: 17\naxes.facecolor: yellow\n")
    elsewhere.environment |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "LOGNAME": "somebody"}
    elsewhere.environment |= {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONHASHSEED": "3"}
    elsewhere.environment |= {"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3"}
    del elsewhere.environment["PYTHONPATH"]  # as many processors as there are
    elsewhere.run("sh", "-c", "umask 077; dvc repro --force")
    assert elsewhere.text("dvc.lock") == project.text("dvc.lock")
    assert elsewhere.run("git", "status", "--porcelain") == ""


@pytest.mark.parametrize("stage", ["synthesize", "features", "train"])
def test_the_number_of_workers_changes_no_byte(project, stage):
    command = yaml.safe_load(project.text("dvc.lock"))["stages"][stage]["cmd"]
    for path in ("data/features", "data/mfcc"):  # vectors that are there would be taken over
        shutil.rmtree(project.folder / path, ignore_errors=stage != "features")
    if stage != "features":
        project.run("dvc", "checkout", "data/features")
    for workers in ("1", "3"):
        project.run("sh", "-c", f"{command} --workers {workers}")
        assert "up to date" in project.run("dvc", "status", stage)


def test_a_comment_in_a_parser_reruns_what_reads_corpora_and_nothing_else(project):
    with (project.folder / "ser/corpora/emodb.py").open("a", encoding="utf-8") as stream:
        stream.write("# A comment.\n")
    assert project.stages_run("repro") == ["manifest", "auxiliary"]


def test_a_corpus_trains_beside_another_and_is_in_no_figure(project):
    project.set_params(corpora=["tones"])
    project.run("dvc", "repro")
    project.commit("tones alone")
    ran = set(project.stages_run("exp", "run", "-S", "auxiliary.corpora=[synthetic]"))
    assert {"auxiliary", "train", "bundle", "report"} <= ran
    assert not {"manifest", "features", "split", "augment"} & ran
    assert set(project.table("data/predictions.csv")["id"].str.partition("/")[0]) == {"tones"}
    assert list(json.loads(project.text("metrics/manifest.json"))["corpora"]) == ["tones"]
    assert "tterances of other corpora" in project.text("models/bundle/card.md")
    assert "Utterances of synthetic could train beside these" in project.text("reports/report.html")


def test_an_experiment_on_training_reruns_training_makes_stale_what_follows_and_can_be_compared(project):
    assert project.stages_run("exp", "run", "-S", "train.dropout=0.1", "evaluate") == ["train", "evaluate"]
    stale = set(json.loads(project.run("dvc", "status", "--json", "dvc.yaml")))
    assert stale == {"bias", "representation", "ambiguity", "familiarity", "bundle", "report"}
    project.run("git", "checkout", "--quiet", "-b", "dropout")
    project.commit("less dropout")
    metrics = project.run("dvc", "metrics", "diff", "main", "dropout")
    assert "metrics/evaluate.json" in metrics
    assert "metrics/split.json" not in metrics
    project.run("dvc", "plots", "diff", "main", "dropout")
    page = project.text("dvc_plots/index.html")
    for words in ("learning curves", "confusion", "UAR of each group", '"rev": "main"', '"rev": "dropout"'):
        assert words in page


def test_conditions_given_on_the_command_line_are_trained_on_and_their_copies_can_be_checked_out(project):
    assert [path.name for path in (project.folder / "data/augmented").rglob("*")] == ["conditions.csv"]
    before = project.text("metrics/evaluate.json")
    wanted = [f"+augment.conditions.{kind}.levels=[{level}]" for kind, level in (("pink", 10), ("telephone", 3400))]
    ran = project.stages_run("exp", "run", *(word for override in wanted for word in ("-S", override)), "bundle")
    assert ran == ["augment", "train", "evaluate", "bias", "familiarity", "bundle"]
    assert project.text("metrics/evaluate.json") != before
    assert "| pink_10 " in project.text("models/bundle/card.md")
    shutil.rmtree(project.folder / "data/augmented")
    project.run("dvc", "checkout", "data/augmented")
    assert project.table("data/augmented/conditions.csv")["condition"].tolist() == ["pink_10", "telephone_3400"]
    assert len(list((project.folder / "data/augmented").glob("*/*.npz"))) == 4
    assert project.stages_run("repro", "bundle") == []


# Something in the code that training shows: were the code of the checkout run, the curves would be those of before.
OTHER_CODE = "optimiser = torch.optim.AdamW(learning, 50 * params.learning_rate"


def edit_training(folder: Path):
    source = folder / "ser/learning/descent.py"
    old = "optimiser = torch.optim.AdamW(learning, params.learning_rate"
    text = source.read_text(encoding="utf-8")
    assert text.count(old) == 1
    source.write_text(text.replace(old, OTHER_CODE), encoding="utf-8")


@pytest.fixture(scope="module")
def curves_of_other_code(reproduced, tmp_path_factory):
    """The learning curves of changed code, trained where it stands: in a clone of its own."""
    clone = Project(tmp_path_factory.mktemp("changed") / "project")
    shutil.copytree(reproduced.folder, clone.folder, symlinks=True)
    edit_training(clone.folder)
    assert "train" in clone.stages_run("repro", "train")
    curves = clone.text("plots/learning_curves.csv")
    assert curves != reproduced.text("plots/learning_curves.csv")
    return curves


@pytest.mark.parametrize("how", ["--temp", "--queue"])
def test_an_experiment_outside_the_workspace_runs_its_own_code(project, curves_of_other_code, how):
    edit_training(project.folder)
    project.run("dvc", "exp", "run", how, "--name", "changed", "train")
    if how == "--queue":
        project.run("dvc", "queue", "start")
        for _ in range(150):
            if "Success" in (status := project.run("dvc", "queue", "status")):
                break
            assert "Failed" not in status, project.run("dvc", "queue", "logs", "changed")
            time.sleep(2)  # asking takes a processor for as long
    project.run("git", "checkout", "--quiet", "ser/learning/descent.py")
    project.run("dvc", "exp", "apply", "changed")
    assert project.text("plots/learning_curves.csv") == curves_of_other_code


def test_a_worktree_runs_its_own_code(project, tmp_path, curves_of_other_code):
    project.run("git", "worktree", "add", "--quiet", str(tmp_path / "tree"), "HEAD")
    tree = Project(tmp_path / "tree")
    shutil.copytree(project.folder / ".dvc/cache", tree.folder / ".dvc/cache")
    tree.run("dvc", "checkout")
    edit_training(tree.folder)
    tree.run("dvc", "repro", "train")
    assert tree.text("plots/learning_curves.csv") == curves_of_other_code


def test_a_new_split_encodes_nothing(project):
    split = project.text("data/split.csv")
    # Neither features nor augment, whose copies are of every speaker.
    assert project.stages_run("exp", "run", "-S", "split.seed=7", "train") == ["split", "train"]
    assert project.text("data/split.csv") != split


def test_what_is_pushed_can_be_pulled_into_a_clone_and_is_up_to_date(project, tmp_path):
    project.run("dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    project.commit("a remote")
    project.run("dvc", "push")
    project.run("git", "clone", "--quiet", str(project.folder), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    clone.run("dvc", "pull")
    assert "up to date" in clone.run("dvc", "status", "dvc.yaml")
    assert clone.stages_run("repro") == []
    assert clone.text("data/predictions.csv") == project.text("data/predictions.csv")


def encoded_and_reused(project) -> tuple[int, int]:
    """Bring the features up to date; how many utterances were encoded and how many taken over."""
    said = project.run("dvc", "repro", "features")
    encoded, reused = re.search(r"features: (\d+) utterances encoded .* (\d+) reused", said).groups()
    return int(encoded), int(reused)


def test_a_new_corpus_is_encoded_and_no_other(project):
    old = (project.folder / "data/features/tones.npz").read_bytes()
    project.add_corpus("chirps", ["c1", "c2"], pitch_hz=500)
    project.set_params(corpora=["synthetic", "tones", "chirps"])
    assert encoded_and_reused(project) == (8, 48)
    assert (project.folder / "data/features/tones.npz").read_bytes() == old


def test_a_new_file_is_encoded_and_no_other(project):
    project.add_tone("tones/sad/t0_again.wav", 333, seed=1)
    with (project.folder / "data/raw/tones/metadata.csv").open("a") as stream:
        stream.write("sad/t0_again.wav,t0,female\n")
    assert encoded_and_reused(project) == (1, 48)
    assert "tones/sad/t0_again" in features.load(project.folder / "data/features/tones.npz").ids


def test_a_dropped_corpus_leaves_no_row_anywhere(project):
    project.set_params(corpora=["tones"])
    assert project.stages_run("repro", "bias") == STAGES[1 : STAGES.index("bias") + 1]
    for path in ("data/manifest.csv", "data/split.csv", "data/predictions.csv"):
        ids = project.table(path)["id"]
        assert len(ids) > 0
        assert ids.str.startswith("tones/").all()
    assert [path.name for path in (project.folder / "data/features").iterdir()] == ["tones.npz"]
    assert "synthetic/" not in project.text("plots/groups.csv")


# Put before everything that the stages import: whatever flushes a file meets the failure, just before the file would
# be put in its place; the worker processes of a stage too, but not DVC.
FAIL_WHERE_FILES_ARE_FLUSHED = """
import errno, os, signal, sys

def fsync(descriptor):
    {failure}

if not sys.argv[0].endswith("/dvc"):
    os.fsync = fsync
"""
CTRL_C = "os.killpg(0, signal.SIGINT)"  # to every process, as a terminal does
DISK_FULL = "raise OSError(errno.ENOSPC, 'No space left on device')"


@pytest.mark.parametrize(
    ("stage", "failure", "message"),
    [
        ("synthesize", DISK_FULL, "synthesize: data/raw/synthetic: no space left on device"),
        ("manifest", CTRL_C, "manifest: interrupted; no output is half-written, run it again"),
        ("features", CTRL_C, "features: interrupted; no output is half-written, run it again"),
        ("train", CTRL_C, "train: interrupted; no output is half-written, run it again"),
        ("train", DISK_FULL, "train: models/classifier: no space left on device"),
    ],
)
def test_a_stage_that_fails_in_the_middle_says_so_and_the_next_repro_is_right(project, stage, failure, message):
    lock, status = project.text("dvc.lock"), project.run("dvc", "data", "status")
    (project.folder.parent / "sitecustomize.py").write_text(FAIL_WHERE_FILES_ARE_FLUSHED.format(failure=failure))
    ended = subprocess.run(
        ["dvc", "repro", "--force", "--single-item", stage],
        cwd=project.folder,
        env=project.environment | {"PYTHONPATH": str(project.folder.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # background jobs are born ignoring it
    )
    assert ended.returncode != 0
    assert any(line.startswith(message) for line in ended.stdout.splitlines()), ended.stdout
    assert "Traceback" not in ended.stdout
    project.run("dvc", "repro")
    assert project.text("dvc.lock") == lock
    assert project.run("dvc", "data", "status") == status
    assert project.run("git", "status", "--porcelain") == ""
