"""What the data can carry: how speakers, genders and ages go together with emotions, and which claims are refused.

Before any score is looked at, the labels alone decide what may be said of whom. A claim that the data cannot carry is
refused by name and with the reason; it is left out of the metrics, not averaged away:

- where emotions are tied to speakers, nothing at all: who recognises the speaker has the emotion;
- of a group of one speaker, nothing: it would be said of that person;
- of a group that lacks an emotion, no UAR: it would be the mean over other, easier or harder, emotions than elsewhere;
- of an emotion that one speaker of a group speaks, neither recall nor precision nor F1;
- of groups that no corpus has more than one of, no gap: the corpora may be what differs;
- of groups with few speakers, no interval, and no test where no gap whatsoever could pass it.
"""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency

from ser.bias import permutations
from ser.bias.groups import BiasParams
from ser.people import ATTRIBUTES, COMPARED, PAIRED, UNKNOWN, by_group, groups_of, pair_name
from ser.splits import oracle as splits_oracle

EVERYWHERE = "all"  # in the column attribute: whatever the attribute
ANY, UAR, GAP, INTERVAL, TEST = "any figure", "uar", "gap", "interval", "test"  # claims; besides these, each emotion
LARGEST = "largest"  # in the column group: of a test of all groups together
COLUMNS = ("attribute", "group", "claim", "reason")


def counts(people: pd.DataFrame, emotions: Sequence[str], params: BiasParams) -> pd.DataFrame:
    """Count utterances and speakers of each group and emotion.

    Args:
        people: the utterances, with the manifest's columns; ``truth`` is the emotion.
        emotions: the label set.
        params: the age bands.

    Returns:
        A row per attribute, group and emotion: attribute, group, emotion, utterances, speakers (missing where some are
        unknown). Cells without utterances keep their row; a group ``unknown`` is there only where needed.
    """
    rows = []
    for attribute in ATTRIBUTES:
        for name, part in by_group(people, attribute, params.age_bands).items():
            voices = part.groupby("truth")["speaker"].unique()
            utterances = part["truth"].value_counts()
            for emotion in emotions:
                names = voices.get(emotion, ())
                speakers = pd.NA if "" in names else len(names)
                rows.append((attribute, name, emotion, int(utterances.get(emotion, 0)), speakers))
    table = pd.DataFrame(rows, columns=["attribute", "group", "emotion", "utterances", "speakers"])
    return table.astype({"speakers": "Int64"})


def association(groups: pd.Series, emotions: pd.Series) -> float | None:
    """Measure how strongly groups and emotions go together: Cramer's V, corrected for chance.

    Without the correction V is far above 0 for unrelated things where groups are many and small, as speakers are. The
    correction is that of W. Bergsma, "A bias-correction for Cramer's V and Tschuprow's T", Journal of the Korean
    Statistical Society 42, 2013.

    Args:
        groups: of each utterance.
        emotions: of each utterance.

    Returns:
        0 (nothing to do with each other) to 1 (each tells the other); None where there is one group or one emotion.
    """
    table = pd.crosstab(groups, emotions).to_numpy()
    if min(table.shape) < 2:
        return None
    total = table.sum()
    surplus = chi2_contingency(table, correction=False).statistic / total
    rows, columns = table.shape
    surplus = max(0.0, surplus - (rows - 1) * (columns - 1) / (total - 1))
    rows, columns = (number - (number - 1) ** 2 / (total - 1) for number in (rows, columns))
    return float(min(1.0, np.sqrt(surplus / (min(rows, columns) - 1)))) if min(rows, columns) > 1 else None


def overview(people: pd.DataFrame, manifest: pd.DataFrame, params: BiasParams) -> dict:
    """Measure how far people and emotions go together.

    Args:
        people: the tested utterances, with the manifest's columns; ``truth`` is the emotion.
        manifest: all utterances.
        params: the age bands.

    Returns:
        ``association`` of emotions with each attribute, over the utterances whose group is known;
        ``speaker_oracle_uar``, of guessing each speaker's commonest emotion, beside ``chance_uar``. What cannot be had
        is left out.
    """
    found = {}
    for attribute in ATTRIBUTES:
        membership = groups_of(people, attribute, params.age_bands)[0]
        known = membership != UNKNOWN
        value = association(membership[known], people.loc[known, "truth"])
        found |= {} if value is None else {attribute: value}
    oracle = splits_oracle.speaker_oracle(manifest)
    measured = {"association": found, "chance_uar": splits_oracle.chance(manifest)}
    return measured | ({} if oracle is None else {"speaker_oracle_uar": oracle})


