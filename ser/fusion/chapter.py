"""What words add to the voice, in the look of the report: findings first, then each task's picture and table."""

from collections.abc import Mapping

import pandas as pd

from ser.fusion import heard
from ser.fusion.folds import MATCHED
from ser.fusion.page import COLUMNS, TITLES, about, method
from ser.fusion.table import CLAIM
from ser.fusion.task import VOICE, WORDS, FusionParams, FusionTask
from ser.report import words
from ser.report.content import Figure, Finding, Points, Section, estimated, table
from ser.scores.words import level

TITLE = "Words beside the voice"
VERDICTS = {"yes": words.FOUND, "no": words.NOT_SHOWN, "refused": words.UNKNOWN}


def sections(
    tables: Mapping[str, pd.DataFrame],
    tasks: Mapping[str, FusionTask],
    params: FusionParams,
    errors: Mapping[str, pd.DataFrame],
    model: str,
) -> list[Section]:
    """Write the sections; arguments as of ``ser.fusion.page.write``, and a picture has the name of its task."""
    found = [finding for name, scored in tables.items() for finding in findings(name, scored, params)]
    telling = [line.replace("`", "").replace("**", "") for line in method(params, model)]
    telling += [heard.METHOD] if errors else []
    return [
        Section("findings", "Findings", "What was found", "", found),
        *(_task(name, scored, tasks[name], errors) for name, scored in tables.items()),
        Section("method", "Method", "How it was measured", "", [Points("", telling)]),
    ]


def findings(name: str, scored: pd.DataFrame, params: FusionParams) -> list[Finding]:
    """Say whether words help in a task, and what known sentences are worth there."""
    note = scored.loc[scored["system"] == CLAIM, "note"].iloc[0]
    said, _, reason = note.partition(": ")
    matched = scored[scored["folds"] == MATCHED].set_index("system")
    voice, alone = (matched.loc[system] for system in (VOICE, WORDS))
    drawn = scored["uar_low"].notna().any()
    sure = (
        f"Intervals of {params.intervals.confidence:.0%} over speakers; differences are paired over them."
        if drawn
        else "No interval: too few speakers, or too few of an emotion."
    )
    return [
        Finding(
            f"Do words help on {name}?",
            VERDICTS[said],
            f"{said.capitalize()}: {words.typeset(reason)}.",
            f"{sure} Words alone are tested over sentences, by {params.permutations} permutations.",
            "What other sentences, or other ways to put words beside the voice, would add.",
        ),
        Finding(
            f"What are known sentences worth on {name}?",
            words.verdict(voice, "gap", level(params.intervals.confidence)),
            f"To the voice {words.estimate(voice, 'gap', sign=True)} of UAR, to words alone "
            f"{words.estimate(alone, 'gap', sign=True)}, with as few to learn from in both cases.",
            sure,
            "Which sentences give the emotion away.",
        ),
    ]


def _task(name: str, scored: pd.DataFrame, task: FusionTask, errors: Mapping[str, pd.DataFrame]) -> Section:
    rows = [
        [
            TITLES[row["folds"]],
            row["system"].replace("_", ", "),
            *("–" if pd.isna(row[key]) else estimated(row, key, "no interval", key != "uar") for key in COLUMNS),
        ]
        for row in scored[scored["system"] != CLAIM].to_dict("records")
    ]
    parts = [
        Figure(
            name,
            f"UAR of every system on {name}",
            "A dot with its interval for each system, in a panel for each kind of folds.",
            "The UAR of each system on each kind of folds, with intervals over speakers.",
        ),
        table(f"Figures of every system on {name}", ["tested on", "system", *COLUMNS.values()], rows, heads=2),
    ]
    introduction = " ".join([about(task), *heard.told(task, errors)]).replace("`", "")
    return Section(f"task_{name}", name, f"Every system on {name}", introduction, parts)
