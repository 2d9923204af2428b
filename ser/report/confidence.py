"""The section on confidence: whether the model knows how sure it may be, and what is unlike its training."""

from operator import itemgetter

from ser.report import words
from ser.report.content import MEASURED, Figure, Finding, Section, Table, estimated, table
from ser.report.material import Material
from ser.report.performance import apart, chosen, scored, stopped
from ser.splits.names import RANDOM

MEASURES = {"ece": "calibration error", "brier": "Brier score", "nll": "negative log-likelihood"}
DIFFERENCE = "after_minus_before"
SIDES = {"before": "before", "after": "after", DIFFERENCE: "after minus before"}
ANSWERS = {"accuracy": "accuracy", "uar": "UAR"}
UNEQUAL = 2  # times as many utterances
NONE = "none"  # of train.calibration
LUCK = "... by the luck of speakers"  # alone: the calibration error of a confidence that is right for their mean


def section(material: Material) -> Section:
    """Build the section: calibration, and answers where the model is sure enough."""
    return Section(
        "confidence",
        "Confidence",
        "Confidence: does the model know when it is right?",
        "Beside each emotion the model gives a probability. It is worth something where, of all utterances that the "
        "model is 80 % sure of, 80 % are right." + _weighed(material),
        [
            calibration(material),
            _measures(material),
            abstention(material),
            familiarity(material),
            Figure(
                "familiarity",
                "Distances from the training speech",
                _drawn(material),
                "How far the tested speech, and generated sounds, are from the training speech: a dot each, the share "
                "beyond the limit beside each kind.",
            ),
        ],
    )


def _weighed(material: Material) -> str:
    """Say that probabilities are of equally common emotions, where training weighs them so and they are far from it."""
    counts = material.metrics["manifest"]["emotions"]
    (most, many), (least, few) = (pick(counts.items(), key=itemgetter(1)) for pick in (max, min))
    if not material.settings["train"].get("class_weights") or many < UNEQUAL * few:
        return ""
    return (
        f" Here {most} has {words.amount(many)} utterances and {least} {words.amount(few)}, but in training all "
        "emotions weigh the same (train.class_weights): the probability is the one where all are equally common."
    )


def calibration(material: Material) -> Finding:
    """Say how far confidence and hits lie apart, and what the temperature was worth."""
    values, reason = material.metrics["evaluate"]["calibration"], _reason(material)
    after, difference = values["after"], values[DIFFERENCE]
    confidence = material.settings["intervals"]["confidence"]
    luck = f"a confidence that is right for the mean of such speakers would have {words.number(after['ece_by_chance'])}"
    if "ece_by_chance_high" in after:
        beyond = words.rounded(after["ece"]) > words.rounded(after["ece_by_chance_high"])
        luck = (
            f"That is {'more' if beyond else 'no more'} than the luck of speakers explains: {luck} in the mean and "
            f"{words.number(after['ece_by_chance_high'])} at most in {confidence:.0%} of cases"
        )
    else:
        luck = f"Of so few speakers nobody can tell it from luck: {luck} in the mean"
    asked, found = (
        "Is the confidence calibrated?",
        "The expected calibration error, the mean distance between confidence and share of hits over bins of the "
        f"confidence, is {words.number(after['ece'])}. {luck}",
    )
    cannot = "How far they lie apart for other corpora, microphones or languages."
    if not _tempered(material):
        how = f"the validation {apart(material)} set how sure it is"
        how = "no temperature was fitted" if stopped(material) else how
        sure = "The calibration error has no interval; beside it stands what the luck of speakers would make."
        return Finding(asked, MEASURED, f"{found}; {how}.", sure, cannot)
    temperature = values["temperature"]
    ends = words.listing([words.number(temperature[end]) for end in ("lowest", "highest")])
    return Finding(
        asked,
        MEASURED,
        f"{found}. The temperature changed it by {words.estimate(difference, 'ece', reason, sign=True)}, and the "
        f"negative log-likelihood by {words.estimate(difference, 'nll', reason, sign=True)}. It lies between {ends}, "
        "by fold: below 1 it sharpens, above 1 it softens. No test utterance took part in fitting it.",
        _sure(after, reason),
        cannot,
    )


