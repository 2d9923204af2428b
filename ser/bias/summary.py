"""One line of what the stage ``bias`` found."""

from ser.bias import figures
from ser.bias.claims import Claims
from ser.scores import words


def line(metrics: dict, claims: Claims) -> str:
    """Say for gender, age and speakers what was found, in a few words, and how many claims were refused."""
    said = [_compared(metrics, claims, attribute) for attribute in ("gender", "age")]
    if spread := metrics.get("speaker"):
        lowest, highest = words.number(spread["uar_min"]), words.number(spread["uar_max"])
        several = f"{spread['speakers']} speakers from UAR {lowest} to {highest}"
        said.append(several if spread["speakers"] > 1 else f"1 speaker with every emotion, UAR {lowest}")
    else:
        said.append(f"no speaker's UAR ({claims.silence('speaker')})")
    return f"{', '.join(said)}; refused claims: {len(claims.refused)}"


def _compared(metrics: dict, claims: Claims, attribute: str) -> str:
    """Give the gap of the one pair of groups, or the largest gap of more, or the reason why there is none."""
    pairs, largest = figures.of_attribute(metrics, attribute)
    if len(pairs) == 1:
        return " ".join(f"{attribute} {pair} {_difference(gap)}" for pair, gap in pairs.items())
    if largest:
        return f"{attribute} largest gap {_difference(largest, otherwise='')}"
    return f"no {attribute} gap ({claims.silence(attribute)})"


def _difference(gap: dict[str, float], otherwise: str = "no interval") -> str:
    """Write a gap with its sign, its interval or what to say otherwise, and its p-value if it has one."""
    tested = f" ({words.p_value(gap['p_holm'])}, adjusted)" if "p_holm" in gap else ""
    return words.estimate(gap, "uar", otherwise, sign=True) + tested
