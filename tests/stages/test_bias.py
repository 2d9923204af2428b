import json
import runpy
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from ser.files import tables
from tests import builders

STAGE = Path(__file__).resolve().parents[2] / "stages" / "bias.py"
EMOTIONS = ["angry", "sad"]
PARAMS = {
    "emotions": EMOTIONS,
    "age_bands": [30, 45],
    "intervals": builders.INTERVALS,
    "bias": {"permutations": 1000},
}
OUTPUTS = {
    "metrics": "bias.json",
    "groups": "groups.csv",
    "gaps": "gaps.csv",
    "audit": "audit.csv",
    "refused": "refused.csv",
    "picture": "groups.png",
    "audit-picture": "audit.png",
}


def speakers():
    """Eight speakers of ten utterances; the women are always right, the men half of the time."""
    genders, ages = np.repeat(["female", "male"], 40), np.repeat([22.0, 33.0, 22.0, 33.0], 20)
    return builders.manifest(8, 10, EMOTIONS, gender=genders, age=ages)


def predict(people, protocol, right):
    wrong = people["emotion"].map({"angry": "sad", "sad": "angry"})
    table = pd.DataFrame({"id": people["id"], "protocol": protocol, "fold": 0, "truth": people["emotion"]})
    table["prediction"] = people["emotion"].where(right, wrong)
    return table.assign(p_angry=0.5, p_sad=0.5)


def lay_out(people, protocols=("kfold", "random")):
    """Make all that the stage reads."""
    half = (people["gender"] == "female") | (people.index % 4 < 2)
    parts = [predict(people, protocol, half if protocol == "kfold" else ~half) for protocol in protocols]
    tables.write(people, Path("manifest.csv"))
    tables.write(pd.concat(parts), Path("predictions.csv"))
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS))


@pytest.fixture
def people():
    return speakers()


@pytest.fixture
def project(tmp_path, monkeypatch, people):
    """Give a function that makes a project, of these people or of changed ones, and works in it."""
    monkeypatch.chdir(tmp_path)
    return lambda people=people, protocols=("kfold", "random"): lay_out(people, protocols)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """One run over the project as it is, for all who only look at it: its folder, its metrics, what it printed."""
    folder = tmp_path_factory.mktemp("first")
    with pytest.MonkeyPatch.context() as monkeypatch, redirect_stdout(StringIO()) as out:
        monkeypatch.chdir(folder)
        lay_out(speakers())
        report = run(monkeypatch)
    return folder, report, out.getvalue()


@pytest.fixture
def measured(first, monkeypatch):
    """Work where the first run has been; its metrics, and what it printed."""
    monkeypatch.chdir(first[0])
    return first[1:]


def run(monkeypatch):
    flags = ["--params", "params.yaml", "--manifest", "manifest.csv", "--predictions", "predictions.csv"]
    flags += [word for name, path in OUTPUTS.items() for word in (f"--{name}", path)]
    monkeypatch.setattr(sys, "argv", [str(STAGE), *flags])
    runpy.run_path(str(STAGE), run_name="__main__")
    return json.loads(Path("bias.json").read_text())


def refused():
    table = pd.read_csv("refused.csv", keep_default_na=False)
    assert list(table.columns) == ["attribute", "group", "claim", "reason"]
    return table.set_index(["attribute", "group", "claim"])["reason"].to_dict()


def test_the_gap_is_that_of_the_chosen_protocol_and_not_of_random(measured):
    report, _ = measured
    assert report["gender"]["female"]["uar"] == 1.0
    assert report["gender"]["male"]["uar"] == 0.5
    gap = report["gender"]["gap"]["female_minus_male"]
    assert (gap["uar"], gap["uar_low"], gap["uar_high"]) == (0.5, 0.4, 0.6)
    assert gap["recall"] == {"angry": 0.5, "sad": 0.5}
    assert gap["p"] == gap["p_smallest"] == round(2 / 70, 6)
    assert gap["p_holm"] == round(2 * 2 / 70, 6)  # gender and age are tested


def test_all_groups_together_are_compared_raw_and_matched(measured):
    gap = measured[0]["gender"]["gap"]
    largest = gap["largest"]
    assert (largest["uar"], largest["ratio"], largest["worst_uar"]) == (0.5, 0.5, 0.5)
    assert gap["equalised_odds"] == {"raw": 0.5, "matched": 0.5}
    assert gap["demographic_parity"] == {"raw": {"angry": 0.0, "sad": 0.0}, "matched": {"angry": 0.0, "sad": 0.0}}
    assert gap["unweighted_average_bias"] == {"raw": 0.25, "matched": 0.25}


