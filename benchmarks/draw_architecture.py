"""Draw docs/architecture.png: which package of the library imports which."""

import argparse
from pathlib import Path

from ser.benchmarks import imports
from ser.plots import architecture, drawing

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Read the imports off the code, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--picture", type=Path, default=ROOT / "docs/architecture.png")
    picture = parser.parse_args().picture
    edges = imports.edges(ROOT)
    floors = imports.floors(edges)
    drawing.save(architecture.draw(edges, floors), picture)
    stories = max(floors.values()) + 1
    print(f"draw_architecture: {len(floors)} packages on {stories} floors, {len(edges)} imports; see {picture}")


if __name__ == "__main__":
    main()
