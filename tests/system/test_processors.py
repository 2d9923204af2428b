"""The same bytes on processors that this machine does not have: an emulated Intel Haswell and an emulated AMD EPYC.

qemu-user runs Python with another processor's answers to CPUID, and so with the kernels that libraries choose there. It
is some fifty times slower, hence the smallest corpus that passes through the stages in which sums decide bytes.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from ser.machine import numerics

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not numerics.capable(), reason="the same bytes are promised on x86-64 Linux with AVX2 only"),
]

ROOT = Path(__file__).resolve().parents[2]
QEMU = "qemu-x86_64-static"  # Debian's package qemu-user-static
SPEAKERS, EMOTIONS = 5, ("angry", "sad")  # ten utterances: fewer make no map
SECONDS = 0.1
RATE_HZ = 22_050  # not the encoder's, so that the signals are resampled

RUN = """
import runpy, shlex, sys
sys.path.insert(0, "")
import stages
for line in sys.stdin:
    module, *arguments = shlex.split(line)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__")
"""
# The heart of stages.familiarity, which itself encodes minutes of noise: more numbers than utterances, and fewer.
DESCRIBE = """
from pathlib import Path
from ser import features, manifest
from ser.confidence import familiarity
rows = manifest.read(Path("manifest.csv"))
vectors = features.read(Path("features"), rows).vectors
for name, numbers in (("long", vectors.shape[1]), ("short", 5)):
    found = familiarity.fit(
        vectors[:, :numbers],
        rows["emotion"].to_numpy(),
        rows["speaker"].to_numpy(),
        familiarity.FamiliarityParams(0.1),
    )
    familiarity.save(found, Path(f"{name}.safetensors"))
"""
# Most of UMAP's time here is Numba's, compiling. The numerics name one processor to compile for: what this machine has
# compiled the emulated one only loads. That it would have compiled the same is checked on a sum.
COMPILE = """
import functools, re
from pathlib import Path
import numba
import numpy as np
import pynndescent

@numba.njit(fastmath=True)
def product(one, other):
    total = 0.0
    for index in range(len(one)):
        total += one[index] * other[index]
    return total

product(np.ones(9), np.ones(9))
(code,) = product.inspect_asm().values()
# A name counts what was compiled before, and an assembler's directive how long the name is: instructions are compared.
instructions = [line for line in code.splitlines() if not line.startswith("\\t.")]
Path("product.asm").write_text(re.sub(r"\\w*product\\w*", "product", "\\n".join(instructions)))
numba.config.CACHE_DIR = str(Path("../compiled").resolve())
numba.njit = functools.partial(numba.njit, cache=True)
"""
PREPARE = [
    "stages.manifest --params params.yaml --raw raw --manifest manifest.csv --rejected rejected.csv "
    "--shared shared.csv --metrics m.json",
    "stages.split --params params.yaml --manifest manifest.csv --split split.csv --metrics s.json",
    "stages.augment --params params.yaml --raw raw --manifest manifest.csv --noise noise --augmented augmented"
    " --workers 1",
    "stages.auxiliary --params params.yaml --raw raw --auxiliary auxiliary --workers 1",
]
ENCODE_AND_LEARN = [
    "stages.features --params params.yaml --raw raw --manifest manifest.csv --features features"
    " --baseline mfcc --workers 1",
    "stages.train --params params.yaml --manifest manifest.csv --features features --augmented augmented"
    " --auxiliary auxiliary --split split.csv --models models --dynamics dynamics.csv --curves curves.csv"
    " --picture curves.png --workers 1",
    "stages.evaluate --params params.yaml --manifest manifest.csv --features features --split split.csv --models models"
    " --predictions predictions.csv --metrics evaluate.json --confusion confusion.csv --classes classes.csv"
    " --folds folds.csv --risk risk.csv --picture confusion.png",
    "describe",
]
ANALYSE = [
    "stages.train --params svm.yaml --manifest manifest.csv --features features --augmented augmented"
    " --auxiliary auxiliary --split split.csv --models svm --dynamics svm_dynamics.csv --curves svm_curves.csv"
    " --picture svm_curves.png --workers 1",
    "stages.listen --params params.yaml --raw raw --ranking ranking.csv --clips clips",
    "compile_once",
    "stages.representation --params params.yaml --manifest manifest.csv --features features --baseline mfcc"
    " --split split.csv --models models --metrics representation.json --probes probes.csv --silhouettes silhouettes.csv"
    " --points projection.csv --picture representation.png --projection-picture projection.png",
]
PROCESSORS = {"Haswell": ENCODE_AND_LEARN + ANALYSE, "EPYC": ENCODE_AND_LEARN}  # once is enough of what takes long
TINY = {
    "corpora": ["noises"],
    "emotions": list(EMOTIONS),
    "intervals": {"resamples": 100},
    "manifest": {"min_seconds": SECONDS / 2},
    "features": {"encoder": "pase_plus_untrained"},
    "split": {"protocol": "holdout", "test_share": 0.2, "validation_share": 0.25},
    "train": {"networks": 2, "hidden": [16], "epochs": 4, "patience": 4, "batch_size": 4},
    "representation": {"permutations": 1, "folds": 2},
}


def run(folder: Path, commands: list[str], *prefix: str) -> None:
    """Run stages in one process, so that an emulated one imports everything once."""
    environment = environment_without_ours() | {"PYTHONHASHSEED": "0"}
    command = [*prefix, sys.executable, "-c", RUN]
    ended = subprocess.run(
        command, cwd=folder, env=environment, input="\n".join(commands), capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr[-3000:]


PRODUCT_WITHOUT = """
import sys
from ser.machine import numerics
if sys.argv[1:]:
    del numerics.KERNELS[sys.argv[1]]
