"""The gaps between groups of people, how sure they are, and what chance alone would show.

A gap between two groups is a signed difference between two named groups. "Largest minus smallest" of many groups is
above zero by chance alone, the more so the more groups there are; it is given too, but beside what it would be if the
groups did not matter. Each test permutes the attribute over the speakers of each corpus, of gaps over their standard
errors (``ser.bias.precision``), and Holm's adjustment keeps the many tests of one measure from finding what is not
there.

One corpus may be easier than another, and have more women. So groups are compared within each corpus that has several
speakers of all of them, and averaged over these corpora; interval and test are of that mean. Else a gap says that
groups fare differently here, not why: groups may differ in age or recording as well.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from ser.bias import comparison, permutations, precision
from ser.bias.claims import ANY, GAP, INTERVAL, LARGEST, TEST, UAR, Claims
from ser.bias.disparity import differences, spreads, uars
from ser.bias.groups import BiasParams
from ser.people import COMPARED, PAIRED, groups_of, pair_name
from ser.scores.intervals import Bootstrap
from ser.scores.metrics import confusions, resampled
from ser.scores.words import level

NO_ERROR = 1e-7  # a standard error below is 0, but for rounding
POWER = 0.8  # of finding the smallest gap that the data could have shown
COLUMNS = (
    "attribute",
    "first",
    "second",
    "measure",  # its tests are a family, adjusted together
    "emotion",  # empty where the measure is over all
    "difference",
    "ratio",
    "worst_uar",
    "low",
    "high",
    "p",
    "p_holm",
    "p_smallest",
    "unbiased_low",
    "unbiased_high",
    "detectable",
)
NEEDS = {"uar": UAR, "rate": ANY, "rate_matched": UAR}  # what both groups must carry; for recall it is the emotion


@dataclass(frozen=True)
class Arena:
    """The groups that are compared.

    Attributes:
        names: the groups.
        sizes: speakers of each group.
        stack: counts (speakers, emotions, emotions), first those of the first group's speakers, then the second's, ...
        corpora: within which groups are compared (speakers,), 0 1 2 ...; each has speakers of every group.
    """

    names: list[str]
    sizes: list[int]
    stack: np.ndarray
    corpora: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """The group of each speaker, 0 1 2 ..."""
        return np.repeat(np.arange(len(self.names)), self.sizes)

    def totals(self, labels: np.ndarray, weights: np.ndarray | float = 1.0) -> np.ndarray:
        """Sum the confusions of each group.

        Args:
            labels: the group of each speaker (..., speakers).
            weights: how often each speaker counts, of the same shape.

        Returns:
            Counts (..., groups, emotions, emotions).
        """
        groups = [resampled(self.stack, weights * (labels == group)) for group in range(len(self.names))]
        return np.stack(groups, axis=-3)

    def measured(
        self, measure: Callable, labels: np.ndarray, weights: np.ndarray | float = 1.0
    ) -> dict[str, np.ndarray]:
        """Compare the groups within each corpus, and average.

        Args:
            measure: ``differences`` or ``spreads``.
            labels: as for ``totals``.
            weights: as for ``totals``.

        Returns:
            What the measure gives: its mean over the corpora that have it. They weigh 1 / (1/n1 + 1/n2 + ...) by the
            speakers of their groups, which makes a difference of means most precise.
        """
        return self._averaged([measure(self.totals(labels, weights * own), self._target(own)) for own in self.within])

    def variances(self, labels: np.ndarray) -> dict[str, np.ndarray]:
        """Estimate the variances of the groups' figures, averaged over corpora as ``measured`` averages the figures.

        Args:
            labels: the group of each speaker (arrangements, speakers).

        Returns:
            As ``precision.variances``.
        """
        count = len(self.names)
        parts = [precision.variances(self.stack[own], labels[:, own], count, self._target(own)) for own in self.within]
        return self._averaged(parts, power=2)

    def _target(self, own: np.ndarray) -> np.ndarray:
        """The shares of emotions in a corpus, to which its groups are matched."""
        return self.stack[own].sum(axis=(0, 2)) / self.stack[own].sum()

    def _averaged(self, parts: Sequence[dict[str, np.ndarray]], power: int = 1) -> dict[str, np.ndarray]:
        """Average over the corpora that have a figure; with power 2, the variances of such an average."""
        if len(parts) == 1:
            return parts[0]
        shares = [1 / (1 / np.bincount(self.labels[own])).sum() for own in self.within]
        means = {}
        for name in parts[0]:
            values = np.stack([part[name] for part in parts])
            known = ~np.isnan(values)
            weighed = known * np.reshape(shares, (-1, *[1] * (values.ndim - 1)))
            whole = weighed.sum(axis=0) ** power
            total = (np.where(known, values, 0.0) * weighed**power).sum(axis=0)
            means[name] = np.divide(total, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
        return means

    @property
    def within(self) -> list[np.ndarray]:
        """The speakers of each corpus, (speakers,) of bool."""
        return [self.corpora == corpus for corpus in np.unique(self.corpora)]


def arena(
    people: pd.DataFrame, attribute: str, membership: pd.Series, names: Sequence[str], emotions: Sequence[str]
) -> Arena:
    """Gather the confusions of groups by speaker, out of the corpora that have all groups.

    A speaker of two groups stands in each.

    Args:
        people: the predictions.
        attribute: what makes the groups.
        membership: the group of each.
        names: the groups to compare.
        emotions: the label set.

    Returns:
        The groups in the order of ``names``.
    """
    parts = [people[membership == name] for name in names]
    cells = comparison.cells(parts, attribute)
    sizes, stacks, corpora = [0] * len(names), [], []
    for group, part in enumerate(parts):
        for number, corpus in enumerate(cells):
            own, speakers = part[comparison.within(part, attribute) == corpus], cells[corpus][group]
            stacks.append(confusions(own["truth"], own["prediction"], own["speaker"], speakers, emotions))
            sizes[group] += len(speakers)
            corpora += [number] * len(speakers)
    return Arena(list(names), sizes, np.concatenate(stacks), np.array(corpora))


def table(people: pd.DataFrame, emotions: Sequence[str], params: BiasParams, claims: Claims) -> pd.DataFrame:
    """Measure the gaps of every attribute, as far as the data carry them.

    Args:
        people: one protocol's predictions, joined with the manifest.
        emotions: the label set.
        params: the age bands, intervals and permutations.
        claims: what the data carry.

    Returns:
        A row per attribute and measure with ``COLUMNS``; what cannot be computed is missing.

        - Pairs of groups: ``differences``, with the bootstrap's interval from ``low`` to ``high``.
        - All groups: ``spreads``; ``first`` and ``second`` are empty, but for ``uar_largest`` the best and the worst
          served group, whose ``ratio`` of UARs, worst over best, is there too, and ``worst_uar``. Of these measures
          this one alone is tested.
        - ``p``: of the permutation test; ``p_holm``: adjusted within the measure; ``p_smallest``: no gap has less.
        - ``unbiased_low``, ``unbiased_high``: where the gap would lie, with the wanted confidence, if the group made
          no difference: the quantiles of the gap over its standard error where the attribute is dealt out by chance to
          the speakers of each corpus, times the standard error; of ``uar_largest`` the upper end alone. Its ``p`` is
          of the gap that is largest over its standard error, perhaps another: it says whether all groups are alike.
        - ``detectable``, of ``uar``: the smallest gap that the adjusted test would find in four of five such corpora,
          in simulations in three of four: the sum of Student's quantiles for the level and for ``POWER``, with a degree
          of freedom less than speakers for each group of each corpus, times the standard error of the bootstrap. The
          level is what there is for one of all tests of ``uar``, and that arrangements can reach. With normal
          quantiles, as textbooks have it, a test of five speakers against five would find it in half of them only.
    """
    pairs, of_all = [], {}
    for attribute in COMPARED:
        if not claims.carried(attribute, "", GAP):
            continue
        membership, names = groups_of(people, attribute, params.age_bands)
        names = [name for name in names if claims.carried(attribute, name, ANY)]
        for pair in combinations(names, 2) if attribute in PAIRED else ():
            if not claims.carried(attribute, pair_name(*pair), GAP):
                continue
            allowed = claims.on_pair(attribute, *pair, emotions)
            pairs.append((attribute, arena(people, attribute, membership, pair, emotions), allowed))
        whole = [name for name in names if claims.carried(attribute, name, UAR)]
        if len(whole) > 1 and claims.carried(attribute, LARGEST, GAP):
            tested = claims.carried(attribute, LARGEST, TEST)
            told = [all(claims.carried(attribute, name, emotion) for name in whole) for emotion in emotions]
            groups = arena(people, attribute, membership, whole, emotions)
            of_all[attribute] = _all(attribute, groups, emotions, params, np.array(told), tested)
    tests = sum({TEST, UAR} <= allowed for *_, allowed in pairs)
    rows = []
    for attribute in COMPARED:
        for of, groups, allowed in pairs:
            rows += _pair(of, groups, emotions, params, allowed, tests) if of == attribute else []
        rows += of_all.get(attribute, [])
    gaps = pd.DataFrame(rows, columns=list(COLUMNS))
    numbers = list(COLUMNS[COLUMNS.index("difference") :])
    gaps[numbers] = gaps[numbers].astype(float)
    for rows in gaps.groupby("measure").indices.values():
        gaps.loc[rows, "p_holm"] = permutations.holm(gaps.loc[rows, "p"])
    return gaps


def _pair(
    attribute: str, groups: Arena, emotions: Sequence[str], params: BiasParams, allowed: set[str], tests: int
) -> list[dict]:
    """Give the rows of a pair of groups, those that both groups carry and that some corpus of both has."""
    seen = groups.measured(differences, groups.labels)
    columns = {"difference": seen}
    if TEST in allowed:
        columns |= _chance(groups, _difference, params, two_sided=True)
    if TEST in allowed or INTERVAL in allowed:
        low, high, error = _drawn(groups, seen, params)
        columns |= {"low": low, "high": high} if INTERVAL in allowed else {}
        smallest = columns["p_smallest"]["uar"].item() if TEST in allowed else 1.0
        if share := _attainable(level(params.confidence) / max(tests, 1), smallest):
            columns["detectable"] = {"uar": error["uar"] * _quantiles(groups, share)}
    first, second = groups.names
    kept = [row for row in _rows(columns, emotions) if NEEDS.get(row["measure"], row["emotion"]) in allowed]
    rows = [{"attribute": attribute, "first": first, "second": second} | row for row in kept]
    return [row for row in rows if not np.isnan(row["difference"])]


def _all(
    attribute: str, groups: Arena, emotions: Sequence[str], params: BiasParams, told: np.ndarray, tested: bool
) -> list[dict]:
    """Give the rows that compare all groups of an attribute; ``told``: as for ``spreads``."""
    columns = {"difference": _spreads(groups, groups.labels, told)}
    uar = groups.measured(uars, groups.labels)["uar"]
    pair = [uar.argmax(), uar.argmin()]
    if tested:  # by the gap that is largest over its standard error; the largest of all, which is shown, has its own
        error = np.sqrt(groups.variances(groups.labels[None])["uar"][0, pair].sum(axis=0))
        columns |= _chance(groups, _largest, params, two_sided=False, shown={"uar_largest": error})
    rows = [{"attribute": attribute, "first": "", "second": ""} | row for row in _rows(columns, emotions)]
    best, worst = (groups.names[at] for at in pair)
    assert rows[0]["measure"] == "uar_largest"
    ratio = {"ratio": uar.min() / uar.max()} if uar.max() > 0 else {}
    rows[0] |= {"first": best, "second": worst, "worst_uar": uar.min()} | ratio
    return [row for row in rows if not np.isnan(row["difference"])]


def _difference(groups: Arena, labels: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Give the differences of two groups and their standard errors, in each arrangement."""
    variances = groups.variances(labels)
    return groups.measured(differences, labels), {name: np.sqrt(var.sum(axis=1)) for name, var in variances.items()}


