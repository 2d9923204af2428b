"""What each chapter says, in cases worked by hand."""

import dataclasses

import pandas as pd
import pytest

from ser.report import ambiguity, confidence, data, gaps, groups, limits, performance, speakers, summary
from ser.report.material import Material
from ser.report.schemas import TABLES
from ser.report.words import FOUND, NOT_SHOWN, UNKNOWN, UNSURE

SETTINGS = {
    "intervals": {"confidence": 0.95, "minimum_speakers": 5},
    "representation": {"permutations": 20, "utterances": 10_000},
    "ambiguity": {"majority": 0.5},
    "train": {"seed": 3, "normalisation": "train"},
    "familiarity": {"false_alarms": 0.05},
    "features": {"encoder": "pase_plus"},
}
REFUSED = list(TABLES["refused"].columns)


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


def material(metrics, **tables):
    """Material of some metrics and tables, given as lists of rows."""
    return Material(metrics, {name: pd.DataFrame(rows) for name, rows in tables.items()}, {}, {}, SETTINGS, {})


def refusals(*rows):
    return [dict(zip(REFUSED, row, strict=True)) for row in rows] or dict.fromkeys(REFUSED, ())


def gender(**gap):
    return {"bias": {"gender": {"gap": {"female_minus_male": gap, "largest": {"uar": 0.2}}}}}


# Bias


def test_a_gap_is_found_and_said_with_direction_interval_and_test():
    known = material(gender(uar=0.1542, uar_low=0.0636, uar_high=0.2409, p_holm=0.0184), refused=refusals())
    finding = gaps.finding(known, "gender")
    assert finding.verdict == FOUND
    assert plain(finding.found) == (
        "It differs: UAR is 0.154 higher for female than for male (+0.154 [+0.064, +0.241]; adjusted p = 0.018)."
    )


def test_a_gap_that_is_not_shown_says_how_large_it_would_have_had_to_be():
    known = material(gender(uar=-0.05, uar_low=-0.2, uar_high=0.1, p_holm=0.6, detectable=0.1806), refused=refusals())
    finding = gaps.finding(known, "gender")
    assert finding.verdict == NOT_SHOWN
    assert plain(finding.found) == (
        "No gap was shown. The largest: UAR is 0.050 lower for female than for male (−0.050 [−0.200, +0.100]; adjusted "
        "p = 0.600); a true gap of 0.181 would be found, after adjustment, in about three of four such corpora."
    )


def test_a_gap_whose_interval_and_test_differ_is_a_hint():
    finding = gaps.finding(
        material(gender(uar=0.1, uar_low=0.01, uar_high=0.2, p_holm=0.2), refused=refusals()), "gender"
    )
    assert finding.verdict == UNSURE
    assert finding.found.startswith("Interval and adjusted test differ")


def test_a_gap_with_neither_interval_nor_test_decides_nothing():
    finding = gaps.finding(material(gender(uar=0.4), refused=refusals()), "gender")
    assert finding.verdict == UNKNOWN
    assert "Neither interval nor test" in finding.found
    assert "(+0.400, no interval; no test)" in finding.found
    assert "female against male" in finding.sure


def test_the_largest_gap_that_is_named_is_one_of_those_that_the_verdict_is_about():
    gap = {
        "a_minus_b": {"uar": 0.1, "uar_low": 0.05, "uar_high": 0.2, "p_holm": 0.01},
        "a_minus_c": {"uar": 0.5, "uar_low": -0.1, "uar_high": 0.9, "p_holm": 0.5},
    }
    finding = gaps.finding(material({"bias": {"language": {"gap": gap}}}, refused=refusals()), "language")
    assert finding.verdict == FOUND
    assert "than for b" in finding.found
    assert "than for c" not in finding.found


@pytest.mark.parametrize(
    ("attribute", "rows", "said"),
    [
        ("gender", [("gender", "", "any figure", "unknown for everybody")], "The corpora record no genders."),
        ("age", [("age", "", "any figure", "unknown for everybody")], "The corpora record no ages."),
        ("corpus", [("corpus", "", "gap", "one group alone: emodb")], "No comparison (one group alone: emodb)."),
        (
            "gender",
            [("gender", "male", "any figure", "one speaker: c/1"), ("gender", "", "gap", "one group alone: female")],
            "No comparison (one group alone: female).",
        ),
        (
            "gender",
            [("all", "", "any figure", "emotion is tied to the speaker")],
            "No comparison (emotion is tied to the speaker).",
        ),
        (
            "gender",
            [("gender", "female", "uar", "nobody speaks sad"), ("gender", "female", "sad", "no utterances")],
            "No comparison. female: nobody speaks sad.",
        ),
    ],
)
def test_why_groups_are_not_compared_is_said(attribute, rows, said):
    finding = gaps.finding(material({"bias": {}}, refused=refusals(*rows)), attribute)
    assert finding.verdict == UNKNOWN
    assert finding.found == said


def test_missing_figures_of_groups_are_told_apart():
    row = {
        "attribute": "gender",
        "utterances": 8,
        "speakers": 4,
        "uar": 0.5,
        "recall_sad": None,
        "calibration_error": 0.1,
        "calibration_error_by_chance": 0.2,
    }
    empty = dict.fromkeys(["uar", "calibration_error", "calibration_error_by_chance"])
    empty |= {"group": "male", "utterances": 0, "speakers": 0}
    rows = [row | {"group": "female", "uar_low": None, "uar_high": None}, row | empty]
    section = groups.section(material({"bias": {}}, groups=rows, refused=refusals()))
    (table,) = [part for part in section.parts if part.kind == "table" and part.caption.startswith("Every group")]
    assert any(part.kind == "figure" for part in section.parts)
    female, male = ([cell.text for cell in row] for row in table.rows)
    assert female == ["gender", "female", "8", "4", "0.500 (no interval)", "refused", "0.100", "0.200"]
    assert male == ["gender", "male", "0", "0", *["no utterances"] * 4]


