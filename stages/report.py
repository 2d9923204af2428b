"""Write what was measured as one self-contained HTML page."""

import argparse
from importlib import metadata
from pathlib import Path
from typing import Any

from ser.files import params, tables
from ser.files.failures import InputError, one_line
from ser.files.whole import whole_file
from ser.report import data, material, page
from ser.report.schemas import TABLES

METRICS = ("manifest", "split", "evaluate", "familiarity", "bias", "ambiguity")
PICTURES = ("audit", "confusion", "curves", "familiarity", "representation", "projection", "groups", "ambiguity")
PACKAGES = (
    "torch",
    "torchaudio",
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "librosa",
    "cleanlab",
    "umap-learn",
    "dvc",
)


def main() -> None:
    """Read metrics, tables and pictures; write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = {"metrics": METRICS, "table": tuple(TABLES), "picture": PICTURES}
    flags = {kind: {name: f"{name}-{kind}" for name in names} for kind, names in kinds.items()}
    inputs = (flag for named in flags.values() for flag in named.values())
    for flag in ("params", *inputs, "clips", "template", "report"):
        parser.add_argument(f"--{flag}", type=Path, required=True)
    options = vars(parser.parse_args())
    given = {
        kind: {name: options[flag.replace("-", "_")] for name, flag in named.items()} for kind, named in flags.items()
    }
    with one_line("report"):
        blocks = settings(options["params"])
        shown = material.read_tables(given["table"], blocks["emotions"])
        shown["clips"], spectrograms, sounds = material.read_clips(options["clips"], shown["ambiguous"])
        told = material.Material(
            metrics=tables.read_metrics(given["metrics"]),
            tables=shown,
            pictures=material.read_files(given["picture"] | spectrograms),
            sounds=material.read_files(sounds),
            settings=blocks,
            versions={name: metadata.version(name).split("+")[0] for name in PACKAGES},  # without "+cpu"
        )
        html = page.render(told, template(options["template"]))
        with whole_file(options["report"]) as temporary:
            temporary.write_text(html, encoding="utf-8", newline="\n")
        print(f"report: {data.size(told.metrics['manifest'])}; open {options['report']}")


def settings(path: Path) -> dict[str, Any]:
    """Read every block, to be shown: the stages that use them have checked them."""
    return {
        "corpora": params.read(path, "corpora", list),
        "emotions": params.read(path, "emotions", list[str]),
        "age_bands": params.read(path, "age_bands", list),
        "intervals": params.read(path, "intervals", dict),
        "synthesize": params.read(path, "synthesize", dict),
        "manifest": params.read(path, "manifest", dict),
        "features": params.read(path, "features", dict),
        "split": params.read(path, "split", dict),
        "augment": params.read(path, "augment", dict),
        "auxiliary": params.read(path, "auxiliary", dict),
        "train": params.read(path, "train", dict),
        "bias": params.read(path, "bias", dict),
        "representation": params.read(path, "representation", dict),
        "ambiguity": params.read(path, "ambiguity", dict),
        "listen": params.read(path, "listen", dict),
        "familiarity": params.read(path, "familiarity", dict),
    }


def template(path: Path) -> str:
    """Read the template."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; it belongs to the project")
    return path.read_text(encoding="utf-8")


if __name__ == "__main__":
    main()
