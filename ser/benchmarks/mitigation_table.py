"""What the mitigated systems got right -> one table, a page and a line, each compared with the one it is against."""

from collections.abc import Container, Mapping, Sequence

import numpy as np
import pandas as pd

from ser.benchmarks.mitigation import BASELINE, GENDERS, MitigationParams
from ser.scores import words
from ser.scores.intervals import Bootstrap, IntervalParams
from ser.scores.metrics import comparable, confusions, needs, resampled, scores

# The measures, and who is drawn for their intervals: everybody, or women and men apart.
MEASURES = {
    "uar": "all",
    "worst_gender_uar": "genders",
    "gender_gap": "genders",
    "gender_probe": "genders",
    "speaker_probe": "all",
}
ENDS = ("", "_low", "_high")
NUMBERS = tuple(f"{name}{of}{end}" for name in MEASURES for of in ("", "_change") for end in ENDS)
COLUMNS = ("system", "against", "seeds", *NUMBERS, "note")


def table(
    rows: pd.DataFrame, notes: dict[str, str], people: pd.DataFrame, emotions: Sequence[str], params: MitigationParams
) -> pd.DataFrame:
    """Score every system and compare it with the one that it is against.

    Args:
        rows: as from ``run``.
        notes: as from ``run``.
        people: the utterances' rows of the manifest.
        emotions: the label set.
        params: how intervals are made.

    Returns:
        ``COLUMNS``, a row a system, the baseline first: ``uar``; ``worst_gender_uar``, the lower one of women's and
        men's, which chance alone makes lower than either; ``gender_gap``, women's minus men's; ``gender_probe``,
        balanced accuracy, chance is 0.5; ``speaker_probe``, balanced accuracy, chance is one over the speakers. All
        are means over seeds, with intervals, and so is each one's ``_change``, the system minus the one of ``against``,
        paired: every replicate draws speakers once for both. What cannot be had is missing; the note says why a system
        was not run.
    """
    joined = rows.merge(people[["id", "emotion", "speaker", "gender"]], on="id", validate="many_to_one")
    speakers = sorted(set(joined["speaker"]))
    genders = people.drop_duplicates("speaker").set_index("speaker")["gender"].loc[speakers].to_numpy()
    bootstraps = _bootstraps(speakers, genders, params.intervals)
    tallies = {name: _Tally(part, speakers, genders, emotions) for name, part in joined.groupby("system")}
    lines = []
    against = {BASELINE: ""} | {name: changes.against for name, changes in params.systems.items()}
    for name in against:
        line = {"system": name, "against": against[name], "note": notes.get(name, "")}
        if name in tallies:
            line["seeds"] = rows.loc[rows["system"] == name, "seed"].nunique()
            for measure, drawn in MEASURES.items():
                bootstrap = bootstraps[drawn]
                figures = {measure: tallies[name].measure(measure, bootstrap.weights)}
                if against[name] in tallies:
                    other = tallies[against[name]].measure(measure, bootstrap.weights)
                    figures[f"{measure}_change"] = figures[measure] - other
                needed = tallies[name].needs(measure)
                for figure, values in figures.items():
                    line |= {figure: values[0]} | bootstrap.interval(values[1:], f"{figure}_", needed)
        lines.append(line)
    return pd.DataFrame(lines, columns=list(COLUMNS)).astype({"seeds": "Int64"})


