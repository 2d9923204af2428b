"""Text to speech by espeak-ng, the same samples whatever was said before.

espeak-ng carries state from one utterance to the next: the phase of the voice, its flutter, random numbers seeded by
the clock. Neither setting every parameter nor initialising it anew clears that state, and the library cannot be
unloaded. So each utterance is spoken by a Python process of its own, of about 30 ms, which runs this very file.

The library and its voices come with the package espeakng-loader; the calls are those of espeak-ng's ``speak_lib.h``.
"""

import ctypes
import json
import os
import subprocess
import sys
from array import array
from pathlib import Path

from ser.files.failures import InputError

SAMPLING_RATE_HZ = 22_050

# espeak_AUDIO_OUTPUT, espeak_POSITION_TYPE, espeak_PARAMETER and the character flag of speak_lib.h.
_OUTPUT_SYNCHRONOUS = 2
_POSITION_CHARACTER = 1
_CHARACTERS_UTF8 = 1
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_BUFFER_MS = 500
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def speak(text: str, voice: str, rate_wpm: int, pitch: int, pitch_range: int) -> array:
    """Speak one utterance.

    Args:
        text: what to say.
        voice: a language, with ``+`` and a variant for another speaker, such as ``"de+m3"``.
        rate_wpm: words a minute, 80 to 450; 175 is usual.
        pitch: 0 to 99; 50 is the voice's own pitch, 50 more is an octave up, 50 less an octave down.
        pitch_range: 0 to 99; 50 is the voice's own range in Hz, 0 a monotone.

    Returns:
        The samples, 16-bit integers at ``SAMPLING_RATE_HZ``.

    Raises:
        InputError: the package espeakng-loader is missing, or its library or voices cannot be used.
    """
    library, voices = _installed()
    request = {
        "library": library,
        "voices": voices,
        "voice": voice,
        "text": text,
        "parameters": {_RATE: rate_wpm, _VOLUME: 100, _PITCH: pitch, _RANGE: pitch_range},
    }
    # -P keeps the folder of this file off the child's import path.
    child = subprocess.run(
        [sys.executable, "-P", __file__],
        input=json.dumps(request).encode(),
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},  # this `ser`, wherever another is installed
        process_group=0,  # out of the terminal's, whose Ctrl-C would come out as a fault of espeak-ng
    )
    if child.returncode < 0:
        raise InputError(
            f"espeak-ng: the process that speaks was killed by signal {-child.returncode}, most often because memory "
            "ran out; run it again with fewer --workers, or free memory"
        )
    if child.returncode:
        said = child.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {child.returncode}"]
        raise InputError(
            f"espeak-ng: expected to speak with the voice '{voice}' of {voices}, found: {said[-1]}; "
            "install it again: pip install --force-reinstall espeakng-loader"
        )
    return array("h", child.stdout)


def _installed() -> tuple[str, str]:
    """The paths of the library and of the folder with the voices."""
    try:
        import espeakng_loader  # here, so that only the speaking of an utterance needs it
    except ImportError as error:
        raise InputError(
            "espeak-ng: expected the package espeakng-loader, which speaks the bundled corpus, found none; "
            "pip install -r requirements.txt"
        ) from error
    return espeakng_loader.get_library_path(), espeakng_loader.get_data_path()


def _speak_here(request: dict) -> bytes:
    """Speak in this process, whose espeak-ng must not have spoken before."""
    library = ctypes.CDLL(request["library"])
    rate = library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, _BUFFER_MS, request["voices"].encode(), 0)
    if rate != SAMPLING_RATE_HZ:
        raise SystemExit(f"cannot initialise at {SAMPLING_RATE_HZ} Hz ({rate})")
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    chunks = []

    @_CALLBACK
    def collect(samples, count, _events) -> int:
        if samples and count > 0:
            chunks.append(ctypes.string_at(samples, 2 * count))
        return 0

    library.espeak_SetSynthCallback(collect)
    if library.espeak_SetVoiceByName(request["voice"].encode()):
        raise SystemExit(f"no voice '{request['voice']}'")
    for parameter, value in request["parameters"].items():
        library.espeak_SetParameter(int(parameter), value, 0)
    text = request["text"].encode() + b"\0"
    status = library.espeak_Synth(
        text, ctypes.c_size_t(len(text)), 0, _POSITION_CHARACTER, 0, _CHARACTERS_UTF8, None, None
    )
    if status or not chunks:
        raise SystemExit(f"nothing was spoken (status {status})")
    return b"".join(chunks)


if __name__ == "__main__":  # the child process of `speak`
    sys.stdout.buffer.write(_speak_here(json.load(sys.stdin)))
