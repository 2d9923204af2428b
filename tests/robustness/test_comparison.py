import json
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import recall_score

from ser.confidence.calibration import expected_calibration_error
from ser.files import tables
from ser.plots import drawing, robustness
from ser.robustness import catalogue, chapter, comparison, page, vectors
from ser.robustness.comparison import Marks
from ser.scores.intervals import IntervalParams
from tests import builders

EMOTIONS = ["angry", "sad"]
INTERVALS = IntervalParams(500, 0.95, 0, 3)
MARKS = Marks(0.2, 0.1, 0.05)
CONDITIONS = pd.DataFrame(
    [
        ("clean", "clean", "clean", "clean", np.nan, "", ""),
        ("pink_10", "pink", "pink", "noise", 10.0, "dB", ""),
        ("gain_-20", "gain", "gain", "loudness", -20.0, "dB", ""),
        ("rain_10", "rain", "recording", "noise", 10.0, "dB", "no recordings in noise/rain"),
    ],
    columns=["condition", "kind", "distortion", "family", "level", "unit", "note"],
)
ENCODERS = pd.DataFrame({"encoder": ["made", "whisper"], "note": ["", "weights not available"]})
PEOPLE = builders.manifest(8, 10, EMOTIONS)


NUMBER = np.arange(len(PEOPLE))
FAR = {"clean": [0], "pink_10": [0, 1, 2], "gain_-20": []}  # who is unfamiliar, of ten


def said(condition, wrong, training="clean", encoder="made"):
    """Predictions that err where ``wrong`` holds, with confidences that go from 0.5 to 1."""
    shares = np.resize(np.linspace(0.51, 0.99, 7), len(PEOPLE))
    right = PEOPLE["emotion"].to_numpy()
    other = np.where(right == "angry", "sad", "angry")
    table = pd.DataFrame({"id": PEOPLE["id"], "prediction": np.where(wrong, other, right)})
    for emotion in EMOTIONS:
        table[f"p_{emotion}"] = np.where(table["prediction"] == emotion, shares, 1 - shares)
    far = np.isin(NUMBER % 10, FAR[condition])
    return table.assign(encoder=encoder, training=training, condition=condition, fold=0, distance=np.where(far, 2, 0.5))


WOMEN = (PEOPLE["gender"] == "female").to_numpy()
WRONG = {
    "clean": NUMBER % 10 == 3,  # one in ten
    "pink_10": (NUMBER % 10 == 3) | (WOMEN & np.isin(NUMBER % 10, [0, 1, 5, 6])),  # and four in ten of the women's
    "gain_-20": NUMBER % 10 == 3,
}


@pytest.fixture
def predictions():
    return pd.concat([said(name, wrong) for name, wrong in WRONG.items()])


def compare(predictions, *seen):
    scored = comparison.table(predictions, CONDITIONS, PEOPLE, EMOTIONS, 0.6, MARKS, INTERVALS, seen)
    return comparison.with_absent(scored, CONDITIONS, ENCODERS)


@pytest.fixture
def scored(predictions):
    return compare(predictions)


def test_figures_are_those_of_scikit_learn_and_of_counting(scored, predictions):
    rows = scored.set_index("condition")
    uars = {}
    for name, own in predictions.groupby("condition"):
        uars[name] = recall_score(PEOPLE["emotion"], own["prediction"], average="macro")
        assert rows.at[name, "uar"] == pytest.approx(uars[name])
        confidence = own[["p_angry", "p_sad"]].max(axis=1)
        right = own["prediction"].to_numpy() == PEOPLE["emotion"].to_numpy()
        assert rows.at[name, "ece"] == pytest.approx(expected_calibration_error(confidence, right))
        assert rows.at[name, "uncertain"] == pytest.approx((confidence < 0.6).mean())
        assert rows.at[name, "unfamiliar"] == pytest.approx(len(FAR[name]) / 10)
        answered = (confidence >= 0.6).to_numpy() & (own["distance"] <= 1).to_numpy()
        assert rows.at[name, "answered"] == pytest.approx(answered.mean())
        assert rows.at[name, "right"] == pytest.approx(right[answered].mean())
    assert rows.at["pink_10", "drop"] == pytest.approx(uars["clean"] - uars["pink_10"])
    assert rows.at["pink_10", "changed"] == pytest.approx((WRONG["pink_10"] != WRONG["clean"]).mean())
    assert rows.at["gain_-20", "changed"] == 0
    assert pd.isna(rows.at["clean", "drop"])


