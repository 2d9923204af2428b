import json
import re
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).parents[2] / ".dvc/plots"
FILLED = {"X", "Y", "X_LABEL", "Y_LABEL", "TITLE", "DATA", "COLOR", "PLOT_WIDTH", "PLOT_HEIGHT"}  # by DVC


def filled(name, **anchors):
    text = (TEMPLATES / f"{name}.json").read_text(encoding="utf-8")
    for anchor, value in anchors.items():
        text = text.replace(f"<DVC_METRIC_{anchor.upper()}>", value)
    return json.loads(text)


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.json")), ids=lambda path: path.stem)
def test_dvc_fills_all_that_a_template_leaves_open(path):
    left = set(re.findall("<DVC_METRIC_(.*?)>", json.dumps(filled(path.stem))))
    assert left <= FILLED
    assert {"X", "DATA", "TITLE"} <= left


def test_points_have_their_intervals_and_folds_are_sorted_by_number():
    spec = filled("bars", x="uar", y="fold")
    formulas = {step["as"]: step["calculate"] for step in spec["transform"] if "calculate" in step}
    assert formulas["least"] == "toNumber(datum['uar_low'] || datum.low)"
    assert "toNumber(datum['fold'])" in formulas["order"]
    assert spec["spec"]["encoding"]["y"]["sort"]["field"] == "order"
    assert spec["spec"]["encoding"]["x"]["scale"]["domain"] == [0, 1]


def test_a_single_epoch_is_seen_as_a_point():
    assert filled("learning_curves")["mark"]["point"]
