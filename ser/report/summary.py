"""The summary: the data, the main scores on one scale, and an answer to each of the three research questions."""

from collections.abc import Sequence
from dataclasses import dataclass

from ser.bias.claims import ANY, EVERYWHERE, Claims
from ser.report import ambiguity, data, gaps, limits, performance, speakers, words
from ser.report.material import Material
from ser.report.performance import PROTOCOLS
from ser.splits.names import INDEPENDENT, RANDOM

SYNTHETIC = "synthetic"  # the bundled corpus


@dataclass(frozen=True)
class Mark:
    """A row of the scale from 0 to 1: a value, its interval where there is one, and both in words."""

    name: str
    value: float
    low: float | None
    high: float | None
    text: str


@dataclass(frozen=True)
class Answer:
    """A research question and its answer, a sentence or two a line; ``anchor`` is the section with the details."""

    question: str
    verdict: str
    lines: Sequence[str]
    anchor: str


@dataclass(frozen=True)
class Summary:
    """The summary at the top of the page."""

    corpora: str
    sentences: Sequence[str]
    scale: Sequence[Mark]
    answers: Sequence[Answer]


def summary(material: Material) -> Summary:
    """Build the summary."""
    manifest = material.metrics["manifest"]
    return Summary(words.listing(sorted(manifest["corpora"])), sentences(material), scale(material), answers(material))


def sentences(material: Material) -> list[str]:
    """Say what data there is, how it was split, and how well emotions are recognised."""
    manifest, protocol = material.metrics["manifest"], performance.chosen(material)
    emotions = words.listing(sorted(manifest["emotions"]))
    values, minimum = performance.scored(material), material.settings["intervals"]["minimum_speakers"]
    reason = words.no_interval(values.get("speakers"), minimum)
    result = [limits.CORPORA[SYNTHETIC]] if SYNTHETIC in manifest["corpora"] else []
    result += [
        f"{data.size(manifest)}; {words.amount(len(manifest['emotions']), 'emotion')}: {emotions}.",
        f"Protocol {protocol}: {PROTOCOLS[protocol]}. Encoder: {material.settings['features']['encoder']}. "
        f"Classifier: {performance.classifier(material)}.",
        f"Emotions are recognised with a UAR (mean recall) of {words.estimate(values, 'uar', reason)}; guessing has "
        f"{words.number(material.metrics['evaluate']['chance_uar'])}.{_helped(material)}",
    ]
    oracle = material.get("split", "speaker_oracle_uar")
    result.append(
        f"{data.unknown(manifest)}: nobody can say what knowing the speaker is worth."
        if oracle is None
        else f"Without audio, the best guess by the speaker alone has a UAR of {words.number(oracle)} "
        f"({words.number(material.get('split', 'speaker_oracle_uar_by_chance'))} with labels shuffled, as it is made "
        "of the utterances that it is scored on)."
    )
    claimed = material.get("evaluate", RANDOM, "uar")
    if protocol == RANDOM:
        result.append(
            "Only a random split was run: it lets the model know the test speakers, so the figure is optimistic."
        )
    elif claimed is not None:
        result.append(f"A random split, which lets the model know the test speakers, gives {words.number(claimed)}.")
    return result


def _helped(material: Material) -> str:
    if material.settings["train"]["normalisation"] == "speaker":
        return " Vectors were normalised by all audio of each test speaker."
    return ""


def scale(material: Material) -> list[Mark]:
    """Put chance, the speaker oracle and the UAR of each split on one scale."""
    evaluate, oracle = material.metrics["evaluate"], material.get("split", "speaker_oracle_uar")
    marks = [_mark("chance", {"uar": evaluate["chance_uar"]})]
    if oracle is not None:
        marks.append(_mark("speaker oracle: no listening", {"uar": oracle}))
        shuffled = material.get("split", "speaker_oracle_uar_by_chance")
        marks.append(_mark("... with labels shuffled", {"uar": shuffled}))
    for side, name in ((INDEPENDENT, "unseen speakers"), (RANDOM, "random split: speakers known")):
        if side in evaluate:
            marks.append(_mark(name, evaluate[side]))
    return marks


def _mark(name: str, values: dict) -> Mark:
    text = words.sentence(words.number(values["uar"]), words.interval(values, "uar"))
    return Mark(name, values["uar"], values.get("uar_low"), values.get("uar_high"), text)


def answers(material: Material) -> list[Answer]:
    """Answer the three research questions."""
    cost, drop = ambiguity.cost(material), speakers.drop(material)
    voice = speakers.readable(material, "speaker")
    return [
        Answer(cost.asked, cost.verdict, [f"{cost.found} {cost.sure}"], "ambiguity"),
        Answer(drop.asked, drop.verdict, [drop.found, voice.found], "speakers"),
        bias(material),
    ]


def bias(material: Material) -> Answer:
    """Say which gaps between groups were found, which were not, and which could not be looked for."""
    findings = {gaps.PLURALS[attribute]: gaps.finding(material, attribute) for attribute in gaps.PLURALS}
    parts = []
    for verdict in words.BY_WEIGHT[:-1]:
        of_verdict = [(names, finding.found) for names, finding in findings.items() if finding.verdict == verdict]
        parts += [f"{names.capitalize()}: {said[0].lower()}{said[1:]}" for names, said in of_verdict]
    silent = [names for names, finding in findings.items() if finding.verdict == words.UNKNOWN]
    parts += [f"Not compared, for reasons that the section tells: {words.listing(silent)}."] if silent else []
    verdict = min((finding.verdict for finding in findings.values()), key=words.BY_WEIGHT.index)
    gender = speakers.readable(material, "gender").found
    if Claims(material.tables["refused"]).refusal(EVERYWHERE, ANY):
        gender += " Here emotions are tied to the speakers, so it may be the emotion that is read."
    return Answer("Which bias does the model carry?", verdict, [*parts, gender], "bias")
