"""Which claims the data cannot carry, and why.

Before any score is looked at, the labels alone decide what may be said of whom. A claim that the data cannot carry is
refused by name and with the reason; it is left out of the metrics, not averaged away:

- where emotions are tied to speakers, nothing at all: who recognises the speaker has the emotion;
- of a group of one speaker, nothing: it would be said of that person;
- of a group that lacks an emotion, no UAR: it would be the mean over other, easier or harder, emotions than elsewhere;
- of an emotion that one speaker of a group speaks, neither recall nor precision nor F1, nor a spread of them; the UAR
  keeps it, and has no interval where draws of speakers would often miss it;
- of groups that no corpus has several speakers of each, no gap: the corpora may be what differs; likewise of an emotion
  that no such corpus has of each group, no gap in its recall, and none in UAR where that is so of all;
- of groups with few speakers, or too few of some emotion, no interval, and no test where no gap at all could pass it.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from ser.bias import comparison, permutations
from ser.bias.claims import ANY, COLUMNS, EVERYWHERE, GAP, INTERVAL, LARGEST, TEST, UAR, UNRECORDED, Claims
from ser.bias.groups import BiasParams
from ser.people import ATTRIBUTES, COMPARED, PAIRED, UNKNOWN, by_group, pair_name
from ser.scores.intervals import Bootstrap
from ser.scores.words import level
from ser.splits import oracle


def examine(people: pd.DataFrame, manifest: pd.DataFrame, emotions: Sequence[str], params: BiasParams) -> Claims:
    """Find the claims that the data cannot carry.

    Args:
        people: the tested utterances of one protocol, with the manifest's columns; ``truth`` is the emotion.
        manifest: all utterances, for the speaker oracle.
        emotions: the label set.
        params: the age bands, the least number of speakers of an interval, and the number of permutations.

    Returns:
        The claims, those that are refused with the reason.
    """
    tied = _tied(manifest)
    rows = [(EVERYWHERE, "", ANY, tied)] if tied else []
    spoken = [emotion for emotion in emotions if (people["truth"] == emotion).any()]
    rows += [(EVERYWHERE, "", emotion, "no utterances") for emotion in emotions if emotion not in spoken]
    for attribute in ATTRIBUTES:
        parts = by_group(people, attribute, params.age_bands)
        unknown = len(parts.pop(UNKNOWN, ()))
        if unknown == len(people):
            rows.append((attribute, "", ANY, UNRECORDED))
            continue
        rows += [(attribute, UNKNOWN, ANY, f"not known of {unknown} utterances")] * bool(unknown)
        of_groups = [(name, *row) for name, part in parts.items() for row in _of_group(attribute, part, spoken, params)]
        rows += [(attribute, *row) for row in of_groups]
        if attribute in COMPARED:
            refused = {(name, claim) for name, claim, _ in of_groups}
            heard = {name: part for name, part in parts.items() if (name, ANY) not in refused}
            whole = [name for name in heard if (name, UAR) not in refused]
            present = sum(len(part) > 0 for part in parts.values())
            rows += [(attribute, *row) for row in _of_comparison(attribute, heard, whole, params, present)]
    return Claims(pd.DataFrame(rows, columns=list(COLUMNS)))


def _tied(manifest: pd.DataFrame) -> str:
    """Say in which corpora emotions are tied to speakers, beside a balanced one too; ``""`` where there is none."""
    several = manifest["corpus"].nunique() > 1
    reasons = [
        f"{f'in {corpus} ' if several else ''}emotion is tied to the speaker: the best guess by the speaker alone has "
        f"{found}"
        for corpus, found in oracle.tied_corpora(manifest).items()
    ]
    return "; ".join([*reasons, "normalisation by speaker would take the emotion away"]) if reasons else ""


def _of_group(attribute: str, part: pd.DataFrame, emotions: Sequence[str], params: BiasParams) -> list[tuple[str, str]]:
    """Give the claim and the reason of each refusal of one group."""
    speakers = sorted(set(part["speaker"]))
    if not len(part):
        return [(ANY, "no utterances")]
    if attribute != "speaker" and len(speakers) == 1 and "" not in speakers:
        return [(ANY, f"one speaker: {speakers[0]}")]
    voices = part.groupby("truth")["speaker"].unique().reindex(emotions)
    absent = list(voices.index[voices.isna()])
    rows = [(UAR, f"nobody speaks {', '.join(absent)}")] if absent else []
    rows += [(emotion, "no utterances") for emotion in absent]
    if attribute == "speaker":
        return rows
    single = {emotion: names[0] for emotion, names in voices.dropna().items() if len(names) == 1 and names[0]}
    rows += [(emotion, f"one speaker speaks it: {name}") for emotion, name in single.items()]
    obstacle = params.obstacle(speakers) or _lacking(_rare(part, speakers, params))
    return rows + ([(INTERVAL, obstacle)] if obstacle else [])


def _of_comparison(
    attribute: str, parts: dict[str, pd.DataFrame], whole: Sequence[str], params: BiasParams, groups: int
) -> list[tuple[str, str, str]]:
    """Give group, claim and reason of each refusal of comparisons, between groups of which something may be said."""
    if len(parts) < 2:
        why = f"one group alone{' of which anything can be said' * (groups > 1)}: {next(iter(parts), '')}"
        return [("", GAP, why if parts else "no group of which anything can be said")]
    everyone = pd.concat(parts, names=["group"]).reset_index("group")
    if attribute != "corpus" and everyone.groupby("corpus")["group"].nunique().max() == 1:
        return [("", GAP, "no corpus has more than one of the groups: the corpora may be what differs")]
    tests = {LARGEST: list(whole)} if len(whole) > 1 else {}
    if attribute in PAIRED:
        tests |= {pair_name(*names): list(names) for names in combinations(parts, 2)}
    several = attribute != "corpus" and everyone["corpus"].nunique() > 1
    rows = []
    for name, members in tests.items():
        voices = everyone[everyone["group"].isin(members)].groupby("speaker")["group"].nunique()
        cells = comparison.cells([parts[member] for member in members], attribute)
        if not cells:
            rows.append((name, GAP, "no corpus has several speakers of each group: the corpora may be what differs"))
            continue
        rows += [(name, *row) for row in _apart([parts[member] for member in members], list(cells), attribute)]
        if "" in voices.index:
            rows.append((name, TEST, "speakers unknown"))
            continue
        sizes = np.array([[len(members) for members in groups] for groups in cells.values()])
        smallest = permutations.smallest_p(sizes, params.permutations)
        obstacle = params.obstacle(*(members for groups in cells.values() for members in groups))
        if voices.max() > 1:
            reason = f"the speaker {voices.idxmax()} is in {voices.max()} of the groups"
            rows += [(name, TEST, reason)] + [(name, INTERVAL, reason)] * (name != LARGEST)
            continue
        if smallest > level(params.confidence):
            many = "; ".join(" and ".join(map(str, row)) for row in sizes)
            where = f" of each group in {', '.join(cells)}" if several else ""
            rows.append((name, TEST, f"speakers{where}: {many}; no p can fall below {smallest:.2g}"))
        if (
            several
            and name != LARGEST
            and (obstacle := obstacle or _lacking(*_rare_within(parts, members, cells, params)))
        ):
            rows.append((name, INTERVAL, f"{obstacle}, in a group of a corpus"))
    return rows


def _apart(parts: Sequence[pd.DataFrame], corpora: Sequence[str], attribute: str) -> list[tuple[str, str]]:
    """Give the claim and the reason for emotions that all groups speak, but in none of the compared corpora."""
    spoken = [part.groupby(comparison.within(part, attribute))["truth"].unique().map(set) for part in parts]
    anywhere = set.intersection(*(set(part["truth"]) for part in parts))
    together = set().union(*(set.intersection(*(of_group[corpus] for of_group in spoken)) for corpus in corpora))
    why = "no corpus has {} of each group: the corpora may be what differs"
    rows = [(emotion, why.format("it")) for emotion in sorted(anywhere - together)]
    return rows if together or not anywhere else [(UAR, why.format("an emotion")), *rows]


def _rare_within(
    parts: dict[str, pd.DataFrame], members: Sequence[str], cells: dict[str, list[list[str]]], params: BiasParams
) -> list[set[str]]:
    """Name the emotions that are rare in each group of each corpus."""
    return [
        _rare(parts[member][parts[member]["corpus"] == corpus], speakers, params)
        for corpus, groups in cells.items()
        for member, speakers in zip(members, groups, strict=True)
    ]


def _rare(part: pd.DataFrame, speakers: Sequence[str], params: BiasParams) -> set[str]:
    """Name the emotions of a group that draws of its speakers would often lack."""
    bootstrap = Bootstrap.of(speakers, params)
    voices = part.groupby("truth")["speaker"].unique()
    return {emotion for emotion, names in voices.items() if bootstrap.misses([np.isin(speakers, names)])}


def _lacking(*rare: set[str]) -> str:
    """Word why there is no interval; ``""`` without such emotions."""
    emotions = sorted(set().union(*rare))
    return f"too few speakers have {', '.join(emotions)}" if emotions else ""