def test_groups_of_which_nothing_is_said_have_no_picture():
    row = dict.fromkeys(
        ["uar", "uar_low", "uar_high", "recall_sad", "calibration_error", "calibration_error_by_chance"]
    )
    row |= {"attribute": "gender", "group": "female", "utterances": 8, "speakers": 4}
    section = groups.section(material({"bias": {}}, groups=[row], refused=refusals()))
    assert not any(part.kind == "figure" for part in section.parts)


def test_a_measure_that_cannot_be_matched_has_a_dash():
    between = {
        "equalised_odds": {"raw": 0.2},
        "demographic_parity": {"raw": {"sad": 0.1, "angry": 0.3}, "matched": {"angry": 0.2}},
    }
    table = groups._spreads(material({"bias": {"gender": {"gap": between}}}))
    assert [[cell.text for cell in row[2:4]] for row in table.rows] == [
        ["0.200", "–"],
        ["0.100", "–"],
        ["0.300", "0.200"],
    ]
    parity = {"demographic_parity": {"raw": {"sad": 0.1}}}
    ((*_, matched, _),) = groups._spreads(material({"bias": {"gender": {"gap": parity}}})).rows
    assert matched.text == "–"


def test_the_picture_of_groups_is_said_with_the_largest_gap():
    known = groups._drawn(material(gender(uar=-0.15), refused=refusals()))
    assert known.endswith("and gaps between groups. The largest gap in UAR: female against male, −0.150.")
    assert groups._drawn(material({"bias": {}}, refused=refusals())).endswith("and gaps between groups.")


# Speakers


def drop(**values):
    sides = {"random": {"uar": 0.8138}, "speaker_independent": {"uar": 0.6872, "speakers": 10}}
    return {"evaluate": sides | {"drop_from_random": values}}


FOLDS = [{"protocol": "loso"}, {"protocol": "random"}]


def test_what_a_random_split_overstates_is_found_with_its_interval():
    finding = speakers.drop(material(drop(uar=0.1266, uar_low=0.0834, uar_high=0.1663), folds=FOLDS))
    assert finding.verdict == FOUND
    assert plain(finding.found) == (
        "A random split, in which test speakers are in training as well, has a UAR of 0.814, the speaker-independent "
        "one 0.687: it overstates, +0.127 [+0.083, +0.166]."
    )


@pytest.mark.parametrize(
    ("values", "verdict", "said"),
    [
        ({"uar": -0.05, "uar_low": -0.08, "uar_high": -0.02}, FOUND, "knowing the speakers does not help"),
        ({"uar": -0.0354, "uar_low": -0.0717, "uar_high": 0.0}, NOT_SHOWN, "no difference was shown"),
        ({"uar": 0.1}, UNKNOWN, "nobody can say whether they differ"),
    ],
)
def test_a_random_split_that_does_not_overstate_is_not_said_to(values, verdict, said):
    finding = speakers.drop(material(drop(**values), folds=FOLDS))
    assert finding.verdict == verdict
    assert said in finding.found


@pytest.mark.parametrize(
    ("random", "independent", "reason"),
    [
        (None, 10, "speakers unknown"),
        (10, 3, "3 speakers of 5 needed"),
        (24, 6, "too few speakers are tested by both splits, or by one of them alone, or have some emotion"),
    ],
)
def test_a_difference_without_interval_says_why(random, independent, reason):
    values = drop(uar=0.1)["evaluate"]
    values["random"] |= {"speakers": random} if random else {}
    values["speaker_independent"]["speakers"] = independent
    finding = speakers.drop(material({"evaluate": values}, folds=FOLDS))
    assert f"no interval: {reason}" in finding.found
    assert finding.sure == f"Nobody can say: no interval: {reason}."


def test_a_single_fold_is_not_said_to_test_the_same_speakers():
    known = {"uar": 0.1266, "uar_low": 0.0834, "uar_high": 0.1663}
    for protocol, said in (("kfold", "Both splits score the same speakers"), ("holdout", "not all the same speakers")):
        finding = speakers.drop(material(drop(**known), folds=[{"protocol": protocol}, {"protocol": "random"}]))
        assert said in finding.sure


def test_parts_that_may_be_of_different_corpora_are_said_to_differ_in_more_than_speakers():
    both = [{"protocol": "predefined"}, {"protocol": "random"}]
    for corpora, said in (({"a": 1}, False), ({"a": 1, "b": 1}, True)):
        metrics = drop(uar=0.1) | {"manifest": {"corpora": corpora}}
        assert ("knows the corpus, too" in speakers.drop(material(metrics, folds=both)).cannot) == said


def test_without_a_random_split_or_with_nothing_else_there_is_no_answer():
    for protocol, said in (("random", "keeps no speaker apart"), ("loso", "no random split beside it")):
        finding = speakers.drop(material({"evaluate": {}}, folds=[{"protocol": protocol}]))
        assert finding.verdict == UNKNOWN
        assert said in finding.found


PROBE = {
    "space": "features",
    "attribute": "gender",
    "balanced_accuracy": 0.9,
    "chance": 0.5,
    "classes": 2,
    "apart": "speakers",
    "remark": "",
}


@pytest.mark.parametrize(
    ("low", "high", "p_value", "verdict"),
    [
        (0.8, 1.0, 0.048, FOUND),
        (0.5, 1.0, 0.3, NOT_SHOWN),  # from chance on is not above chance
        (0.8, 1.0, 0.2, UNSURE),
        (0.2, 0.4, None, NOT_SHOWN),  # below chance is nothing found
        (None, None, 0.048, UNSURE),  # a test alone is no finding
        (None, None, 0.3, NOT_SHOWN),
        (None, None, None, UNKNOWN),
    ],
)
def test_a_probe_finds_something_where_it_is_above_chance(low, high, p_value, verdict):
    row = PROBE | {"low": low, "high": high, "p_value": p_value, "permuted": None if p_value is None else 0.51}
    finding = speakers.readable(material({}, probes=[row]), "gender")
    assert finding.verdict == verdict
    for said in ("p cannot be below 0.048;", "few speakers have fewer orders", "not adjusted for the number of probes"):
        assert (said in finding.sure) == (p_value is not None)  # 1 / 21


