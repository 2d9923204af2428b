"""What the stage ``bias`` reports: the numbers of the tables of groups and gaps, as far as the data carry them."""

from collections.abc import Iterable, Mapping

import pandas as pd

from ser.bias import groups as bias_groups
from ser.bias.claims import ANY, GAP, LARGEST, UAR, Claims
from ser.files.failures import InputError
from ser.people import COMPARED, MINUS, pair_name

OF_GROUP = ("utterances", "speakers", "uar", "uar_low", "uar_high", *bias_groups.CALIBRATION)
OF_TEST = ("p", "p_holm", "p_smallest", "unbiased_low", "unbiased_high", "detectable")
OF_ALL = ("equalised_odds", "demographic_parity", "unweighted_average_bias")


def metrics(groups: pd.DataFrame, gaps: pd.DataFrame, claims: Claims, overview: dict) -> dict:
    """Gather the figures of groups, the gaps between them, and how evenly speakers are served.

    Args:
        groups: as ``Claims.withhold`` leaves them.
        gaps: as ``gaps.table`` gives them.
        claims: what the data carry.
        overview: as ``audit.overview`` gives it.

    Returns:
        Nested metrics, without what cannot be had or is refused.

        - By attribute and group: ``OF_GROUP``, and ``recall`` by emotion.
        - By attribute ``gap``: of each pair, ``first_minus_second``: ``uar`` with ``uar_low`` and ``uar_high``,
          ``OF_TEST``, and by emotion the differences in ``recall`` with ``recall_p`` and ``recall_p_holm``; of
          all groups together: ``largest`` (``uar``, ``ratio``, the ``worst_uar``, ``OF_TEST``),
          ``equalised_odds``, ``demographic_parity`` (by emotion) and ``unweighted_average_bias``, each ``raw``
          and ``matched``.
        - ``speaker``: ``groups.spread``.
        - ``audit``: the overview, and the number of ``refused_claims``.

    Raises:
        InputError: a group is called ``gap``.
    """
    rows = groups.to_dict("records")
    rows = [row for row in rows if row["utterances"] and claims.carried(row["attribute"], row["group"], ANY)]
    result = {"audit": overview | {"refused_claims": len(claims.refused)}}
    for attribute in COMPARED:
        section = {row["group"]: _group(row) for row in rows if row["attribute"] == attribute}
        if GAP in section:
            raise InputError(f"manifest: no {attribute} can be called '{GAP}', as metrics/bias.json uses this word")
        between = _gap(gaps[gaps["attribute"] == attribute])
        if section:
            result[attribute] = section | ({GAP: between} if between else {})
    speakers = [row for row in rows if row["attribute"] == "speaker"]
    uars = [row["uar"] for row in speakers if claims.carried("speaker", row["group"], UAR)]
    return result | ({"speaker": bias_groups.spread(uars)} if uars else {})


def pairs(metrics: dict) -> dict[str, dict[str, float]]:
    """Pick out of the metrics the gaps in UAR of all pairs of groups, named like ``gender: female_minus_male``."""
    return {
        f"{attribute}: {name}": gap
        for attribute in COMPARED
        for name, gap in of_attribute(metrics, attribute)[0].items()
    }


def of_attribute(metrics: dict, attribute: str) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Pick out of the metrics the gaps in UAR of the pairs of one attribute, and the largest of all its groups."""
    gaps = metrics.get(attribute, {}).get(GAP, {})
    return {name: gap for name, gap in gaps.items() if MINUS in name and "uar" in gap}, gaps.get(LARGEST, {})


def _group(row: dict) -> dict:
    return _present(row, OF_GROUP) | {"recall": _by_emotion(row, "recall_")}


def _gap(gaps: pd.DataFrame) -> dict:
    """Gather the gaps of one attribute: of pairs, and of all groups."""
    result = {}
    for row in gaps.to_dict("records"):
        measure, value = row["measure"], row["difference"]
        if measure in ("uar", "recall"):
            pair = result.setdefault(pair_name(row["first"], row["second"]), {})
            if measure == "uar":
                ends = {"uar_low": row["low"], "uar_high": row["high"]}
                pair |= {"uar": value} | _present(ends, ends) | _present(row, OF_TEST)
            else:
                for name, figure in {"recall": value, "recall_p": row["p"], "recall_p_holm": row["p_holm"]}.items():
                    if pd.notna(figure):
                        pair.setdefault(name, {})[row["emotion"]] = figure
        elif measure == "uar_largest":
            result[LARGEST] = {"uar": value} | _present(row, ("worst_uar", "ratio", *OF_TEST))
        elif measure.removesuffix("_matched") in OF_ALL:
            place = result.setdefault(measure.removesuffix("_matched"), {})
            kind = "matched" if measure.endswith("_matched") else "raw"
            if row["emotion"]:
                place.setdefault(kind, {})[row["emotion"]] = value
            else:
                place[kind] = value
    return result


def _present(row: Mapping[str, float], columns: Iterable[str]) -> dict[str, float]:
    return {column: row[column] for column in columns if pd.notna(row[column])}


def _by_emotion(row: dict, prefix: str) -> dict[str, float]:
    columns = [column for column in row if column.startswith(prefix)]
    return {column.removeprefix(prefix): value for column, value in _present(row, columns).items()}
