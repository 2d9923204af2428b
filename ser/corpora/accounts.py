"""The accounts of the intake: counts of what was taken in and rejected, and where they are bad enough to stop."""

from collections import Counter
from collections.abc import Iterable, Sequence

import pandas as pd

from ser.corpora.examination import CHOSEN, REASONS
from ser.corpora.examples import EXAMPLES
from ser.corpora.shared_audio import DIFFERENT
from ser.files.failures import InputError


def summary(table: pd.DataFrame, rejected: pd.DataFrame, shared: pd.DataFrame) -> dict:
    """Count what was taken in and what was rejected.

    Args:
        table: the manifest.
        rejected: the rejects.
        shared: which utterances share audio.

    Returns:
        Utterances, speakers, utterances without a speaker, hours and utterances per emotion, in all and per corpus;
        rejects per reason, every reason named; the share of flawed files among all files of a wanted emotion, 0..1; and
        how many pairs of utterances share audio, how many of them are of two speakers, and have two labels.
    """
    flawed = int((rejected["reason"] != CHOSEN).sum())
    return {
        **_counts(table),
        "corpora": {corpus: _counts(rows) for corpus, rows in table.groupby("corpus")},
        "rejected": {reason: int((rejected["reason"] == reason).sum()) for reason in REASONS},
        "rejected_share": flawed / (flawed + len(table)),
        "shared_audio": {
            "pairs": len(shared),
            "of_two_speakers": int((shared["speakers"] == DIFFERENT).sum()),
            "of_two_emotions": int((shared["emotions"] == DIFFERENT).sum()),
        },
    }


def closing_line(table: pd.DataFrame, rejected: pd.DataFrame) -> str:
    """Say in one line what was taken in and what was rejected."""
    counts = _counts(table)
    corpora = ", ".join(table["corpus"].unique())
    unknown = counts["without_speaker"]
    speakers = f"{counts['speakers']} speaker{'s' * (counts['speakers'] > 1)}"
    if not unknown:
        whose = f" of {speakers}"
    elif unknown == len(table):
        whose = " of unknown speakers"
    else:
        whose = f" ({len(table) - unknown} of {speakers}, {unknown} of unknown ones)"
    reasons = f" ({_reasons(rejected['reason'])})" if len(rejected) else ""
    return (
        f"{counts['utterances']} utterances{whose}, {counts['hours']:.1f} h, from {corpora}; "
        f"rejected {len(rejected)}{reasons}"
    )


def _reasons(reasons: Iterable[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in Counter(reasons).most_common())


def _counts(rows: pd.DataFrame) -> dict:
    return {
        "utterances": len(rows),
        "speakers": int(rows.loc[rows["speaker"] != "", "speaker"].nunique()),
        "without_speaker": int((rows["speaker"] == "").sum()),
        "hours": float(rows["seconds"].sum() / 3600),
        "emotions": rows["emotion"].value_counts().to_dict(),
    }


def check_share(rows: Sequence[dict], corpora: Sequence[str], limit: float) -> None:
    """Stop where a corpus has too many flawed files: then something is wrong with it as a whole."""
    for corpus in corpora:
        examined = [row for row in rows if row["corpus"] == corpus and row["reason"] != CHOSEN]
        flawed = [row for row in examined if row["reason"]]
        if len(flawed) > limit * len(examined):
            reasons = _reasons(row["reason"] for row in flawed)
            examples = "; ".join(f"{row['path']}: {row['reason']}, {row['detail']}" for row in flawed[:EXAMPLES])
            raise InputError(
                f"{corpus}: {len(flawed)} of {len(examined)} files are rejected ({reasons}), more than the share "
                f"{limit:g} of manifest.max_rejected_share; mend or remove them (this stage's rejected.csv lists "
                f"all), or raise it; the first: {examples}"
            )


def check_none_empty(
    rows: Sequence[dict], key: str, wanted: Sequence[str], block: str, rejected: Sequence[dict] = ()
) -> None:
    """Stop where nothing was taken in for a name that a block of params.yaml asks for.

    Args:
        rows: of the utterances.
        key: what the names are of: ``emotion`` or ``corpus``.
        wanted: the names.
        block: that has them.
        rejected: rows of rejects as well, whose emotions tell why there is nothing of a corpus.
    """
    if absent := sorted(set(wanted) - {row[key] for row in rows}):
        found = ", ".join(sorted({row[key] for row in rows})) or "nothing"
        words = sorted({row["emotion"] for row in rejected if row[key] in absent})
        has = f" (its files are {', '.join(words)})" if words else ""
        raise InputError(
            f"{block}: nothing was taken in for {', '.join(absent)}{has}, only for {found}; take it out of "
            f"`{block}`, or mend the corpora, `emotions` or manifest.merge"
        )