def test_a_probe_that_was_not_had_says_why():
    row = PROBE | {"balanced_accuracy": None, "remark": "gender male has the single speaker c/1"}
    finding = speakers.readable(material({}, probes=[row]), "gender")
    assert finding.verdict == UNKNOWN
    assert finding.found == "No probe: gender male has the single speaker c/1."
    assert speakers.readable(material({}, probes=[row]), "age").found == "No probe: it was not tried."


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict", "said"),
    [
        (0.2, 0.1, 0.3, FOUND, "the speaker is read off better: +0.200 [+0.100, +0.300]"),
        (-0.2, -0.3, -0.1, FOUND, "the speaker is read off less well: −0.200 [−0.300, −0.100]"),
        (
            0.2,
            -0.1,
            0.3,
            NOT_SHOWN,
            "the speaker is read off neither better nor less well, as far as was shown: +0.200",
        ),
        (
            0.2,
            None,
            None,
            UNKNOWN,
            "the speaker differs, but nobody can say whether beyond chance: +0.200 (no interval)",
        ),
        (None, None, None, UNKNOWN, "the speaker cannot be compared"),
    ],
)
def test_two_spaces_are_compared_with_a_direction(value, low, high, verdict, said):
    row = {"space": "features_minus_mfcc", "attribute": "speaker", "balanced_accuracy": value, "low": low, "high": high}
    finding = speakers.comparison(material({}, probes=[row]), "features_minus_mfcc", "More or less?")
    assert finding.verdict == verdict
    assert said in plain(finding.found)
    assert "the emotion cannot be compared" in finding.found


def test_silhouettes_are_measured_and_decide_nothing():
    row = {"space": "features", "silhouette": 0.1, "low": 0.05, "high": 0.2, "remark": ""}
    rows = [row | {"grouping": name} for name in ("emotion", "speaker", "emotion_minus_speaker")]
    finding = speakers.silhouette(material({}, silhouettes=rows))
    assert finding.verdict == "measured"
    assert plain(finding.found).endswith("by emotion 0.100 [0.050, 0.200], by speaker 0.100 [0.050, 0.200].")
    short = [part | {"low": None, "high": None, "remark": "no interval (speakers unknown)"} for part in rows]
    assert speakers.silhouette(material({}, silhouettes=short)).sure == "No interval (speakers unknown)."


def test_silhouettes_that_were_not_had_say_why():
    row = {"space": "features", "grouping": "emotion_minus_speaker", "silhouette": None, "remark": "no view"}
    finding = speakers.silhouette(material({}, silhouettes=[row]))
    assert finding.verdict == UNKNOWN
    assert finding.found == "No silhouettes: no view."


# Ambiguity


def cost(judge, **values):
    uar = {"all": 0.6872, "without": 0.7094, "matched": 0.6901, "gain": 0.0222, "cost": 0.0193} | values
    return {"ambiguity": {"cost": {judge: {"left_out": 80, "utterances": 535, "uar": uar}}}}


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"cost_low": 0.01, "cost_high": 0.04}, FOUND),
        ({"cost_low": 0.0001, "cost_high": 0.04}, NOT_SHOWN),  # shown as 0.000
        ({"gain_low": 0.01, "gain_high": 0.04, "cost_low": -0.01, "cost_high": 0.04}, NOT_SHOWN),  # who speaks
        ({"cost": -0.02, "cost_low": -0.04, "cost_high": -0.01}, NOT_SHOWN),
        ({}, UNKNOWN),
    ],
)
def test_ambiguity_costs_something_where_more_is_gained_than_by_leaving_out_the_same_speakers(values, verdict):
    assert ambiguity.cost(material(cost("votes", **values))).verdict == verdict


@pytest.mark.parametrize(("high", "said"), [(-0.01, True), (-0.0001, False), (0.01, False)])  # the second is 0.000
def test_a_score_that_is_lower_without_the_ambiguous_is_said_to_be(high, said):
    found = ambiguity.cost(material(cost("votes", cost=-0.02, cost_low=-0.04, cost_high=high))).found
    assert ("The score is lower without them than without as many others, so no cost is shown." in found) == said


def test_the_cost_is_said_with_numbers_and_by_the_best_judge():
    both = cost("votes", gain_low=0.01, gain_high=0.04, cost_low=0.005, cost_high=0.03)
    both["ambiguity"]["cost"]["model"] = both["ambiguity"]["cost"]["votes"] | {"left_out": 79}
    finding = ambiguity.cost(material(both))
    assert plain(finding.found) == (
        "Without the 80 of 535 utterances that raters agree on least, the UAR goes from 0.687 to 0.709: "
        "+0.022 [+0.010, +0.040]. But some speakers and emotions are more among them than others: with as many of each "
        "speaker and emotion left out at random it is 0.690 already. Beyond that remains +0.019 [+0.005, +0.030]; the "
        "verdict is on this figure. The whole cost is taken to lie between the two."
    )
    assert plain(finding.sure) == "Intervals are over speakers."


def test_the_cost_by_agreement_with_the_label_is_said_beside_that_of_agreement_on_anything():
    both = cost("votes", cost_low=-0.001, cost_high=0.007)
    by_label = both["ambiguity"]["cost"]["votes"]["uar"] | {"cost": 0.019, "cost_low": 0.014, "cost_high": 0.023}
    both["ambiguity"]["cost"]["votes_for_label"] = both["ambiguity"]["cost"]["votes"] | {"uar": by_label}
    finding = ambiguity.cost(material(both))
    assert finding.verdict == NOT_SHOWN
    assert plain(finding.found).endswith(
        "Where those are left out whose label has the smallest share of the votes, what remains beyond chance is "
        "+0.019 [+0.014, +0.023]: raters may agree on another emotion. The verdict is about their agreement."
    )


