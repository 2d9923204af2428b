"""What manifest and features cost where a corpus grew by five files, and where one was renamed or removed."""

import argparse
import re
import shutil
import tempfile
from pathlib import Path

import pandas as pd

from benchmarks.speed import running
from ser.corpora.emotions import EMODB

NEW = 5  # files
FILES = ("features", "baseline")


def stages(folder: Path, weights: Path) -> tuple[float, int, int]:
    """Bring manifest and features of a folder up to date; gives seconds, utterances encoded and reused."""
    params, table = folder / "params.yaml", folder / "manifest.csv"
    read = running.read_corpora(params, folder / "raw", folder)
    places = {name: folder / name for name in FILES}
    made = running.stage(
        "features", params=params, raw=folder / "raw", manifest=table, weights=weights, workers=1, **places
    )
    encoded = re.search(r"(\d+) utterances encoded with \w+ \(\d+ numbers\), (\d+) reused", made.said)
    return read.seconds + made.seconds, *map(int, encoded.groups())


def begin(corpus: Path, folder: Path, left_out: list[Path]) -> Path:
    """Make a folder with a corpus, but for some files; gives the corpus in it."""
    folder.mkdir()
    blocks = {"emotions": sorted(EMODB.values()), "manifest": {"allow_incomplete": ["emodb"]}}
    running.write_params(folder / "params.yaml", corpora=[corpus.name], **blocks)
    raw = folder / "raw" / corpus.name
    running.link(corpus, raw, [path for path in sorted(corpus.rglob("*")) if path not in left_out])
    return raw


def same(one: Path, other: Path, name: str) -> bool:
    """Tell whether the feature files of a corpus are the same bytes in two folders."""
    return all(
        (one / kind / f"{name}.npz").read_bytes() == (other / kind / f"{name}.npz").read_bytes() for kind in FILES
    )


def main() -> None:
    """Measure full and incremental runs in turns, and print medians, counts and whether bytes agree as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/corpora/emodb"), help="EMO-DB")
    parser.add_argument("--weights", type=Path, default=Path("models/pase_plus.safetensors"))
    parser.add_argument("--files", type=int, help="how many of its files, 40 at least (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    corpus, weights, runs = options.corpus.resolve(), options.weights.resolve(), []
    recordings = sorted((corpus / "wav").glob("*.wav"))
    count = options.files or len(recordings)
    chosen = [recordings[number * len(recordings) // count] for number in range(count)]
    new, beyond = chosen[-NEW:], sorted(set(recordings) - set(chosen))
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        begin(corpus, base / "before", [*new, *beyond])
        stages(base / "before", weights)
        for number in range(options.rounds):
            full, grown = base / f"full{number}", base / f"grown{number}"
            begin(corpus, full, beyond)
            whole = stages(full, weights)
            shutil.copytree(base / "before", grown, symlinks=True)
            raw = grown / "raw" / corpus.name
            running.link(corpus, raw, new)
            more = stages(grown, weights)
            rows = {"all files": (*whole, True), f"{NEW} more": (*more, same(grown, full, corpus.name))}
            first, last = sorted((raw / "wav").glob("*.wav"))[:: len(chosen) - 1]
            first.rename(renamed(first, corpus, recordings))
            rows["one renamed"] = (*stages(grown, weights), None)
            last.unlink()
            rows["one removed"] = (*stages(grown, weights), None)
            runs += [(what, took, took / whole[0], *rest) for what, (took, *rest) in rows.items()]
    columns = ["corpus", "seconds", "of all files", "encoded", "reused", "bytes of a full run"]
    groups = pd.DataFrame(runs, columns=columns).groupby("corpus", sort=False)
    table = groups[columns[1:5]].median().assign(**{columns[5]: groups[columns[5]].agg(agreed)}).reset_index()
    print(table.to_markdown(index=False, floatfmt=("", ".1f", ".3f", ".0f", ".0f", "")))


def agreed(answers: pd.Series) -> str:
    """Say in a word whether the bytes agreed each time."""
    return "not compared" if answers.isna().any() else "yes" if answers.all() else "no"


def renamed(path: Path, corpus: Path, recordings: list[Path]) -> Path:
    """Give a recording of EMO-DB the name of a take that was judged, but not released."""
    judged = re.findall(r"(\w+)\.wav", (corpus / "erkennung.txt").read_text(encoding="latin-1"))
    return path.with_stem(min(set(judged) - {recording.stem for recording in recordings}))


if __name__ == "__main__":
    main()
