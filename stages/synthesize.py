"""Generate the bundled corpus: synthetic emotional speech with planted effects. It supports no claim about people."""

import argparse
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ser.files import params, tables
from ser.files.failures import one_line
from ser.files.whole import whole_folder
from ser.machine import cores
from ser.synthesis import corpus, voice
from ser.synthesis.corpus import SynthesisParams


def main() -> None:
    """Draw the plan, speak it, write the folder of emotion folders whole or not at all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, required=True, help="folder to write; what stands there is replaced")
    parser.add_argument(
        "--workers", type=int, default=cores.workers(), help="voices at once (default: $SER_WORKERS, or one a core)"
    )
    options = parser.parse_args()
    with one_line("synthesize"):
        plan = corpus.plan(params.read(options.params, "synthesize", SynthesisParams))
        described = corpus.metadata(plan)
        pool = ThreadPoolExecutor(max(1, options.workers))  # of threads: each only waits for a process that speaks
        try:
            with whole_folder(options.corpus) as folder:
                spoken = pool.map(voice.render, plan.itertuples())
                progress = tqdm(spoken, "synthesize", len(plan), unit="utterance", disable=None)
                for path, samples in zip(described["path"], progress, strict=True):
                    write(samples, folder / path)
                tables.write(described, folder / "metadata.csv")
        finally:
            pool.shutdown(cancel_futures=True)  # after a failure or Ctrl-C nobody waits for the rest
        speakers = plan["speaker"].nunique()
        print(f"synthesize: {len(plan)} utterances of {speakers} synthetic speakers in {options.corpus}")


def write(samples: np.ndarray, path: Path) -> None:
    """Write 16-bit samples (samples,) as a mono WAV file."""
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(voice.SAMPLING_RATE_HZ)
        file.writeframes(samples.tobytes())


if __name__ == "__main__":
    main()
