"""Describe the votes that CREMA-D's raters gave: by the voice alone, by the face alone, and by both."""

import argparse
import json
from pathlib import Path

import pandas as pd

from ser.ambiguity import votes
from ser.ambiguity.votes import VotesParams
from ser.corpora import crema_d, emotions
from ser.files import params, tables
from ser.files.failures import one_line


def main() -> None:
    """Read the corpus' table of votes, which needs no audio; write metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--votes", type=Path, required=True, help="the corpus' processedResults/tabulatedVotes.csv")
    parser.add_argument("--metrics", type=Path, required=True)
    options = parser.parse_args()
    with one_line("crema_d_votes"):
        settings = params.read(options.params, "crema_d_votes", VotesParams)
        heard = crema_d.read_votes(options.votes)
        report = {}
        for modality in crema_d.MODALITIES.values():
            table = clips(heard, modality)
            report[modality] = votes.summary(votes.counts(table), table["emotion"], table["speaker"], settings)
        tables.write_metrics(report, options.metrics)
        voice = report["voice"]
        print(
            f"crema_d_votes: {voice['utterances']} clips by voice: tied {voice['tied']:.1%}, no emotion with half of "
            f"the votes {voice['below_half']:.1%}, most votes for the intended one {voice['agrees']:.1%}; "
            f"see {options.metrics}"
        )


def clips(heard: dict[tuple[str, str], tuple[dict[str, int], float]], modality: str) -> pd.DataFrame:
    """Lay out the votes of one modality as the columns of a manifest that ``votes`` reads."""
    rows = []
    for (name, kind), (counts, _) in heard.items():
        if kind == modality:
            clip = crema_d.NAME.fullmatch(name)
            rows.append((name, clip["actor"], emotions.CREMA_D[clip["emotion"]], json.dumps(counts)))
    return pd.DataFrame(rows, columns=["id", "speaker", "emotion", "votes"])


if __name__ == "__main__":
    main()
