"""The page that tells what words add to the voice, task by task."""

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

from ser.fusion import heard
from ser.fusion.folds import MATCHED, SENTENCES, SPEAKERS
from ser.fusion.table import CLAIM
from ser.fusion.task import VOICE, WORDS, FusionParams, FusionTask
from ser.scores import words

TITLES = {
    SPEAKERS: "other speakers",
    MATCHED: "other speakers, as few training utterances",
    SENTENCES: "other speakers, other sentences",
}
COLUMNS = {"uar": "UAR", "gain": "minus the voice", "gap": "minus other sentences"}


def write(
    tables: Mapping[str, pd.DataFrame],
    tasks: Mapping[str, FusionTask],
    params: FusionParams,
    errors: Mapping[str, pd.DataFrame],
    model: str,
    pictures: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Write the page.

    Args:
        tables: of each task, as ``ser.fusion.table.table`` gives it, with a last row of the claim.
        tasks: what was asked.
        params: how.
        errors: of each corpus whose words were heard, as ``ser.text.word_errors.table`` gives them.
        model: of the sentences' vectors, as in the params.
        pictures: where the picture of a task is, from the page on.

    Returns:
        The page, in Markdown.

    Raises:
        InputError: a corpus whose words were heard is not among the errors.
    """
    lines = [
        "# Words beside the voice",
        "Made by `dvc repro fusion/dvc.yaml`; do not edit.",
        short(tables, tasks),
        *method(params, model),
        *([heard.METHOD] if errors else []),
    ]
    for name, scored in tables.items():
        claim = scored.loc[scored["system"] == CLAIM].iloc[0]
        lines += [
            f"## {name}",
            *([f"![{name}]({pictures[name]})"] if name in pictures else []),
            about(tasks[name]),
            *heard.told(tasks[name], errors),
            _markdown(scored[scored["system"] != CLAIM]),
            f"That sentences are known is worth {_known(scored, VOICE)} to the voice, {_known(scored, WORDS)} to the "
            "words, as few training utterances in both cases.",
            f'"{CLAIM.capitalize()}": {claim["note"]}.',
        ]
    return "\n\n".join(lines) + "\n"


def short(tables: Mapping[str, pd.DataFrame], tasks: Mapping[str, FusionTask]) -> str:
    """Sum the tasks up in a table: the voice on known and on other sentences, words alone, and whether words help."""
    rows = []
    for name, scored in tables.items():
        of = scored.set_index(["folds", "system"])
        rows.append(
            {
                "task": f"[{name}](#{name})",
                "what it is": tasks[name].note,
                "voice, sentences known": words.estimate(of.loc[MATCHED, VOICE], "uar", otherwise=""),
                "voice, other sentences": words.estimate(of.loc[SENTENCES, VOICE], "uar", otherwise=""),
                "so known sentences are worth": _known(scored, VOICE),
                "words alone, other sentences": words.estimate(of.loc[SENTENCES, WORDS], "uar", otherwise=""),
                "do words help?": scored.loc[scored["system"] == CLAIM, "note"].iloc[0].partition(":")[0],
            }
        )
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


def method(params: FusionParams, model: str) -> list[str]:
    """Say how it was measured and when words are said to help, a paragraph each."""
    fused, confidence = params.fused, f"{params.intervals.confidence:.0%}"
    by = f"`{model}`"
    if model == "packaged":
        by = "all-MiniLM-L6-v2, trained on English: where words of other languages add nothing, this may be why"
    both = (
        ", or of both. late: the mean of log-probabilities, plain, or weighted as fits speakers who validate; early: "
        f"one `{params.classifier}` of both vectors"
    )
    claimed = (
        f'"{CLAIM.capitalize()}" may be said where, on other sentences, both together score higher than the voice '
        "(the interval of the difference, over speakers, excludes zero), and words alone score higher than when "
        f"vectors are permuted among the sentences of a language ({params.permutations} permutations drawn at random, "
        f"so p is {1 / (params.permutations + 1):.3g} at least, and more where there are too few sentences for as many "
        f"different ones). Both together stands for `{fused}`, chosen before anything was measured."
    )
    return [
        "Systems are the main pipeline's linear classifiers: of PASE+ vectors (voice: "
        f"`{params.classifier}`), of vectors of what is said (words: `{params.words_classifier}`)"
        f"{both if fused else ''}. Words are encoded by {by}. In brackets {confidence} intervals, which resample "
        "speakers; differences are paired over speakers.",
        "Where a sentence is said in one emotion only, who knows the sentence has the emotion. So everything is "
        "measured on three kinds of folds: those that test **other speakers**; those that test **other speakers on "
        f"other sentences** ({params.sentence_groups} groups of these, by one draw: `docs/benchmark_sentences.md` has "
        "the voice over ten draws, a little otherwise); and, as the latter leave fewer utterances to learn from, those "
        "that test other speakers and learn from **as few** of each speaker and emotion, whatever the sentence. What a "
        "system loses between the last two is what known sentences gave it (and what it is worth to learn from more "
        "different sentences, as the last kind does).",
        claimed if fused else f'Nothing was fused, so "{CLAIM}" cannot be said.',
    ]


def about(task: FusionTask) -> str:
    """Say what a task asks of which corpus."""
    note = f"{task.note[0].upper()}{task.note[1:]}. " if task.note else ""
    return (
        f"{note}Corpus `{task.corpus}`, emotions {', '.join(task.emotions)}; protocol {task.protocol}; words: "
        f"{task.words}{f'; utterances in {task.language} alone' if task.language else ''}."
    )


def _known(scored: pd.DataFrame, system: str) -> str:
    """Write what a system loses on other sentences."""
    row = scored[(scored["folds"] == MATCHED) & (scored["system"] == system)].iloc[0]
    return words.estimate(row, "gap", sign=True)


def _markdown(scored: pd.DataFrame) -> str:
    rows = [
        {"tested on": TITLES[row["folds"]], "system": row["system"].replace("_", ", ")}
        | {
            title: words.estimate(row, name, otherwise="", sign=name != "uar") if pd.notna(row[name]) else "–"
            for name, title in COLUMNS.items()
        }
        for row in scored.to_dict("records")
    ]
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
