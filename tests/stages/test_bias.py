import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from ser import manifest, tables

STAGE = Path(__file__).resolve().parents[2] / "stages" / "bias.py"
EMOTIONS = ["angry", "sad"]
BIAS = {"resamples": 200, "confidence": 0.95, "seed": 0, "minimum_speakers": 3, "age_bands": [30, 45]}
OUTPUTS = ("bias.json", "groups.csv", "groups.png")


@pytest.fixture
def people():
    """Eight speakers of ten utterances; the women are always right, the men half of the time."""
    rows = pd.DataFrame({"id": [f"c/{index:02d}" for index in range(80)]})
    rows["path"], rows["corpus"] = rows["id"] + ".wav", "c"
    rows["speaker"] = [f"c/{index // 10}" for index in range(80)]
    rows["gender"] = np.repeat(["female", "male"], 40)
    rows["age"] = np.repeat([22.0, 33.0, 22.0, 33.0], 20)
    rows["language"], rows["emotion"] = "en", ["angry", "sad"] * 40
    rows["votes"], rows["text"], rows["seconds"], rows["sampling_rate"], rows["sha256"] = "", "", 1.0, 16000, "0"
    rows["details"] = ""
    return rows[list(manifest.COLUMNS)]


def predict(people, protocol, right):
    wrong = people["emotion"].map({"angry": "sad", "sad": "angry"})
    table = pd.DataFrame({"id": people["id"], "protocol": protocol, "fold": 0, "truth": people["emotion"]})
    table["prediction"] = people["emotion"].where(right, wrong)
    return table.assign(p_angry=0.5, p_sad=0.5)


@pytest.fixture
def project(tmp_path, monkeypatch, people):
    """Give a function that makes a project, of these people or of changed ones, and works in it."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(yaml.safe_dump({"emotions": EMOTIONS, "bias": BIAS}))

    def make(people=people, protocols=("kfold", "random")):
        half = (people["gender"] == "female") | (people.index % 4 < 2)
        parts = [predict(people, protocol, half if protocol == "kfold" else ~half) for protocol in protocols]
        tables.write(people, Path("manifest.csv"))
        tables.write(pd.concat(parts), Path("predictions.csv"))

    return make


def run(monkeypatch):
    flags = (
        "--params params.yaml --manifest manifest.csv --predictions predictions.csv --metrics bias.json "
        "--groups groups.csv --picture groups.png"
    )
    monkeypatch.setattr(sys, "argv", [str(STAGE), *flags.split()])
    runpy.run_path(str(STAGE), run_name="__main__")
    return json.loads(Path("bias.json").read_text())


def test_the_gap_is_that_of_the_chosen_protocol_and_not_of_random(project, monkeypatch):
    project()
    report = run(monkeypatch)
    assert report["gender"]["female"]["uar"] == 1.0
    assert report["gender"]["male"]["uar"] == 0.5
    assert report["gender"]["gap"]["female_minus_male"] == {"uar": 0.5, "uar_low": 0.4, "uar_high": 0.6}
    # four women at 1, men at 0.6 and 0.4 in turn
    deviation = np.sqrt((4 * 0.25**2 + 2 * 0.15**2 + 2 * 0.35**2) / 7)
    assert report["speaker"] == pytest.approx(
        {"speakers": 8, "uar_max": 1, "uar_mean": 0.75, "uar_min": 0.4, "uar_std": deviation}, abs=1e-4
    )


def test_one_line_says_what_was_found(project, monkeypatch, capsys):
    project()
    age = run(monkeypatch)["age"]["gap"]["under_30_minus_30-44"]
    assert capsys.readouterr().out == (
        "bias: kfold: gender female_minus_male +0.500 [+0.400, +0.600], "
        f"age under_30_minus_30-44 +0.000 [{age['uar_low']:+.3f}, {age['uar_high']:+.3f}], "
        "8 speakers from UAR 0.400 to 1.000; see bias.json\n"
    )


def test_the_table_has_a_row_for_every_group(project, monkeypatch):
    project()
    run(monkeypatch)
    table = pd.read_csv("groups.csv")
    columns = [
        "attribute",
        "group",
        "utterances",
        "speakers",
        "uar",
        "uar_low",
        "uar_high",
        "recall_angry",
        "recall_sad",
    ]
    assert list(table.columns) == columns
    assert list(table["group"]) == [
        *("female", "male"),
        *("under_30", "30-44", "45_and_over"),
        *(f"c/{speaker}" for speaker in range(8)),
    ]
    empty = table[table["group"] == "45_and_over"].iloc[0]
    assert (empty["utterances"], empty["speakers"]) == (0, 0)
    assert empty[columns[4:]].isna().all()


@pytest.mark.parametrize(("attribute", "nobody"), [("gender", ""), ("age", np.nan), ("speaker", "")])
def test_what_is_unknown_for_everybody_is_said_and_left_out(project, monkeypatch, capsys, people, attribute, nobody):
    right = people.copy()
    project()
    tables.write(right.assign(**{attribute: nobody}), Path("manifest.csv"))
    assert set(run(monkeypatch)) == {"gender", "age", "speaker"} - {attribute}
    assert f"{attribute} unknown for everybody" in capsys.readouterr().out


def test_who_is_unknown_is_counted_in_the_line(project, monkeypatch, capsys, people):
    people.loc[:9, "gender"] = ""
    project(people)
    run(monkeypatch)
    assert "(unknown for 10 utterances)" in capsys.readouterr().out


def test_random_alone_is_said_to_know_its_speakers(project, monkeypatch, capsys):
    project(protocols=("random",))
    run(monkeypatch)
    assert capsys.readouterr().out.startswith("bias: random (test speakers are in training as well): gender")


def test_too_few_speakers_have_a_gap_without_interval(project, monkeypatch, capsys, people):
    project(people[people["speaker"].isin(["c/0", "c/1", "c/2", "c/4", "c/5"])])
    report = run(monkeypatch)
    assert set(report["gender"]["gap"]["female_minus_male"]) == {"uar"}
    assert "gender female_minus_male +0.500 (no interval)" in capsys.readouterr().out


def test_the_same_inputs_give_the_same_bytes(project, monkeypatch):
    project()
    run(monkeypatch)
    first = [Path(name).read_bytes() for name in OUTPUTS]
    run(monkeypatch)
    assert [Path(name).read_bytes() for name in OUTPUTS] == first


def failure(monkeypatch):
    """Run the stage, which must fail with one line and leave every output as it was."""
    for name in OUTPUTS:
        Path(name).write_text("old")
    with pytest.raises(SystemExit) as caught:
        run(monkeypatch)
    assert [Path(name).read_text() for name in OUTPUTS] == ["old"] * len(OUTPUTS)
    message = str(caught.value.code)
    assert message.startswith("bias: ")
    assert "\n" not in message
    return message


def test_missing_predictions_are_refused(project, monkeypatch):
    project()
    Path("predictions.csv").unlink()
    assert failure(monkeypatch) == "bias: predictions.csv: no such file; run the stage that makes it"


def test_predictions_of_another_manifest_are_refused(project, monkeypatch, people):
    project()
    tables.write(people[5:], Path("manifest.csv"))
    assert "5 ids are not in the manifest, such as 'c/00'" in failure(monkeypatch)


def test_age_bands_out_of_order_are_refused(project, monkeypatch):
    project()
    Path("params.yaml").write_text(yaml.safe_dump({"emotions": EMOTIONS, "bias": BIAS | {"age_bands": [45, 30]}}))
    assert "params.yaml: bias: age_bands: expected rising ages above 0" in failure(monkeypatch)