def test_why_there_is_no_interval_is_said_once_and_never_of_a_figure_that_has_one():
    reason = "(no interval: fewer than 5 speakers, too few of some emotion, or unknown ones)"
    neither = plain(ambiguity.cost(material(cost("votes"))).found)
    assert (neither.count(reason), neither.count("(likewise)")) == (1, 1)
    both = cost("votes", gain_low=0.01, gain_high=0.04, cost_low=0.005, cost_high=0.03)
    without = {key: value for key, value in both["ambiguity"]["cost"]["votes"]["uar"].items() if "cost_" not in key}
    both["ambiguity"]["cost"]["votes_for_label"] = both["ambiguity"]["cost"]["votes"] | {"uar": without}
    label = plain(ambiguity.cost(material(both)).found)
    assert (label.count(reason), label.count("(likewise)")) == (1, 0)


def test_without_raters_the_cost_says_that_a_model_chose():
    assert "A model, not raters" in ambiguity.cost(material(cost("model", cost_low=0.01, cost_high=0.04))).sure


def test_without_votes_and_listeners_nobody_checks_the_models():
    finding = ambiguity.agreement(material({"ambiguity": {"label_issues": {}, "cost": {}}}))
    assert finding.verdict == UNKNOWN
    assert "neither votes nor listeners' scores" in finding.found


def banded(**measures):
    """The figures of a band: of each measure low end, value, high end; of one without an interval the value alone."""
    ends = {name: values for name, values in measures.items() if isinstance(values, tuple)}
    return {
        f"{name}{end}": value for name, of in ends.items() for end, value in zip(("_low", "", "_high"), of, strict=True)
    } | {name: value for name, value in measures.items() if name not in ends}


@pytest.mark.parametrize(
    ("low", "uar", "verdict"),
    [
        (0.7, (0.65, 0.7, 0.75), FOUND),
        (0.6, (0.55, 0.7, 0.75), NOT_SHOWN),
        (0.7, (0.3, 0.4, 0.5), UNSURE),  # easier emotions fill the upper band
        (0.7, 0.7, UNSURE),
    ],
)
def test_the_model_fails_where_people_disagree_if_the_intervals_of_both_measures_do_not_touch(low, uar, verdict):
    rows = [
        {"by": "votes", "band": "0-50", "utterances": 10} | banded(accuracy=(0.4, 0.5, 0.6), uar=(0.4, 0.5, 0.6)),
        {"by": "votes", "band": "50-90", "utterances": 0, "accuracy": None},
        {"by": "votes", "band": "90-100", "utterances": 9} | banded(accuracy=(low, 0.8, 0.9), uar=uar),
    ]
    finding = ambiguity.bands(material({}, bands=rows))
    assert finding.verdict == verdict
    assert finding.found.startswith("Where 0-50 % of the raters agree (10 utterances), and where 90-100 % do (9 ")
    assert f"accuracy 0.500 [0.400, 0.600] and 0.800 [{low:.3f}, 0.900]; UAR 0.500" in plain(finding.found)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"auroc": 0.6, "auroc_low": 0.55, "auroc_high": 0.65, "utterances": 9}, FOUND),
        ({"auroc": 0.6, "auroc_low": 0.5, "auroc_high": 0.65, "utterances": 9}, NOT_SHOWN),
        ({"auroc": 0.3, "auroc_low": 0.2, "auroc_high": 0.4, "utterances": 9}, NOT_SHOWN),  # below chance finds nothing
        ({"spearman": 0.1, "spearman_low": 0.05, "spearman_high": 0.2, "utterances": 9}, FOUND),
        ({"spearman": 0.1, "utterances": 9}, UNKNOWN),
        ({"utterances": 9}, UNKNOWN),
    ],
)
def test_scores_are_checked_against_the_chance_level_of_their_measure(values, verdict):
    known = material({"ambiguity": {"votes": {"scores": {"mean_rank": values}}}})
    assert ambiguity.check(known, "votes").verdict == verdict


def test_the_caption_tells_of_the_panels_that_are_drawn():
    nothing = {"by": "votes", "band": "0-50", "utterances": 0, "distance": None}
    alone = ambiguity.picture(material({}, scores=[], bands=[nothing]))
    assert alone.caption == "How hard each utterance was to learn."
    assert alone.shows == "Panels: a map of the utterances in training."
    known = nothing | {"utterances": 9, "distance": 0.4}
    drawn = ambiguity.picture(material(cost("votes"), scores=[{"reference": "votes"}], bands=[known]))
    for said in ("how well each score", "by agreement; how far", "(Jensen-Shannon distance", "grey diamonds"):
        assert said in drawn.caption
    assert drawn.shows == (
        "Panels: a map of the utterances in training, scores against people, hits by agreement, distances from the "
        "votes by agreement and gains in UAR. Without the utterances that raters agree on least, the UAR goes from "
        "0.687 to 0.709."
    )


@pytest.mark.parametrize(("distance", "said"), [(0.4, True), (None, False)])
def test_a_column_that_is_not_there_is_not_explained(distance, said):
    row = {"by": "listeners", "band": "0-50", "utterances": 9, "distance": distance, "label_distance": distance}
    table = ambiguity._bands(material({}, bands=[row | banded(accuracy=0.5, uar=0.4)]))
    assert ("Jensen-Shannon" in table.caption) == said
    assert ("distance" in table.columns) == said


# Performance


COUNTED = {"corpora": {"c": 96}, "hours": 0.5, "utterances": 96}


def test_utterances_of_unknown_speakers_are_told_apart():
    said = {
        (8, 0): "96 utterances by 8 speakers, 0.500 hours",
        (4, 48): "96 utterances by 4 speakers and, 48 of them, by unknown ones, 0.500 hours",
        (0, 96): "96 utterances by unknown speakers, 0.500 hours",
    }
    for (count, unknown), words in said.items():
        manifest = COUNTED | {"without_speaker": unknown} | ({"speakers": count} if count else {})
        assert data.size(manifest).startswith(words)


