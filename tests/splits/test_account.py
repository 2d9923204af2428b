import pytest

from ser.splits import account, protocols
from tests.splits.made import DISJOINT, EMOTIONS, corpus, params


class TestSummary:
    def test_counts_utterances_and_speakers(self):
        utterances = corpus()
        summary = account.summarise(protocols.make(utterances, EMOTIONS, params(validation_share=0.33)), utterances)
        assert summary["utterances"] == 96
        assert summary["speakers"] == 8
        assert summary["emotions"] == 4
        assert summary["chance_uar"] == summary["speaker_oracle_uar"] == 0.25
        part = {"utterances_min": 24, "utterances_mean": 24, "speakers_min": 2, "speakers_mean": 2}
        train = {"utterances_min": 48, "utterances_mean": 48, "speakers_min": 4, "speakers_mean": 4}
        assert summary["speaker_independent"] == {"folds": 4, "test": part, "validation": part, "train": train}
        assert summary["random"]["test"]["utterances_mean"] == 24
        assert summary["random"]["test"]["speakers_min"] > 4

    def test_has_the_same_keys_for_every_protocol(self):
        splitted = [protocols.make(corpus(), EMOTIONS, params(protocol)) for protocol in DISJOINT]
        keys = [sorted(_keys(account.summarise(split, corpus()))) for split in splitted]
        assert keys[0] == keys[1] == keys[2] == keys[3]

    def test_says_how_well_a_sentence_tells_the_emotion_where_every_one_is_known(self):
        utterances = corpus()
        split = protocols.make(utterances, EMOTIONS, params())
        assert "sentence_oracle_uar" not in account.summarise(split, utterances)
        said = utterances.assign(text=utterances["emotion"].replace({"sad": "one", "happy": "one"}))
        summary = account.summarise(split, said)
        assert (summary["sentences"], summary["sentence_oracle_uar"]) == (3, 0.75)
        assert summary["sentence_oracle_uar_by_chance"] == pytest.approx(0.25, abs=0.1)

    def test_leaves_out_speakers_where_they_are_unknown(self):
        utterances = corpus().assign(speaker="")
        summary = account.summarise(protocols.make(utterances, EMOTIONS, params("random")), utterances)
        assert not [key for key in _keys(summary) if "speaker" in key]


def _keys(metrics, prefix=""):
    for key, value in metrics.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _keys(value, f"{prefix}{key}.")
