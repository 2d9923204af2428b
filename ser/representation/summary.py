"""One line of what the stage ``representation`` found."""

import pandas as pd

from ser.representation.folds import ATTRIBUTES
from ser.scores import words


def line(probed: pd.DataFrame, encoder: str) -> str:
    """Say what the probes of the features found, beside the baseline, and what could not be probed."""
    rows = probed.set_index(["space", "attribute"])
    said = []
    for attribute in ATTRIBUTES:
        own = rows.loc[("features", attribute)]
        if pd.isna(own["balanced_accuracy"]):
            said.append(f"{attribute} not probed ({own['remark']})")
        else:
            beside = [f"chance {words.number(own['chance'])}"]
            if ("mfcc", attribute) in rows.index:
                beside.append(f"mfcc {words.number(rows.loc[('mfcc', attribute), 'balanced_accuracy'])}")
            said.append(f"{attribute} {words.estimate(own, 'balanced_accuracy')} ({', '.join(beside)})")
    return f"a linear probe reads off {encoder} {', '.join(said)}"
