import json
from pathlib import Path

import pytest
from dvc_render.vega import VegaRenderer

TEMPLATES = Path(__file__).parents[2] / ".dvc/plots"


def filled(name, rows, **axes):
    """Fill a template as `dvc plots show` does."""
    return VegaRenderer(rows, "table.csv", template=name, template_dir=str(TEMPLATES), **axes).get_filled_template()


@pytest.mark.parametrize(
    ("name", "axes"), [("bars", {"x": "uar", "y": "fold"}), ("learning_curves", {"x": "epoch", "y": "validation_loss"})]
)
def test_dvc_fills_all_that_a_template_leaves_open(name, axes):
    text = json.dumps(filled(name, [dict.fromkeys(axes.values(), "1") | {"rev": "workspace"}], **axes))
    assert "<DVC_METRIC" not in text


def test_points_have_their_intervals_and_folds_are_sorted_by_number():
    spec = filled("bars", [{"uar": "0.5", "uar_low": "0.4", "fold": "10", "rev": "workspace"}], x="uar", y="fold")
    formulas = {step["as"]: step["calculate"] for step in spec["transform"] if "calculate" in step}
    assert formulas["least"] == "toNumber(datum['uar_low'] || datum.low)"
    assert "toNumber(datum['fold'])" in formulas["order"]
    assert spec["spec"]["encoding"]["y"]["sort"]["field"] == "order"
    assert spec["spec"]["encoding"]["x"]["scale"]["domain"] == [0, 1]


def test_a_single_epoch_is_seen_as_a_point():
    assert filled("learning_curves", [{"epoch": "1", "loss": "1"}], x="epoch", y="loss")["mark"]["point"]
