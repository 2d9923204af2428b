"""Read and encode other corpora, to train on beside the chosen ones."""

import argparse
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ser import auxiliary
from ser.auxiliary import AuxiliaryParams
from ser.corpora import accounts, intake, shared_audio, speakers
from ser.encoders import extraction
from ser.encoders.extraction import FeatureParams
from ser.files import params, tables
from ser.files.failures import one_line
from ser.machine import cores
from ser.splits import sentences


def main() -> None:
    """Read arguments and params, encode what is new; write a manifest, and one file of vectors a corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--raw", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--weights", type=Path, help="of the trained encoder, where the params choose it")
    parser.add_argument("--auxiliary", type=Path, required=True, help="folder to bring up to date")
    parser.add_argument(
        "--workers", type=int, default=cores.workers(), help="processes (default: $SER_WORKERS, or one a core)"
    )
    parser.add_argument("--numerics", default="portable", help="of the params; stages/__init__.py acts on it")
    options = parser.parse_args()
    with one_line("auxiliary"):
        chosen = params.read(options.params, "auxiliary", AuxiliaryParams)
        recipe = params.read(options.params, "features", FeatureParams)
        emotions = params.read(options.params, "emotions", list[str])
        settings = params.read(options.params, "manifest", intake.ManifestParams)
        tested = params.read(options.params, "corpora", list[str])
        chosen.check(tested)
        for remark in settings.of_others([*tested, *chosen.corpora]):
            print(f"auxiliary: {remark}")
        if chosen.corpora:
            apart = params.read(options.params, "split", dict).get("sentences") == "disjoint"
            own, _ = intake.accepted(options.raw, tested, emotions, settings, options.workers, examined)
            rows, rejected = intake.accepted(
                options.raw,
                chosen.corpora,
                emotions,
                settings,
                options.workers,
                examined,
                say=lambda remark: print(f"auxiliary: {remark}"),
                keep=lambda rejected: tables.write(rejected, options.auxiliary / auxiliary.REJECTED),
                block="auxiliary.corpora",
            )
            shared_audio.check_apart(rows, own, "auxiliary.corpora")
            for remark in (*shared_audio.uncompared(rows, own), *speakers.same_names(rows, own)):
                print(f"auxiliary: {remark}")
            utterances = intake.table(rows)
            said = [f"{accounts.closing_line(utterances, rejected)}, see {options.auxiliary / auxiliary.REJECTED}"]
            said += [
                f"no utterances are {emotion}" for emotion in emotions if emotion not in set(utterances["emotion"])
            ]
            if apart:
                new = sentences.unheard(utterances, intake.table(own), "auxiliary.corpora")
                utterances = utterances[new].reset_index(drop=True)
                said.append(f"{(~new).sum()} left out, whose sentences are tested on")
            bar = partial(tqdm, desc="auxiliary", unit="utterance", disable=None)
            done = extraction.compute(
                utterances, options.raw, options.auxiliary, recipe, options.weights, "cpu", options.workers, bar
            )
            said.append(f"{done.encoded} encoded, {done.reused} reused")
            said += [f"{name} was damaged and is new" for name in done.damaged]
            said += [f"{name} removed" for name in done.removed]
        else:
            utterances, said = intake.table([]), ["no corpora"]
            for path in sorted(options.auxiliary.glob("*.npz")):
                path.unlink()
                said.append(f"{path.name} removed")
            (options.auxiliary / auxiliary.REJECTED).unlink(missing_ok=True)
        tables.write(utterances, options.auxiliary / auxiliary.TABLE)
        print(f"auxiliary: {'; '.join(said)}")


def examined(files: Iterable, total: int) -> Iterable:
    """Show how many files have been examined."""
    return tqdm(files, total=total, desc="auxiliary: audio", unit="file", disable=None)


if __name__ == "__main__":
    main()
