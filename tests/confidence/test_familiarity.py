import dataclasses

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.preprocessing import StandardScaler

from ser.confidence import familiarity
from ser.confidence.familiarity import FamiliarityParams
from ser.files.failures import InputError

PARAMS = FamiliarityParams(false_alarms=0.05)


def corpus(speakers=12, each=30, numbers=20, seed=0):
    """Speakers with an offset each, in correlated numbers of unequal sizes."""
    generator = np.random.default_rng(seed)
    mixing = generator.normal(0, 1, (numbers, numbers)) * np.geomspace(0.1, 10, numbers)
    who = np.repeat(np.arange(speakers), each)
    offsets = generator.normal(0, 0.3, (speakers, numbers))
    vectors = (generator.normal(0, 1, (len(who), numbers)) + offsets[who]) @ mixing
    return vectors.astype(np.float32), np.tile(["angry", "sad"], len(who) // 2), who.astype(str)


@pytest.mark.parametrize("numbers", [20, 500], ids=["more utterances than numbers", "more numbers than utterances"])
def test_the_distance_is_that_of_scikit_learns_shrunk_covariance(numbers):
    vectors, labels, speakers = corpus(numbers=numbers)
    others = corpus(numbers=numbers, seed=1)[0]
    found = familiarity.fit(vectors, labels, speakers, PARAMS)
    scaler = StandardScaler().fit(vectors.astype(float))
    oracle = LedoitWolf(assume_centered=True).fit(scaler.transform(vectors.astype(float)))
    expected = oracle.mahalanobis(scaler.transform(others.astype(float)))
    np.testing.assert_allclose(found.distances(others) ** 2 * found.limit, expected, rtol=1e-3)


def test_other_speakers_are_unfamiliar_about_as_often_as_the_params_say():
    vectors, labels, speakers = corpus(speakers=60)
    known = np.isin(speakers, np.arange(30).astype(str))
    for wanted in (0.02, 0.1):
        params = FamiliarityParams(wanted)
        found = familiarity.fit(vectors[known], labels[known], speakers[known], params)
        assert (found.distances(vectors[~known]) > 1).mean() == pytest.approx(wanted, abs=0.03)


def test_distorted_speech_of_other_speakers_is_familiar_where_copies_train():
    vectors, labels, speakers = corpus(speakers=60)
    known, distorted = np.isin(speakers, np.arange(30).astype(str)), vectors + 12 * vectors.std(axis=0)
    data = (vectors[known], labels[known], speakers[known], FamiliarityParams(0.1))
    plain, taught = familiarity.fit(*data), familiarity.fit(*data, [distorted[known]])
    assert (plain.distances(distorted[~known]) > 1).all()
    strange = np.concatenate([taught.distances(each[~known]) > 1 for each in (vectors, distorted)])
    assert strange.mean() == pytest.approx(0.1, abs=0.03)


def test_a_copy_is_in_the_group_of_its_original():
    vectors, labels, _ = corpus(speakers=4)
    alone = np.arange(len(vectors)).astype(str)  # as if everybody had said one thing
    found = [familiarity.fit(vectors, labels, who, PARAMS, [vectors + 1]).limit for who in (None, alone)]
    assert found[0] == pytest.approx(found[1], rel=0.2)
    close = familiarity.fit(vectors, labels, None, PARAMS, [vectors]).limit
    apart = familiarity.fit(np.concatenate([vectors] * 2), np.tile(labels, 2), None, PARAMS).limit
    assert close > apart  # where copies of the same utterance say how far is too far, nothing is


def test_what_is_made_of_other_parts_is_unfamiliar_though_each_number_is_as_usual():
    vectors, labels, speakers = corpus()
    found = familiarity.fit(vectors, labels, speakers, PARAMS)
    shuffled = np.random.default_rng(0).permuted(vectors, axis=0)  # each number of another utterance
    assert (found.distances(shuffled) > 1).mean() > 0.95


def test_speakers_of_the_description_do_not_set_its_limit():
    """A speaker whose offset is large is far from the description of the others alone."""
    vectors, labels, speakers = corpus(speakers=10)
    lone = vectors + 200 * (speakers == "0")[:, None].astype(np.float32)
    grouped, mixed = (familiarity.fit(lone, labels, who, FamiliarityParams(0.02)) for who in (speakers, None))
    assert grouped.limit > 1.5 * mixed.limit


def test_a_saved_description_measures_the_same(tmp_path):
    vectors, labels, speakers = corpus()
    found = familiarity.fit(vectors, labels, speakers, PARAMS)
    familiarity.save(found, tmp_path / "a.safetensors")
    familiarity.save(found, tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    again = familiarity.load(tmp_path / "a.safetensors")
    assert again.distances(vectors).tolist() == found.distances(vectors).tolist()


def test_unknown_speakers_who_are_known_ones_do_not_move_the_limit():
    """A third of each speaker's utterances has no name: were they a speaker, familiar voices would set the limit."""
    vectors, labels, speakers = corpus(speakers=30, each=40)
    unnamed = np.where(np.arange(len(speakers)) % 3 == 0, "", speakers.astype(str))
    known = unnamed != ""
    limit = familiarity.fit(vectors, labels, unnamed, FamiliarityParams(0.05)).limit
    assert limit == familiarity.fit(vectors[known], labels[known], unnamed[known], FamiliarityParams(0.05)).limit


def test_unknown_speakers_alone_are_one_line():
    vectors, labels, speakers = corpus()
    with pytest.raises(InputError, match="expected two known training speakers at least, found 0; add speakers"):
        familiarity.fit(vectors, labels, np.full(len(speakers), ""), FamiliarityParams(0.05))


def test_one_training_speaker_is_one_line():
    vectors, labels, _ = corpus(speakers=1)
    with pytest.raises(InputError, match="expected two known training speakers at least, found 1"):
        familiarity.fit(vectors, labels, np.full(len(vectors), "a"), PARAMS)


@pytest.mark.parametrize("grouped", [True, False])
def test_one_utterance_of_each_emotion_is_one_line(grouped):
    vectors, speakers = corpus(speakers=4)[0][:4], np.array(list("aabb")) if grouped else None
    with pytest.raises(InputError, match="two training utterances of an emotion at least, found one of each, 4 in all"):
        familiarity.fit(vectors, np.array(["angry", "happy", "sad", "neutral"]), speakers, PARAMS)


@pytest.mark.parametrize(
    ("vectors", "speakers", "found"),
    [
        (corpus()[0][:2], "ab", "1 of 2"),  # one utterance describes nothing
        (corpus()[0][:4], "aabb", "2 of 4"),  # two lie on a line, beside which any distance is infinite
        (np.ones((20, 6)), "ab" * 10, "10 of 20"),
    ],
    ids=["one each", "two each", "all equal"],
)
def test_speech_that_sets_no_limit_is_one_line(vectors, speakers, found):
    """Nothing is further than a limit that is no number: all noise was familiar, and no speaker a false alarm."""
    with pytest.raises(InputError, match=f"expected three .* that differ, .*found {found} from which no distance"):
        familiarity.fit(vectors, np.full(len(vectors), "sad"), np.array(list(speakers)), PARAMS)


@pytest.mark.parametrize("damage", ["cut", "other", "shape", "limit"])
def test_a_file_that_is_no_description_is_one_line(tmp_path, damage):
    vectors, labels, speakers = corpus()
    found, path = familiarity.fit(vectors, labels, speakers, PARAMS), tmp_path / "a.safetensors"
    changes = {"shape": {"scale": found.scale[1:]}, "limit": {"limit": 0.0}}
    familiarity.save(dataclasses.replace(found, **changes.get(damage, {})), path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-4])
    if damage == "other":
        path.write_text("hello")
    with pytest.raises(InputError, match="run the stage familiarity"):
        familiarity.load(path)


@pytest.mark.parametrize("share", [-0.1, 0.0, 1.0, 1.1])
def test_false_alarms_are_a_share(share):
    with pytest.raises(ValueError, match="false_alarms"):
        FamiliarityParams(share)