def nested(scored: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Key the numbers of ``table`` by system, for JSON; those that are missing are left out."""
    return {
        row["system"]: {name: row[name] for name in NUMBERS if pd.notna(row[name])}
        for row in scored.to_dict("records")
        if pd.notna(row["uar"])
    }


def summary(scored: pd.DataFrame) -> str:
    """Say the baseline's figures, and which systems changed one of them, by intervals that exclude 0."""
    rows = scored[scored["uar"].notna()].to_dict("records")
    gains = [f"{row['system']} ({', '.join(found)})" for row in rows[1:] if (found := _moved(row))]
    known = [f"{name} {words.number(rows[0][name])}" for name in MEASURES if pd.notna(rows[0][name])]
    return f"{BASELINE} {', '.join(known)}; moved: {', '.join(gains) or 'nothing beyond chance'}"


def _moved(row: dict) -> list[str]:
    """Name the measures whose change has an interval that excludes 0, with its sign."""
    moved = []
    for name in MEASURES:
        low, high = (row[f"{name}_change{end}"] for end in ENDS[1:])
        if low > 0 or high < 0:
            moved.append(f"{name} {words.number(row[f'{name}_change'], sign=True)}")
    return moved


def page(scored: pd.DataFrame, asked: str, params: MitigationParams) -> str:
    """Write the table as a page of Markdown.

    Args:
        scored: as from ``table``.
        asked: what was compared on what, in a sentence.
        params: how.

    Returns:
        The page.
    """
    names = {
        "uar": "UAR",
        "worst_gender_uar": "UAR, worse gender",
        "gender_gap": "UAR, women minus men",
        "gender_probe": "gender, read off",
        "speaker_probe": "speaker, read off",
    }
    rows = scored[scored["uar"].notna()].to_dict("records")
    others = [row | {"system": _against(row)} for row in rows if row["system"] != BASELINE]
    columns = {f"{name}_change": title for name, title in names.items()}
    absent = [f"Not run: {row.system}: {row.note}." for row in scored[scored["uar"].isna()].itertuples()]
    seeds = scored["seeds"].max()
    lines = [
        "# What mitigation costs and gains",
        "Made by `dvc repro benchmarks/dvc.yaml`; do not edit.",
        asked,
        f"In brackets {params.intervals.confidence:.0%} intervals, which resample speakers; figures are means over "
        f"{seeds} seeds. Read off: balanced accuracy of a linear probe of the last hidden layer, tested on speakers "
        "whom the network was not trained on; the less, the less the layer shows.",
        _markdown(rows, names, signed=["gender_gap"]),
        "## Differences",
        "Each system minus the baseline, or minus the system named, which changes all but what the first is there for. "
        "Paired: the same draw of speakers for both. An interval that excludes 0 in one of the many cells is no proof.",
        _markdown(others, columns, signed=columns),
        *absent,
    ]
    return "\n\n".join(lines) + "\n"


def _against(row: dict) -> str:
    return row["system"] if row["against"] == BASELINE else f"{row['system']} − {row['against']}"


def _markdown(rows: Sequence[dict], names: Mapping[str, str], signed: Container[str]) -> str:
    """Write a figure with its interval for each row and name, under the names' titles; a dash for a missing one."""
    lines = [
        {"system": row["system"]}
        | {
            title: words.estimate(row, name, otherwise="", sign=name in signed) if pd.notna(row[name]) else "–"
            for name, title in names.items()
        }
        for row in rows
    ]
    table = pd.DataFrame(lines, columns=["system", *names.values()])
    return table.to_markdown(index=False, disable_numparse=True)


def _bootstraps(speakers: Sequence[str], genders: np.ndarray, params: IntervalParams) -> dict[str, Bootstrap]:
    """Draw speakers for each kind of measure."""
    parts = [np.asarray(speakers, dtype=object)[genders == gender] for gender in GENDERS]
    # A speaker of another or of unknown gender has no part in these measures, and is never drawn.
    strata = pd.Index(GENDERS).get_indexer(genders)
    return {"all": Bootstrap.of(speakers, params), "genders": Bootstrap(strata, params, params.obstacle(*parts))}


class _Tally:
    """What one system got right, speaker by speaker, summed over seeds."""

    def __init__(self, rows: pd.DataFrame, speakers: Sequence[str], genders: np.ndarray, emotions: Sequence[str]):
        self.of_seeds = [
            confusions(part["emotion"], part["prediction"], part["speaker"], speakers, emotions)
            for _, part in rows.groupby("seed")
        ]
        self.emotions = sum(self.of_seeds)
        self.of_gender = [genders == gender for gender in GENDERS]
        guessed = rows[rows["gender"].isin(GENDERS) & (rows["gender_guess"] != "")]
        self.genders = confusions(guessed["gender"], guessed["gender_guess"], guessed["speaker"], speakers, GENDERS)
        named = rows["speaker_guess"].where(rows["speaker_guess"] != "") == rows["speaker"]
        self.named = named.groupby(rows["speaker"]).mean().loc[speakers].to_numpy()
        if (rows["speaker_guess"] == "").any():
            self.named = np.full(len(speakers), np.nan)

    def needs(self, name: str) -> np.ndarray | None:
        """Say which speakers a measure needs, as ``Bootstrap.interval`` asks: those of each emotion or gender."""
        if name == "speaker_probe":
            return None
        if name == "gender_probe":
            return needs(self.genders)["uar"]
        if name == "uar":
            return needs(self.emotions)["uar"]
        return needs(*(self.emotions * of[:, None, None] for of in self.of_gender))["uar"]

    def measure(self, name: str, weights: np.ndarray) -> np.ndarray:
        """Measure under equal weights and then under each replicate's, (1 + resamples,)."""
        weights = np.concatenate([np.ones((1, len(self.named))), weights])
        if name == "uar":
            return scores(resampled(self.emotions, weights))["uar"]
        if name == "gender_probe":
            both = all((self.genders.sum(axis=(0, 2)) > 0).tolist())
            return scores(resampled(self.genders, weights))["uar"] if both else np.full(len(weights), np.nan)
        if name == "speaker_probe":
            return weights @ self.named / weights.sum(axis=1)
        if not comparable(self.emotions, self.of_gender):
            return np.full(len(weights), np.nan)
        gaps, worse = [], []
        for counts in self.of_seeds:
            women, men = (scores(resampled(counts, weights * of))["uar"] for of in self.of_gender)
            gaps.append(women - men)
            worse.append(np.minimum(women, men))
        return np.mean(gaps if name == "gender_gap" else worse, axis=0)
