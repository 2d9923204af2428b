"""What FFmpeg decodes, by PyAV: FLAC, MP3, AAC, Opus, WMA, AMR and others, in any of the containers listed here."""

import ctypes
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.audio.plane import AudioPlane
from av.codec.context import Flags2

from ser.files.failures import InputError
from ser.recordings import cut, mp4, ogg, sizes
from ser.recordings.packets import Packets, mp3_padding, mp4_padding
from ser.recordings.units import check_units

# Each with a check that the end is there; and no playlist among them, by which a file could make FFmpeg open others.
CONTAINERS = "aac,ac3,amr,asf,avi,caf,eac3,flac,matroska,mov,mp3,ogg,tta,wav,wv"
BARE = {"aac", "ac3", "amr", "eac3", "flac", "mp3"}  # frames and nothing around them
TYPES = {"u8": "u1", "s16": "<i2", "s32": "<i4", "s64": "<i8", "flt": "<f4", "dbl": "<f8"}
SCALES = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}
ADVICE = "convert it to WAV or FLAC"
FAILURES = (av.FFmpegError, OSError)  # the latter of the disk
AMR = {"amrnb", "amr_nb"}
MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
PADDED = {"aac", "mp3", "opus"}  # codecs whose last packet in MP4 says how much of it is sound
PADDED_FRAMES = 3  # at the end, at most, that padding reaches into, of MP4 and MP3
CHECKED = {"flac", "wavpack", "tta"}  # codecs whose frames have a checksum, which FFmpeg compares if it is told to

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
    sizes.check(path)
    cut.check_container(path)
    mp4.check(path)
    with path.open("rb") as file:
        read = _Read()
        for part in _parts(path, file):
            try:
                container = av.open(
                    _Source(part),
                    format=_container(part),
                    options={"format_whitelist": CONTAINERS},
                    metadata_errors="ignore",
                )
            except FAILURES as error:
                raise InputError(
                    f"{path}: expected audio, found no format that is read here, such as WAV, FLAC, MP3, Ogg or "
                    f"M4A, or one damaged in its beginning; copy it again or {ADVICE}"
                ) from error
            with container:
                yield from _Decoding(path, container, _track(path, container), read).blocks()


def _parts(path: Path, file: BinaryIO) -> Iterator[BinaryIO]:
    """Take joined Ogg files apart, for FFmpeg keeps to the delay, gain and channels of the first (RFC 7845, 5.1)."""
    links = ogg.links(path)
    if len(links) < 2:
        yield file
        return
    for begin, end in links:
        file.seek(begin)
        yield io.BytesIO(file.read(end - begin))