def test_the_mean_is_of_the_distorted_conditions(scored):
    rows = scored.set_index("condition")
    mean, both = rows.loc["mean"], rows.loc[["pink_10", "gain_-20"]]
    for name in ("uar", "drop", "changed", "uncertain", "unfamiliar", "answered"):
        assert mean[name] == pytest.approx(both[name].mean())
    # Only pink noise takes something, all of it from women: the interval of the mean is half as wide.
    pink = rows.loc["pink_10"]
    assert mean["drop_high"] - mean["drop_low"] == pytest.approx((pink["drop_high"] - pink["drop_low"]) / 2)
    assert pd.isna(mean["robustness"])


def test_the_drop_by_gender_is_womens_minus_mens(scored):
    rows = scored.set_index("condition")
    assert rows.at["pink_10", "gender_drop"] == pytest.approx(0.4)  # every speaker says as much of both emotions
    assert rows.at["gain_-20", "gender_drop"] == 0


def test_the_interval_of_a_drop_is_paired(scored):
    """All women lose alike and no man does: what varies is how many women are drawn."""
    row = scored.set_index("condition").loc["pink_10"]
    assert row["drop_low"] < 0.2 < row["drop_high"]
    nothing = scored.set_index("condition").loc["gain_-20"]
    assert (nothing["drop_low"], nothing["drop_high"]) == (0, 0)
    assert (row["gender_drop_low"], row["gender_drop_high"]) == pytest.approx((0.4, 0.4))


def test_marks_decide(scored):
    rows = scored.set_index("condition")
    assert rows.at["clean", "correctness"] == "pass"
    assert rows.at["gain_-20", "robustness"] == "pass"
    assert rows.at["pink_10", "robustness"].startswith("fail")
    assert rows.at["pink_10", "fairness"] == "fail"
    assert rows.at["gain_-20", "fairness"] == "pass"


@pytest.mark.parametrize(("above", "expected"), [(0.39, "pass"), (0.41, "fail")])
def test_correctness_is_measured_from_chance(predictions, above, expected):
    marks = Marks(above, 0.1, 0.05)  # nine of ten are right, of two emotions
    scored = comparison.table(predictions, CONDITIONS, PEOPLE, EMOTIONS, 0.6, marks, INTERVALS)
    assert scored.set_index("condition").at["clean", "correctness"].startswith(expected)


def test_what_costs_men_more_is_no_fairer_than_what_costs_women_more(predictions):
    turned = said("pink_10", (NUMBER % 10 == 3) | (~WOMEN & np.isin(NUMBER % 10, [0, 1, 5, 6])))
    rows = compare(pd.concat([predictions[predictions["condition"] != "pink_10"], turned])).set_index("condition")
    assert rows.at["pink_10", "gender_drop"] < -MARKS.gender_drop
    assert rows.at["pink_10", "fairness"] == "fail"


def test_what_is_just_sure_enough_and_just_near_enough_is_answered(predictions):
    edge = predictions.assign(p_angry=0.6, p_sad=0.4, distance=1.0)
    row = compare(edge).set_index("condition").loc["clean"]
    assert (row["uncertain"], row["unfamiliar"], row["answered"]) == (0, 0, 1)


@pytest.mark.parametrize(
    ("figure", "low", "high", "expected"),
    [
        (0.01, 0.0, 0.04, "pass"),
        (0.01, 0.0, 0.06, "pass (open)"),
        (0.09, 0.06, 0.2, "fail"),
        (0.09, 0.01, 0.2, "fail (open)"),
    ],
)
def test_a_verdict_is_open_where_the_interval_reaches_the_other_side(figure, low, high, expected):
    figures = {"drop": figure, "drop_low": low, "drop_high": high}
    assert comparison.verdict(figures, "drop", -np.inf, 0.05) == expected
    assert comparison.verdict({"drop": figure}, "drop", -np.inf, 0.05) == expected.split()[0] + " (open)"