@pytest.mark.parametrize(
    ("unknown", "said"),
    [(0, "are of 10,000 of the 12,000 utterances"), (9000, "are of 3,000 of"), (12_000, "are of 10,000 of")],
)
def test_how_many_utterances_were_probed_is_told(unknown, said):
    manifest = {"utterances": 12_000, "without_speaker": unknown}
    known = dataclasses.replace(material({"manifest": manifest}), settings={"representation": {"utterances": 10_000}})
    assert said in speakers._drawn(known)


@pytest.mark.parametrize(("protocol", "of"), [("random", "utterances"), ("kfold", "speakers")])
def test_folds_differ_in_speakers_only_where_these_are_kept_apart(protocol, of):
    rows = [{"protocol": protocol, "fold": number, "uar": 0.5 + 0.1 * number} for number in range(3)]
    name = "random" if protocol == "random" else "speaker_independent"
    known = material({"evaluate": {name: {"folds": {"uar_mean": 0.6, "uar_std": 0.1}}}}, folds=rows)
    finding = performance.folds(known)
    assert finding.asked == f"Does it matter which {of} are tested?"
    assert f"Folds learn from {of} in common" in finding.sure


def test_the_most_frequent_error_is_named_with_its_share():
    pairs = [("happy", "neutral")] * 3 + [("happy", "happy")] * 2 + [("sad", "happy")] * 2
    table = pd.DataFrame(pairs, columns=["truth", "prediction"])
    assert performance.confusion(table) == "The most frequent error: happy taken for neutral, 3 of 5."
    tied = pd.concat([table, pd.DataFrame([("sad", "happy")], columns=["truth", "prediction"])])
    assert performance.confusion(tied).endswith("3 of 5 (others are as frequent).")
    assert performance.confusion(table[3:5]) == "No utterance was taken for another emotion."


def test_the_confusion_matrix_stands_in_a_table_as_well():
    classes = [{"protocol": name, "emotion": emotion} for name in ("kfold", "random") for emotion in ("sad", "happy")]
    pairs = [("happy", "sad")] * 3 + [("happy", "happy")] * 2
    confused = [{"truth": truth, "prediction": prediction} for truth, prediction in pairs]
    folds = [{"protocol": "kfold"}, {"protocol": "random"}]
    table = performance._confusions(material({}, classes=classes, confusion=confused, folds=folds))
    assert table.folded
    assert list(table.columns) == ["truth", "taken for sad", "taken for happy", "all"]
    assert [[cell.text for cell in row] for row in table.rows] == [["sad", "0", "0", "0"], ["happy", "3", "2", "5"]]


@pytest.mark.parametrize(
    ("values", "verdict", "said"),
    [
        ({"uar_low": 0.6, "uar_high": 0.8, "speakers": 9}, FOUND, "0.700 [0.600, 0.800]"),
        ({"uar_low": 0.5, "uar_high": 0.8, "speakers": 9}, NOT_SHOWN, "0.700 [0.500, 0.800]"),
        ({"speakers": 3}, UNKNOWN, "0.700 (no interval: 3 speakers of 5 needed)"),
        ({}, UNKNOWN, "0.700 (no interval: speakers unknown)"),
    ],
)
def test_emotions_are_recognised_where_the_interval_is_above_chance(values, verdict, said):
    scores = {"uar": 0.7, "utterances": 80} | values
    known = material({"evaluate": {"chance_uar": 0.5, "speaker_independent": scores}}, folds=FOLDS)
    finding = performance.headline(known)
    assert finding.verdict == verdict
    assert said in plain(finding.found)
    of_all = "The interval is for all speakers like these and the models as trained, with a confidence of 0.95;"
    assert finding.sure.startswith(of_all) == ("uar_low" in values)


# Confidence

CALIBRATED = {
    "before": {"ece": 0.08, "ece_by_chance": 0.05, "ece_by_chance_high": 0.07, "brier": 0.5, "nll": 0.8},
    "after": {"ece": 0.03, "ece_by_chance": 0.04, "ece_by_chance_high": 0.06, "brier": 0.4, "nll": 0.7},
    "after_minus_before": {"ece": -0.05, "ece_low": -0.07, "ece_high": -0.01, "brier": -0.1, "nll": -0.1},
    "temperature": {"mean": 1.2, "lowest": 1.1, "highest": 1.3},
}
ABSTAINED = {
    "below": 0.6,
    "coverage": 0.75,
    "coverage_low": 0.7,
    "coverage_high": 0.8,
    "accuracy": 0.9,
    "uar": 0.85,
    "aurc": 0.1,
}

BALANCED = {"angry": 40, "happy": 40}

FAMILIAR = {
    "false_alarms": 0.05,
    "false_alarms_low": 0.02,
    "false_alarms_high": 0.1,
    "detected": {"hum": 1, "tone": 0.9},
}


def confident(calibrated=CALIBRATED, abstained=ABSTAINED, emotions=BALANCED, **train):
    scores = {"uar": 0.7, "accuracy": 0.72, "utterances": 80, "speakers": 9}
    evaluate = {"speaker_independent": scores, "calibration": calibrated, "abstention": abstained}
    metrics = {"evaluate": evaluate, "familiarity": FAMILIAR, "manifest": {"emotions": emotions}}
    known = material(metrics, folds=FOLDS)
    return dataclasses.replace(known, settings=SETTINGS | {"train": {"classifier": "mlp"} | train})


def test_of_a_linear_classifier_no_temperature_is_told():
    for calibration in ("temperature", "none"):
        found = confidence.calibration(confident(calibration=calibration, classifier="lda")).found
        assert found.endswith("of cases; the validation speakers set how sure it is.")


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"ece_by_chance_high": 0.06}, "is 0.030. That is no more than the luck of speakers explains: a confidence"),
        ({"ece_by_chance_high": 0.02}, "is 0.030. That is more than the luck of speakers explains: a confidence"),
        ({}, "is 0.030. Of so few speakers nobody can tell it from luck: a confidence"),
    ],
)
def test_a_calibration_error_is_compared_with_luck_where_it_could_be_above_it(limit, said):
    after = {"ece": 0.03, "ece_by_chance": 0.04, "brier": 0.4, "nll": 0.7} | limit
    assert said in plain(confidence.calibration(confident(calibrated=CALIBRATED | {"after": after})).found)


