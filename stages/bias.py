"""Check which comparisons of groups the data support, score the groups, and measure the gaps between them."""

import argparse
from pathlib import Path

from ser import manifest, predictions
from ser.bias import audit, figures, gaps, refusals
from ser.bias import groups as bias_groups
from ser.bias.claims import Claims
from ser.bias.groups import BiasParams
from ser.files import params, tables
from ser.files.failures import one_line
from ser.people import AgeBands
from ser.plots import audit as audit_picture
from ser.plots import drawing
from ser.plots import groups as groups_picture
from ser.scores import words
from ser.scores.intervals import IntervalParams
from ser.splits import names


def main() -> None:
    """Read predictions and manifest; write metrics, tables of groups, gaps, counts and refused claims, and pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "manifest", "predictions", "metrics", "groups", "gaps", "audit", "refused"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("picture", "audit-picture"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with one_line("bias"):
        emotions = params.read(options.params, "emotions", list[str])
        bands = params.read(options.params, "age_bands", AgeBands)
        intervals = params.read(options.params, "intervals", IntervalParams)
        settings = params.read(options.params, "bias", BiasParams, age_bands=bands, **vars(intervals))
        utterances = manifest.read(options.manifest)
        table = predictions.read(options.predictions, emotions)
        protocol = names.chosen(table["protocol"])
        people = predictions.with_people(table[table["protocol"] == protocol], utterances)
        claims = refusals.examine(people, utterances, emotions, settings)
        groups = claims.withhold(bias_groups.groups(people, emotions, settings), emotions)
        between = gaps.table(people, emotions, settings, claims)
        counts = audit.counts(people, emotions, settings)
        overview = audit.overview(people, utterances, settings)
        metrics = figures.metrics(groups, between, claims, overview)
        named = names.with_warning(protocol)
        title = f"{named}: {len(people)} utterances"
        how = f"{100 * settings.confidence:g} % intervals, for groups of {settings.minimum_speakers} speakers or more"
        picture = groups_picture.draw(groups, figures.pairs(metrics), emotions, f"{title}; {how}")
        tables.write(groups, options.groups)
        tables.write(between, options.gaps)
        tables.write(counts, options.audit)
        tables.write(claims.refused, options.refused)
        drawing.save(picture, options.picture)
        drawing.save(audit_picture.draw(counts, claims.refused, overview, emotions, title), options.audit_picture)
        tables.write_metrics(metrics, options.metrics)
        print(f"bias: {named}: {summary(metrics, claims)}; see {options.metrics} and {options.refused}")


def summary(metrics: dict, claims: Claims) -> str:
    """Say for gender, age and speakers what was found, in a few words, and how many claims were refused."""
    said = [compared(metrics, claims, attribute) for attribute in ("gender", "age")]
    if spread := metrics.get("speaker"):
        lowest, highest = words.number(spread["uar_min"]), words.number(spread["uar_max"])
        several = f"{spread['speakers']} speakers from UAR {lowest} to {highest}"
        said.append(several if spread["speakers"] > 1 else f"1 speaker with every emotion, UAR {lowest}")
    else:
        said.append(f"no speaker's UAR ({claims.silence('speaker')})")
    return f"{', '.join(said)}; refused claims: {len(claims.refused)}"


def compared(metrics: dict, claims: Claims, attribute: str) -> str:
    """Give the gap of the one pair of groups, or the largest gap of more, or the reason why there is none."""
    pairs, largest = figures.of_attribute(metrics, attribute)
    if len(pairs) == 1:
        return " ".join(f"{attribute} {pair} {difference(gap)}" for pair, gap in pairs.items())
    if largest:
        return f"{attribute} largest gap {difference(largest, otherwise='')}"
    return f"no {attribute} gap ({claims.silence(attribute)})"


def difference(gap: dict[str, float], otherwise: str = "no interval") -> str:
    """Write a gap with its sign, its interval or what to say otherwise, and its p-value if it has one."""
    tested = f" ({words.p_value(gap['p_holm'])}, adjusted)" if "p_holm" in gap else ""
    return words.estimate(gap, "uar", otherwise, sign=True) + tested


if __name__ == "__main__":
    main()