def test_what_was_not_measured_has_a_row_that_says_why(scored):
    row = scored.set_index("condition").loc["rain_10"]
    assert row["note"] == "no recordings in noise/rain"
    assert scored.set_index("encoder").at["whisper", "note"] == "weights not available"
    assert pd.isna(row["uar"])


def test_metrics_are_numbers_by_encoder_training_and_condition(scored, tmp_path):
    tables.write_metrics(comparison.nested(scored), tmp_path / "m.json")
    found = json.loads((tmp_path / "m.json").read_text())["made"]["clean"]
    assert set(found) == {"clean", "pink_10", "gain_-20", "mean"}
    assert found["pink_10"]["drop"] == pytest.approx(0.2, abs=1e-3)
    assert found["pink_10"]["passes_robustness"] == 0
    assert found["clean"]["passes_correctness"] == 1


def test_where_nothing_is_answered_nothing_is_right(predictions):
    far = predictions.assign(distance=np.where(predictions["condition"] == "pink_10", 2, predictions["distance"]))
    row = compare(far).set_index("condition").loc["pink_10"]
    assert (row["unfamiliar"], row["answered"]) == (1, 0)
    assert pd.isna(row["right"])
    one = predictions.assign(distance=np.where(predictions["id"] < "c/10", 0.5, 2))  # all of the first speaker
    row = compare(one).set_index("condition").loc["clean"]
    assert np.isclose(row["right"], 5 / 6)  # of ten, four are below 0.6, and one of the others is wrong
    assert pd.isna(row["right_low"]), "two draws in five have nobody who is answered"
    assert row["answered_low"] <= row["answered"] <= row["answered_high"]


def test_an_emotion_of_two_speakers_allows_no_interval_of_what_needs_it(predictions):
    # A woman and a man of eight: (6/8)^7, one draw in seven, has neither.
    rare = PEOPLE.assign(emotion=PEOPLE["emotion"].mask(~PEOPLE["speaker"].isin(["c/0", "c/5"]), "angry"))
    scored = comparison.table(predictions, CONDITIONS, rare, EMOTIONS, 0.6, MARKS, INTERVALS)
    row = scored.set_index("condition").loc["pink_10"]
    assert row[["uar", "drop", "gender_drop"]].notna().all()
    assert row[["uar_low", "drop_high", "gender_drop_low"]].isna().all()
    assert row[["changed_low", "right_low"]].notna().all()


def test_without_gender_there_is_no_gap(predictions):
    people = PEOPLE.assign(gender="")
    scored = comparison.table(predictions, CONDITIONS, people, EMOTIONS, 0.6, MARKS, INTERVALS)
    assert scored["gender_drop"].isna().all()
    assert scored["fairness"].isna().all()


def test_conditions_of_augmented_training_are_marked(predictions):
    more = pd.concat([predictions, predictions.assign(training="augmented")])
    scored = compare(more, "pink_10")
    rows = scored[scored["training"] == "augmented"].set_index("condition")
    assert rows["unseen"].to_dict() == {"clean": 0, "pink_10": 0, "gain_-20": 1, "mean": 0, "mean_unseen_others": 0}
    assert (scored.loc[scored["training"] == "clean", "unseen"].dropna() == 0).all()
    assert rows["seen"].to_dict() == {"clean": 1, "pink_10": 1, "gain_-20": 0, "mean": 0, "mean_unseen_others": 0}
    assert (scored.loc[scored["training"] == "clean", "seen"] == 0).all()


def test_means_of_what_was_not_trained_on_are_of_noise_and_of_the_rest(predictions):
    taught = pd.concat([said(name, wrong & (name == "clean"), "augmented") for name, wrong in WRONG.items()])
    rain = said("pink_10", WRONG["pink_10"]).assign(condition="rain_10")
    more = pd.concat([predictions, rain, taught, rain.assign(training="augmented")])
    scored = compare(more, "gain_-20")
    rows = scored[scored["training"] == "augmented"].set_index("condition")
    noise = rows.loc[["pink_10", "rain_10"], "over_plain"]
    assert rows.at["mean_unseen_noise", "over_plain"] == pytest.approx(noise.mean())
    assert rows.at["mean_unseen_noise", "drop"] == pytest.approx(rows.loc[noise.index, "drop"].mean())
    assert "mean_unseen_others" not in rows.index
    assert not scored.loc[scored["training"] == "clean", "condition"].str.contains("unseen").any()