def abstention(material: Material) -> Finding:
    """Say how much is answered where the model may abstain, and how much of it is right."""
    values, reason = material.metrics["evaluate"]["abstention"], _reason(material)
    asked = "Is the model right where it is sure?"
    cannot = "Which confidence to ask for: that depends on what a wrong answer costs, and what none costs."
    below = words.number(values["below"])
    found = (
        f"At a confidence of at least {below} it answers {words.estimate(values, 'coverage', reason)} of all utterances"
    )
    if "accuracy" not in values:
        return Finding(asked, words.UNKNOWN, f"{found}.", "There is no answer to be sure of.", cannot)
    everything = scored(material)
    said = [
        f"{name} {words.estimate(values, key, reason)} (of all: {words.number(everything[key])})"
        if key in values
        else f"no {name}, as some emotion is never answered"
        for key, name in ANSWERS.items()
    ]
    return Finding(
        asked,
        MEASURED,
        f"{found}: {words.listing(said)}. Answered in the order of confidence, the mean share of errors is "
        f"{words.estimate(values, 'aurc', reason)} (area under the risk-coverage curve).",
        _sure(values, reason),
        cannot,
    )


def familiarity(material: Material) -> Finding:
    """Say how much of the tested speech, and how many sounds that are none, are unlike the training speech."""
    values, reason = material.metrics["familiarity"], _reason(material)
    detected = words.listing([f"{words.number(share)} of {kind}" for kind, share in values["detected"].items()])
    return Finding(
        "Does it notice what it has not learned?",
        MEASURED,
        "Where a recording is far from the training speech, the answer is unfamiliar. The limit is set so that about "
        f"{material.settings['familiarity']['false_alarms']:.0%} of other speakers' speech lies beyond it; it is "
        f"{words.estimate(values, 'false_alarms', reason)} of {_tested(material)}, and, of generated sounds, which are "
        f"easy to tell, {detected}.",
        _sure(values, reason),
        "Whether an answer for what is familiar is right; and how other noises, rooms and microphones fare.",
    )


def _drawn(material: Material) -> str:
    """Say what the picture of familiarity shows."""
    values = material.metrics["familiarity"]
    shares = [f"{words.number(values['false_alarms'])} of the tested speech"]
    shares += [f"{words.number(share)} of {kind}" for kind, share in values["detected"].items()]
    return f"A row of dots for each kind of sound. Beyond the limit are {words.listing(shares)}."


def _tested(material: Material) -> str:
    if chosen(material) == RANDOM:
        return "the test utterances, whose speakers it knows; of other people's it would be more"
    return "the test speakers' utterances"


def _measures(material: Material) -> Table:
    values, reason = material.metrics["evaluate"]["calibration"], _reason(material)
    sides = SIDES if _tempered(material) else {"after": "value"}

    def shown(key: str, side: str) -> object:
        if key == "ece" and side != DIFFERENCE:  # calibration errors have no interval of their own
            return values[side][key]
        return estimated(values[side], key, reason, sign=side == DIFFERENCE)

    rows = [[name, *(shown(key, side) for side in sides)] for key, name in MEASURES.items()]
    rows.insert(1, [LUCK, *(values[side].get("ece_by_chance", "") for side in sides)])
    caption = "Calibration before and after the temperature" if _tempered(material) else "Calibration"
    return table(f"{caption}; smaller is better", ["measure", *sides.values()], rows)


def _tempered(material: Material) -> bool:
    """Say whether a temperature was fitted: to networks alone, and where the parameters ask for it."""
    return stopped(material) and material.settings["train"].get("calibration", NONE) != NONE


def _reason(material: Material) -> str:
    return words.no_interval(scored(material).get("speakers"), material.settings["intervals"]["minimum_speakers"])


def _sure(values: dict, reason: str) -> str:
    """Say what the intervals cover, or why there are none."""
    if any(key.endswith("_low") for key in values):
        return "The intervals are for all speakers like these and the models as trained; they draw whole speakers."
    return f"Nobody can say: {reason}."
