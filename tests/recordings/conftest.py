"""Recordings of every kind, made with FFmpeg's own encoders."""

import av
import numpy as np
import pytest


@pytest.fixture(scope="session")
def encode():
    """Write samples, float (channels, frames), in a container and codec of FFmpeg; gives the path."""

    def write(path, container, codec, samples, rate, sample_format=None, **options):
        layout = {1: "mono", 2: "stereo"}[len(samples)]
        with av.open(str(path), "w", format=container, options=options) as output:
            track = output.add_stream(codec, rate=rate, layout=layout)
            if sample_format:
                track.codec_context.format = sample_format
            if codec.startswith("wma"):
                track.bit_rate = 64_000
            track.codec_context.open()
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.float32), "fltp", layout)
            frame.sample_rate, frame.pts = rate, 0
            queue = av.AudioFifo()
            resampler = av.AudioResampler(track.codec_context.format, layout, rate)
            for part in [*resampler.resample(frame), *resampler.resample(None)]:
                queue.write(part)
            length = track.codec_context.frame_size or 1024
            while queue.samples:
                output.mux(track.encode(queue.read(min(length, queue.samples))))
            output.mux(track.encode(None))
        return path

    return write