numerics.fix()
import hashlib, torch
numbers = torch.randn(96, 700, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
print(hashlib.sha256((numbers @ numbers.T).numpy().tobytes()).hexdigest())
"""


def environment_without_ours() -> dict[str, str]:
    set_by_us = numerics.THREADS | numerics.KERNELS
    return {key: value for key, value in os.environ.items() if key not in set_by_us} | {"PYTHONPATH": str(ROOT)}


def bytes_of(folder: Path) -> dict[str, str]:
    made = (path for path in folder.rglob("*") if path.is_file() and "raw" not in path.relative_to(folder).parts)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in made}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A project of ten noises of a tenth of a second, split and ready to be encoded."""
    folder = tmp_path_factory.mktemp("processors") / "prepared"
    rows = []
    for speaker in range(SPEAKERS):
        for rank, emotion in enumerate(EMOTIONS):
            rng = np.random.default_rng([speaker, rank])
            time_s = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
            tone = 0.3 * np.sin(2 * np.pi * (150 + 100 * rank + 10 * speaker) * time_s)
            path = Path(emotion, f"{speaker}.wav")
            (folder / "raw/noises" / path).parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / "raw/noises" / path, tone + rng.normal(0, 0.05, len(time_s)), RATE_HZ)
            gender = ("female", "male")[speaker % 2]
            rows.append({"path": path.as_posix(), "speaker": f"s{speaker}", "gender": gender})
    pd.DataFrame(rows).to_csv(folder / "raw/noises/metadata.csv", index=False)
    ranking = [(1, "noises/angry/0.wav"), (2, "noises/sad/1.wav")]
    pd.DataFrame(ranking, columns=["rank", "path"]).to_csv(folder / "ranking.csv", index=False)
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for block, values in TINY.items():
        params[block] = params[block] | values if isinstance(values, dict) else values
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    params["train"]["classifier"] = "svm"
    (folder / "svm.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    (folder / "describe.py").write_text(DESCRIBE)
    (folder / "compile_once.py").write_text(COMPILE)
    run(folder, PREPARE)
    return folder


@pytest.fixture(scope="module")
def qemu():
    if shutil.which(QEMU) is None:
        pytest.skip(f"no {QEMU}; Debian's package qemu-user-static has it")


@pytest.fixture(scope="module")
def measured(prepared, qemu):
    """What the stages made of it, by processor."""

    def measure(name: str) -> dict[str, str]:
        folder = shutil.copytree(prepared, prepared.parent / name)
        commands = PROCESSORS.get(name, ENCODE_AND_LEARN + ANALYSE)
        run(folder, commands, *([] if name == "real" else [QEMU, "-cpu", name]))
        return bytes_of(folder)

    real = measure("real")  # first, as the others load what it has compiled
    with ThreadPoolExecutor(2) as pool:
        return {"real": real} | dict(zip(PROCESSORS, pool.map(measure, PROCESSORS), strict=True))


def test_features_classifiers_predictions_and_probes_have_the_same_bytes_on_every_processor(measured):
    analyses = {"svm_dynamics.csv", "product.asm", "probes.csv", "projection.csv", "clips/1.flac", "clips/1.png"}
    assert analyses <= set(measured["Haswell"])
    assert set(measured["Haswell"]) == set(measured["real"])
    for processor in PROCESSORS:
        made = measured[processor]
        assert {"features/noises.npz", "predictions.csv", "curves.png", "long.safetensors"} <= set(made)
        different = [name for name, digest in made.items() if measured["real"][name] != digest]
        assert different == [], f"{processor} differs from this machine"


DECODE = """
import hashlib, sys
from pathlib import Path
from ser import audio
for path in map(Path, sys.argv[1:]):
    print(path.name, audio.digest(*audio.decode(path)))
"""


def test_recordings_have_the_same_samples_on_every_processor(tmp_path, qemu, encode):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 12_000))
    kinds = {"a.mp3": ("mp3", "libmp3lame"), "a.m4a": ("ipod", "aac"), "a.webm": ("webm", "libopus")}
    paths = [encode(tmp_path / name, *kind, noise, 48_000) for name, kind in kinds.items()]
    soundfile.write(tmp_path / "a.ogg", noise[0], 48_000, format="OGG", subtype="VORBIS")

    def decoded(*prefix: str) -> str:
        command = [*prefix, sys.executable, "-c", DECODE, *paths, tmp_path / "a.ogg"]
        ended = subprocess.run(command, env=environment_without_ours(), capture_output=True, text=True, check=True)
        return ended.stdout

    real = decoded()
    assert real.count("\n") == 4
    assert [decoded(QEMU, "-cpu", processor) for processor in PROCESSORS] == [real] * len(PROCESSORS)


def test_processors_differ_where_a_setting_is_taken_away(qemu):
    def product(processor: str) -> str:
        command = [QEMU, "-cpu", processor, sys.executable, "-c", PRODUCT_WITHOUT, "MKL_CBWR"]
        ended = subprocess.run(command, env=environment_without_ours(), capture_output=True, text=True, check=True)
        return ended.stdout

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(product, PROCESSORS))) == len(PROCESSORS)
