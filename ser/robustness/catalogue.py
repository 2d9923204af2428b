"""The distortions by name: what they do, what a level means, and between which levels they can be asked for."""

from collections.abc import Callable
from dataclasses import dataclass

from ser.robustness import lines, noise, rooms, speech, speed

# Material that a distortion needs: recorded noises, recorded impulse responses, other speakers.
RECORDINGS, RESPONSES, VOICES = "recordings", "responses", "voices"
FILES = (RECORDINGS, RESPONSES)  # which are read from a folder


@dataclass(frozen=True)
class Distortion:
    """A distortion of use.

    Attributes:
        apply: takes the signal, float32 (samples,) mono at 16 kHz, the level and a generator, by keyword ``material``
            where it needs some, a sequence of signals; gives a signal, the same for the same generator's state.
        family: ``noise``, ``room``, ``line``, ``loudness`` or ``manner``: what it is a change of.
        level: what its level is.
        least: the lowest level.
        most: the highest level.
        material: ``RECORDINGS`` of a noise, ``RESPONSES`` to an impulse, ``VOICES`` of other speakers, or ``""``.
        keeps_length: whether the signal stays as long as it was, sample by sample.
        package: an optional requirement that it needs, or ``""``.
        packages: those whose versions decide its numbers, beside NumPy.
        only: the levels that there are, where not all between; a codec takes the nearest for any other.
    """

    apply: Callable
    family: str
    level: str
    least: float
    most: float
    material: str = ""
    keeps_length: bool = True
    package: str = ""
    packages: tuple[str, ...] = ()
    only: tuple[float, ...] = ()


SNR = ("noise", "signal-to-noise ratio in dB", -20, 60)
KBIT = "kbit/s"
CODEC = ("av", "soxr")
AMR = (4.75, 5.15, 5.9, 6.7, 7.4, 7.95, 10.2, 12.2)  # its eight modes

DISTORTIONS = {
    "white": Distortion(noise.white, *SNR),
    "pink": Distortion(noise.pink, *SNR),
    "car": Distortion(noise.car, *SNR),
    "recording": Distortion(noise.recording, *SNR, RECORDINGS),
    "babble": Distortion(noise.babble, *SNR, VOICES),
    "room": Distortion(rooms.room, "room", "RT60 in s", 0.2, 1.5, package="pyroomacoustics", packages=("scipy",)),
    "response": Distortion(rooms.measured, "room", "share of the sound that went through it", 0.01, 1, RESPONSES),
    "telephone": Distortion(
        lines.telephone, "line", "upper edge of the band in Hz", 1000, 3900, packages=("scipy", "soxr")
    ),
    "mulaw": Distortion(lines.mulaw, "line", KBIT, 64, 64, packages=CODEC),
    "amr": Distortion(lines.amr, "line", KBIT, 4.75, 12.2, packages=CODEC, only=AMR),
    "opus": Distortion(lines.opus, "line", KBIT, 6, 64, packages=CODEC),
    "mp3": Distortion(lines.mp3, "line", KBIT, 8, 64, packages=CODEC, only=tuple(range(8, 65, 8))),
    "packet_loss": Distortion(lines.packet_loss, "line", "share of the packets", 0, 0.9),
    "gain": Distortion(speech.gain, "loudness", "dB", -60, 40),
    "clipping": Distortion(speech.clipping, "loudness", "share of the peak", 0.01, 1),
    "silence": Distortion(speech.silence, "manner", "s at each end", 0, 10, keeps_length=False),
    "tempo": Distortion(speed.tempo, "manner", "times as fast", 0.5, 2, keeps_length=False, packages=("av",)),
    "pitch": Distortion(speed.pitch, "manner", "semitones", -12, 12, packages=CODEC),
}