def refusals(people: pd.DataFrame, manifest: pd.DataFrame, emotions: Sequence[str], params: BiasParams) -> pd.DataFrame:
    """List the claims that the data cannot carry.

    Args:
        people: the tested utterances of one protocol, with the manifest's columns; ``truth`` is the emotion.
        manifest: all utterances, for the speaker oracle.
        emotions: the label set.
        params: the age bands, the least number of speakers of an interval, and the number of permutations.

    Returns:
        A table with ``COLUMNS``. An empty group means each group of the attribute; the claim is ``any figure``,
        ``uar``, ``gap``, ``interval``, ``test``, or an emotion: its recall, precision and F1.
    """
    rows = [(EVERYWHERE, "", ANY, why) for why in _tied(manifest)]
    spoken = [emotion for emotion in emotions if (people["truth"] == emotion).any()]
    rows += [(EVERYWHERE, "", emotion, "nobody speaks it") for emotion in emotions if emotion not in spoken]
    for attribute in ATTRIBUTES:
        parts = by_group(people, attribute, params.age_bands)
        unknown = len(parts.pop(UNKNOWN, ()))
        if unknown == len(people):
            rows.append((attribute, "", ANY, "unknown for everybody"))
            continue
        rows += [(attribute, UNKNOWN, ANY, f"not known of {unknown} utterances")] * bool(unknown)
        of_groups = [(name, *row) for name, part in parts.items() for row in _of_group(attribute, part, spoken, params)]
        rows += [(attribute, *row) for row in of_groups]
        if attribute in COMPARED:
            refused = {(name, claim) for name, claim, _ in of_groups}
            heard = {name: part for name, part in parts.items() if (name, ANY) not in refused}
            whole = [name for name in heard if (name, UAR) not in refused]
            rows += [(attribute, *row) for row in _of_comparison(attribute, heard, whole, params)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def carried(refused: pd.DataFrame) -> Callable[[str, str, str], bool]:
    """Give a function that tells whether a claim on (attribute, group, claim) is carried: nothing refuses it."""
    known = set(zip(refused["attribute"], refused["group"], refused["claim"], strict=True))

    def tell(attribute: str, group: str, claim: str) -> bool:
        return not any(
            (whose, which, what) in known
            for whose in (EVERYWHERE, attribute)
            for which in ("", group)
            for what in (ANY, claim)
        )

    return tell


def reason(refused: pd.DataFrame, attribute: str) -> str:
    """Say why nothing is said of an attribute: the first refusal of all its groups, or else of one of them."""
    rows = refused[refused["attribute"].isin([EVERYWHERE, attribute]) & refused["claim"].isin([ANY, GAP, UAR])]
    return "; ".join(rows.sort_values("group", kind="stable")["reason"].iloc[:1])


def on_pair(
    tell: Callable[[str, str, str], bool], attribute: str, first: str, second: str, emotions: Sequence[str]
) -> set[str]:
    """Give the claims that a comparison of two groups may rest on: what both carry, and the pair itself."""
    name = pair_name(first, second)
    claims = {claim for claim in (ANY, UAR, INTERVAL, *emotions) if tell(attribute, first, claim)}
    claims = {claim for claim in claims if tell(attribute, second, claim)}
    refused = {claim for claim in (TEST, INTERVAL) if not tell(attribute, name, claim)}
    return (claims | {TEST}) - refused


def withhold(groups: pd.DataFrame, refused: pd.DataFrame, emotions: Sequence[str]) -> pd.DataFrame:
    """Take out of a table of groups what is refused; counts stay.

    Args:
        groups: as ``fairness.groups`` gives it.
        refused: as ``refusals`` gives it.
        emotions: the label set.

    Returns:
        The table, with refused figures missing.
    """
    tell = carried(refused)
    places = list(zip(groups["attribute"], groups["group"], strict=True))
    groups = groups.copy()
    columns = {ANY: list(groups.columns[4:]), UAR: ["uar", "uar_low", "uar_high"], INTERVAL: ["uar_low", "uar_high"]}
    columns |= {emotion: [f"{measure}_{emotion}" for measure in ("recall", "precision", "f1")] for emotion in emotions}
    for claim, names in columns.items():
        groups.loc[[not tell(*place, claim) for place in places], names] = np.nan
    return groups


def _tied(manifest: pd.DataFrame) -> list[str]:
    if not splits_oracle.tied(manifest):
        return []
    oracle, chance = splits_oracle.speaker_oracle(manifest), splits_oracle.chance(manifest)
    return [
        f"emotion is tied to the speaker: the guess by speaker alone has a UAR of {oracle:.2f} (chance {chance:.2f}); "
        "normalisation by speaker would take the emotion away"
    ]


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
    rows += [(emotion, "nobody speaks it") for emotion in absent]
    if attribute == "speaker":
        return rows
    single = {emotion: names[0] for emotion, names in voices.dropna().items() if len(names) == 1 and names[0]}
    rows += [(emotion, f"one speaker speaks it: {name}") for emotion, name in single.items()]
    obstacle = params.obstacle(speakers)
    return rows + ([(INTERVAL, obstacle)] if obstacle else [])


def _of_comparison(
    attribute: str, parts: dict[str, pd.DataFrame], whole: Sequence[str], params: BiasParams
) -> list[tuple[str, str, str]]:
    """Give group, claim and reason of each refusal of comparisons, between groups of which something may be said."""
    if len(parts) < 2:
        return [
            ("", GAP, f"one group alone: {next(iter(parts))}" if parts else "no group of which anything can be said")
        ]
    everyone = pd.concat(parts, names=["group"]).reset_index("group")
    if attribute != "corpus" and everyone.groupby("corpus")["group"].nunique().max() == 1:
        return [("", GAP, "no corpus has more than one of the groups: the corpora may be what differs")]
    tests = {LARGEST: list(whole)} if len(whole) > 1 else {}
    if attribute in PAIRED:
        tests |= {pair_name(*names): list(names) for names in combinations(parts, 2)}
    if (everyone["speaker"] == "").any():
        return [(name, TEST, "speakers unknown") for name in tests]
    rows = []
    for name, members in tests.items():
        voices = everyone[everyone["group"].isin(members)].groupby("speaker")["group"].nunique()
        sizes = [parts[member]["speaker"].nunique() for member in members]
        smallest = permutations.smallest_p(sizes, params.permutations)
        if voices.max() > 1:
            reason = f"the speaker {voices.idxmax()} is in {voices.max()} of the groups"
            rows += [(name, TEST, reason)] + [(name, INTERVAL, reason)] * (name != LARGEST)
        elif smallest > 1 - params.confidence:
            rows.append((name, TEST, f"speakers: {' and '.join(map(str, sizes))}; no p can fall below {smallest:.2g}"))
    return rows
