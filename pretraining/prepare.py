"""Decode speech, noises and impulse responses once into arrays that training slices."""

import argparse
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ser.files import params
from ser.files.failures import one_line
from ser.pretraining import store


def main() -> None:
    """Read the folders of the params, write one array and one table for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--speech", type=Path, required=True, help="folder of speech")
    parser.add_argument("--noise", type=Path, required=True, help="folder of noises; may be empty")
    parser.add_argument("--impulse-responses", type=Path, required=True, help="folder of room responses; may be empty")
    parser.add_argument("--store", type=Path, required=True, help="folder to write")
    parser.add_argument("--workers", type=int, default=2, help="processes that decode")
    arguments = parser.parse_args()
    with one_line("prepare"):
        settings = params.read(arguments.params, "prepare", store.PrepareParams)
        files = store.speech_files(arguments.speech, settings.index)
        build = partial(store.build, max_unreadable_share=settings.max_unreadable_share, workers=arguments.workers)
        table, left_out = build(
            files,
            arguments.store / "speech.i16",
            arguments.store / "speech.csv",
            validation=store.held_out(files[["corpus", "speaker"]], settings.validation_share, settings.seed),
            progress=partial(tqdm, desc="speech", total=len(files), unit="file"),
        )
        for name, folder in (("noise", arguments.noise), ("impulse_responses", arguments.impulse_responses)):
            sounds = store.sound_files(folder)
            outputs = arguments.store / f"{name}.i16", arguments.store / f"{name}.csv"
            if len(sounds):
                _, faults = build(sounds, *outputs)
                left_out += faults
            else:
                for path in outputs:  # of an earlier run
                    path.unlink(missing_ok=True)
                tqdm.write(f"prepare: {folder} is empty: no {name.replace('_', ' ')}; set that distortion to 0")
        for fault in left_out:
            tqdm.write(f"left out: {fault}")
        hours = store.hours(table)
        print(
            f"prepare: {hours['train']:.1f} h to train on, {hours['validation']:.1f} h of held-out speakers, "
            f"{table['speaker'].nunique()} speakers; {len(left_out)} files left out"
        )


if __name__ == "__main__":
    main()
