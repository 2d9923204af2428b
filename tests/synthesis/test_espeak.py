import sys
from concurrent.futures import ThreadPoolExecutor

import espeakng_loader
import pytest

from ser.files.failures import InputError
from ser.synthesis import espeak

TEXT = "The chair stands beside the window."


def speak(text=TEXT, voice="en+f1", rate_wpm=165, pitch=50, pitch_range=30):
    return espeak.speak(text, voice, rate_wpm, pitch, pitch_range)


def test_an_utterance_does_not_depend_on_what_was_said_before_or_beside_it():
    requests = [{"voice": voice} for voice in ("en+f1", "de+f5", "en+f2", "en+f1", "de+f5")]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda request: speak(**request), requests))
    assert together[0] == together[3]
    assert together[1] == together[4]
    assert together == [speak(**request) for request in requests]


def test_the_samples_are_some_seconds_of_sound():
    samples = speak()
    assert 1 < len(samples) / espeak.SAMPLING_RATE_HZ < 4
    assert max(samples) > 1000
    assert min(samples) < -1000


def test_each_setting_is_heard():
    usual = speak()
    assert len(speak(rate_wpm=330)) < 0.7 * len(usual)
    assert len({speak(**change).tobytes() for change in ({}, {"pitch": 80}, {"pitch_range": 90})}) == 3


def test_letters_beyond_ascii_are_spoken():
    assert speak("Straße", "de+f1") != speak("Strae", "de+f1")


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(InputError, match=r"expected the package espeakng-loader.*pip install -r requirements.txt"):
        speak()


def test_a_damaged_library_is_one_line_that_says_so(monkeypatch, tmp_path):
    damaged = tmp_path / "libespeak-ng.so"
    damaged.write_text("not a library")
    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: str(damaged))
    with pytest.raises(InputError, match=r"found: OSError.*libespeak-ng\.so.*install it again") as caught:
        speak()
    assert "\n" not in str(caught.value)


def test_missing_voices_are_one_line_that_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(tmp_path))
    with pytest.raises(InputError, match=r"install it again") as caught:
        speak()
    assert "\n" not in str(caught.value)


def test_an_unknown_voice_is_refused():
    with pytest.raises(InputError, match="no voice 'xx'"):
        speak(voice="xx")


def test_a_killed_process_is_not_called_a_damaged_installation(monkeypatch, tmp_path):
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\nkill -KILL $$\n")
    killed.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(killed))
    with pytest.raises(InputError, match=r"killed by signal 9, most often because memory ran out; .* fewer --workers"):
        speak()
