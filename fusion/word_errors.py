"""Tell how many words speech recognition heard wrongly, where the corpus tells what is said."""

import argparse
from pathlib import Path

from ser import manifest
from ser.files import params, tables
from ser.files.failures import one_line
from ser.fusion.task import FusionParams
from ser.scores import words
from ser.text import transcripts, word_errors


def main() -> None:
    """Read manifest and transcripts; write the table of word error rates, and metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "manifest", "transcripts", "table", "metrics"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with one_line("word_errors"):
        settings = params.read(options.params, "fusion", FusionParams)
        people = manifest.read(options.manifest)
        heard = transcripts.read(options.transcripts, people)
        scored = word_errors.table(people, heard, settings.intervals)
        tables.write(scored, options.table)
        tables.write_metrics(word_errors.nested(scored, heard), options.metrics)
        every = scored.iloc[0]
        wrong = f"{words.estimate(every, 'wer')} of {every['words']} words" if every["known"] else "words unknown"
        print(
            f"word_errors: {every['corpus']}: heard wrongly: {wrong}; nothing heard in {every['nothing_heard']} of "
            f"{every['utterances']} utterances; see {options.metrics}"
        )


if __name__ == "__main__":
    main()