def _largest(groups: Arena, labels: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Give, of all pairs of groups, the difference in UAR that is largest over its standard error, and that error."""
    uar, variance = groups.measured(uars, labels)["uar"], groups.variances(labels)["uar"][..., 0]
    first, second = np.triu_indices(len(groups.names), k=1)
    gaps, errors = uar[:, first] - uar[:, second], np.sqrt(variance[:, first] + variance[:, second])
    largest = np.abs(_studentised(gaps, errors)).argmax(axis=1)[:, None]
    return tuple({"uar_largest": np.take_along_axis(each, largest, axis=1)} for each in (gaps, errors))


def _studentised(gaps: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Divide gaps by their standard errors; where speakers are all alike, the ratio is infinite, or 0 of no gap."""
    gaps = np.where(np.abs(gaps) < permutations.ROUNDING, 0.0, gaps)
    errors = np.where(errors < NO_ERROR, 0.0, errors)
    infinite = np.where(gaps == 0, 0.0, np.copysign(np.inf, gaps))
    return np.where(errors == 0, infinite, gaps / np.where(errors == 0, 1.0, errors))


def _spreads(groups: Arena, labels: np.ndarray, told: np.ndarray) -> dict[str, np.ndarray]:
    """Measure ``spreads``; the largest difference in UAR is that of the groups' means over corpora, as a pair's is."""
    found = groups.measured(partial(spreads, told=told), labels)
    if len(groups.within) > 1:
        found["uar_largest"] = np.ptp(groups.measured(uars, labels)["uar"], axis=-1)[..., None]
    return found


def _chance(
    groups: Arena,
    measure: Callable,
    params: BiasParams,
    two_sided: bool,
    shown: Mapping[str, np.ndarray] | None = None,
) -> dict[str, dict[str, np.ndarray]]:
    """Give p-values, the smallest that there can be, and the range of a gap that comes about by chance.

    Args:
        groups: what is compared.
        measure: ``_difference`` or ``_largest``: labels (arrangements, speakers) to gaps and standard errors by name.
        params: permutations and confidence.
        two_sided: whether gaps have a sign.
        shown: by name, the standard errors of the gaps that are shown, where these are others than those tested.
    """
    labels, exact = permutations.arrangements(groups.labels, groups.corpora, params.permutations, params.seed)
    seen, errors = ({name: each[0] for name, each in part.items()} for part in measure(groups, groups.labels[None]))
    gaps, spreads_of = measure(groups, labels)
    smallest = permutations.smallest_p(permutations.table(groups.labels, groups.corpora), params.permutations)
    ends = {"unbiased_low": (1 - params.confidence) / 2, "unbiased_high": (1 + params.confidence) / 2}
    ends = ends if two_sided else {"unbiased_high": params.confidence}
    columns = {name: {} for name in ("p", "p_smallest", *ends)}
    for name, gap in seen.items():
        null = _studentised(gaps[name], spreads_of[name])
        columns["p"][name] = permutations.p_values(_studentised(gap, errors[name]), null, exact)
        columns["p_smallest"][name] = np.full(gap.shape, smallest)
        null = np.where(np.isnan(gap), 0.0, null) if two_sided else np.abs(null)
        for end, share in ends.items():
            quantile = np.nanquantile(null, share, axis=0, method="nearest")
            columns[end][name] = _finite(quantile, (shown or errors)[name])
    return columns


def _finite(quantile: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Multiply; NaN where speakers who are all alike leave no range."""
    known = np.isfinite(quantile) & (error >= NO_ERROR)
    return np.multiply(quantile, error, out=np.full(error.shape, np.nan), where=known)


def _attainable(share: float, smallest: float) -> float:
    """The largest p-value up to a share that arrangements can have, whose p-values are multiples of the smallest."""
    return np.floor(share / smallest + permutations.ROUNDING) * smallest


def _quantiles(groups: Arena, share: float) -> float:
    """The sum of Student's quantiles for a two-sided test at a level and for ``POWER``."""
    freedom = sum(len(own) - len(groups.names) for own in map(np.flatnonzero, groups.within))
    return stats.t.ppf([1 - share / 2, POWER], freedom).sum()


def _drawn(groups: Arena, seen: dict[str, np.ndarray], params: BiasParams) -> list[dict[str, np.ndarray]]:
    """Give lower and upper bounds and standard errors of differences.

    Speakers are drawn again within each group of each corpus.
    """
    strata = groups.labels + len(groups.names) * groups.corpora
    bootstrap = Bootstrap(strata, params)  # the claims say where its interval may be shown
    replicates = _where_seen(groups.measured(differences, groups.labels, bootstrap.weights), seen)
    speakers = groups.stack.any(axis=-1).T  # of each emotion
    low, high, errors = {}, {}, {}
    for name, values in replicates.items():
        each = speakers[:, None] if values.shape[1] == len(speakers) else [speakers]  # of an emotion, or over all
        ends = [bootstrap.bounds(values[:, place], own) for place, own in enumerate(each)]
        low[name], high[name] = map(np.array, zip(*ends, strict=True))
        error = np.nanstd(values, axis=0)
        errors[name] = np.where(error > 0, error, np.nan)  # speakers all alike say nothing about others
    return [low, high, errors]


def _where_seen(replicates: dict[str, np.ndarray], seen: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Put 0 where a gap was not seen, as its replicates are all NaN, of which there is no quantile; no row shows it."""
    return {name: np.where(np.isnan(seen[name]), 0.0, values) for name, values in replicates.items()}


def _rows(columns: dict[str, dict[str, np.ndarray]], emotions: Sequence[str]) -> list[dict]:
    """Turn columns of arrays by measure into rows."""
    rows = []
    for measure, values in columns["difference"].items():
        for index, emotion in enumerate([""] if len(values) == 1 else emotions):
            numbers = {column: float(arrays[measure][index]) for column, arrays in columns.items() if measure in arrays}
            rows.append({"measure": measure, "emotion": emotion} | numbers)
    return rows
