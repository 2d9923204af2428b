"""The section on how well emotions are recognised, of speakers who are not in training."""

import pandas as pd

from ser.learning.curves import kept
from ser.report import words
from ser.report.content import MEASURED, Figure, Finding, Section, Table, estimated, table
from ser.report.material import Material
from ser.splits import names
from ser.splits.names import INDEPENDENT, RANDOM

PROTOCOLS = {
    "holdout": "some speakers are set aside for the test",
    "predefined": "the corpus itself says whom to train and whom to test on",
    "kfold": "groups of speakers are set aside for the test in turn",
    "loso": "one speaker after another is set aside for the test",
    "sessions": "one recording session after another is set aside for the test",
    RANDOM: "utterances are dealt out at random, so that speakers of the test are in training as well",
}
NETWORK = "mlp"  # of train.classifier: the one that is trained in epochs
SCORES = {"uar": "UAR", "accuracy": "accuracy", "macro_precision": "macro precision", "macro_f1": "macro F1"}


def section(material: Material) -> Section:
    """Build the section: scores, classes, folds and learning curves."""
    protocol = chosen(material)
    parts = [
        headline(material),
        Figure(
            "confusion",
            "Confusion matrix",
            f"Confusion matrix{_beside(material)}. {confusion(material.tables['confusion'])}",
            "The truth (rows) and what the model predicts (columns): in each cell the share of its row and the number "
            "of utterances. A perfect model fills the diagonal.",
        ),
        _confusions(material),
        _scores(material),
        classes(material),
        _classes(material.tables["classes"], protocol),
        folds(material),
        _folds(material.tables["folds"], protocol),
        curves(material),
        Figure(
            "curves",
            "Learning curves",
            f"Loss and UAR of the training and the validation part, {'by epoch' if stopped(material) else 'by fold'}. "
            f"{curves(material).found}",
            f"Learning curves: each thin line is one fold{_first(material)}, the thick one their mean as long as all "
            "train. Training ends when the validation part's loss (how unlikely the labels seem to the model) no "
            "longer falls, and the best epoch is kept."
            if stopped(material)
            else "This classifier has no epochs: a dot for each fold's training part, and for its validation part.",
        ),
    ]
    return Section(
        "performance",
        "Performance",
        "Performance",
        f"Protocol {protocol}: {PROTOCOLS[protocol]}. {_disjoint(material)}"
        + (
            "Training stops when the loss on validation utterances no longer falls; those of the test decide nothing."
            if stopped(material)
            else "Validation utterances set how sure the classifier is, and then train it, too; those of the test "
            "decide nothing."
        ),
        parts,
    )


def _disjoint(material: Material) -> str:
    """Say that sentences are kept apart as well, where they are."""
    if material.settings.get("split", {}).get("sentences") != "disjoint":
        return ""
    return (
        "Sentences of the test are not in training or validation, either: what shares only its speaker or only its "
        "sentence with a test part is left out of that fold, and the random split learns from as few utterances. "
    )


def stopped(material: Material) -> bool:
    """Tell whether validation utterances stop the training: those of a network do."""
    return material.settings["train"].get("classifier", NETWORK) == NETWORK


def _first(material: Material) -> str:
    """Say which network of a fold the curves are of, where it has several."""
    return "'s first network" if material.settings["train"].get("networks", 1) > 1 else ""


def _trained(material: Material) -> str:
    """Say what a fold's classifier is made of, where it is more than a network."""
    settings = material.settings["train"]
    several = f"A fold averages up to {settings.get('networks')} networks, each stopped by other validation "
    several += f"{apart(material)}; "
    several += "this is the first. "
    start = "It adds to the logits of discriminant analysis, so it knows much before its first epoch. "
    return several * (settings.get("networks", 1) > 1) + start * (settings.get("start") == "lda")


def classifier(material: Material) -> str:
    """Say what is trained on the vectors."""
    settings = material.settings["train"]
    kind, networks = settings.get("classifier", NETWORK), settings.get("networks", 1)
    if kind != NETWORK:
        return {"lda": "linear discriminant analysis", "svm": "a linear support vector machine"}.get(kind, kind)
    named = f"the mean of up to {networks} networks" if networks > 1 else "a network"
    adds = "each of which adds" if networks > 1 else "which adds"
    return f"{named}, {adds} to discriminant analysis" if settings.get("start") == "lda" else named


def chosen(material: Material) -> str:
    """Find the protocol that the figures speak of."""
    return names.chosen(material.tables["folds"]["protocol"])


