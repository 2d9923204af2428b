"""Recognise the words of all utterances of a corpus."""

import argparse
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ser import manifest
from ser.benchmarks import tasks
from ser.files import params, tables
from ser.files.failures import one_line
from ser.machine import cores
from ser.text import recognition
from ser.text.recognition import Transcribed, TranscriptionParams


def main() -> None:
    """Read the corpus' manifest and audio; write the transcripts."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "corpus", "manifest", "model", "transcripts"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument(
        "--workers", type=int, default=cores.workers(), help="processes (default: $SER_WORKERS, or one a core)"
    )
    options = parser.parse_args()
    with one_line("transcribe"):
        settings = params.read(options.params, "transcription", TranscriptionParams)
        name = options.corpus.name
        chosen = tasks.named("transcribed", params.read(options.params, "transcribed", dict[str, Transcribed]), name)
        kept = options.transcripts.with_suffix(".unfinished")
        heard = recognition.recognise(
            manifest.read(options.manifest),
            options.corpus.parent,
            options.model,
            settings.beams,
            chosen.language,
            kept,
            options.workers,
            partial(tqdm, unit="utterance", disable=None),
        )
        tables.write(heard, options.transcripts)
        kept.unlink()
        languages = ", ".join(sorted(set(heard["language"]) - {""})) or "nothing"
        print(
            f"transcribe: {name}: {len(heard)} utterances, heard as {languages}; nothing heard in "
            f"{(heard['text'] == '').sum()}; {options.transcripts}"
        )


if __name__ == "__main__":
    main()
