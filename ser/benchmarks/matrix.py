"""The cross-corpus matrix: what each encoder, trained on one corpus, is worth on another."""

from collections.abc import Mapping

import pandas as pd

from ser.scores import words

MEAN = "mean of these"


def sections(scored: Mapping[tuple[str, str], pd.DataFrame]) -> list[str]:
    """Write a table for each normalisation and classifier: a row per pair of corpora, a column per encoder.

    Args:
        scored: tables of ``ser.benchmarks.comparison.table`` by the corpus that trains and the one that tests.

    Returns:
        Lines of Markdown. The last row of a table is the mean over the pairs, which is no sample of corpora: it has no
        interval.
    """
    lines = []
    for (normalisation, classifier), systems in together(scored).groupby(["normalisation", "classifier"], sort=False):
        estimates = systems.apply(words.estimate, axis=1, key="uar", otherwise="")
        shown = systems.assign(uar=estimates).pivot(index="pair", columns="encoder", values="uar")
        encoders = list(dict.fromkeys(systems["encoder"]))
        shown = shown.loc[list(dict.fromkeys(systems["pair"])), encoders]
        everywhere = shown.notna().all()  # the mean of fewer pairs would be of other, perhaps easier ones
        shown.loc[MEAN] = systems.groupby("encoder")["uar"].mean().map(words.number).where(everywhere)
        table = shown.fillna("–").rename_axis("trained on, tested on").to_markdown(disable_numparse=True)
        lines += [f"## UAR, `{classifier}`, normalisation `{normalisation}`", "", table, ""]
    return lines


def together(scored: Mapping[tuple[str, str], pd.DataFrame]) -> pd.DataFrame:
    """Put the systems of all pairs into one table, with columns train, test and pair; chance is no system."""
    rows = [
        table[table["normalisation"].notna()].assign(train=train, test=test, pair=f"{train} to {test}")
        for (train, test), table in scored.items()
    ]
    return pd.concat(rows, ignore_index=True)
