"""What FFmpeg decodes, by PyAV: MP3, AAC, Opus, Vorbis, WMA, AMR and others, in any of the containers listed here."""

import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.codec.context import Flags2

from ser.files.failures import InputError
from ser.recordings import cut

# Each with a check that the end is there; and no playlist among them, by which a file could make FFmpeg open others.
CONTAINERS = "aac,ac3,amr,asf,avi,caf,eac3,flac,matroska,mov,mp3,ogg,tta,wav,wv"
BARE = {"aac", "ac3", "amr", "eac3", "flac", "mp3"}  # frames and nothing around them
SCALES = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}
ADVICE = "convert it to WAV or FLAC"

# FFmpeg's kernels sum in the order of a processor's registers; those of plain C give the same samples on every one.
ctypes.CDLL(av._core.__file__).av_force_cpu_flags(0)


def blocks(path: Path) -> Iterator[tuple[np.ndarray, int]]:
    """Decode a file block by block, to its true end; encoder delay and padding are left out where the file tells them.

    Args:
        path: the audio file.

    Yields:
        Samples, float32 (frames, channels), and the sampling rate in Hz.

    Raises:
        InputError: FFmpeg knows no such format, there is not one track of sound, or it is damaged, is cut off, or
            changes its channels or rate.
    """
    cut.check_container(path)
    with path.open("rb") as file:
        try:
            container = av.open(
                file, format=_container(file), options={"format_whitelist": CONTAINERS}, metadata_errors="ignore"
            )
        except av.FFmpegError as error:
            raise InputError(
                f"{path}: expected audio, found no format that libsndfile or FFmpeg knows, or one damaged in its "
                f"beginning; copy it again or {ADVICE}"
            ) from error
        with container:
            yield from _decoded(path, container, _track(path, container))


def _container(file: BinaryIO) -> str | None:
    """Name the container of AC-3, which FFmpeg does not recognise by few frames (ATSC A/52, 5.3.1 and E.1.3.1.6)."""
    head = file.read(6)
    file.seek(0)
    if len(head) < 6 or head[:2] != b"\x0b\x77":
        return None
    return "eac3" if head[5] >> 3 > 10 else "ac3"


def _track(path: Path, container: av.container.InputContainer) -> av.AudioStream:
    tracks = container.streams.audio
    if len(tracks) != 1:
        found = f"{len(tracks)} tracks of sound, take one of them" if tracks else "no track of sound, take it out"
        raise InputError(f"{path}: expected one track of sound, found {found}")
    if tracks[0].codec_context is None:
        raise InputError(f"{path}: expected a codec that FFmpeg decodes, found another one; {ADVICE}")
    if tracks[0].codec_context.name == "alac":  # whose last frame says its length; from CAF FFmpeg would cut it twice
        tracks[0].codec_context.flags2 |= Flags2.skip_manual
    return tracks[0]


def _decoded(path: Path, container, track: av.AudioStream) -> Iterator[tuple[np.ndarray, int]]:
    kind, rate, channels = container.format.name, track.codec_context.sample_rate, track.codec_context.channels
    read, packets, end, last = 0, 0, 0, b""
    demuxed = container.demux(track)
    while True:
        try:
            packet = next(demuxed, None)
            if packet is None:
                break
            if kind in BARE and cut.no_frame(bytes(packet)) and packet.size:
                continue
            frames = packet.decode()
        except av.FFmpegError as error:
            raise _damaged(path, read, rate) from error
        if packet.is_corrupt or any(frame.is_corrupt for frame in frames):
            raise _damaged(path, read, rate)
        if packet.size:
            packets, last = packets + 1, bytes(packet)
            end = max(end, (packet.pos or 0) + packet.size)
        for frame in frames:
            if not read:
                rate, channels = frame.sample_rate, frame.layout.nb_channels
            if (frame.sample_rate, frame.layout.nb_channels) != (rate, channels):
                raise InputError(
                    f"{path}: expected one sampling rate and number of channels, found {rate} Hz and {channels}, and "
                    f"after {read / rate:.2f} s {frame.sample_rate} Hz and {frame.layout.nb_channels}; {ADVICE}"
                )
            read += frame.samples
            yield _samples(frame), rate
    if not read:
        yield np.empty((0, channels), np.float32), rate
    if track.frames and not packets:
        raise cut.cut_off(path, "0 frames", f"{track.frames:,}")
    if kind in BARE:
        cut.check_tail(path, end)
    if kind == "mp3":
        cut.check_mp3(path, packets, last)
    if read < (promised := cut.samples_promised(path)):
        raise cut.cut_off(path, f"{read / rate:.2f} s", f"{promised / rate:.2f} s")


def _samples(frame: av.AudioFrame) -> np.ndarray:
    """The samples of a frame: float32 (frames, channels)."""
    samples = frame.to_ndarray()
    # planar (channels, frames), or packed (1, frames x channels)
    samples = samples.T if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels)
    name = frame.format.name.removesuffix("p")
    if name == "u8":
        samples = samples.astype(np.float64) - SCALES[name]
    return np.ascontiguousarray(samples / SCALES[name] if name != "flt" else samples, np.float32)


def _damaged(path: Path, read: int, rate: int) -> InputError:
    after = f"after {read / rate:.2f} s" if read else "at its beginning"
    return InputError(
        f"{path}: the file is cut off or damaged {after}: what follows cannot be decoded; copy or convert it again"
    )
