"""Extract clips of the most ambiguous utterances, as sounds and spectrograms for the report."""

import argparse
from pathlib import Path

from ser import audio, clips
from ser.clips import ListenParams
from ser.files import params, tables
from ser.files.failures import one_line
from ser.files.whole import whole_folder
from ser.plots import drawing, spectrogram


def main() -> None:
    """Read the ranking and the audio; write a folder of clips."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--raw", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--ranking", type=Path, required=True, help="utterances, the most ambiguous first")
    parser.add_argument("--clips", type=Path, required=True, help="folder to write")
    options = parser.parse_args()
    with one_line("listen"):
        settings = params.read(options.params, "listen", ListenParams)
        cut = clips.cut(tables.read_checked(options.ranking, clips.RANKING), options.raw, settings)
        table = clips.table(cut)
        with whole_folder(options.clips) as folder:
            tables.write(table, folder / clips.TABLE)
            for clip in cut:
                if clip.seconds is not None:
                    clips.write_sound(clip, folder / f"{clip.rank}.flac")
                    picture = spectrogram.draw(clips.spectrogram(clip), audio.SAMPLING_RATE_HZ, clips.HOP)
                    drawing.save(picture, folder / f"{clip.rank}.png")
        absent = table["seconds"].isna().sum()
        without = f"; {absent} without audio, which is not in {options.raw}" if absent else ""
        print(f"listen: {len(table) - absent} clips, {table['clip_seconds'].sum():.1f} s, in {options.clips}{without}")


if __name__ == "__main__":
    main()