def test_what_is_unfamiliar_is_of_other_speakers_but_for_a_random_split():
    known = confident()
    assert "of the test speakers' utterances, and" in confidence.familiarity(known).found
    evaluate = known.metrics["evaluate"] | {"random": known.metrics["evaluate"]["speaker_independent"]}
    folds = pd.DataFrame([{"protocol": "random"}])
    alone = dataclasses.replace(
        known, tables=known.tables | {"folds": folds}, metrics=known.metrics | {"evaluate": evaluate}
    )
    assert "of the test utterances, whose speakers it knows;" in confidence.familiarity(alone).found


@pytest.mark.parametrize(
    ("emotions", "weighted", "said"),
    [
        ({"neutral": 950, "sad": 50}, True, "Here neutral has 950 utterances and sad 50, but in training"),
        ({"neutral": 950, "sad": 50}, False, ""),
        ({"neutral": 60, "sad": 50}, True, ""),
    ],
)
def test_that_confidence_is_of_equally_common_emotions_is_said_where_they_are_not(emotions, weighted, said):
    intro = confidence.section(confident(emotions=emotions, class_weights=weighted)).introduction
    assert said in intro
    assert bool(said) == ("Here" in intro)


def test_one_speaker_is_not_compared():
    finding = groups.speakers(material({"bias": {"speaker": {"speakers": 1, "uar_min": 0.7}}}))
    assert (finding.verdict, finding.found[:16]) == (UNKNOWN, "Only one speaker")


def test_calibration_says_the_error_and_what_the_temperature_changed():
    found = plain(confidence.calibration(confident(calibration="temperature")).found)
    assert (
        "confidence, is 0.030. That is no more than the luck of speakers explains: a confidence that is right" in found
    )
    assert "in the mean and 0.060 at most in 95% of cases." in found
    assert "The temperature changed it by −0.050 [−0.070, −0.010]" in found
    assert "lies between 1.100 and 1.300, by fold" in found


def test_without_a_temperature_nothing_is_said_of_one():
    after = CALIBRATED["after"] | {"nll_low": 0.6, "nll_high": 0.8}  # not shown beside the calibration error
    finding = confidence.calibration(confident(CALIBRATED | {"after": after}, calibration="none"))
    assert finding.found.endswith("of cases; no temperature was fitted.")
    assert (
        finding.sure == "The calibration error has no interval; beside it stands what the luck of speakers would make."
    )


def test_a_gap_whose_speakers_allow_no_test_is_not_found_by_its_interval():
    known = material(gender(uar=0.1, uar_low=0.05, uar_high=0.2), refused=refusals())
    finding = gaps.finding(known, "gender")
    assert finding.verdict == UNSURE
    assert finding.found.startswith("Interval and adjusted test differ, or one of them is missing: UAR is 0.100 higher")


def test_a_gap_without_an_interval_has_no_smallest_one_to_be_shown():
    known = material(gender(uar=0.1, p=0.02, p_holm=0.02, detectable=0.2), refused=refusals())
    (row,) = gaps.every_gap(known).rows
    assert row[6].text == "no interval"


def test_a_uar_below_chance_is_not_recognition():
    scores = {"uar": 0.2, "uar_low": 0.15, "uar_high": 0.23, "utterances": 80, "speakers": 9}
    known = material({"evaluate": {"speaker_independent": scores, "chance_uar": 0.25}}, folds=FOLDS)
    assert performance.headline(known).verdict == NOT_SHOWN
    scores |= {"uar_low": 0.27, "uar": 0.3, "uar_high": 0.35}
    assert performance.headline(known).verdict == FOUND


def test_answers_that_are_sure_enough_are_compared_with_all():
    finding = confidence.abstention(confident())
    found = plain(finding.found)
    assert (
        "At a confidence of at least 0.600 it answers 0.750 [0.700, 0.800] of all utterances: accuracy 0.900" in found
    )
    assert "(of all: 0.720)" in found
    assert "(of all: 0.700)" in found
    assert "the mean share of errors is 0.100 (no interval" in found
    assert finding.sure.startswith("The intervals are for all speakers like these and the models as trained;")


def test_a_model_that_is_never_sure_enough_is_said_to_answer_nothing():
    finding = confidence.abstention(confident(abstained={"below": 1.0, "coverage": 0.0, "aurc": 0.1}))
    assert finding.verdict == UNKNOWN
    assert "it answers 0.000" in finding.found


def test_answers_that_lack_an_emotion_have_no_uar_beside_that_of_all():
    abstained = {key: value for key, value in ABSTAINED.items() if not key.startswith("uar")}
    found = confidence.abstention(confident(abstained=abstained)).found
    assert "no UAR, as some emotion is never answered" in found


def test_measures_stand_before_and_after_with_their_difference():
    known = confident(calibration="temperature")
    (table,) = [part for part in confidence.section(known).parts if part.kind == "table"]
    texts = [[plain(cell.text).split(" (")[0] for cell in row] for row in table.rows]
    assert texts[0][0] == "calibration error"
    assert texts[1] == ["... by the luck of speakers", "0.050", "0.040", ""]
    assert texts[2] == ["Brier score", "0.500", "0.400", "−0.100"]


@pytest.mark.parametrize("settings", [{"calibration": "none"}, {"calibration": "temperature", "classifier": "svm"}])
def test_measures_without_a_temperature_stand_once(settings):
    (table,) = [part for part in confidence.section(confident(**settings)).parts if part.kind == "table"]
    texts = [[plain(cell.text).split(" (")[0] for cell in row] for row in table.rows]
    assert {len(row) for row in texts} == {2}
    assert texts[2] == ["Brier score", "0.400"]


def test_what_is_unlike_the_training_speech_is_counted_of_speakers_and_of_sounds():
    finding = confidence.familiarity(confident())
    assert "about 5% of other speakers' speech lies beyond it; it is 0.050 [0.020, 0.100]" in plain(finding.found)
    assert plain(finding.found).endswith("which are easy to tell, 1.000 of hum and 0.900 of tone.")


