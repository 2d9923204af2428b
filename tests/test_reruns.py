"""Which stages an edit reruns: those that a person would expect, and no others.

A stage reruns where a file that it depends on changed; what follows it reruns only where its outputs changed.
"""

from pathlib import Path, PurePosixPath

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
EXPECTED = {
    "ser/synthesis/espeak.py": {"synthesize"},  # how the bundled corpus sounds
    "ser/corpora/emotions.py": {"manifest", "auxiliary"},  # a corpus' words
    # how audio is read
    "ser/recordings/ffmpeg.py": {"manifest", "features", "augment", "auxiliary", "listen", "familiarity", "bundle"},
    "ser/pase/qrnn.py": {"features", "augment", "auxiliary", "familiarity", "bundle"},  # the encoder
    "ser/encoders/pooling.py": {"features", "augment", "auxiliary", "familiarity", "bundle"},
    "ser/splits/protocols.py": {"split"},  # who trains and tests
    "ser/robustness/lines.py": {"augment"},  # a distortion
    "ser/robustness/testing.py": set(),
    "ser/learning/objective.py": {"train", "bundle"},  # the loss
    "ser/learning/choices.py": {"auxiliary", "train", "familiarity", "bundle"},  # who stops which network
    "ser/learning/network.py": {"train", "evaluate", "representation", "bundle"},  # which all of these run
    "ser/learning/classifier.py": {"train", "evaluate", "representation", "bundle"},
    "ser/scores/intervals.py": {"evaluate", "bias", "representation", "ambiguity", "familiarity", "bundle"},
    "ser/confidence/calibration.py": {"evaluate", "bias"},  # how sure the classifier is
    "ser/confidence/abstention.py": {"evaluate"},
    "ser/confidence/familiarity.py": {"familiarity", "bundle"},
    "ser/bias/gaps.py": {"bias"},
    "ser/ambiguity/checks.py": {"ambiguity"},
    "ser/representation/probes.py": {"representation"},
    "ser/plots/confusion.py": {"evaluate"},  # one picture
    "ser/report/words.py": {"report"},  # a sentence of the report
    "ser/report/report.html.j2": {"report"},
    "ser/bundle/card.py": {"bundle"},
    "ser/predictor.py": set(),  # the command for a user's own audio
    "ser/pretraining/workers.py": set(),
    "ser/clips.py": {"listen"},  # what can be heard in the report
    "ser/plots/spectrogram.py": {"listen"},
    "data/raw/emodb/wav/03a01Fa.wav": {"manifest", "features", "augment", "auxiliary", "listen"},  # audio of a corpus
    "requirements.txt": set(STAGES),
}


@pytest.mark.parametrize("file", EXPECTED)
def test_an_edit_reruns_the_stages_that_a_person_would_expect(file):
    assert (ROOT / file).is_file() or file.startswith("data/raw/")
    rerun = {
        stage
        for stage, entry in STAGES.items()
        if any(PurePosixPath(file).is_relative_to(dependency) for dependency in entry["deps"])
    }
    assert rerun == EXPECTED[file]
