"""The section on data and limits, and on how to get the same numbers again."""

from collections.abc import Mapping
from typing import Any

from ser.bias.claims import ANY, EVERYWHERE, UNRECORDED, Claims
from ser.exposure import EXPOSURE
from ser.report import words
from ser.report.content import Points, Section, Table, table
from ser.report.gaps import PLURALS
from ser.report.material import Material
from ser.report.performance import chosen
from ser.splits.names import RANDOM, UNKNOWN_TRAIN

CORPORA = {
    "synthetic": "synthetic: synthetic speech with planted truths, made to try the pipeline. What is planted is known, "
    "so a figure can be checked against it; with 24 voices not every planted effect is large enough to be shown. It "
    "supports no claim about people.",
    "emodb": "emodb: German sentences without emotional meaning, acted by ten people in one studio.",
    "ravdess": "ravdess: two English sentences, acted by 24 people in one studio.",
    "nemo": "nemo: 90 Polish sentences, acted by nine people with different microphones in different rooms.",
    "ased": "ased: 27 Amharic sentences, acted by 65 people; most sentences are said in one emotion only, so the "
    "sentence gives the emotion away.",
    "turev": "turev: single Turkish words, a second each, acted by six people.",
    "urdu": "urdu: Urdu talk shows, not acted; most speakers have one emotion only.",
    "crema_d": "crema_d: twelve English sentences, acted by 91 people; the label is the emotion that was asked for.",
    "msp_podcast": "msp_podcast: English podcasts, not acted; the label is what most listeners heard.",
    "iemocap": "iemocap: English dialogues of ten actors, two at a time, scripted or improvised.",
}
NONE = "none"  # in the block train: no attribute
GLOSSARY = {
    "UAR": "unweighted average recall: the share of each emotion that is recognised, averaged over emotions, so that "
    "rare ones count as much as common ones. 1 is perfect; guessing has one over the number of emotions.",
    "recall, precision, F1": "of an emotion: the share of its utterances that are recognised; the share of the "
    "utterances taken for it that are it; and the harmonic mean of the two. Macro: averaged over emotions.",
    "interval": "in brackets after a number: a range made so that, for such samples of speakers, it contains the "
    "figure for all speakers of this kind as often as its confidence says, in about 95 of 100 cases at 0.95. Speakers "
    "are drawn anew with replacement, whole, as utterances of one speaker resemble each other (bootstrap).",
    "difference": "taken before its parts are rounded, so that its last digit may seem off.",
    "encoder": "what turns the sound of an utterance into numbers, a vector; the classifier sees nothing else. MFCC "
    "are such numbers too, the shape of the spectrum, by a formula.",
    "protocol, fold": "how utterances are dealt out to training, validation and test; each dealing is a fold.",
    "speaker-independent": "the speakers of the test are not in training.",
    "speaker oracle": "the best guess by the speaker alone, without listening. Far above what it has with emotions "
    "dealt out at random, it says that recognising the speaker would be enough.",
    "p, adjusted": "how often chance alone would give as large a difference, made larger for the number of comparisons "
    "(Holm), so that many comparisons do not find by chance what is not there. Where p stands without the word, as of "
    "probes, it is not adjusted.",
    "found": "the interval, as shown, lies on one side of zero, or above chance where that is the question, and the "
    "test, if any, agrees.",
    "not shown": "neither interval nor test says so. That is no proof of equality: the difference may be too small to "
    "be seen in this data.",
    "inconclusive": "interval and test, or interval and chance, disagree, or one of them is missing; or a model and no "
    "person judged what is ambiguous.",
    "cannot be said": "the data allow neither an interval nor a test.",
    "measured": "a number that decides nothing.",
    "balanced accuracy": "of a probe: the mean of the recalls of all classes, as UAR is of emotions.",
    "calibration error": "expected calibration error (ECE): how far confidence and share of hits lie apart, averaged "
    "over fifteen bins of the confidence. 0 is perfect.",
    "Brier score, negative log-likelihood": "how far the probabilities are from the label: squared and summed over "
    "emotions, 0 to 2; and minus the logarithm of the label's. They punish errors that are sure of themselves.",
    "temperature": "one number by which the logarithms of the probabilities are divided, so that they are neither too "
    "sure nor too doubtful. It changes no label.",
    "AUROC": "the chance that a score ranks an ambiguous utterance above a clear one; 0.5 is chance, 1 is perfect.",
}


def section(material: Material) -> Section:
    """Build the section: limits, how to reproduce the report, parameters, software and glossary."""
    parts = [
        Points("What limits every number above", limits(material)),
        Points(
            "How to make this report again",
            [
                "In a checkout of the same commit, with the same corpora in data/raw: make repro (or dvc repro). The "
                "same inputs give the same bytes.",
                "The parameters are those of params.yaml, below; dvc exp run -S changes one, dvc metrics diff "
                "compares.",
            ],
        ),
        _parameters(material.settings),
        table(
            "Software",
            ["package", "version"],
            [[name, version] for name, version in material.versions.items()],
            folded=True,
        ),
        table("Words of this report", ["word", "meaning"], [list(pair) for pair in GLOSSARY.items()]),
    ]
    return Section("limits", "Limits", "Data and limits", "", parts)


