"""The picture of the architecture is that of the code, and there is no circle in it."""

from pathlib import Path

import pytest

from ser.benchmarks import imports
from ser.plots import architecture, drawing

ROOT = Path(__file__).resolve().parents[2]


def test_packages_import_in_one_direction():
    floors = imports.floors(imports.edges(ROOT))
    assert floors["files"] == 0
    assert floors["pase"] < floors["encoders"] < floors["predictor"] < floors["serving"]
    assert floors["scores"] < floors["bias"]


def test_the_picture_is_of_this_code(tmp_path):
    edges = imports.edges(ROOT)
    drawing.save(architecture.draw(edges, imports.floors(edges)), tmp_path / "picture.png")
    committed = ROOT / "docs/architecture.png"
    assert (tmp_path / "picture.png").read_bytes() == committed.read_bytes(), (
        "run python -m benchmarks.draw_architecture"
    )


def test_imports_are_counted_by_module(tmp_path):
    for name, text in {
        "ser/one/a.py": "from ser.two import c\nfrom ser.three import x",
        "ser/one/b.py": "def f():\n    import ser.two.c",
        "ser/two/c.py": "from ser.three import x",
        "ser/three.py": "import numpy",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    edges = imports.edges(tmp_path, ["ser"])
    assert edges == {("one", "two"): 2, ("one", "three"): 1, ("two", "three"): 1}
    assert imports.floors(edges) == {"three": 0, "two": 1, "one": 2}


def test_a_circle_is_refused():
    with pytest.raises(ValueError, match="found one among a, b"):
        imports.floors([("a", "b"), ("b", "a"), ("c", "a")])