def test_another_level_of_what_was_trained_on_is_not_new(predictions):
    conditions = pd.concat([CONDITIONS, CONDITIONS[1:2].assign(condition="pink_0", level=0.0)])
    louder = said("pink_10", ~WRONG["pink_10"]).assign(condition="pink_0")
    rain = said("pink_10", WRONG["pink_10"]).assign(condition="rain_10")
    more = pd.concat([predictions, louder, rain]).assign(training="augmented")
    scored = comparison.table(more, conditions, PEOPLE, EMOTIONS, 0.6, MARKS, INTERVALS, ["pink_10"])
    rows = scored.set_index("condition")
    assert rows.at["mean_unseen_noise", "uar"] == rows.at["rain_10", "uar"] != rows.at["pink_0", "uar"]


def test_the_mean_of_what_the_encoder_did_not_hear_leaves_out_the_kinds_that_it_heard(predictions):
    more = pd.concat([predictions, predictions.assign(training="augmented")])
    found = comparison.table(more, CONDITIONS, PEOPLE, EMOTIONS, 0.6, MARKS, INTERVALS, (), ["gain"])
    for _, rows in found.groupby("training"):
        rows = rows.set_index("condition")
        columns = ["uar", "uar_low", "uar_high", "drop"]
        assert rows.loc["mean_new_to_pase_plus", columns].to_list() == pytest.approx(
            rows.loc["pink_10", columns].to_list()
        )
    assert "mean_new_to_pase_plus" not in set(compare(predictions)["condition"])  # of encoders that nothing is known of


def test_genders_who_show_other_emotions_or_a_single_woman_have_no_gap(predictions):
    women = PEOPLE["gender"] == "female"
    silent = PEOPLE[women | (PEOPLE["emotion"] != "sad")]
    alone = PEOPLE.assign(gender=np.where(PEOPLE["speaker"] == PEOPLE["speaker"][women].iloc[0], "female", "male"))
    for people in (silent, alone):
        said = predictions[predictions["id"].isin(people["id"])]
        scored = comparison.table(said, CONDITIONS, people, EMOTIONS, 0.6, MARKS, INTERVALS)
        assert scored["gender_drop"].isna().all()
        assert scored["drop"].notna().any()


def test_a_distortion_in_training_is_no_unseen_noise_under_another_name():
    known = pd.DataFrame(
        [("pink_10", "pink", "pink", "noise"), ("hiss_0", "hiss", "pink", "noise"), ("hum_0", "hum", "white", "noise")],
        columns=["condition", "kind", "distortion", "family"],
    ).set_index("condition")
    groups = comparison._groups(known, "augmented", ["pink_10"])
    assert groups["mean_unseen_noise"] == ["hum_0"]


def test_impulse_responses_of_another_folder_are_unseen_as_recordings_are():
    known = pd.DataFrame(
        [
            ("hall_1", "hall", "response", "room"),
            ("car_1", "car", "response", "room"),
            ("rain_0", "rain", "recording", "noise"),
            ("hum_0", "hum", "recording", "noise"),
        ],
        columns=["condition", "kind", "distortion", "family"],
    ).set_index("condition")
    groups = comparison._groups(known, "augmented", ["hall_1", "rain_0"])
    assert (groups["mean_unseen_others"], groups["mean_unseen_noise"]) == (["car_1"], ["hum_0"])


def test_the_distortions_whose_kinds_have_folders_are_those_of_the_catalogue():
    from_files = [name for name, of in catalogue.DISTORTIONS.items() if of.material in catalogue.FILES]
    assert tuple(from_files) == vectors.FROM_FOLDERS


