"""Which statements about groups the data support; the others are refused, each with its reason.

A claim is one of ``any figure``, ``uar``, ``gap`` (between groups), ``interval``, ``test``, or an emotion: its recall,
precision and F1. ``ser.bias.refusals`` finds what is refused; whoever makes a claim asks here first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ser.people import pair_name

EVERYWHERE = "all"  # in the column attribute: whatever the attribute
ANY, UAR, GAP, INTERVAL, TEST = "any figure", "uar", "gap", "interval", "test"
LARGEST = "largest"  # in the column group: of a test of all groups together
UNRECORDED = "unknown for everybody"  # the reason where the corpora do not record an attribute
COLUMNS = ("attribute", "group", "claim", "reason")


@dataclass(frozen=True)
class Claims:
    """What may be said of whom.

    Attributes:
        refused: a row a refused claim: attribute, group (``""`` for each group of the attribute), claim, reason.
    """

    refused: pd.DataFrame

    @cached_property
    def _reasons(self) -> dict[tuple[str, str, str], str]:
        rows = self.refused.drop_duplicates(["attribute", "group", "claim"])
        return dict(zip(zip(rows["attribute"], rows["group"], rows["claim"], strict=True), rows["reason"], strict=True))

    def carried(self, attribute: str, group: str, claim: str) -> bool:
        """Tell whether nothing refuses a claim on a group; on all groups together where ``group`` is ``""``."""
        return not any(
            (whose, which, what) in self._reasons
            for whose in (EVERYWHERE, attribute)
            for which in ("", group)
            for what in (ANY, claim)
        )

    def refusal(self, attribute: str, claim: str) -> str:
        """Give the reason why a claim on every group of an attribute is refused; ``""`` where it is not."""
        return self._reasons.get((attribute, "", claim), "")

    def silence(self, attribute: str) -> str:
        """Say why nothing is said of an attribute: what refuses all groups, or else the first, and how many more."""
        rows = self.refused[
            self.refused["attribute"].isin([EVERYWHERE, attribute]) & self.refused["claim"].isin([ANY, GAP, UAR])
        ]
        rows = rows.sort_values("group", kind="stable").drop_duplicates("group")
        if rows.empty:
            return ""
        group, reason = rows.iloc[0][["group", "reason"]]
        if not group:
            return reason
        return f"{group}: {reason}" + (f"; and {len(rows) - 1} more" if len(rows) > 1 else "")

    def on_pair(self, attribute: str, first: str, second: str, emotions: Sequence[str]) -> set[str]:
        """Give the claims that a comparison of two groups may rest on: what both carry, and the pair itself."""
        carried = {
            claim
            for claim in (ANY, UAR, INTERVAL, *emotions)
            if self.carried(attribute, first, claim) and self.carried(attribute, second, claim)
        }
        pair = pair_name(first, second)
        refused = {claim for claim in (TEST, INTERVAL, UAR, *emotions) if not self.carried(attribute, pair, claim)}
        return (carried | {TEST}) - refused

    def withhold(self, groups: pd.DataFrame, emotions: Sequence[str]) -> pd.DataFrame:
        """Take what is refused out of a table of groups, whose counts stay.

        Args:
            groups: as ``ser.bias.groups.groups`` gives it.
            emotions: the label set.

        Returns:
            The table, with refused figures missing.
        """
        groups = groups.copy()
        places = list(zip(groups["attribute"], groups["group"], strict=True))
        interval = ["uar_low", "uar_high"]
        columns = {ANY: list(groups.columns[4:]), UAR: ["uar", *interval], INTERVAL: interval}
        for emotion in emotions:
            columns[emotion] = [f"{measure}_{emotion}" for measure in ("recall", "precision", "f1")]
        for claim, names in columns.items():
            groups.loc[[not self.carried(*place, claim) for place in places], names] = np.nan
        return groups
