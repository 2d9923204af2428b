import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import balanced_accuracy_score, recall_score

from ser.benchmarks import mitigation_table
from ser.benchmarks.mitigation import Changes, MitigationParams
from ser.plots import mitigation as picture
from ser.scores.intervals import IntervalParams

EMOTIONS = ["angry", "happy", "sad"]
PARAMS = MitigationParams(
    "made",
    {"better": Changes(labels="smoothed"), "soft": Changes(labels="soft")},
    cost=1.0,
    folds=3,
    intervals=IntervalParams(resamples=500, confidence=0.9, seed=0, minimum_speakers=3),
)
NOTES = {"soft": "no votes"}


@pytest.fixture
def people():
    index = np.arange(240)
    rows = pd.DataFrame({"id": [f"c/{number:03d}" for number in index]})
    rows["speaker"] = [f"c/{number // 30}" for number in index]
    rows["gender"] = np.where(index // 30 < 4, "female", "male")
    rows["emotion"] = np.array(EMOTIONS)[index % 3]
    return rows


@pytest.fixture
def rows(people):
    """Two seeds: the baseline right in 60 %, men less often than women; the other system right in 90 %."""
    random, parts = np.random.default_rng(0), []
    for system, right in (("baseline", np.where(people["gender"] == "female", 0.7, 0.5)), ("better", 0.9)):
        for seed in range(2):
            part = people[["id"]].assign(system=system, seed=seed)
            for column, of, how_often in (
                ("prediction", "emotion", right),
                ("gender_guess", "gender", 0.8),
                ("speaker_guess", "speaker", 0.4),
            ):
                words = random.choice(people[of].unique(), size=240)
                part[column] = np.where(random.uniform(size=240) < how_often, people[of], words)
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def table(rows, people):
    return mitigation_table.table(rows, NOTES, people, EMOTIONS, PARAMS)


def seeds_of(rows, people, system):
    joined = rows[rows["system"] == system].merge(people, on="id")
    return [part for _, part in joined.groupby("seed")]


def numbered(part):
    """Truth and prediction as numbers, which scikit-learn scores faster than words."""
    return np.array([pd.Index(EMOTIONS).get_indexer(part[column]) for column in ("emotion", "prediction")])


def uar(part):
    return recall_score(part["emotion"], part["prediction"], average="macro")


def test_figures_are_the_means_over_seeds_that_scikit_learn_gives(table, rows, people):
    assert table["system"].tolist() == ["baseline", "better", "soft"]
    for line in table[:2].to_dict("records"):
        parts = seeds_of(rows, people, line["system"])
        women, men = (np.mean([uar(part[part["gender"] == gender]) for part in parts]) for gender in ("female", "male"))
        expected = {
            "uar": np.mean([uar(part) for part in parts]),
            "worst_gender_uar": np.mean(
                [min(uar(part[part["gender"] == gender]) for gender in ("female", "male")) for part in parts]
            ),
            "gender_gap": women - men,
            "gender_probe": np.mean([balanced_accuracy_score(part["gender"], part["gender_guess"]) for part in parts]),
            "speaker_probe": np.mean(
                [balanced_accuracy_score(part["speaker"], part["speaker_guess"]) for part in parts]
            ),
        }
        for name, value in expected.items():
            assert line[name] == pytest.approx(value), name
        assert line["seeds"] == 2


def test_differences_are_paired(table):
    line = table.iloc[1]
    for name in mitigation_table.MEASURES:
        assert line[f"{name}_change"] == pytest.approx(table.loc[1, name] - table.loc[0, name])
        assert line[f"{name}_low"] <= line[name] <= line[f"{name}_high"]
    assert line["uar_change_low"] > 0.1
    assert np.isnan(table.loc[0, "uar_change"])


def test_a_system_is_compared_with_the_one_that_it_is_against(rows, people):
    third = rows[rows["system"] == "better"].assign(system="third")
    systems = {**PARAMS.systems, "third": Changes(start="none", against="better")}
    params = MitigationParams("made", systems, 1.0, 3, PARAMS.intervals)
    table = mitigation_table.table(pd.concat([rows, third]), NOTES, people, EMOTIONS, params)
    assert table["against"].tolist() == ["", "baseline", "baseline", "better"]
    assert table.loc[3, [f"{name}_change" for name in mitigation_table.MEASURES]].tolist() == [0] * 5
    assert table.loc[3, "uar"] == table.loc[1, "uar"]
    assert "| third − better | 0.000 [0.000, 0.000] |" in re.sub(" +", " ", mitigation_table.page(table, "", params))
    labels = [label.get_text() for label in picture.draw(table, 8, "title").axes[0].get_yticklabels()]
    assert labels == ["baseline", "better", "third −\nbetter"]


def test_without_the_other_system_there_is_no_difference(rows, people):
    systems = {**PARAMS.systems, "better": Changes(labels="smoothed", against="soft")}  # which was not run
    line = mitigation_table.table(
        rows, NOTES, people, EMOTIONS, MitigationParams("made", systems, 1.0, 3, PARAMS.intervals)
    ).iloc[1]
    assert line[["uar", "uar_low"]].notna().all()
    assert line[["uar_change", "uar_change_low"]].isna().all()


def test_a_system_against_itself_or_an_unknown_one_is_refused():
    for other in ("better", "wurst"):
        systems = {"better": Changes(labels="smoothed", against=other), "soft": Changes(labels="soft")}
        with pytest.raises(ValueError, match=rf"better\.against: expected one of baseline, soft, found '{other}'"):
            MitigationParams("made", systems, 1.0, 3, PARAMS.intervals)


def test_a_system_that_repeats_the_baseline_differs_by_nothing_surely(rows, people):
    same = rows[rows["system"] == "baseline"]
    both = pd.concat([same, same.assign(system="better")])
    line = mitigation_table.table(both, NOTES, people, EMOTIONS, PARAMS).iloc[1]
    for name in mitigation_table.MEASURES:
        assert [line[f"{name}_change{end}"] for end in ("", "_low", "_high")] == [0, 0, 0]


@pytest.mark.slow
def test_the_interval_is_that_of_the_bootstrap_over_speakers(table, rows, people):
    """Against resampled tables: of eight speakers seven are drawn, percentiles at the normal probability of t."""
    random, draws = np.random.default_rng(5), []
    parts = [dict(list(part.groupby("speaker"))) for part in seeds_of(rows, people, "better")]
    spoken = [{name: numbered(own) for name, own in part.items()} for part in parts]
    for _ in range(400):
        drawn = random.choice(people["speaker"].unique(), size=7)
        pairs = [np.concatenate([part[name] for name in drawn], axis=1) for part in spoken]
        draws.append(np.mean([recall_score(*pair, average="macro") for pair in pairs]))
    assert np.std(draws) * 1.9 * 2 == pytest.approx(table.loc[1, "uar_high"] - table.loc[1, "uar_low"], rel=0.25)


def test_without_known_genders_there_is_no_gap(rows, people):
    found = mitigation_table.table(
        rows.assign(gender_guess=""), NOTES, people.assign(gender=""), EMOTIONS, PARAMS
    ).iloc[0]
    assert found[["worst_gender_uar", "gender_gap", "gender_probe"]].isna().all()
    assert found[["uar", "uar_low", "speaker_probe", "speaker_probe_low"]].notna().all()


@pytest.mark.parametrize(
    "changed",
    [
        lambda people: people.assign(
            gender=["female" if speaker == "c/0" else "male" for speaker in people["speaker"]]
        ),
        lambda people: people.assign(
            emotion=people["emotion"].where((people["gender"] == "female") | (people["emotion"] != "sad"), "angry")
        ),
    ],
    ids=["one woman", "no man is sad"],
)
def test_genders_that_cannot_be_compared_have_no_gap(rows, people, changed):
    table = mitigation_table.table(rows, NOTES, changed(people), EMOTIONS, PARAMS)
    gaps = [column for column in table.columns if "gender_gap" in column or "worst_gender_uar" in column]
    assert gaps
    assert table[gaps].isna().all(axis=None)
    assert table["uar"].notna().any()


def test_too_few_speakers_have_figures_without_intervals(rows, people):
    params = MitigationParams("made", PARAMS.systems, 1.0, 3, IntervalParams(500, 0.9, 0, minimum_speakers=5))
    line = mitigation_table.table(rows, NOTES, people, EMOTIONS, params).iloc[1]
    assert line[["uar_low", "gender_gap"]].notna().all()
    assert line[["gender_gap_low", "gender_probe_high", "worst_gender_uar_change_low"]].isna().all()


def test_an_emotion_of_one_woman_allows_no_interval_of_what_needs_it(rows, people):
    rare = people.assign(emotion=people["emotion"].mask(people["speaker"].isin(["c/1", "c/2", "c/3"]), "angry"))
    line = mitigation_table.table(rows, NOTES, rare, EMOTIONS, PARAMS).iloc[1]
    assert line[["uar_low", "gender_probe_low", "speaker_probe_low"]].notna().all()  # five of eight have every emotion
    assert line[["gender_gap", "worst_gender_uar"]].notna().all()
    assert line[["gender_gap_low", "worst_gender_uar_high", "gender_gap_change_low"]].isna().all()


def test_metrics_leave_out_what_is_missing(table):
    metrics = mitigation_table.nested(table)
    assert set(metrics) == {"baseline", "better"}
    assert "uar_change" not in metrics["baseline"]
    assert metrics["better"]["uar_change"] == table.loc[1, "uar_change"]


def test_the_page_has_a_line_a_system_and_says_what_was_not_run(table):
    page = re.sub(" +", " ", mitigation_table.page(table, "What was asked.", PARAMS))
    assert "What was asked." in page
    line = table.iloc[1]
    assert f"| better | {line['uar']:.3f} [{line['uar_low']:.3f}, {line['uar_high']:.3f}] |" in page
    assert f"| better | {line['uar_change']:+.3f} [{line['uar_change_low']:+.3f}, " in page
    assert page.count("| baseline |") == 1
    assert page.endswith("Not run: soft: no votes.\n")


def test_the_summary_names_what_moved(table):
    words = mitigation_table.summary(table)
    assert words.startswith(f"baseline uar {table.loc[0, 'uar']:.3f}, ")
    assert f"moved: better (uar {table.loc[1, 'uar_change']:+.3f}, " in words
    assert "soft" not in words


class TestPicture:
    def test_has_a_panel_a_measure_and_a_row_a_system_that_was_run(self, table):
        figure = picture.draw(table, 8, "title")
        assert isinstance(figure, Figure)
        assert len(figure.axes) == 5
        assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["baseline", "better"]

    def test_fills_the_dots_that_differ_from_the_baseline(self, table):
        first = picture.draw(table, 8, "title").axes[0]
        moved, same = (line for line in first.lines if line.get_marker() == "o")
        assert moved.get_xdata().tolist() == [table.loc[1, "uar"]]
        assert same.get_xdata().tolist() == [table.loc[0, "uar"]]

    def test_leaves_out_what_is_not_known(self, rows, people):
        table = mitigation_table.table(rows.assign(gender_guess=""), NOTES, people.assign(gender=""), EMOTIONS, PARAMS)
        assert len(picture.draw(table, 8, "title").axes) == 2
