import json
import runpy
import sys
from pathlib import Path

import krippendorff
import pandas as pd
import pytest
import yaml

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "crema_d_votes.py"
PARAMS = {"resamples": 200, "confidence": 0.95, "seed": 0, "minimum_speakers": 5, "majority": 0.5}
HEADER = '"","A","D","F","H","N","S","fileName","meanEmoResp"\n'


def run(monkeypatch, votes):
    Path("params.yaml").write_text(yaml.safe_dump({"crema_d_votes": PARAMS}))
    flags = ["--params", "params.yaml", "--votes", str(votes), "--metrics", "metrics.json"]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *flags])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    return json.loads(Path("metrics.json").read_text())


@pytest.mark.corpus
def test_the_real_votes(corpora, tmp_path, monkeypatch):
    """About 8.7, 20.8 and 41.6 %: counted once more from the table's own columns; the alpha is the package's."""
    source = corpora("crema_d") / "processedResults" / "tabulatedVotes.csv"
    monkeypatch.chdir(tmp_path)
    voice = run(monkeypatch, source)["voice"]
    table = pd.read_csv(source)
    table = table[table.iloc[:, 0].astype(str).str.startswith("1")]
    counts = table[list("ADFHNS")].to_numpy()
    most = counts.max(axis=1)
    alone = (counts == most[:, None]).sum(axis=1) == 1
    intended = table["fileName"].str.split("_").str[2].str[0].map(list("ADFHNS").index).to_numpy()
    assert voice["utterances"] == len(counts) == 7442
    assert voice["tied"] == pytest.approx((~alone).mean(), abs=1e-4)
    assert voice["tied"] == pytest.approx(0.087, abs=0.001)
    assert voice["below_half"] == pytest.approx((2 * most < counts.sum(axis=1)).mean(), abs=1e-4)
    assert voice["below_half"] == pytest.approx(0.208, abs=0.001)
    assert voice["agrees"] == pytest.approx((alone & (counts.argmax(axis=1) == intended)).mean(), abs=1e-4)
    assert voice["agrees"] == pytest.approx(0.416, abs=0.001)
    alpha = krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")
    assert voice["alpha"] == pytest.approx(alpha, abs=1e-4)
    assert voice["alpha_low"] < alpha < voice["alpha_high"]


def test_modalities_are_told_apart(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("votes.csv").write_text(
        HEADER
        + '100001,0,0,0,3,3,0,"1001_IEO_HAP_LO",62\n100002,0,0,0,0,2,8,"1002_ITH_SAD_XX",50\n'
        + '200001,0,0,0,9,0,0,"1001_IEO_HAP_LO",70\n300001,0,0,0,8,1,0,"1001_IEO_HAP_LO",71\n'
    )
    report = run(monkeypatch, "votes.csv")
    assert {name: part["utterances"] for name, part in report.items()} == {"voice": 2, "face": 1, "audiovisual": 1}
    assert (report["voice"]["tied"], report["voice"]["agrees"], report["voice"]["raters"]) == (0.5, 0.5, 8)
    assert "alpha" not in report["face"], "one emotion alone says nothing of agreement"
    assert capsys.readouterr().out.startswith("crema_d_votes: 2 clips by voice: tied 50.0%, ")


def test_a_missing_table_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"crema_d_votes: votes\.csv: no such file"):
        run(monkeypatch, "votes.csv")
    assert not Path("metrics.json").exists()
