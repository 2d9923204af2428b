"""Read the corpora: data/raw -> the manifest, the rejects, who shares audio, and their counts."""

import argparse
from pathlib import Path

from tqdm import tqdm

from ser.corpora import accounts, intake
from ser.files import params, tables
from ser.files.failures import one_line
from ser.machine import cores


def main() -> None:
    """Read the folders of the corpora; write the manifest, the rejects, who shares audio, and counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True, help="params.yaml")
    parser.add_argument("--raw", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--manifest", type=Path, required=True, help="table of utterances to write")
    parser.add_argument("--rejected", type=Path, required=True, help="table of rejected files to write")
    parser.add_argument("--shared", type=Path, required=True, help="table of utterances that share audio to write")
    parser.add_argument("--metrics", type=Path, required=True, help="counts to write")
    parser.add_argument(
        "--workers",
        type=int,
        default=cores.workers(),
        help="files decoded at a time (default: $SER_WORKERS, or one a core)",
    )
    options = parser.parse_args()
    with one_line("manifest"):
        corpora = params.read(options.params, "corpora", list[str])
        emotions = params.read(options.params, "emotions", list[str])
        settings = params.read(options.params, "manifest", intake.ManifestParams)
        manifest, rejected, shared = intake.build(
            options.raw,
            corpora,
            emotions,
            settings,
            options.workers,
            watch=lambda files, total: tqdm(files, total=total, desc="manifest", unit="file", disable=None),
            say=lambda remark: print(f"manifest: {remark}"),
            keep=lambda rejected: tables.write(rejected, options.rejected),
        )
        tables.write(manifest, options.manifest)
        tables.write(shared, options.shared)
        tables.write_metrics(accounts.summary(manifest, rejected, shared), options.metrics)
        print(f"manifest: {accounts.closing_line(manifest, rejected)}, see {options.rejected}")


if __name__ == "__main__":
    main()
