"""What the page says of words that speech recognition heard: how many wrongly, and in which emotion more."""

from collections.abc import Mapping

import pandas as pd

from ser.files.failures import InputError
from ser.fusion.task import FusionTask
from ser.scores import words
from ser.text.word_errors import ALL

METHOD = (
    "Words heard are those of speech recognition by Whisper, at temperature 0, each utterance by itself. Which "
    "sentence is said, for folds and permutations, is still known from the corpus, as one sentence may be heard in "
    "many ways; in a permutation each utterance gets what was heard of another sentence, from the same emotion where "
    "that sentence is said in it. (Where emotions are tied to sentences nothing is claimed of words heard.) Where "
    "nothing was heard the vector is 0. Heard wrongly is the word error rate: words substituted, deleted or inserted, "
    "per word said, whatever their case and punctuation; differences are paired over speakers."
)


def told(task: FusionTask, errors: Mapping[str, pd.DataFrame]) -> list[str]:
    """Say how well the words of a task were heard.

    Args:
        task: what was asked.
        errors: of each corpus whose words were heard, as ``ser.text.word_errors.table`` gives them.

    Returns:
        A paragraph, or none where the words were not heard.

    Raises:
        InputError: the corpus is not among the errors.
    """
    if task.words != "heard":
        return []
    if task.corpus not in errors:
        raise InputError(
            f"word errors: expected those of '{task.corpus}', found {', '.join(errors) or 'none'}; run the stage "
            "word_errors of it, and name its table on the command line of the stage page"
        )
    rows = errors[task.corpus]
    every = rows[rows["by"] == ALL].iloc[0]
    nothing = f"Nothing was heard in {every['nothing_heard']} of {every['utterances']} utterances of the corpus."
    if not every["known"]:
        return [f"How many words were heard wrongly is not known, as the corpus does not tell what is said. {nothing}"]
    emotions = rows[(rows["by"] == "emotion") & rows["wer"].notna()].sort_values("wer", ascending=False, kind="stable")
    parts = "; ".join(
        f"{row['group']} {words.number(row['wer'])}"
        + (f" ({words.estimate(row, 'difference', '', sign=True)})" if pd.notna(row["difference"]) else "")
        for row in emotions.to_dict("records")
    )
    return [
        f"Heard wrongly: {words.estimate(every, 'wer')} of {every['words']} words; by emotion, and as a difference to "
        f"all others: {parts}. {nothing}"
    ]
