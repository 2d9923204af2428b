import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from ser.files import tables
from tests import builders

STAGE = Path(__file__).resolve().parents[2] / "stages" / "ambiguity.py"
EMOTIONS = ["angry", "happy", "sad"]
AMBIGUITY = {"majority": 0.5, "bands": [0.5, 0.8], "neighbours": 3, "leave_out": 0.2, "resamples": 200}
PARAMS = {
    "emotions": EMOTIONS,
    "intervals": builders.INTERVALS | {"resamples": 100},
    "ambiguity": AMBIGUITY,
}
OUTPUTS = ("ambiguity.json", "ambiguous.csv", "bands.csv", "scores.csv", "ambiguity.png")


@pytest.fixture
def people():
    """Six speakers of twenty utterances; a quarter is ambiguous, and raters hear so."""
    rows = builders.manifest(6, 20, EMOTIONS)
    ambiguous = np.arange(120) % 4 == 0
    rows["votes"] = [
        json.dumps({emotion: 5, "other": 5} if flag else {emotion: 9, "other": 1}, sort_keys=True)
        for emotion, flag in zip(rows["emotion"], ambiguous, strict=True)
    ]
    return rows.assign(details=[json.dumps({"ambiguous": int(flag)}) for flag in ambiguous])


@pytest.fixture
def project(tmp_path, monkeypatch, people):
    """Give a function that makes a project, of these people or of changed ones, whose model doubts the ambiguous."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS))

    def make(people=people, protocols=("kfold", "random")):
        generator, count = np.random.default_rng(0), len(people)
        labels = pd.Index(EMOTIONS).get_indexer(people["emotion"])
        doubt = (people.index % 4 == 0) * 0.35 + generator.uniform(0, 0.3, count)
        sure, next_, last = (np.eye(3)[(labels + step) % 3].T for step in range(3))
        parts = {"kfold": (sure * (1 - doubt) + next_ * 0.9 * doubt + last * 0.1 * doubt).T}
        parts["random"] = np.tile([0.2, 0.3, 0.5], (count, 1))
        chosen = [builders.predictions(people, parts[name], EMOTIONS, name) for name in protocols]
        tables.write(people, Path("manifest.csv"))
        tables.write(pd.concat(chosen), Path("predictions.csv"))
        dynamics = pd.DataFrame({"id": people["id"], "folds": 4, "epochs": 80, "confidence": 1 - doubt})
        tables.write(dynamics.assign(variability=doubt / 3, correctness=1.0), Path("dynamics.csv"))
        vectors = np.eye(3)[labels] + generator.normal(0, 0.5, (count, 3))
        builders.save_vectors(people, vectors, "mfcc", Path("features/c.npz"))

    return make


def run(monkeypatch):
    flags = (
        "--params params.yaml --manifest manifest.csv --predictions predictions.csv --features features "
        "--dynamics dynamics.csv --metrics ambiguity.json --ranking ambiguous.csv --bands bands.csv "
        "--scores scores.csv --picture ambiguity.png"
    )
    monkeypatch.setattr(sys, "argv", [str(STAGE), *flags.split()])
    runpy.run_path(str(STAGE), run_name="__main__")
    return json.loads(Path("ambiguity.json").read_text())


def test_what_was_planted_is_found_by_the_chosen_protocol(project, monkeypatch):
    project()
    report = run(monkeypatch)
    assert report["votes"]["ambiguous"] == report["planted"]["ambiguous"] == 0.25
    assert report["planted"]["scores"]["low_majority"]["auroc"] == 1
    assert report["planted"]["scores"]["low_self_confidence"]["auroc"] == 1
    assert report["votes"]["scores"]["mean_rank"]["spearman_low"] > 0.5
    assert report["votes"]["bands"]["80-100"]["accuracy"] == 1
    assert report["votes"]["bands"]["0-50"]["accuracy"] < 0.7
    assert report["cost"]["votes"]["uar"]["cost_low"] > 0


def test_the_list_names_what_to_listen_to(project, monkeypatch, people):
    project()
    run(monkeypatch)
    table = pd.read_csv("ambiguous.csv")
    assert table["rank"].tolist() == list(range(1, 121))
    assert sorted(table["id"]) == people["id"].tolist()
    assert table["planted"].tolist() == [1] * 30 + [0] * 90
    assert (table["path"] == table["id"] + ".wav").all()
    assert (table["other"] == "other").all()


def test_one_line_says_what_was_found(project, monkeypatch, capsys):
    project()
    report = run(monkeypatch)
    planted, heard = (report[name]["scores"]["mean_rank"] for name in ("planted", "votes"))
    assert capsys.readouterr().out == (
        f"ambiguity: kfold: votes for 120 utterances, alpha {report['votes']['alpha']:.3f}, 25.0% of them ambiguous; "
        f"mean_rank of the models against planted: auroc {planted['auroc']:.3f} "
        f"[{planted['auroc_low']:.3f}, {planted['auroc_high']:.3f}]; "
        f"mean_rank of the models against votes: spearman {heard['spearman']:.3f} "
        f"[{heard['spearman_low']:.3f}, {heard['spearman_high']:.3f}]; "
        f"label issues {report['label_issues']['found']} of 120; see ambiguity.json, and listen to ambiguous.csv\n"
    )


def test_listener_scores_are_bands_and_ranks_but_no_distribution(project, monkeypatch, capsys, people):
    shares = np.where(people.index % 4 == 0, 0.8, 1.0)
    project(people.assign(votes="", details=[json.dumps({"recognition": share}) for share in shares]))
    report = run(monkeypatch)
    assert set(report) == {"listeners", "label_issues", "cost"}
    assert set(report["cost"]) == {"listeners", "model"}
    assert report["listeners"]["recognition"] == pytest.approx(0.95)
    assert report["listeners"]["scores"]["mean_rank"]["spearman"] > 0.5
    assert "distance" not in report["listeners"]["bands"]["80-100"]
    assert "listener scores for 120 utterances, 0.0% of them ambiguous" in capsys.readouterr().out


def test_a_corpus_without_raters_is_judged_by_models_and_says_so(project, monkeypatch, capsys, people):
    project(people.assign(votes="", details=""))
    report = run(monkeypatch)
    assert set(report) == {"label_issues", "cost"}
    assert set(report["cost"]) == {"model"}
    assert "neither votes nor listener scores, so only models judge" in capsys.readouterr().out
    table = pd.read_csv("ambiguous.csv")
    assert set(table["by"]) == {"model"}
    assert table["mean_rank"].is_monotonic_decreasing
    assert pd.read_csv("bands.csv").empty
    assert pd.read_csv("scores.csv").empty


def test_unknown_speakers_have_neither_intervals_nor_neighbours(project, monkeypatch, capsys, people):
    project(people.assign(speaker=""), protocols=("random",))
    report = run(monkeypatch)
    assert capsys.readouterr().out.startswith(
        "ambiguity: random (test speakers are in training as well): votes for 120"
    )
    assert "auroc_low" not in report["planted"]["scores"]["mean_rank"]
    assert "neighbour_disagreement" not in report["planted"]["scores"]
    assert set(report["cost"]) == {"votes", "votes_for_label"}


@pytest.mark.slow
def test_the_same_inputs_give_the_same_bytes(project, monkeypatch):
    project()
    run(monkeypatch)
    first = [Path(name).read_bytes() for name in OUTPUTS]
    run(monkeypatch)
    assert [Path(name).read_bytes() for name in OUTPUTS] == first


def failure(monkeypatch):
    return builders.failure("ambiguity", lambda: run(monkeypatch), OUTPUTS)


@pytest.mark.parametrize("name", ["manifest.csv", "predictions.csv", "dynamics.csv", "features/c.npz"])
def test_what_is_missing_is_named(project, monkeypatch, name):
    project()
    Path(name).unlink()
    assert name.split("/")[0] in failure(monkeypatch)


def test_dynamics_of_another_manifest_are_refused(project, monkeypatch):
    project()
    row = {"id": ["d/1"], "folds": 1, "epochs": 3, "confidence": 0.5, "variability": 0.1, "correctness": 1.0}
    tables.write(pd.DataFrame(row), Path("dynamics.csv"))
    assert "dynamics: 1 ids are not in the manifest, such as 'd/1'" in failure(monkeypatch)


def test_a_misspelt_param_is_named(project, monkeypatch):
    project()
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS | {"ambiguity": AMBIGUITY | {"neighbors": 3}}))
    assert "ambiguity: unknown key 'neighbors'; did you mean 'neighbours'?" in failure(monkeypatch)