class _Source:
    """A file as FFmpeg reads it: a damaged size may lead to a place before its beginning, which FFmpeg then refuses."""

    def __init__(self, file: BinaryIO):
        self.read, self.tell, self._file = file.read, file.tell, file

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move as in a file; -1 where there is no such place."""
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError):
            return -1


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


@dataclass
class _Read:
    """What was read of a file, of all the parts that were joined: samples, their rate in Hz, and their channels."""

    samples: int = 0
    rate: int = 0
    channels: int = 0

    def __str__(self) -> str:
        return f"{self.samples / self.rate:.2f} s"


class _Decoding:
    """A track as far as it is decoded, against which each packet and frame is checked, and at last the file's end.

    Args:
        path: the file.
        container: what it is in.
        track: the track.
        read: what was read before, of parts of which this is the continuation.
    """

    def __init__(self, path: Path, container: av.container.InputContainer, track: av.AudioStream, read: _Read):
        self._path, self._container, self._track = path, container, track
        self._kind, self._read, self._packets, self._begins = container.format.name, read, Packets(), None
        if not read.samples:  # until the first frame says it
            read.rate, read.channels = track.codec_context.sample_rate, track.codec_context.channels

    def blocks(self) -> Iterator[tuple[np.ndarray, int]]:
        """Decode to the end, as the function ``blocks``."""
        read = self._read
        held, keep = [], PADDED_FRAMES if self._kind in (MP4, "mp3") else 0  # the latest, for their end may be padding
        for packet, frames in self._decode():
            if packet.is_corrupt or any(frame.is_corrupt for frame in frames):
                raise self._damaged()
            for frame in frames:
                self._check(frame)
                read.samples += frame.samples
                held.append(_samples(frame))
                check_units(self._path, held[-1])
                if len(held) > keep:
                    yield held.pop(0), read.rate
        if held:
            rest = np.concatenate(held)
            yield rest[: max(0, len(rest) - self._padding(len(held[-1])))], read.rate
        if not read.samples:
            yield np.empty((0, read.channels), np.float32), read.rate
        self._check_end()

    def _decode(self) -> Iterator[tuple[av.Packet, list[av.AudioFrame]]]:
        """Decode packet by packet; the last one is empty, with the frames that the decoder still held."""
        decoder, zeros = self._track.codec_context, False
        if decoder.name in AMR:  # FFmpeg's own decoder knows no pauses, in which telephones send next to nothing
            decoder = av.CodecContext.create("libopencore_amrnb", "r")
        try:
            for packet in self._container.demux(self._track):
                content = bytes(packet)
                if content and self._kind in BARE and cut.no_frame(content):
                    zeros |= self._read.samples > 0 and not any(content)
                    continue
                position = packet.pos or 0
                passed_over = self._kind == "aac" and 0 < self._packets.end < position
                if content and (zeros or passed_over):
                    raise self._damaged()  # a part of the file was never written
                if content:
                    self._packets.add(content, position, packet.duration)
                yield packet, decoder.decode(packet if content else None)
        except FAILURES as error:
            raise self._damaged() from error

    def _padding(self, samples: int) -> int:
        """Tell how many samples at the end are padding, if the last packet has so many."""
        if self._kind == "mp3":
            return mp3_padding(self._path, self._packets, self._read.samples, samples)
        if self._kind != MP4 or self._track.codec_context.name not in PADDED:
            return 0
        tick, tag = self._track.time_base * self._read.rate, self._container.metadata.get("iTunSMPB", "")
        return mp4_padding(self._packets, self._track.frames, tick, tag, samples)

    def _check(self, frame: av.AudioFrame) -> None:
        read, found = self._read, (frame.sample_rate, frame.layout.nb_channels)
        if not read.samples:
            (read.rate, read.channels), self._begins = found, frame.pts
        if found != (read.rate, read.channels):
            raise InputError(
                f"{self._path}: expected one sampling rate and number of channels, found {read.rate} Hz and "
                f"{read.channels}, and after {read} {found[0]} Hz and {found[1]}; {ADVICE}"
            )
        if self._kind == "flac" and frame.pts is not None and frame.pts - self._begins != read.samples:
            raise self._damaged()  # which FFmpeg leaves out

    def _check_end(self) -> None:
        packets, read = self._packets, self._read
        if self._track.frames and not packets.count:
            raise cut.cut_off(self._path, "0 frames", f"{self._track.frames:,}")
        if self._kind in BARE:
            promised = cut.mp3_promised(self._path)[0] if self._kind == "mp3" else 0
            seconds = read.samples / read.rate if read.samples else 0.0
            cut.check_tail(self._path, packets.end, seconds, complete=0 < promised <= packets.count)
        if self._kind == "mp3":
            cut.check_mp3(self._path, packets.count, packets.last)
        if read.samples < (promised := cut.samples_promised(self._path)):
            raise cut.cut_off(self._path, f"{read}", f"{promised / read.rate:.2f} s")

    def _damaged(self) -> InputError:
        after = f"after {self._read}" if self._read.samples else "at its beginning"
        return InputError(
            f"{self._path}: the file is cut off or damaged {after}: what follows cannot be decoded; copy or convert it "
            "again"
        )


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
