"""Check every block of params.yaml at once, before a typo in a late one ends a run that has taken hours."""

import argparse
import dataclasses
from pathlib import Path

import yaml

from ser.ambiguity.doubt import AmbiguityParams
from ser.auxiliary import AuxiliaryParams
from ser.bias.groups import BiasParams
from ser.clips import ListenParams
from ser.confidence.familiarity import FamiliarityParams
from ser.corpora import emotions, intake
from ser.corpora.intake import ManifestParams
from ser.encoders.extraction import FeatureParams
from ser.files import params
from ser.files.failures import InputError, one_line
from ser.files.whole import check_file
from ser.learning.recipe import TrainParams
from ser.people import AgeBands
from ser.representation.spaces import RepresentationParams
from ser.robustness.copies import AugmentParams
from ser.scores.intervals import IntervalParams
from ser.splits.protocols import SplitParams
from ser.synthesis.corpus import SynthesisParams

NOISE = Path("data/noise")  # where dvc.yaml has it
# What the stages read each block as.
BLOCKS = {
    "corpora": list[str],
    "emotions": list[str],
    "age_bands": AgeBands,
    "intervals": IntervalParams,
    "synthesize": SynthesisParams,
    "manifest": ManifestParams,
    "features": FeatureParams,
    "split": SplitParams,
    "augment": AugmentParams,
    "auxiliary": AuxiliaryParams,
    "train": TrainParams,
    "bias": BiasParams,
    "representation": RepresentationParams,
    "ambiguity": AmbiguityParams,
    "listen": ListenParams,
    "familiarity": FamiliarityParams,
}


def main() -> None:
    """Print one line where all blocks are good, and end with one where a block is not."""
    parser = argparse.ArgumentParser(prog="check-params", description=__doc__)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    path = parser.parse_args().params
    with one_line("check-params"):
        check(path)
        print(f"check-params: {path}: every key of {len(BLOCKS)} blocks is known, there, and in its range")


def check(path: Path) -> None:
    """Read each block as its stages do, and check what they check of it before they begin.

    Raises:
        InputError: a block or a key is unknown, ill-typed or out of range; or missing, though a stage might take a
            default for it; or an emotion, a condition or the file of the weights is not there.
    """
    intervals = vars(params.read(path, "intervals", IntervalParams))
    few = {name: intervals[name] for name in ("confidence", "seed", "minimum_speakers")}
    bands = params.read(path, "age_bands", AgeBands)
    shared = {"bias": intervals | {"age_bands": bands}, "representation": intervals, "ambiguity": few}
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    for block in document:
        if block not in BLOCKS:
            raise InputError(
                f"{path}: expected the blocks {', '.join(BLOCKS)}, found '{block}'{params.hint(block, BLOCKS)}"
            )
    read = {}
    for block, kind in BLOCKS.items():
        given = shared.get(block, {})
        read[block] = params.read(path, block, kind, **given)
        if dataclasses.is_dataclass(kind) and (lines := params.untold(path, block, kind, given)):
            raise InputError(lines[0])
    intake.check_names(read["corpora"])
    emotions.check_label_set(read["emotions"])
    emotions.check_merge(read["manifest"].merge, read["emotions"])
    read["augment"].chosen(NOISE)
    read["auxiliary"].check(read["corpora"])
    if lent := read["auxiliary"].corpora:
        intake.check_names(lent, "auxiliary.corpora")
        read["train"].check_lending()
    check_file(Path(read["features"].weights), "features.weights")
    for remark in read["manifest"].of_others([*read["corpora"], *read["auxiliary"].corpora]):
        print(f"check-params: {remark}")


if __name__ == "__main__":
    main()
