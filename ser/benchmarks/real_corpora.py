"""The whole pipeline on one real corpus, in a checkout of its own; and the table of what came out on each."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
import yaml

from ser.bias.permutations import holm
from ser.files.failures import InputError
from ser.scores import words

# Of metrics/, for each corpus.
KEPT = ("ambiguity", "bias", "evaluate", "familiarity", "manifest", "representation", "split")

HEADING = """# The default pipeline on real corpora

UAR of the default pipeline on speakers who are not in training, each corpus by itself, beside a random split, which
has the same speakers on both sides and is therefore optimistic. In brackets 95 % intervals over speakers; chance is one
over the number of emotions. The params are those of `benchmarks/real_corpora.yaml`, otherwise the defaults.

What was chosen on these corpora ([experiments](experiments.md)): the classifier on nEMO and the bundled corpus, the
weights of the encoder by the UAR on a part of nEMO and on the bundled corpus. Two changes (fine-tuning, one level for
all signals) were rejected because of EMO-DB's figures, and one (silence cut off before the encoder) because of those of
TurEV-DB, URDU and the bundled corpus, so these are not fully held out. RAVDESS, CREMA-D and ASED chose nothing that a
UAR here depends on; that no temperature is fitted was chosen by the calibration errors of all seven, so these are a
little optimistic.
The teacher of the encoder may have heard any of them, without labels of emotion ([model
card](../models/pase_plus.md)).

If you have the corpora, `make real-corpora` computes `metrics/<corpus>/*.json` and this page.

In ASED 25 of 27 sentences, with 70 % of the utterances, belong to one emotion, so that the best guess by the sentence
alone has a UAR of 0.764. On sentences that are not in training the UAR is lower by 0.198 [0.181, 0.215], with
discriminant analysis, and by 0.132 [0.105, 0.162] on the two sentences that are said in every emotion; on CREMA-D,
whose twelve sentences are all said in every emotion, by 0.067 [0.061, 0.073], on EMO-DB by 0.047 [0.013, 0.083]; on
nEMO, of 90 sentences, no difference is shown ([unseen sentences](benchmark_sentences.md)).

CREMA-D's label is the emotion that the actor was asked for; in 0.42 of the clips it is the one that some nine raters
of the voice alone name most often. One clip is silent, and three pairs are one recording under two labels: these
seven are left out.

What else to know of the corpora:

- **URDU**: most speakers have one emotion only, and four of them all of its anger. The best guess by the speaker alone
  has a UAR of 0.960, so every claim about groups of its people is refused. Its UAR has no interval, for of 28 speakers
  drawn again one draw in sixty would have nobody who is angry. Two of its 29 names are one woman, by audio that their
  recordings share.
- **Identical files**: one recording of RAVDESS and four of ASED are copies, byte for byte, and left out.
- **Recordings saved twice**: at least 58 pairs in ASED, one of them as fearful and as angry. Of these, 54 are within a
  speaker and flatter the random split alone; four are under two speakers each, so one may train and the other test.
  Five more such pairs in CREMA-D, within a speaker, two of them under two labels.
- **TurEV-DB** has single words, a second each, and does not tell who is a woman.

How far to trust the intervals: in simulations with the speakers and utterances of each corpus, 95 % intervals contain
the true UAR of the models as trained in 0.93 (nEMO, TurEV-DB) to 0.96 (EMO-DB) of cases (2,000 of each, true UAR 0.72;
after `make real-corpora`: `python -m benchmarks.coverage --manifest benchmarks/data/checkouts/*/data/manifest.csv`).
They do not cover the choice of training speakers: if these are drawn again, too, the intervals contain the mean UAR of
the procedure in 0.85 (nine speakers who differ much) to 0.93 of cases (ten who do not; 300 of each,
`python -m benchmarks.coverage_trained`).