def test_what_is_listed_as_unseen_is_what_its_mean_is_over(predictions, tmp_path):
    """Another kind by the distortion of which copies are in training is in neither."""
    conditions = pd.concat([CONDITIONS, CONDITIONS[1:2].assign(condition="hiss_0", kind="hiss", level=0.0)])
    hiss = said("pink_10", ~WRONG["pink_10"]).assign(condition="hiss_0")
    rain = said("pink_10", WRONG["pink_10"]).assign(condition="rain_10")
    plain = pd.concat([predictions, hiss, rain])
    more = pd.concat([plain, plain.assign(training="augmented")])
    scored = comparison.table(more, conditions, PEOPLE, EMOTIONS, 0.6, MARKS, INTERVALS, ["pink_10"])
    tables.write(scored, tmp_path / "made.csv")
    read = page.read(tmp_path / "made.csv")
    listed = page.unseen(read[read["training"] == "augmented"])
    assert [rows["condition"].tolist() for _, _, rows in listed] == [["rain_10"], ["gain_-20"]]
    for _, mean, rows in listed:
        assert mean["uar"] == pytest.approx(rows["uar"].mean())


def test_the_interval_of_the_gender_drop_draws_women_and_men_apart(predictions):
    worse = NUMBER % 10 < NUMBER // 10 + 2 * WOMEN  # each speaker by another number of utterances
    more = predictions[predictions["condition"] != "pink_10"]
    more = pd.concat([more, said("pink_10", worse | (NUMBER % 10 == 3))])
    params = IntervalParams(20_000, 0.95, 0, 3)
    scored = comparison.table(more, CONDITIONS, PEOPLE, EMOTIONS, 0.6, MARKS, params).set_index("condition")
    right = PEOPLE.assign(lost=worse & (NUMBER % 10 != 3)).groupby(["gender", "speaker"])["lost"].mean()
    dice = random.Random(0)
    women, men = (right[gender].tolist() for gender in ("female", "male"))  # four each, who speak equally often
    replicates = [np.mean(dice.choices(women, k=3)) - np.mean(dice.choices(men, k=3)) for _ in range(20_000)]
    tail = stats.norm.cdf(-stats.t.ppf(0.975, 3))
    found = scored.loc["pink_10", ["gender_drop_low", "gender_drop_high"]].tolist()
    assert found == pytest.approx(np.quantile(replicates, [tail, 1 - tail]).tolist(), abs=0.04)


def test_tests_are_counted_as_passed_failed_and_undecided():
    verdicts = ["pass", "pass (open)", "fail", "fail (open)", "fail"]
    rows = pd.DataFrame(
        {"encoder": "made", "training": "clean", "correctness": "", "robustness": "", "fairness": verdicts}
    )
    assert "1 passed, 2 failed, 2 undecided" in page.tests(rows)


def test_what_copies_gain_is_a_paired_difference_and_leads_the_page(predictions, tmp_path):
    taught = pd.concat([said(name, wrong & (name != "gain_-20"), "augmented") for name, wrong in WRONG.items()])
    everything = pd.concat([predictions, taught])
    scored = compare(everything, "pink_10")
    rows = scored[scored["training"] == "augmented"].set_index("condition")
    assert rows["over_plain"].to_dict() == pytest.approx(
        {"clean": 0.0, "pink_10": 0.0, "gain_-20": 0.1, "mean": 0.05, "mean_unseen_others": 0.1}
    )
    assert rows.at["gain_-20", "over_plain_low"] == pytest.approx(0.1)  # every speaker gains as much
    assert scored.loc[scored["training"] == "clean", "over_plain"].isna().all()
    tables.write(scored, tmp_path / "made.csv")
    *_, sentence = page.findings(page.named([tmp_path / "made.csv"], ["made"]))["made"]
    assert sentence == (
        "with distorted copies in training its UAR changes by 0.000 [0.000, 0.000] on clean speech, "
        "+0.100 [+0.100, +0.100] on average under other unseen conditions; by the mark: 1 passed, 1 failed"
    )