def limits(material: Material) -> list[str]:
    """List what a reader must not conclude."""
    settings, manifest = material.settings, material.metrics["manifest"]
    points = [
        CORPORA.get(name, f"{name}: how it was recorded and labelled, its own documentation says.")
        for name in sorted(manifest["corpora"])
    ]
    if manifest["without_speaker"]:
        told = chosen(material) == UNKNOWN_TRAIN
        points.append(
            f"The speaker of {words.amount(manifest['without_speaker'], 'utterance')} is unknown: "
            + (
                "they train, or are left out; that no test speaker is heard in them is the corpus' word, not measured."
                if told
                else "no split can keep them apart, and figures that they are part of have no intervals."
            )
        )
    points += _shared(manifest["shared_audio"])
    claims = Claims(material.tables["refused"])
    for attribute, plural in PLURALS.items():
        if claims.refusal(attribute, ANY) == UNRECORDED:
            points.append(f"The corpora record no {plural}: nothing is said of bias by {attribute}.")
    tied = claims.refusal(EVERYWHERE, ANY)
    if tied:
        points.append(f"No claim about groups is carried: {tied}.")
    if chosen(material) == RANDOM:
        points.append("Only a random split was run: all scores overstate what the model does with new speakers.")
    points += _training(settings["train"]) + _copies(settings) + _auxiliary(settings)
    minimum = settings["intervals"]["minimum_speakers"]
    return [
        *points,
        f"Intervals are about all speakers of the same kind under the models as trained; fewer than {minimum} "
        "speakers have none, nor has a mean over emotions of which one is of very few. They do not cover other "
        "corpora, nor another training.",
        f"All folds were trained with one seed, {settings['train']['seed']}.",
        f"Encoder: {settings['features']['encoder']}. Another one may lean on speakers more, or less.",
        *([EXPOSURE[settings["features"]["encoder"]]] if settings["features"]["encoder"] in EXPOSURE else []),
        "Nothing here says why: every figure describes, none shows a cause.",
    ]


def _shared(audio: dict) -> list[str]:
    """Say how many recordings share audio, and what that does to splits."""
    if not audio["pairs"]:
        return []
    return [
        f"Pairs of recordings that share audio: at least {audio['pairs']}; of two speakers, whom no split "
        f"keeps apart if they are one person: {audio['of_two_speakers']}; with two labels: {audio['of_two_emotions']} "
        "(data/shared_audio.csv)."
    ]


def _training(train: Mapping[str, Any]) -> list[str]:
    """Say what was changed in training to serve people more evenly, or to teach doubt."""
    adversary, robust = (train.get(name, {}).get("attribute", NONE) for name in ("adversary", "robust"))
    weighted = train.get("group_weights", NONE)
    points = {
        "The model was trained on the shares of the raters' votes, in place of labels.": train.get("labels") == "soft",
        "The model was trained on labels with some weight for every emotion.": train.get("labels") == "smoothed",
        "Vectors were normalised by speaker, with all the audio of a test speaker, though no label: that much audio "
        "must "
        "be at hand wherever the model is used.": train.get("normalisation") == "speaker",
        f"Training gave every cell of {weighted} and emotion the same weight.": weighted != NONE,
        f"Training made the last layer hide the {adversary} (gradient reversal).": adversary != NONE,
        f"Training gave most weight to the {robust} group with the highest loss.": robust != NONE,
    }
    return [point for point, holds in points.items() if holds]


def _copies(settings: Mapping[str, Any]) -> list[str]:
    """Say that distorted copies were in training, where some were."""
    kinds = ", ".join(settings.get("augment", {}).get("conditions", {}))
    if not kinds:
        return []
    return [
        f"The model was also trained on distorted copies of its training speech ({kinds}); the scores are of speech "
        "as it was recorded."
    ]


def _auxiliary(settings: Mapping[str, Any]) -> list[str]:
    """Say that other corpora could be in training, where some could."""
    corpora = ", ".join(settings.get("auxiliary", {}).get("corpora", ()))
    if not corpora:
        return []
    return [
        f"Utterances of {corpora} could train beside these, as many as each fold's validation speakers chose, maybe "
        "none. The figures are of the corpora of this report alone. That nobody who is tested speaks in the others, "
        "too, is the corpora's word, not measured."
    ]


def _parameters(settings: Mapping[str, Any]) -> Table:
    rows = []
    for block, values in settings.items():
        if (block == "augment" and not values.get("conditions")) or (block == "auxiliary" and not any(values.values())):
            continue  # nothing was made of it
        for key, value in _flat(values).items():
            rows.append([".".join(filter(None, (block, key))), value])
    return table("Parameters (params.yaml)", ["parameter", "value"], rows, folded=True)


def _flat(value: Any, prefix: str = "") -> dict[str, str]:
    """Flatten nested blocks to dotted keys, values as words."""
    if isinstance(value, dict) and value:
        return {
            name: text
            for key, member in value.items()
            for name, text in _flat(member, f"{prefix}.{key}".lstrip(".")).items()
        }
    if isinstance(value, list):
        return {prefix: ", ".join(map(str, value)) or "none"}
    return {prefix: "none" if value in ({}, None) else str(value)}