# Data, limits, summary

NO_SHARED = {"pairs": 0, "of_two_speakers": 0, "of_two_emotions": 0}
MANIFEST = {"corpora": {"emodb": {}}, "utterances": 535, "speakers": 10, "hours": 0.4131, "without_speaker": 0}
MANIFEST |= {"shared_audio": NO_SHARED}


def test_emotions_that_are_tied_to_speakers_are_found():
    reason = "emotion is tied to the speaker: guessing by the speaker alone has a UAR of 0.96 (chance 0.25)"
    split = {"split": {"speaker_oracle_uar": 0.96, "speaker_oracle_uar_by_chance": 0.25}}
    finding = data.tied(material(split, refused=refusals(("all", "", "any figure", reason))))
    assert finding.verdict == FOUND
    assert "has a UAR of 0.960 (0.250 with labels shuffled)." in finding.found
    assert f"Every claim about groups is refused: {reason}." in finding.found
    assert data.tied(material(split, refused=refusals())).verdict == "measured"


@pytest.mark.parametrize(
    ("association", "said"),
    [
        (
            {"gender": 0.1, "gender_age": 0.25},
            "most strongly with the attribute gender and age band, 0.250 from 0 to 1.",
        ),
        ({"gender": 0.0}, "and bars: emotion goes with no attribute."),
        ({}, "a column for each emotion."),
    ],
)
def test_the_picture_of_the_audit_is_said_with_the_strongest_association(association, said):
    assert data._audited(material({"bias": {"audit": {"association": association}}})).endswith(said)


def test_refused_claims_are_listed_in_words_with_those_alike_together():
    table = data.refused(
        pd.DataFrame(
            refusals(
                ("age", "under_30", "interval", "test speakers: 4, minimum_speakers: 5"),
                ("age", "60_and_over", "interval", "test speakers: 4, minimum_speakers: 5"),
                ("gender", "female_minus_male", "test", "speakers unknown"),
                ("gender", "male", "sad", "no utterances"),
            )
        )
    )
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["age band", "under 30 and 60 and over", "an interval", "test speakers: 4, needed: 5"],
        ["gender", "female against male", "a test", "speakers unknown"],
        ["gender", "male", "recall, precision and F1 of sad", "no utterances"],
    ]


def test_limits_tell_of_what_is_unknown_and_of_what_was_chosen():
    rows = refusals(("age", "", "any figure", "unknown for everybody"))
    known = material({"manifest": MANIFEST | {"without_speaker": 7}}, refused=rows, folds=[{"protocol": "random"}])
    text = " ".join(limits.limits(known))
    assert "acted by ten people" in text
    assert "speaker of 7 utterances is unknown" in text
    assert "The corpora record no ages" in text
    assert "overstate" in text
    known = material({"manifest": MANIFEST}, refused=refusals(), folds=FOLDS)
    text = " ".join(limits.limits(known))
    assert "unknown" not in text
    assert "overstate" not in text
    assert "share audio" not in text
    assert "one seed, 3" in text


def test_the_glossary_says_intervals_of_all_speakers_and_probes_against_chance():
    said = {
        "interval": "contains the figure for all speakers of this kind as often as its confidence says",
        "found": "on one side of zero, or above chance where that is the question",
        "p, adjusted": "as of probes, it is not adjusted",
        "inconclusive": "interval and test, or interval and chance, disagree, or one of them is missing",
    }
    for word, meaning in said.items():
        assert meaning in limits.GLOSSARY[word]


def test_limits_tell_on_whose_word_unknown_speakers_train():
    of = {"manifest": MANIFEST | {"without_speaker": 7}}
    folds = [{"protocol": "predefined"}, {"protocol": "random"}]
    text = " ".join(limits.limits(material(of, refused=refusals(), folds=folds)))
    assert (
        "The speaker of 7 utterances is unknown: they train, or are left out; that no test speaker is heard in them is"
        in text
    )


def test_limits_tell_of_recordings_that_share_audio():
    doubled = MANIFEST | {"shared_audio": {"pairs": 9, "of_two_speakers": 2, "of_two_emotions": 1}}
    text = " ".join(limits.limits(material({"manifest": doubled}, refused=refusals(), folds=FOLDS)))
    assert "Pairs of recordings that share audio: at least 9; of two speakers, whom no split keeps apart" in text
    assert "one person: 2; with two labels: 1" in text


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ({"normalisation": "speaker"}, "normalised by speaker"),
        ({"labels": "soft"}, "shares of the raters' votes"),
        ({"labels": "smoothed"}, "some weight for every emotion"),
        ({"group_weights": "gender"}, "every cell of gender and emotion"),
        ({"adversary": {"attribute": "speaker", "strength": 0.3}}, "hide the speaker"),
        ({"robust": {"attribute": "gender", "step": 0.1}}, "to the gender group"),
    ],
)
def test_limits_tell_of_what_was_changed_in_training(train, said):
    usual = {
        "labels": "hard",
        "group_weights": "none",
        "adversary": {"attribute": "none"},
        "robust": {"attribute": "none"},
    }
    tables = {"refused": pd.DataFrame(refusals()), "folds": pd.DataFrame(FOLDS)}
    for chosen, expected in ((usual, False), (usual | train, True)):
        settings = SETTINGS | {"train": SETTINGS["train"] | chosen}
        text = " ".join(limits.limits(Material({"manifest": MANIFEST}, tables, {}, {}, settings, {})))
        assert (said in text) == expected


def test_of_distorted_copies_the_report_speaks_where_some_were_trained_on():
    tables = {"refused": pd.DataFrame(refusals()), "folds": pd.DataFrame(FOLDS)}

    def told(conditions):
        settings = SETTINGS | {"augment": {"conditions": conditions, "noise": "a folder", "seed": 0}}
        known = Material({"manifest": MANIFEST}, tables, {}, {}, settings, {})
        return " ".join(limits.limits(known)), str(limits.section(known))

    points, section = told({"pink": {"levels": [10]}, "telephone": {"levels": [3400]}})
    assert "was also trained on distorted copies of its training speech (pink, telephone)" in points
    assert "augment.conditions.pink.levels" in section
    points, section = told({})
    assert "copies" not in points
    assert "augment" not in section


