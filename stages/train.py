"""Train a classifier for every fold of every protocol of the split."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import delayed
from tqdm import tqdm

from ser import features, manifest
from ser.features import Features
from ser.files import params, tables
from ser.files.failures import one_line
from ser.files.whole import whole_folder
from ser.learning import cartography, classifier, fitting, objective, soft_labels
from ser.learning.curves import kept
from ser.learning.recipe import Recipe, TrainParams
from ser.machine import processes
from ser.plots import drawing, learning_curves
from ser.splits import names, oracle, table


def main(arguments: Sequence[str] | None = None) -> None:
    """Read split and features; write the classifiers, how their training went, and a picture of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "manifest", "features", "split", "models", "dynamics", "curves", "picture"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (default: one a core)")
    options = parser.parse_args(arguments)
    with one_line("train"):
        emotions = params.read(options.params, "emotions", list[str])
        settings = params.read(options.params, "train", TrainParams)
        utterances = manifest.read(options.manifest)
        split = table.read(options.split)
        table.check(split, utterances)
        vectors = features.read(options.features, utterances)
        for warning in warnings(settings, utterances, emotions):
            print(f"train: warning: {warning}", file=sys.stderr)
        with whole_folder(options.models) as folder:
            curves, dynamics = train(split, utterances, vectors, emotions, settings, folder, options.workers)
        tables.write(dynamics, options.dynamics)
        tables.write(curves, options.curves)
        drawing.save(learning_curves.draw(curves), options.picture)
        print(f"train: {summary(curves)}; see {options.picture}")


def warnings(settings: TrainParams, utterances: pd.DataFrame, emotions: Sequence[str]) -> list[str]:
    """Say which of the parameters do not do for this corpus what their names promise, a line each."""
    lines = []
    if oracle.tied(utterances):
        tied = "emotions are tied to speakers, so {} takes away the emotion with the speaker; choose {}"
        if settings.normalisation == "speaker":
            lines.append(tied.format("train.normalisation speaker", "normalisation train"))
        if settings.adversary.attribute == "speaker":
            lines.append(tied.format("train.adversary.attribute speaker", "none"))
    if settings.labels == "soft" and (same := soft_labels.same_as_hard(utterances, emotions)):
        lines.append(
            f"train.labels soft: the votes of {', '.join(same)} are for the label or for none of `emotions`, so that "
            "soft labels are hard ones there; choose smoothed"
        )
    if settings.group_weights != "none":
        empty = objective.empty_cells(utterances["emotion"], utterances[settings.group_weights])
        if empty:
            more = f" and {len(empty) - 3} more" if len(empty) > 3 else ""
            lines.append(
                f"train.group_weights {settings.group_weights}: no utterances of {', '.join(empty[:3])}{more}; "
                "the other groups share the weight of that emotion"
            )
    return lines


def train(
    split: pd.DataFrame,
    utterances: pd.DataFrame,
    vectors: Features,
    emotions: list[str],
    settings: TrainParams,
    folder: Path,
    workers: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train all folds and fill the folder with their classifiers.

    Returns:
        The learning curves, sorted; and how training went for each utterance, in the folds of the protocol beside
        ``random`` or, where it stands alone, of ``random``.
    """
    tasks, mapped = [], []
    alone = set(split["protocol"]) == {names.RANDOM}
    for (protocol, fold), rows in split.groupby(["protocol", "fold"]):
        parts = rows.set_index("id")["part"].loc[utterances["id"]].to_numpy()
        recipe = Recipe(emotions, settings, vectors.extractor, protocol, int(fold))
        path = folder / classifier.file_name(protocol, fold)
        tasks.append(delayed(train_fold)(recipe, vectors.vectors, utterances, parts, path))
        mapped.append(alone or protocol != names.RANDOM)
    folds = processes.parallel(tasks, workers)
    folds = list(tqdm(folds, desc="train", unit="fold", total=len(tasks), disable=None))
    dynamics = [went for (_, went), wanted in zip(folds, mapped, strict=True) if wanted]
    return pd.concat([curve for curve, _ in folds], ignore_index=True), cartography.combine(dynamics)


def train_fold(
    recipe: Recipe, vectors: np.ndarray, utterances: pd.DataFrame, parts: np.ndarray, path: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train one fold, in a process of its own where there are several workers."""
    truth, speakers = utterances["emotion"].to_numpy(), utterances["speaker"].to_numpy()
    training = utterances[parts == "train"]
    went = cartography.Recorder(training["emotion"], recipe.labels)
    model, curve = fitting.fit(recipe, vectors, truth, parts, speakers, utterances, went.record)
    classifier.save(model, path)
    return curve, went.of_fold(training["id"])


def summary(curves: pd.DataFrame) -> str:
    """Say how many folds were trained, and how well they did on their validation parts."""
    best = kept(curves).groupby("protocol")["validation_uar"].agg(["count", "mean"])
    scores = [f"{row.mean:.3f} {row.Index} (folds: {row.count})" for row in best.itertuples()]
    return f"{best['count'].sum()} classifiers; mean validation UAR {', '.join(scores)}"


if __name__ == "__main__":
    main()
