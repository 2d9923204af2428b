"""Find ambiguous utterances, check the scores that find them, and measure what ambiguity costs."""

import argparse
from pathlib import Path

from ser import features, manifest, predictions
from ser.ambiguity import bands, checks, doubt, figures, references, votes
from ser.ambiguity.doubt import AmbiguityParams
from ser.ambiguity.references import MEAN_RANK
from ser.files import params, tables
from ser.files.failures import one_line
from ser.learning import cartography
from ser.plots import ambiguity as picture
from ser.plots import drawing
from ser.scores import words
from ser.scores.intervals import IntervalParams
from ser.splits import names


def main() -> None:
    """Read what is known of every utterance; write the ranked list, metrics, tables and a picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    inputs = ("params", "manifest", "predictions", "features", "dynamics")
    for name in (*inputs, "metrics", "ranking", "bands", "scores", "picture"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with one_line("ambiguity"):
        emotions = params.read(options.params, "emotions", list[str])
        intervals = vars(params.read(options.params, "intervals", IntervalParams))
        shared = {key: intervals[key] for key in ("confidence", "seed", "minimum_speakers")}
        settings = params.read(options.params, "ambiguity", AmbiguityParams, **shared)
        utterances = manifest.read(options.manifest)
        table = predictions.read(options.predictions, emotions)
        protocol = names.chosen(table["protocol"])
        people = predictions.with_people(table[table["protocol"] == protocol], utterances)
        dynamics = cartography.read(options.dynamics)
        vectors = features.read(options.features, utterances).vectors
        judged = doubt.judge(utterances, people, vectors, dynamics, emotions, settings)
        counts = votes.counts(utterances)
        checked = checks.against_references(judged, settings)
        banded = bands.by_agreement(judged, people, counts, emotions, settings)
        metrics = figures.metrics(judged, people, counts, checked, banded, emotions, settings)
        named = names.with_warning(protocol)
        title = f"{named}: {len(people)} utterances; intervals over speakers"
        flagged = references.best_flags(judged, settings.majority)
        tables.write(doubt.ranking(judged), options.ranking)
        tables.write(checked, options.scores)
        tables.write(banded, options.bands)
        drawing.save(picture.draw(judged, flagged, checked, banded, metrics["cost"], title), options.picture)
        tables.write_metrics(metrics, options.metrics)
        print(f"ambiguity: {named}: {summary(metrics)}; see {options.metrics}, and listen to {options.ranking}")


def summary(metrics: dict) -> str:
    """Say the main figures in a few words."""
    said = []
    if votes := metrics.get("votes"):
        agreement = f"alpha {words.number(votes['alpha'])}, " if "alpha" in votes else ""
        said.append(
            f"votes for {votes['utterances']} utterances, {agreement}{votes['ambiguous']:.1%} of them ambiguous"
        )
    if listeners := metrics.get("listeners"):
        share = f"{listeners['ambiguous']:.1%} of them ambiguous"
        said.append(f"listener scores for {listeners['utterances']} utterances, {share}")
    single = metrics.get("single_rater", 0)
    if not said:
        heard = "votes of several raters" if single else "votes"
        said.append(f"neither {heard} nor listener scores, so only models judge")
    if single:
        said.append(f"a single rater each for {single} utterances")
    for reference, measure in (("planted", "auroc"), ("votes", "spearman"), ("listeners", "spearman")):
        score = metrics.get(reference, {}).get("scores", {}).get(MEAN_RANK, {})
        if measure in score:
            figure = words.estimate(score, measure)
            said.append(f"{MEAN_RANK} of the models against {reference}: {measure} {figure}")
    said.append(f"label issues {metrics['label_issues']['found']} of {metrics['label_issues']['utterances']}")
    return "; ".join(said)


if __name__ == "__main__":
    main()
