"""The card quotes the metrics, and says what they are not."""

from ser.bundle import card
from ser.learning.recipe import Recipe
from ser.robustness import encoding
from ser.robustness.conditions import Condition
from tests import builders

SCORES = {
    "uar": 0.71,
    "uar_low": 0.646,
    "uar_high": 0.774,
    "accuracy": 0.72,
    "macro_f1": 0.7,
    "recall": {"sad": 0.6},
    "utterances": 480,
}
METRICS = {
    "manifest": {
        "corpora": {
            "synthetic": {"utterances": 480, "speakers": 24, "hours": 0.27, "emotions": {"sad": 240, "angry": 240}}
        }
    },
    "evaluate": {"chance_uar": 0.5, "speaker_independent": SCORES, "random": SCORES | {"uar": 0.8}},
    "familiarity": {
        "false_alarms": 0.05,
        "false_alarms_low": 0.02,
        "false_alarms_high": 0.09,
        "detected": {"hum": 0.9},
    },
    "bias": {
        "gender": {
            "female": {"uar": 0.8},
            "gap": {
                "largest": {"uar": 0.179},
                "female_minus_male": {"uar": 0.179, "uar_low": 0.068, "uar_high": 0.286, "p_holm": 0.018},
            },
        },
        "age": {"gap": {"30-44_minus_45-59": {"uar": -0.1}}},
    },
}


def write(metrics=METRICS, protocol="kfold", copies=None, networks=1, apart=False, tied=None, untrained=0, **params):
    recipe = Recipe(["sad", "angry"], builders.train_params(**params), "{}", protocol, 5)
    return card.write(recipe, networks, "mfcc", metrics, 0.95, copies, apart, tied, untrained)


def rows(told):
    """Give the cells of each row of its tables, less the blanks that align them."""
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in told.splitlines() if line.startswith("|")]


def test_scores_stand_with_their_intervals_beside_those_of_known_speakers():
    assert ["UAR", "0.710 [0.646, 0.774]", "0.800 [0.646, 0.774]"] in rows(write())
    assert ["", "new speakers (kfold)", "known speakers (random)"] in rows(write())
    titles = ["new speakers, new sentences (kfold)", "known speakers, new sentences (random)"]
    assert ["", *titles] in rows(write(apart=True))


def test_it_says_what_confidence_is_worth_where_that_was_measured():
    measured = {
        "calibration": {"after": {"ece": 0.028, "ece_by_chance": 0.043}},
        "abstention": {"below": 0.5, "coverage": 0.91, "accuracy": 0.81},
    }
    told = write(METRICS | {"evaluate": METRICS["evaluate"] | measured})
    assert (
        "expected calibration error 0.028 (by the luck of speakers 0.043). Below a confidence of 0.5 the answer" in told
    )
    assert "0.910 (no interval) of the utterances, of which 0.810 (no interval) are right." in told
    assert "Confidence" not in write()


def test_it_says_how_often_speech_and_noise_are_unfamiliar():
    assert "for 0.050 [0.020, 0.090] of the test speakers' utterances" in write()
    assert "for 0.900 of hum." in write()


def test_it_says_under_which_conditions_copies_were_trained_on_and_that_they_were_not_tested():
    told = write(copies=encoding.table({Condition("line", "telephone", 3400.0): ""}))
    assert ["line_3400", "telephone", "3400", "upper edge of the band in Hz"] in rows(told)
    assert "The scores below are of speech as it was recorded" in told
    assert write(copies=encoding.table({})) == write()


def test_it_says_whose_the_scores_are():
    assert "**This classifier has no scores of its own**" in write()
    assert "These are of the classifiers of the folds" in write()


def test_it_says_how_many_of_the_utterances_did_not_train():
    assert "7 of these utterances did not train it: they are in parts that `split.test_parts`" in write(untrained=7)
    assert "did not train" not in write()


def test_it_says_in_which_corpora_emotions_are_tied_to_speakers():
    told = write(tied={"one": "a UAR of 0.960 (0.357 with labels shuffled)"})
    assert "- In one emotions are tied to the speakers: the best guess by the speaker alone" in told
    assert "0.960 (0.357 with labels shuffled). So it may have learned voices, not emotions." in told
    assert "tied" not in write()


def test_an_emotion_without_a_recall_was_not_tested():
    assert ["recall of angry", "not tested", "not tested"] in rows(write())


def test_each_pair_of_groups_has_its_gap():
    told = write()
    assert ["gender", "female minus male", "+0.179 [+0.068, +0.286]", "0.018"] in rows(told)
    assert ["age band", "30-44 minus 45-59", "-0.100 (no interval)", "no test"] in rows(told)
    assert "largest" not in told


def test_without_pairs_it_says_that_nothing_can_be_said():
    assert "No two groups of people can be compared" in write(METRICS | {"bias": {}})


def test_what_it_is_follows_the_classifier():
    assert "(mono, 16 kHz), then the mean of 3 networks. It was trained" in write(networks=3)
    assert "(mono, 16 kHz), then a network. It was trained" in write(networks=1)
    assert "(mono, 16 kHz), then a linear classifier (lda). It was trained" in write(classifier="lda")


def test_limits_follow_the_data_and_the_protocol():
    real = METRICS | {"manifest": {"corpora": {"emodb": METRICS["manifest"]["corpora"]["synthetic"]}}}
    assert "supports no claim about people" in write()
    assert "supports no claim about people" not in write(real)
    only_random = {"chance_uar": 0.5, "random": SCORES}
    assert "overstate what it does" in write(METRICS | {"evaluate": only_random}, protocol="random")
    assert "overstate what it does" not in write()
    assert "all of one speaker" in write(normalisation="speaker")