The probe of speakers keeps sentences apart, so that on RAVDESS it learns each speaker from one sentence: its figures do
not compare between corpora. The probe of emotions does not, so that on ASED a part of it is the sentence
([both tried](experiments.md#probes-and-known-sentences)). Where a share is small, as of answers `unfamiliar`, intervals
of 95 % hold the truth in 0.91 to 0.95 of simulated cases, and miss it mostly below it.

![the default pipeline on real corpora](../plots/real_corpora.png)
"""


@dataclass(frozen=True)
class RealCorpus:
    """A corpus to run the pipeline on.

    Attributes:
        folder: where it is, relative to the project; its name chooses the parser.
        emotions: the label set.
        protocol: of the split, speakers apart.
    """

    folder: str
    emotions: list[str]
    protocol: Literal["kfold", "loso", "sessions"]


def run(project: Path, corpus: RealCorpus, checkout: Path, metrics: Path) -> None:
    """Run the pipeline of the project's last commit on a corpus, and copy its metrics.

    The checkout stays, so that a rerun does only what changed.

    Args:
        project: the root of the project's repository.
        corpus: the corpus, whose folder is there.
        checkout: where to clone the project to.
        metrics: where its metrics go.

    Raises:
        InputError: git or a stage of the pipeline fails; what they say has been printed.
    """
    commit = _output(["git", "rev-parse", "HEAD"], project)
    if not checkout.exists():
        _call(["git", "clone", "--quiet", "--no-checkout", project.resolve(), checkout], project)
    _call(["git", "fetch", "--quiet", "origin", commit], checkout)
    _call(["git", "checkout", "--quiet", "--force", "--detach", commit], checkout)
    source = (project / corpus.folder).resolve()
    inside = checkout / "data/raw" / source.name
    shutil.rmtree(inside, ignore_errors=True)
    # Links to the files, as data/raw/README.md advises; the walk of a corpus follows no link to a folder.
    shutil.copytree(source, inside, copy_function=os.symlink, ignore=shutil.ignore_patterns(".git"))
    changed = yaml.safe_load((checkout / "params.yaml").read_text())
    changed |= {"corpora": [source.name], "emotions": corpus.emotions}
    changed["split"]["protocol"] = corpus.protocol
    (checkout / "params.yaml").write_text(yaml.safe_dump(changed, sort_keys=False))
    _call([sys.executable, "-m", "dvc", "repro"], checkout)
    metrics.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        shutil.copyfile(checkout / f"metrics/{name}.json", metrics / f"{name}.json")


def table(metrics: Path, names: Sequence[str]) -> pd.DataFrame:
    """Gather what came out on each corpus.

    Args:
        metrics: the folder that has a folder of metrics for each of them.
        names: of the corpora.

    Returns:
        A row per corpus: corpus, utterances, speakers, emotions, hours, chance, then with ``_low`` and ``_high``: uar
        (of unseen speakers), random (a random split), added (by that), gender_gap (women minus men; missing where it
        could not be measured), speaker_probe (balanced accuracy of speakers from the vectors), over_mfcc
        (the emotion probe of the vectors minus that of MFCC) and unfamiliar (the share of test speakers' utterances).
        Beside them ``gender_p``, of the gap, ``gender_p_holm``, corrected for the corpora whose gap was tested, and
        ``gender_recall``, the emotion whose recall differs most, and by how much; ``""`` where no gap was measured.
    """
    rows = []
    for name in names:
        read = {file: json.loads((metrics / name / f"{file}.json").read_text()) for file in KEPT}
        scores, probes = read["evaluate"], read["representation"]["probe"]
        gap = read["bias"].get("gender", {}).get("gap", {}).get("female_minus_male", {})
        rows.append(
            {
                "corpus": name,
                **{key: read["manifest"][key] for key in ("utterances", "speakers", "hours")},
                "emotions": len(read["manifest"]["emotions"]),
                "chance": scores["chance_uar"],
                **_figure("uar", scores["speaker_independent"], "uar"),
                **_figure("random", scores["random"], "uar"),
                **_figure("added", scores["drop_from_random"], "uar"),
                **_figure("gender_gap", gap, "uar"),
                "gender_p": gap.get("p", float("nan")),
                "gender_recall": _largest(gap),
                **_figure("speaker_probe", probes["features"]["speaker"], "balanced_accuracy"),
                **_figure("over_mfcc", probes["features_minus_mfcc"]["emotion"], "balanced_accuracy"),
                **_figure("unfamiliar", read["familiarity"], "false_alarms"),
            }
        )
    gathered = pd.DataFrame(rows)
    return gathered.assign(gender_p_holm=holm(gathered["gender_p"]))


def recalls(metrics: Path, names: Sequence[str]) -> pd.DataFrame:
    """Gather the recall of each emotion, of unseen speakers.

    Args:
        metrics: as for ``table``.
        names: of the corpora.

    Returns:
        A row per corpus, a column per emotion; NaN where the corpus lacks it.
    """
    read = {name: json.loads((metrics / name / "evaluate.json").read_text()) for name in names}
    table = pd.DataFrame({name: scores["speaker_independent"]["recall"] for name, scores in read.items()}).T
    return table[sorted(table.columns, key=lambda emotion: (table[emotion].isna().sum(), emotion))]


def page(rows: pd.DataFrame, recalled: pd.DataFrame) -> str:
    """Word what ``table`` and ``recalls`` gathered as a page of Markdown."""

    def figures(key: str, sign: bool = False) -> list[str]:
        return [
            "not measured" if pd.isna(row[key]) else words.estimate(row, key, sign=sign)
            for row in rows.to_dict("records")
        ]

    shown = pd.DataFrame(
        {
            "corpus": rows["corpus"],
            "utterances; hours": [f"{row.utterances:,}; {row.hours:.1f}" for row in rows.itertuples()],
            "speakers": rows["speakers"],
            "emotions; chance": [f"{row.emotions}; {words.number(row.chance)}" for row in rows.itertuples()],
            "UAR, unseen speakers": figures("uar"),
            "UAR, random split": figures("random"),
            "random minus unseen": figures("added", sign=True),
            "gender gap, women minus men": figures("gender_gap", sign=True),
            "its p; by Holm over the corpora tested": [
                f"{words.number(row.gender_p)}; {words.number(row.gender_p_holm)}" if pd.notna(row.gender_p) else ""
                for row in rows.itertuples()
            ],
            "largest gap in one emotion's recall; p; by Holm in that run": rows["gender_recall"],
            "speaker from the vectors": figures("speaker_probe"),
            "emotion probe, PASE+ minus MFCC": figures("over_mfcc", sign=True),
            "answered `unfamiliar`": figures("unfamiliar"),
        }
    )
    of_emotions = recalled.map(lambda share: "" if pd.isna(share) else words.number(share))
    return (
        f"{HEADING}\n{shown.to_markdown(index=False, disable_numparse=True)}\n\n"
        "Recall of each emotion, unseen speakers; precision, F1 and what each is taken for are in the report of a run "
        "(`benchmarks/data/checkouts/<corpus>/reports/report.html`):\n\n"
        f"{of_emotions.rename_axis('corpus').reset_index().to_markdown(index=False, disable_numparse=True)}\n"
    )


def _largest(gap: Mapping) -> str:
    """Name the emotion whose recall differs most between women and men, by how much, and its p-values."""
    recalls = gap.get("recall", {})
    emotion = max(recalls, key=lambda name: abs(recalls[name]), default="")
    tests = [words.number(gap[name][emotion]) for name in ("recall_p", "recall_p_holm") if emotion in gap.get(name, {})]
    return "; ".join([f"{emotion} {words.number(recalls[emotion], sign=True)}", *tests]) if emotion else ""


def _figure(name: str, values: Mapping, key: str) -> dict[str, float]:
    low, high = words.ends(values, key) or (float("nan"), float("nan"))
    return {name: values.get(key, float("nan")), f"{name}_low": low, f"{name}_high": high}


def _call(command: Sequence, folder: Path) -> None:
    ended = subprocess.run([str(part) for part in command], cwd=folder)
    if ended.returncode:
        raise InputError(
            f"{folder}: expected `{' '.join(map(str, command))}` to succeed, found exit code "
            f"{ended.returncode}; see what it said above"
        )


def _output(command: Sequence[str], folder: Path) -> str:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if ended.returncode:
        raise InputError(f"{folder}: expected a git checkout of the project, found none; clone it with git")
    return ended.stdout.strip()
