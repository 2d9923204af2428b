import itertools
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score

from ser.splits import oracle, protocols
from tests.splits.made import EMOTIONS, corpus, params, uneven


def speaker_oracle(utterances):
    return oracle.oracle(utterances["emotion"], utterances["speaker"])


def tied_to(emotions, groups):
    return oracle.tie(emotions, groups) != ""


def tied(utterances):
    """Whether the emotions of a single corpus are tied to its speakers."""
    return bool(oracle.tied_corpora(utterances.assign(corpus="c")))


class TestSpeakerOracle:
    def test_by_hand(self):
        # a speaks 3 angry, 1 sad: guess angry. b speaks 2 sad, 1 angry: guess sad. Recalls: angry 3/4, sad 2/3.
        utterances = pd.DataFrame({"speaker": list("aaaabbb"), "emotion": [*["angry"] * 3, *["sad"] * 3, "angry"]})
        assert speaker_oracle(utterances) == pytest.approx((3 / 4 + 2 / 3) / 2)

    def test_of_a_balanced_corpus_is_chance(self):
        assert speaker_oracle(corpus()) == pytest.approx(oracle.chance(corpus())) == 0.25
        assert not tied(corpus())

    def test_of_one_emotion_a_speaker_is_certainty(self):
        utterances = corpus()
        utterances = utterances[
            utterances["speaker"].str[-1].astype(int) % 4 == utterances["emotion"].map(EMOTIONS.index)
        ]
        assert speaker_oracle(utterances) == 1
        assert tied(utterances)

    def test_is_the_best_of_all_guesses_by_the_speaker_alone(self):
        random = np.random.default_rng(0)
        for _ in range(20):
            utterances = pd.DataFrame({"speaker": random.choice(list("abcd"), 15, p=[0.5, 0.3, 0.1, 0.1])})
            utterances["emotion"] = random.choice(EMOTIONS[:3], 15, p=[0.6, 0.3, 0.1])
            speakers = sorted(set(utterances["speaker"]))
            guesses = [
                utterances["speaker"].map(dict(zip(speakers, guess, strict=True)))
                for guess in itertools.product(sorted(set(utterances["emotion"])), repeat=len(speakers))
            ]
            best = max(recall_score(utterances["emotion"], guess, average="macro") for guess in guesses)
            assert speaker_oracle(utterances) == pytest.approx(best)

    def test_an_emotion_that_is_the_commonest_of_everybody_hides_no_tie(self):
        # Everybody is angry six times and speaks one other emotion, four times.
        utterances = pd.DataFrame({"speaker": np.repeat(np.arange(30), 10).astype(str)})
        utterances["emotion"] = [
            emotion for number in range(30) for emotion in ["angry"] * 6 + [["happy", "neutral", "sad"][number % 3]] * 4
        ]
        assert speaker_oracle(utterances) == pytest.approx(3 / 4)  # recalls: 0 of anger, else 1
        assert tied(utterances)

    @pytest.mark.parametrize("each", [1, 2, 3])
    def test_of_few_utterances_a_speaker_is_high_by_chance_and_ties_nothing(self, each):
        random = np.random.default_rng(each)
        utterances = pd.DataFrame({"speaker": np.repeat(np.arange(100), each).astype(str)})
        utterances["emotion"] = random.choice(EMOTIONS, len(utterances))
        found = speaker_oracle(utterances)
        assert found > 0.5
        assert oracle.by_chance(utterances["emotion"], utterances["speaker"]) == pytest.approx(found, abs=0.05)
        assert not tied(utterances)

    def test_of_one_emotion_a_speaker_is_tied_from_two_utterances_on(self):
        utterances = pd.DataFrame({"speaker": np.repeat(np.arange(40), 2).astype(str)})
        utterances["emotion"] = np.repeat(np.tile(EMOTIONS, 10), 2)
        assert tied(utterances)

    def test_a_rare_emotion_that_falls_to_few_speakers_by_chance_ties_nothing(self):
        speakers = pd.Series(np.repeat(np.arange(10), 40))
        found = 0
        for seed in range(20):
            emotions = np.random.default_rng(seed).permutation([*["angry"] * 394, *["happy", "neutral", "sad"] * 2])
            found += tied_to(pd.Series(emotions), speakers)
        assert found <= 3  # one in 21 is to be expected; without a look at the spread it is six

    @pytest.mark.parametrize(("emotions", "limit"), [(4, 0.50), (7, 3 / 7)])  # a third of the way to certainty
    def test_is_tied_beyond_a_third_of_what_chance_leaves(self, emotions, limit):
        # As many groups as emotions, each of which prefers one: the oracle is the share of the preferred.
        for share in (limit - 0.02, limit + 0.02):
            each, others = round(1000 * share), round(1000 * (1 - share) / (emotions - 1))
            said = [np.repeat(np.arange(emotions), [each if at == own else others for at in range(emotions)])
                    for own in range(emotions)]  # fmt: skip
            groups = pd.Series(np.repeat(np.arange(emotions), [len(own) for own in said]))
            assert tied_to(pd.Series(np.concatenate(said)), groups) == (share > limit)

    @pytest.mark.parametrize("groups", [2, 3, 4])
    def test_groups_fewer_than_emotions_that_share_them_out_are_tied(self, groups):
        emotions = pd.Series(np.repeat(np.arange(8), 100))
        assert tied_to(emotions, emotions % groups)
        assert not tied_to(emotions, pd.Series(np.tile(np.arange(groups), 800)[:800]))

    def test_one_utterance_of_an_unknown_speaker_hides_no_tie(self):
        utterances = pd.DataFrame({"corpus": "c", "speaker": np.repeat(np.arange(28), 10).astype(str)})
        utterances["emotion"] = np.tile(np.repeat(EMOTIONS, 10), 7)
        utterances.loc[0, "speaker"] = ""
        assert tied(utterances)
        found = oracle.tied_corpora(utterances)
        assert list(found) == ["c"]
        assert re.fullmatch(r"a UAR of 1\.000 \(0\.[34]\d\d with labels shuffled\)", found["c"])

    def test_by_chance_does_not_depend_on_the_order_of_the_rows(self):
        utterances, shuffled = uneven(1), uneven(1).sample(frac=1, random_state=0)
        first, second = (oracle.by_chance(rows["emotion"], rows["speaker"]) for rows in (utterances, shuffled))
        assert first == second

    def test_by_chance_of_many_utterances_a_speaker_is_one_over_the_emotions(self):
        emotions = pd.Series(np.tile(EMOTIONS, 2000))
        assert oracle.by_chance(emotions, pd.Series(np.repeat(["a", "b"], 4000))) == pytest.approx(0.25, abs=0.02)

    def test_needs_speakers(self):
        unknown = corpus().assign(speaker="")
        assert oracle.figures(unknown["emotion"], unknown["speaker"], "speaker") == {}
        assert not tied(corpus().assign(speaker=""))

    @pytest.mark.parametrize(("first", "beyond"), [(0.5, False), (0.8, True)])
    def test_warns_a_third_of_the_way_from_chance_to_certainty(self, first, beyond):
        # Two emotions, two speakers who prefer one each: the oracle is that preference; the limit is 0.667.
        count = round(first * 10)
        emotions = ["angry"] * count + ["sad"] * (10 - count) + ["sad"] * count + ["angry"] * (10 - count)
        utterances = pd.DataFrame({"speaker": ["a"] * 10 + ["b"] * 10, "emotion": emotions})
        assert speaker_oracle(utterances) == pytest.approx(first)
        assert tied(utterances) == beyond