def test_several_encoders_stand_side_by_side(predictions, tmp_path):
    other = pd.concat([said(name, np.zeros(len(PEOPLE), bool), encoder="other") for name in WRONG])
    taught = predictions.assign(training="augmented")
    tables.write(compare(pd.concat([predictions, taught, other]), "pink_10"), tmp_path / "made.csv")
    text = page.page(page.named([tmp_path / "made.csv"], ["made"]), MARKS, 0.6, INTERVALS)
    assert "\n- Mean UAR over the conditions: made 0.800 [" in text
    assert ", other 1.000 [1.000, 1.000].\n" in text
    cells = {row[1].strip(): row[2:5] for row in (line.split("|") for line in text.splitlines()) if len(row) == 6}
    assert [cell.strip() for cell in cells["condition"]] == ["made", "made, augmented", "other"]
    plain, heard, clear = (cell.strip() for cell in cells["pink_10"])
    assert (heard, clear) == (f"{plain}*", "1.000 [1.000, 1.000]")
    assert text.count("More figures of made:") == 1


def test_the_page_leads_with_the_finding_and_has_a_table_a_task(scored, tmp_path):
    tables.write(scored, tmp_path / "made.csv")
    read = page.named([tmp_path / "made.csv"], ["made"])
    text = page.page(read, MARKS, 0.6, INTERVALS, {"made": "../plots/one.png"})
    assert "\n## made\n\n![made](../plots/one.png)\n\n" in text
    task, _, finding, marks = text.splitlines()[4:8]
    assert task == "**made**"
    assert finding.startswith("- On clean speech made has a UAR of 0.900 [")
    assert "]. Of 2 conditions pink_10 takes most of it, 0.200 [" in finding
    assert marks == "- By the mark for robustness: 1 passed, 1 failed."
    assert "## made" in text
    assert "| pink " in text
    assert "Not measured: rain_10 (no recordings in noise/rain); whisper (weights not available)." in text
    assert "nan" not in text.lower()


def test_the_chapter_says_costs_gains_and_genders_with_intervals_before_the_tables(predictions, tmp_path):
    taught = pd.concat([said(name, wrong & (name != "pink_10"), "augmented") for name, wrong in WRONG.items()])
    everything = pd.concat([predictions, taught])
    scored = compare(everything, "pink_10")
    tables.write(scored, tmp_path / "made.csv")
    first, task, method = chapter.sections(page.named([tmp_path / "made.csv"], ["made"]), MARKS, 0.6, INTERVALS)
    cost, gain, genders = first.parts
    assert [cost.verdict, gain.verdict, genders.verdict] == ["found", "found", "inconclusive"]
    assert cost.found.startswith(
        "Of a UAR of 0.900 [0.900,\N{NO-BREAK SPACE}0.900] on speech as it was recorded, pink_10"
    )
    assert "Under 1 of 2 conditions the drop is at most 0.05." in cost.found
    row = scored[(scored["training"] == "augmented") & (scored["condition"] == "pink_10")].iloc[0]
    assert f"gains +{row['over_plain']:.3f} [+" in gain.found
    assert "Under other unseen conditions (1) the UAR changes by 0.000 [" in gain.found
    assert "each by an interval of its own: pink_10 (+0.400 [" in genders.found
    figure, figures = task.parts
    assert (figure.picture, len(figures.rows)) == ("made", 9)
    assert [row[0].text for row in figures.rows][-3:] == ["gain_-20", "mean", "mean_unseen_others"]
    assert "Not measured: rain_10 (no recordings in noise/rain); whisper (weights not available)." in figures.note
    assert "`" not in str(method)


def test_where_no_condition_was_measured_page_and_chapter_say_so(predictions, tmp_path):
    tables.write(compare(predictions[predictions["condition"] == "clean"]), tmp_path / "made.csv")
    read = page.named([tmp_path / "made.csv"], ["made"])
    assert page.findings(read) == {"made": ["no condition was measured"]}
    assert "**made**\n\n- No condition was measured.\n" in page.page(read, MARKS, 0.6, INTERVALS)
    ((cost,), *_) = (section.parts for section in chapter.sections(read, MARKS, 0.6, INTERVALS))
    assert cost.verdict == "cannot be said"
    assert cost.found.startswith("No condition was measured; the UAR on speech as it was recorded is 0.900 [0.900,")


