"""Say whether one variant of the pipeline is better than another, with intervals over the speakers of both.

Example, after ``dvc exp run --name egemaps -S features.encoder=egemaps``:

    python -m benchmarks.variants HEAD egemaps
"""

import argparse
import sys
import tempfile
from pathlib import Path

from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException

from ser import manifest, predictions
from ser.benchmarks import variants
from ser.files import params
from ser.files.failures import InputError, one_line
from ser.scores.intervals import IntervalParams

WORKSPACE = "workspace"
READ = ("params.yaml", "data/manifest.csv", "data/predictions.csv")


def main() -> None:
    """Print scores and differences of two variants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", help="a commit, branch, tag or experiment")
    parser.add_argument("second", nargs="?", default=WORKSPACE, help="another one (default: the files as they are)")
    parser.add_argument("--project", type=Path, default=Path(), help="root of the project (default: here)")
    options = parser.parse_args()
    names = (options.first, options.second)
    with one_line("variants"), tempfile.TemporaryDirectory() as folder:
        places = [fetched(options.project, name, Path(folder, str(number))) for number, name in enumerate(names)]
        emotions, other = (params.read(place / "params.yaml", "emotions", list[str]) for place in places)
        if set(emotions) != set(other):
            raise InputError(f"expected the same emotions, found {', '.join(emotions)} and {', '.join(other)}")
        settings = params.read(places[1] / "params.yaml", "intervals", IntervalParams)
        utterances = manifest.read(places[1] / "data/manifest.csv")
        one, two = (predictions.read(place / "data/predictions.csv", emotions) for place in places)
        rows = variants.table(one, two, utterances, emotions, settings)
        if apart := variants.apart(one, two):
            print(f"variants: warning: {apart}", file=sys.stderr)
        print(variants.worded(rows, names))


def fetched(project: Path, name: str, folder: Path) -> Path:
    """Copy what is compared of a variant out of git and DVC's cache.

    Args:
        project: root of the project.
        name: a revision that git or DVC knows, or ``workspace``.
        folder: to copy to.

    Raises:
        InputError: there is no such revision, or DVC's cache lacks its predictions.
    """
    try:
        system = DVCFileSystem(str(project), rev=None if name == WORKSPACE else name)
        for path in READ:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            system.get_file(path, str(folder / path))
    except (DvcException, OSError) as error:
        raise InputError(
            f"{name}: expected a commit or an experiment whose results DVC's cache has, found none "
            f"({' '.join(str(error).split())}); `dvc exp show` lists experiments, `dvc pull` fetches results"
        ) from error
    return folder


if __name__ == "__main__":
    main()