@pytest.mark.corpus
def test_emodb_is_not_tied_to_its_speakers(corpora):
    """The parser is tested elsewhere: here the file names alone say who speaks what."""
    stems = sorted(path.stem for path in (corpora("emodb") / "wav").glob("*.wav"))
    utterances = pd.DataFrame({"speaker": [stem[:2] for stem in stems], "emotion": [stem[5] for stem in stems]})
    assert len(utterances) == 535
    assert speaker_oracle(utterances) < oracle.chance(utterances) + 0.1
    assert not tied(utterances)


def test_a_random_split_overstates_on_speaker_coloured_vectors_and_a_disjoint_one_does_not():
    """The vectors know the speaker and nothing of emotion; each speaker prefers an emotion, as in found speech."""
    random = np.random.default_rng(0)
    speakers = np.repeat(np.arange(24), 30)
    preferred = speakers % 4
    truth = np.where(random.random(len(speakers)) < 0.6, preferred, random.integers(0, 4, len(speakers)))
    vectors = random.normal(size=(24, 40))[speakers] + 0.3 * random.normal(size=(len(speakers), 40))
    utterances = pd.DataFrame(
        {
            "id": [f"made/{number:04d}" for number in range(len(speakers))],
            "corpus": "made",
            "speaker": [f"made/{speaker:02d}" for speaker in speakers],
            "gender": "",
            "emotion": [EMOTIONS[emotion] for emotion in truth],
            "sha256": [f"hash {number}" for number in range(len(speakers))],
            "details": "",
        }
    )
    split = protocols.make(utterances, EMOTIONS, params("kfold", folds=4))
    uar = {}
    for protocol, folds in split.groupby("protocol"):
        guess = np.empty(len(utterances), dtype=object)
        for _, rows in folds.groupby("fold"):
            test, train = ((rows["part"] == part).to_numpy() for part in ("test", "train"))
            guess[test] = LogisticRegression().fit(vectors[train], utterances["emotion"][train]).predict(vectors[test])
        uar[protocol] = recall_score(utterances["emotion"], guess, average="macro")
    assert uar["kfold"] == pytest.approx(0.25, abs=0.06)
    assert uar["random"] > 0.5
    assert speaker_oracle(utterances) == pytest.approx(uar["random"], abs=0.1)
