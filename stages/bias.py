"""Score the predictions for women and men, by age band and by speaker, and measure the gaps."""

import argparse
from pathlib import Path

import pandas as pd

from ser import fairness, manifest, params, predictions, reports, tables
from ser.failures import one_line
from ser.fairness import BiasParams
from ser.plots import drawing
from ser.plots import groups as groups_picture


def main() -> None:
    """Read predictions and manifest; write metrics, a table of groups and a picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "manifest", "predictions", "metrics", "groups", "picture"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    paths = parser.parse_args()
    with one_line("bias"):
        emotions = params.read(paths.params, "emotions", list[str])
        settings = params.read(paths.params, "bias", BiasParams)
        table = predictions.read(paths.predictions, emotions)
        protocol = predictions.chosen(table)
        people = predictions.with_people(table[table["protocol"] == protocol], manifest.read(paths.manifest))
        groups = fairness.groups(people, emotions, settings)
        report = fairness.report(groups, people, emotions, settings)
        gaps = {pair: gap for section in report.values() for pair, gap in section.get("gap", {}).items()}
        known = " (test speakers are in training as well)" if protocol == predictions.RANDOM else ""
        intervals = f"intervals over speakers, confidence {settings.confidence:g}, from {settings.minimum_speakers} on"
        title = f"{protocol}{known}: {len(people)} utterances; {intervals}"
        tables.write(groups, paths.groups)
        drawing.save(groups_picture.draw(groups, gaps, emotions, title), paths.picture)
        reports.write(report, paths.metrics)
        print(f"bias: {protocol}{known}: {summary(report, groups)}; see {paths.metrics}")


def summary(report: dict, groups: pd.DataFrame) -> str:
    """Say for each attribute what was found, in a few words."""
    unknown = groups[groups["group"] == fairness.UNKNOWN].set_index("attribute")["utterances"]
    words = []
    for attribute in fairness.ATTRIBUTES:
        section = report.get(attribute, {})
        gaps = section.get("gap", {})
        if not section:
            words.append(f"{attribute} unknown for everybody")
        elif attribute == "speaker":
            spread = f"from UAR {section['uar_min']:.3f} to {section['uar_max']:.3f}"
            words.append(f"{section['speakers']} speakers {spread}")
        elif len(gaps) == 1:
            words += [f"{attribute} {pair} {difference(gap)}" for pair, gap in gaps.items()]
        else:
            words.append(f"{attribute} {len(section.keys() - {'gap'})} groups")
        if section and attribute in unknown:
            words[-1] += f" (unknown for {unknown[attribute]} utterances)"
    return ", ".join(words)


def difference(gap: dict[str, float]) -> str:
    """Write a gap with its sign, and its interval where there is one."""
    interval = f"[{gap['uar_low']:+.3f}, {gap['uar_high']:+.3f}]" if "uar_low" in gap else "(no interval)"
    return f"{gap['uar']:+.3f} {interval}"


if __name__ == "__main__":
    main()