def apart(material: Material) -> str:
    """Say what the chosen protocol keeps apart: speakers, or no more than utterances."""
    return "utterances" if chosen(material) == RANDOM else "speakers"


def scored(material: Material) -> dict:
    """Give the scores of the chosen protocol."""
    return material.metrics["evaluate"][RANDOM if chosen(material) == RANDOM else INDEPENDENT]


def headline(material: Material) -> Finding:
    """Say how well emotions are recognised, against chance."""
    values, chance = scored(material), material.metrics["evaluate"]["chance_uar"]
    settings = material.settings["intervals"]
    reason = words.no_interval(values.get("speakers"), settings["minimum_speakers"])
    overstated = chosen(material) == RANDOM
    whose = "speakers who are in training as well" if overstated else "unseen speakers"
    verdict = words.judged([words.rounded(values["uar_low"] - chance) > 0] if "uar_low" in values else [])
    sure = (
        f"The interval is for all speakers like these and the models as trained, with a confidence of "
        f"{settings['confidence']:g}; it draws whole speakers, because utterances of one speaker resemble each other."
        if "uar_low" in values
        else f"Nobody can say: {reason}."
    )
    return Finding(
        "How well are emotions recognised?",
        verdict,
        f"The mean share of each emotion that is recognised (UAR), of {whose}, is "
        f"{words.estimate(values, 'uar', reason)} over {words.amount(values['utterances'], 'utterance')}; guessing "
        f"would have {words.number(chance)}.",
        sure,
        "How well the model does with other corpora, microphones or languages, and what training it anew would change: "
        "the interval is about speakers alone."
        + (" Nor with unseen speakers: only a random split was run." if overstated else ""),
    )


def classes(material: Material) -> Finding:
    """Say which emotion is recognised best, which worst, and what it is taken for."""
    protocol = chosen(material)
    tested = material.tables["classes"]
    tested = tested[(tested["protocol"] == protocol) & tested["recall"].notna() & (tested["support"] > 0)]
    best, worst = (tested.loc[tested["recall"].map(words.rounded) == pick] for pick in _ends(tested["recall"]))
    extremes = (
        f"Best recognised: {_named(best)}, of which {words.number(best['recall'].iloc[0])} is recognised (recall). "
        f"Worst: {_named(worst)}, with {words.number(worst['recall'].iloc[0])}."
        if len(tested) > 1
        else "Only one emotion was tested."
    )
    return Finding(
        "Which emotions are mixed up?",
        MEASURED,
        words.sentence(extremes, confusion(material.tables["confusion"])),
        "These are shares of the utterances at hand, without intervals; few utterances of an emotion make its share "
        "coarse (see the column utterances).",
        "Whether people would mix up the same emotions.",
    )


def confusion(pairs: pd.DataFrame) -> str:
    """Say which error is the most frequent.

    Args:
        pairs: truth and prediction of each utterance.

    Returns:
        A sentence; of equally frequent errors, it names the first in the alphabet and says that there are others.
    """
    wrong = pairs[pairs["truth"] != pairs["prediction"]]
    if wrong.empty:
        return "No utterance was taken for another emotion."
    counts = wrong.groupby(["truth", "prediction"]).size()
    (truth, prediction), most = counts.idxmax(), int(counts.max())
    spoken = int((pairs["truth"] == truth).sum())
    others = " (others are as frequent)" if (counts == most).sum() > 1 else ""
    share = f"{words.amount(most)} of {words.amount(spoken)}"
    return f"The most frequent error: {truth} taken for {prediction}, {share}{others}."


def folds(material: Material) -> Finding:
    """Say how much folds differ."""
    rows = material.tables["folds"]
    rows = rows[rows["protocol"] == chosen(material)]
    of = apart(material)
    asked = f"Does it matter which {of} are tested?"
    cannot = f"Whether a fold is hard because of its {of}, or of those that are left to train on."
    if len(rows) < 2:
        return Finding(asked, words.UNKNOWN, "There is one fold only.", "Nothing can be compared.", cannot)
    spread = scored(material).get("folds")
    if spread is None:
        lacking = "Some folds test only some of the emotions, so that their UARs are means over different ones."
        return Finding(asked, words.UNKNOWN, lacking, "They are not compared.", cannot)
    low, high = rows["uar"].min(), rows["uar"].max()
    return Finding(
        asked,
        MEASURED,
        f"The UAR of the {len(rows)} folds lies between {words.number(low)} and {words.number(high)}: mean "
        f"{words.number(spread['uar_mean'])}, standard deviation {words.number(spread['uar_std'])}.",
        f"Folds learn from {of} in common, so their spread is no interval; that one stands above."
        if len(rows) > 2
        else "Two folds are too few for an interval; that one stands above.",
        cannot,
    )


