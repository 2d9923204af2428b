"""Train a classifier for every fold of every protocol of the split."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm import tqdm

from ser import classifier, features, manifest, params, splits, tables
from ser.classifier import Recipe, TrainParams
from ser.failures import one_line
from ser.features import Features
from ser.files import whole_folder
from ser.plots import drawing, learning_curves


def main(arguments: Sequence[str] | None = None) -> None:
    """Read split and features; write the classifiers, their learning curves and a picture of these."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "manifest", "features", "split", "models", "curves", "picture"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (default: one a core)")
    options = parser.parse_args(arguments)
    with one_line("train"):
        emotions = params.read(options.params, "emotions", list[str])
        settings = params.read(options.params, "train", TrainParams)
        utterances = manifest.read(options.manifest)
        split = splits.read(options.split)
        splits.check(split, utterances)
        vectors = features.read(options.features, utterances)
        if settings.normalisation == "speaker" and splits.tied(utterances):
            print(
                "train: warning: emotions are tied to speakers, so train.normalisation speaker takes away the emotion "
                "with the speaker; choose normalisation train",
                file=sys.stderr,
            )
        with whole_folder(options.models) as folder:
            curves = train(split, utterances, vectors, emotions, settings, folder, options.workers)
        tables.write(curves, options.curves)
        drawing.save(learning_curves.draw(curves), options.picture)
        print(f"train: {summary(curves)}; see {options.picture}")


def train(
    split: pd.DataFrame,
    utterances: pd.DataFrame,
    vectors: Features,
    emotions: list[str],
    settings: TrainParams,
    folder: Path,
    workers: int,
) -> pd.DataFrame:
    """Train all folds, fill the folder with their classifiers, and give the learning curves, sorted."""
    truth, speakers = utterances["emotion"].to_numpy(), utterances["speaker"].to_numpy()
    tasks = []
    for (protocol, fold), rows in split.groupby(["protocol", "fold"]):
        parts = rows.set_index("id")["part"].loc[utterances["id"]].to_numpy()
        recipe = Recipe(emotions, settings, vectors.extractor, protocol, int(fold))
        path = folder / classifier.file_name(protocol, fold)
        tasks.append(delayed(train_fold)(recipe, vectors.vectors, truth, parts, speakers, path))
    curves = Parallel(n_jobs=max(1, workers), return_as="generator")(tasks)
    return pd.concat(tqdm(curves, desc="train", unit="fold", total=len(tasks), disable=None), ignore_index=True)


def train_fold(
    recipe: Recipe, vectors: np.ndarray, truth: np.ndarray, parts: np.ndarray, speakers: np.ndarray, path: Path
) -> pd.DataFrame:
    """Train one fold, in a process of its own where there are several workers."""
    model, curve = classifier.fit(recipe, vectors, truth, parts, speakers)
    classifier.save(model, path)
    return curve


def summary(curves: pd.DataFrame) -> str:
    """Say how many folds were trained, and how well they did on their validation parts."""
    kept = classifier.kept(curves).groupby("protocol")["validation_uar"].agg(["count", "mean"])
    scores = [f"{row.mean:.3f} {row.Index} (folds: {row.count})" for row in kept.itertuples()]
    return f"{kept['count'].sum()} classifiers; mean validation UAR {', '.join(scores)}"


if __name__ == "__main__":
    main()