def test_the_spread_over_speakers_and_the_audit_are_reported(measured):
    report, _ = measured
    # four women at 1, men at 0.6 and 0.4 in turn
    deviation = np.sqrt((4 * 0.25**2 + 2 * 0.15**2 + 2 * 0.35**2) / 7)
    pairs = 4 * 2 * 0.4 + 4 * 2 * 0.6 + 2 * 2 * 0.2  # the differences between any two speakers, summed
    expected = {"speakers": 8, "uar_max": 1, "uar_mean": 0.75, "uar_min": 0.4, "uar_std": deviation}
    expected |= {"uar_worst_decile": 0.4, "uar_gini": 2 * pairs / 64 / (2 * 0.75)}
    assert report["speaker"] == pytest.approx(expected, abs=1e-4)
    association = dict.fromkeys(["gender", "age", "gender_age", "speaker"], 0.0)
    refusals = len(refused())
    dealt = report["audit"].pop("speaker_oracle_uar_by_chance")
    assert 0.5 < dealt < 0.7  # ten utterances a speaker
    assert report["audit"] == {
        "association": association,
        "chance_uar": 0.5,
        "speaker_oracle_uar": 0.5,
        "refused_claims": refusals,
    }


def test_one_line_says_what_was_found(measured):
    report, out = measured
    age = report["age"]["gap"]["under_30_minus_30-44"]
    assert out == (
        "bias: kfold: gender female_minus_male +0.500 [+0.400, +0.600] (p = 0.057, adjusted), "
        f"age under_30_minus_30-44 0.000 [{age['uar_low']:+.3f}, {age['uar_high']:+.3f}] (p = 1.000, adjusted), "
        f"8 speakers from UAR 0.400 to 1.000; refused claims: {len(refused())}; see bias.json and refused.csv\n"
    )


def test_the_table_of_groups_has_a_row_for_every_group(measured):
    table = pd.read_csv("groups.csv")
    assert list(table.columns) == [
        *("attribute", "group", "utterances", "speakers", "uar", "uar_low", "uar_high"),
        *(f"{measure}_{emotion}" for measure in ("recall", "precision", "f1", "rate") for emotion in EMOTIONS),
        *("calibration_error", "calibration_error_by_chance", "calibration_error_by_chance_high"),
    ]
    bands = ["under_30", "30-44", "45_and_over"]
    assert list(table["group"]) == [
        *("female", "male"),
        *bands,
        *(f"{gender}_{band}" for gender in ("female", "male") for band in bands),
        *("c", "en"),
        *(f"c/{speaker}" for speaker in range(8)),
    ]
    empty = table[table["group"] == "45_and_over"].iloc[0]
    assert (empty["utterances"], empty["speakers"]) == (0, 0)
    assert empty[4:].isna().all()


def test_the_tables_of_gaps_and_counts_agree_with_the_metrics(measured):
    report, _ = measured
    gaps = pd.read_csv("gaps.csv")
    row = gaps[(gaps["attribute"] == "gender") & (gaps["measure"] == "uar")].iloc[0]
    found = report["gender"]["gap"]["female_minus_male"]
    assert (row["first"], row["second"], row["difference"]) == ("female", "male", found["uar"])
    assert row["p_smallest"] == pytest.approx(found["p_smallest"], abs=1e-4)
    assert np.isnan(row["detectable"])  # with so few speakers, of so many tests none can be significant
    assert "detectable" not in found
    counts = pd.read_csv("audit.csv")
    assert counts.loc[counts["attribute"] == "gender", "utterances"].tolist() == [20] * 4


def test_emotion_tied_to_the_speaker_leaves_nothing_but_the_audit(project, monkeypatch, capsys, people):
    people["emotion"] = np.where(people["speaker"].str[-1].astype(int) % 2, "angry", "sad")
    project(people)
    report = run(monkeypatch)
    assert set(report) == {"audit"}
    assert report["audit"]["speaker_oracle_uar"] == 1.0
    assert "emotion is tied to the speaker" in refused()["all", "", "any figure"]
    assert "no gender gap (emotion is tied to the speaker" in capsys.readouterr().out
    groups = pd.read_csv("groups.csv")
    assert groups.loc[groups["group"] == "female", "utterances"].item() == 40
    assert groups.drop(columns=["attribute", "group", "utterances", "speakers"]).isna().all(axis=None)