def test_of_auxiliary_corpora_the_report_speaks_where_some_were_trained_on():
    tables = {"refused": pd.DataFrame(refusals()), "folds": pd.DataFrame(FOLDS)}

    def told(corpora):
        known = Material({"manifest": MANIFEST}, tables, {}, {}, SETTINGS | {"auxiliary": {"corpora": corpora}}, {})
        return " ".join(limits.limits(known)), str(limits.section(known))

    points, section = told(["emodb", "nemo"])
    assert "Utterances of emodb, nemo could train beside these" in points
    assert "auxiliary.corpora" in section
    points, section = told([])
    assert "could train" not in points
    assert "auxiliary" not in section


def test_the_scale_has_a_mark_for_all_that_is_known():
    metrics = {
        "evaluate": {
            "chance_uar": 0.25,
            "random": {"uar": 0.8},
            "speaker_independent": {"uar": 0.7, "uar_low": 0.6, "uar_high": 0.75},
        },
        "split": {"speaker_oracle_uar": 0.3, "speaker_oracle_uar_by_chance": 0.28},
    }
    marks = summary.scale(material(metrics))
    assert [(mark.value, mark.low, mark.high) for mark in marks] == [
        (0.25, None, None),
        (0.3, None, None),
        (0.28, None, None),
        (0.7, 0.6, 0.75),
        (0.8, None, None),
    ]
    del metrics["split"]["speaker_oracle_uar"], metrics["evaluate"]["speaker_independent"]
    assert [mark.value for mark in summary.scale(material(metrics))] == [0.25, 0.8]


def test_the_answer_on_bias_takes_the_strongest_verdict_and_names_what_cannot_be_said():
    gap = {"uar": 0.2, "uar_low": 0.1, "uar_high": 0.3, "p_holm": 0.01}
    probes = [PROBE | {"balanced_accuracy": None, "remark": "gender unknown"}]
    answer = summary.bias(material(gender(**gap), refused=refusals(), probes=probes))
    assert answer.verdict == FOUND
    assert answer.lines[0].startswith("Genders: it differs: UAR is 0.200 higher")
    assert answer.lines[1:] == [
        "Not compared, for reasons that the section tells: ages, corpora and languages.",
        "No probe: gender unknown.",
    ]


def test_raters_who_are_alone_are_told_apart():
    votes = {"utterances": 39, "raters": 5.0, "ambiguous": 0.25, "agrees": 0.75}
    found = ambiguity.agreement(material({"ambiguity": {"votes": votes, "single_rater": 79}})).found
    assert "39 utterances have votes of several raters, 5.000 on average." in found
    assert found.endswith(
        " Single raters, with whom nobody can agree or disagree, judged 79 utterances; no figure of agreement counts "
        "them."
    )


def test_votes_of_single_raters_alone_are_not_said_to_be_none():
    none = pd.DataFrame(columns=["by", "band", "utterances", "accuracy", "uar", "distance", "label_distance"])
    known = material({"ambiguity": {"single_rater": 79}}, bands=none, scores={"reference": []})
    finding = ambiguity.agreement(known)
    assert finding.verdict == UNKNOWN
    assert finding.found == (
        "The corpora distribute neither votes of several raters nor listeners' scores, so only models judge, and "
        "nobody can check them. Single raters, with whom nobody can agree or disagree, judged 79 utterances; no figure "
        "of agreement counts them."
    )
    note = ambiguity._bands(known).note
    assert note == "The corpora distribute neither votes of several raters nor listeners' scores."
    (unchecked,) = ambiguity.checks(known)
    assert unchecked.found == "Nothing to check against: no votes of several raters, no listeners, no flags."


@pytest.mark.parametrize(
    ("reference", "sure"),
    [
        ({"planted": {"ambiguous": 0.2, "utterances": 40}}, "Shares are counts of these corpora."),
        (
            {"listeners": {"recognition": 0.9, "utterances": 40}},
            "Shares are counts of these corpora, as these raters heard them.",
        ),
    ],
)
def test_shares_are_what_raters_heard_only_where_there_are_raters(reference, sure):
    ambiguous = [{"recognition": 0.8}, {"recognition": 1.0}]
    finding = ambiguity.agreement(material({"ambiguity": reference}, ambiguous=ambiguous))
    assert finding.sure == sure
    assert ("0.900 on average, and 0.800 at least" in finding.found) == ("listeners" in reference)


def test_label_issues_are_said_with_precision_and_recall():
    found = {"utterances": 40, "found": 10, "votes": {"precision": 0.3, "recall": 0.2}}
    assert ambiguity.issues(material({"ambiguity": {"label_issues": found, "votes": {"ambiguous": 0.25}}})).found == (
        "Confident learning doubts 10 of 40 labels, a share of 0.250. 0.300 of the doubted labels are ambiguous by the "
        "raters' votes, where these are known (precision), of all utterances 0.250; of the ambiguous ones 0.200 were "
        "doubted (recall)."
    )


@pytest.mark.parametrize(("sentences", "said"), [("disjoint", True), ("any", False)])
def test_that_sentences_are_apart_as_well_is_said(sentences, said):
    known = dataclasses.replace(material({}), settings={"split": {"sentences": sentences}})
    assert ("the random split learns from as few" in performance._disjoint(known)) == said


def test_where_a_part_is_tested_alone_counts_and_refusals_say_so():
    row = ("gender", "male", "any figure", "no utterances")
    claims = pd.DataFrame(refusals(row))
    assert data.refused(claims).caption == "Claims that the data cannot carry"
    said = data.refused(claims, " (of the test part alone)").caption
    assert said == "Claims that the data (of the test part alone) cannot carry"
