"""What FFmpeg decodes, by PyAV: MP3, AAC, Opus, Vorbis, WMA, AMR and others, in any of the containers listed here."""

import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.audio.plane import AudioPlane
from av.codec.context import Flags2

from ser.files.failures import InputError
from ser.recordings import cut, wav

# Each with a check that the end is there; and no playlist among them, by which a file could make FFmpeg open others.
CONTAINERS = "aac,ac3,amr,asf,avi,caf,eac3,flac,matroska,mov,mp3,ogg,tta,wav,wv"
BARE = {"aac", "ac3", "amr", "eac3", "flac", "mp3"}  # frames and nothing around them
TYPES = {"u8": "u1", "s16": "<i2", "s32": "<i4", "s64": "<i8", "flt": "<f4", "dbl": "<f8"}
SCALES = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}
ADVICE = "convert it to WAV or FLAC"
FAILURES = (av.FFmpegError, OSError, ValueError)  # the latter two where a damaged size leads before the file
AMR = {"amrnb", "amr_nb"}
CHECKED = {"wavpack", "tta"}  # codecs whose frames have a checksum, which FFmpeg compares if it is told to

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
    wav.unwritten_size(path)  # which refuses a WAV file that was cut off
    with path.open("rb") as file:
        try:
            container = av.open(
                file, format=_container(file), options={"format_whitelist": CONTAINERS}, metadata_errors="ignore"
            )
        except FAILURES as error:
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
    if tracks[0].codec_context.name in CHECKED:
        tracks[0].codec_context.options = {"err_detect": "crccheck+explode"}
    last = max((entry.pos + entry.size for entry in tracks[0].index_entries), default=0)
    if last > (size := path.stat().st_size):
        raise cut.cut_off(path, f"{size:,} bytes", f"{last:,}")
    return tracks[0]


def _decoded(path: Path, container, track: av.AudioStream) -> Iterator[tuple[np.ndarray, int]]:
    kind, rate, channels = container.format.name, track.codec_context.sample_rate, track.codec_context.channels
    read, packets, end, last, zeros = 0, 0, 0, b"", False
    demuxed, begins = container.demux(track), None
    # FFmpeg's own decoder of AMR knows no pauses, in which telephones send next to nothing.
    decoder = av.CodecContext.create("libopencore_amrnb", "r") if track.codec_context.name in AMR else None
    while True:
        try:
            packet = next(demuxed, None)
            if packet is None:
                break
            if kind in BARE and packet.size and cut.no_frame(bytes(packet)):
                zeros |= read > 0 and not any(bytes(packet))
                continue
            if zeros and packet.size:  # a part of the file was never written
                raise _damaged(path, read, rate)
            frames = packet.decode() if decoder is None else decoder.decode(packet if packet.size else None)
        except FAILURES as error:
            raise _damaged(path, read, rate) from error
        if packet.is_corrupt or any(frame.is_corrupt for frame in frames):
            raise _damaged(path, read, rate)
        if packet.size:
            packets, last = packets + 1, bytes(packet)
            end = max(end, (packet.pos or 0) + packet.size)
        for frame in frames:
            if not read:
                rate, channels, begins = frame.sample_rate, frame.layout.nb_channels, frame.pts
            if (frame.sample_rate, frame.layout.nb_channels) != (rate, channels):
                raise InputError(
                    f"{path}: expected one sampling rate and number of channels, found {rate} Hz and {channels}, and "
                    f"after {read / rate:.2f} s {frame.sample_rate} Hz and {frame.layout.nb_channels}; {ADVICE}"
                )
            if kind == "flac" and frame.pts is not None and frame.pts - begins != read:  # FFmpeg leaves damage out
                raise _damaged(path, read, rate)
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
    name, channels = frame.format.name.removesuffix("p"), frame.layout.nb_channels
    if frame.format.is_planar:  # not by PyAV's own list of planes: of eight and more it reads beyond the end
        planes = [AudioPlane(frame, channel) for channel in range(channels)]
        samples = np.stack([np.frombuffer(plane, TYPES[name])[: frame.samples] for plane in planes], axis=1)
    else:  # (1, frames x channels)
        samples = frame.to_ndarray().reshape(-1, channels)
    if name == "u8":
        samples = samples.astype(np.float64) - SCALES[name]
    return np.ascontiguousarray(samples / SCALES[name] if name != "flt" else samples, np.float32)


def _damaged(path: Path, read: int, rate: int) -> InputError:
    after = f"after {read / rate:.2f} s" if read else "at its beginning"
    return InputError(
        f"{path}: the file is cut off or damaged {after}: what follows cannot be decoded; copy or convert it again"
    )