@pytest.mark.parametrize(("attribute", "nobody"), [("gender", ""), ("age", np.nan), ("speaker", "")])
def test_what_is_unknown_for_everybody_is_said_and_left_out(project, monkeypatch, capsys, people, attribute, nobody):
    right = people.copy()
    project()
    tables.write(right.assign(**{attribute: nobody}), Path("manifest.csv"))
    without = {"gender": {"gender", "gender_age"}, "age": {"age", "gender_age"}, "speaker": {"speaker"}}[attribute]
    everything = {"audit", "gender", "age", "gender_age", "corpus", "language", "speaker"}
    assert set(run(monkeypatch)) == everything - without
    assert refused()[attribute, "", "any figure"] == "unknown for everybody"
    assert "(unknown for everybody)" in capsys.readouterr().out


def test_nothing_known_of_anybody_leaves_the_corpus(project, monkeypatch, people):
    project(people.assign(gender="", age=np.nan, speaker="", language=""))
    assert set(run(monkeypatch)) == {"audit", "corpus"}


def test_one_speaker_per_gender_is_refused(project, monkeypatch, capsys, people):
    project(people[people["speaker"].isin(["c/0", "c/4"])])
    report = run(monkeypatch)
    assert "gender" not in report
    assert refused()["gender", "male", "any figure"] == "one speaker: c/4"
    assert "no gender gap (no group of which anything can be said)" in capsys.readouterr().out


def test_a_corpus_of_women_has_no_gap(project, monkeypatch, capsys, people):
    project(people[people["gender"] == "female"])
    assert set(run(monkeypatch)["gender"]) == {"female"}
    assert refused()["gender", "male", "any figure"] == "no utterances"
    assert "no gender gap (one group alone: female)" in capsys.readouterr().out


def test_an_emotion_that_no_man_speaks_is_refused_by_name(project, monkeypatch, people):
    project(people[(people["gender"] == "female") | (people["emotion"] == "angry")])
    gender = run(monkeypatch)["gender"]
    assert "uar" not in gender["male"]
    assert set(gender["male"]["recall"]) == {"angry"}
    assert gender["gap"]["female_minus_male"].pop("recall") == {"angry": 0.5}
    assert set(gender["gap"]["female_minus_male"]) == {"recall_p", "recall_p_holm"}
    assert refused()["gender", "male", "uar"] == "nobody speaks sad"


def test_random_alone_is_said_to_know_its_speakers(project, monkeypatch, capsys):
    project(protocols=("random",))
    run(monkeypatch)
    assert capsys.readouterr().out.startswith("bias: random (test speakers are in training as well): gender")


def test_too_few_speakers_have_a_gap_without_interval_and_without_test(project, monkeypatch, capsys, people):
    project(people[people["speaker"].isin(["c/0", "c/1", "c/2", "c/4", "c/5"])])
    report = run(monkeypatch)
    assert set(report["gender"]["gap"]["female_minus_male"]) == {"uar", "recall"}
    assert "gender female_minus_male +0.500 (no interval), " in capsys.readouterr().out
    assert refused()["gender", "female_minus_male", "test"] == "speakers: 3 and 2; no p can fall below 0.1"


def test_three_bands_are_summed_up_by_their_largest_gap(project, monkeypatch, capsys, people):
    people.loc[people["speaker"].isin(["c/3", "c/7"]), "age"] = 60.0
    project(people)
    run(monkeypatch)
    assert "age largest gap +0.100 (p = 1.000, adjusted)" in capsys.readouterr().out


def test_the_same_inputs_give_the_same_bytes(first, project, monkeypatch):
    project()
    run(monkeypatch)
    assert all(Path(name).read_bytes() == (first[0] / name).read_bytes() for name in OUTPUTS.values())


def failure(monkeypatch):
    return builders.failure("bias", lambda: run(monkeypatch), OUTPUTS.values())


def test_missing_predictions_are_refused(project, monkeypatch):
    project()
    Path("predictions.csv").unlink()
    assert failure(monkeypatch) == "bias: predictions.csv: no such file; run the stage that makes it"


def test_predictions_of_another_manifest_are_refused(project, monkeypatch, people):
    project()
    tables.write(people[5:], Path("manifest.csv"))
    assert "5 ids are not in the manifest, such as 'c/00'" in failure(monkeypatch)


def test_a_group_called_gap_is_refused(project, monkeypatch, people):
    project(people.assign(gender=people["gender"].replace("male", "gap")))
    assert "no gender can be called 'gap'" in failure(monkeypatch)


def test_age_bands_out_of_order_are_refused(project, monkeypatch):
    project()
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS | {"age_bands": [45, 30]}))
    assert "params.yaml: age_bands: expected rising ages above 0" in failure(monkeypatch)