def curves(material: Material) -> Finding:
    """Say how long training lasted, and how far training and validation lie apart where it was stopped."""
    rows = material.tables["curves"]
    rows = rows[rows["protocol"] == chosen(material)]
    best = kept(rows)
    train, validation = (float(best[f"{part}_uar"].mean()) for part in ("train", "validation"))
    if stopped(material):
        when = f", at the epoch that was kept ({_range(best['epoch'])})"
        sure = f"{_trained(material)}The validation figure chose the epoch, so it flatters a little; the test figures "
        sure += "above do not."
        cannot = "What another seed would have given: all was trained with one."
    else:
        when, sure = "", "No epoch was chosen: this classifier is fitted in one step."
        cannot = "Whether it would do better with more regularisation, or with less."
    return Finding(
        "How far do training and validation lie apart?",
        MEASURED,
        f"Mean over the folds{when}: UAR {words.number(train)} of the training utterances, {words.number(validation)} "
        f"of the validation {apart(material)}, {words.signed(train - validation)} apart.",
        sure,
        cannot,
    )


def _range(numbers: pd.Series) -> str:
    low, high = int(numbers.min()), int(numbers.max())
    return f"number {low}" if low == high else f"number {low} to {high}"


def _ends(values: pd.Series) -> tuple[float, float]:
    shown = values.map(words.rounded)
    return shown.max(), shown.min()


def _named(rows: pd.DataFrame) -> str:
    return words.listing(sorted(rows["emotion"]))


def _scores(material: Material) -> Table:
    evaluate, minimum = material.metrics["evaluate"], material.settings["intervals"]["minimum_speakers"]
    sides = {
        INDEPENDENT: f"{chosen(material)}: unseen speakers",
        RANDOM: "random: speakers in training as well",
    }
    rows = []
    for side, name in sides.items():
        if side in evaluate:
            values = evaluate[side]
            reason = words.no_interval(values.get("speakers"), minimum)
            rows.append([name, *(estimated(values, key, reason) for key in SCORES)])
    confidence = material.settings["intervals"]["confidence"]
    return table(
        f"Scores, with intervals of confidence {confidence:g} over speakers", ["split", *SCORES.values()], rows
    )


def _beside(material: Material) -> str:
    """Say that the picture has the random split's matrix as well, where that was run."""
    protocol = chosen(material)
    both = protocol != RANDOM and RANDOM in set(material.tables["folds"]["protocol"])
    return f" of {protocol}, beside that of the random split" if both else ""


def _confusions(material: Material) -> Table:
    """Count what each emotion was taken for, as the picture does."""
    protocol, tested, pairs = chosen(material), material.tables["classes"], material.tables["confusion"]
    emotions = list(tested.loc[tested["protocol"] == protocol, "emotion"])
    counts = pd.crosstab(pairs["truth"], pairs["prediction"]).reindex(index=emotions, columns=emotions, fill_value=0)
    rows = [[emotion, *row, sum(row)] for emotion, row in zip(emotions, counts.to_numpy().tolist(), strict=True)]
    columns = ["truth", *(f"taken for {emotion}" for emotion in emotions), "all"]
    return table(f"The confusion matrix of {protocol} in numbers of utterances", columns, rows, folded=True)


def _classes(rows: pd.DataFrame, protocol: str) -> Table:
    rows = rows[rows["protocol"] == protocol]
    measures = ("recall", "precision", "f1")
    body = [
        [row.emotion, int(row.support), *(_spoken(row, measure) for measure in measures)] for row in rows.itertuples()
    ]
    return table("Each emotion", ["emotion", "utterances", "recall", "precision", "F1"], body)


def _spoken(row, measure: str):
    return float(getattr(row, measure)) if row.support else "no utterances"


def _whole(count: float) -> int | float:
    """A count that a table with gaps has as a float."""
    return count if pd.isna(count) else int(count)


def _folds(rows: pd.DataFrame, protocol: str) -> Table:
    rows = rows[rows["protocol"] == protocol]
    body = [
        [int(row.fold), float(row.uar), float(row.accuracy), int(row.utterances), _whole(row.speakers)]
        for row in rows.itertuples()
    ]
    return table("Each fold", ["fold", "UAR", "accuracy", "utterances", "test speakers"], body)