def test_without_intervals_the_chapter_claims_none(predictions, tmp_path):
    everything = pd.concat([predictions, predictions.assign(training="augmented")])
    few = IntervalParams(500, 0.95, 0, 50)
    scored = comparison.table(everything, CONDITIONS, PEOPLE, EMOTIONS, 0.6, MARKS, few, ["pink_10"])
    tables.write(scored, tmp_path / "made.csv")
    findings = chapter.findings("made", page.read(tmp_path / "made.csv"), MARKS, few)
    assert [finding.verdict for finding in findings] == ["cannot be said"] * 3
    assert [finding.sure for finding in findings] == [chapter.NO_INTERVAL] * 3
    assert findings[-1].found == "Most apart is pink_10, by +0.400 (no interval), women minus men."


def test_with_too_few_women_only_the_finding_on_genders_has_no_interval(predictions, tmp_path):
    few = IntervalParams(500, 0.95, 0, 5)  # of eight speakers four are women
    scored = comparison.table(predictions, CONDITIONS, PEOPLE, EMOTIONS, 0.6, MARKS, few)
    tables.write(scored, tmp_path / "made.csv")
    cost, genders = chapter.findings("made", page.read(tmp_path / "made.csv"), MARKS, few)
    assert (cost.verdict, genders.verdict) == ("found", "cannot be said")
    assert cost.sure.startswith("Intervals of 95% over speakers")
    assert genders.sure == chapter.NO_INTERVAL


def test_a_page_wants_a_table_a_task(tmp_path):
    with pytest.raises(ValueError, match="expected a file of each of the tasks one, two, in this order, found other"):
        page.named([Path("robustness_other.csv")], ["one", "two"])


def test_the_picture_has_curves_and_bars_of_each_system_and_the_same_bytes(predictions, tmp_path):
    taught = predictions.assign(training="augmented")
    scored = compare(pd.concat([predictions, taught, predictions.assign(encoder="other")]))
    figures = [robustness.draw(scored, 0.5, "made") for _ in range(2)]
    for number, figure in enumerate(figures):
        drawing.save(figure, tmp_path / f"{number}.png")
    curves, other_curves, bars, other_bars = figures[0].axes
    assert [axes.get_title() for axes in (curves, other_curves)] == ["made", "other"]
    assert [text.get_text() for text in figures[0].legends[0].get_texts()] == [
        "pink",
        "clean speech, with interval",
        "chance",
        "trained on distorted copies as well",
    ]
    assert [label.get_text() for label in bars.get_yticklabels()] == ["gain -20\ndB"]
    assert [bar.get_width() for bar in bars.patches[:2]] == pytest.approx(
        [0.9, 0.9]
    )  # hollow, where copies were trained on
    assert [bar.get_width() for bar in other_bars.patches[:1]] == pytest.approx([0.9])
    assert (tmp_path / "0.png").read_bytes() == (tmp_path / "1.png").read_bytes()


def test_kinds_of_noise_at_one_level_stand_side_by_side(predictions):
    rain = predictions[predictions["condition"] == "pink_10"].assign(condition="rain_10")
    louder = predictions[predictions["condition"] == "pink_10"].assign(condition="pink_0")
    conditions = pd.concat([CONDITIONS, CONDITIONS[1:2].assign(condition="pink_0", level=0.0)])
    rows = comparison.table(pd.concat([predictions, rain, louder]), conditions, PEOPLE, EMOTIONS, 0.6, MARKS, INTERVALS)
    curves = robustness.draw(rows, 0.5, "made").axes[0]
    pink, other = (found for found in curves.lines if found.get_marker() in "os")
    assert 0 < abs(pink.get_xdata()[1] - other.get_xdata()[0]) < 1  # dB
    assert pink.get_xdata() == pytest.approx([0, 10], abs=1)
    assert list(curves.get_xticks()) == [0, 10]


def test_a_picture_has_at_most_three_encoders_side_by_side(predictions):
    rows = compare(pd.concat([predictions.assign(encoder=name) for name in "abcd"]))
    axes = robustness.draw(rows, 0.5, "made").axes
    places = {each.get_title(): each.get_subplotspec() for each in axes if each.get_title()}
    assert {name: (spec.rowspan.start, spec.colspan.start) for name, spec in places.items()} == {
        "a": (0, 0),
        "b": (0, 1),
        "c": (2, 0),
        "d": (2, 1),
    }
    assert len(axes) == 8
