import numpy as np
import pandas as pd
import pytest
from sklearn.manifold import trustworthiness
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

from ser.representation import projection

pytestmark = pytest.mark.slow  # UMAP takes ten seconds to compile itself

IDS = np.array([f"c/{number:02d}" for number in range(60)])


@pytest.fixture(scope="module")
def vectors():
    """Three clouds of twenty in twenty dimensions, one of which is on a scale that would drown the others."""
    rng = np.random.default_rng(0)
    clouds = 4 * np.repeat(rng.normal(size=(3, 20)), 20, axis=0)
    return ((clouds + rng.normal(size=(60, 20))) * np.where(np.arange(20) == 7, 1000, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def points(vectors):
    return projection.points(IDS, vectors, perplexity=10, neighbours=10, seed=0)


def test_every_utterance_has_a_place_on_each_map(points):
    assert list(points.columns) == ["id", "method", "x", "y"]
    assert list(points["method"]) == ["t-SNE"] * 60 + ["UMAP"] * 60
    assert list(points["id"]) == [*IDS, *IDS]
    assert np.isfinite(points[["x", "y"]].to_numpy(float)).all()


@pytest.mark.parametrize("method", projection.METHODS)
def test_neighbours_stay_neighbours(points, vectors, method):
    plane = points.loc[points["method"] == method, ["x", "y"]].to_numpy(float)
    standard = StandardScaler().fit_transform(vectors)
    shuffled = np.random.default_rng(0).permutation(plane)
    assert trustworthiness(standard, plane, n_neighbors=5) > 0.8 > trustworthiness(standard, shuffled, n_neighbors=5)
    assert silhouette_score(plane, np.repeat([0, 1, 2], 20)) > 0.5


def test_the_same_seed_gives_the_same_points_and_another_one_others(points, vectors):
    pd.testing.assert_frame_equal(projection.points(IDS, vectors, perplexity=10, neighbours=10, seed=0), points)
    other = projection.points(IDS, vectors, perplexity=10, neighbours=10, seed=1)
    moved = (other[["x", "y"]] != points[["x", "y"]]).any(axis=1)
    assert moved[other["method"] == "UMAP"].any()


@pytest.mark.parametrize("count", [projection.MINIMUM, 20])
def test_a_small_corpus_gets_maps_of_fewer_neighbours(vectors, count):
    points = projection.points(IDS[:count], vectors[:count], perplexity=30, neighbours=15, seed=0)
    assert len(points) == 2 * count
    assert np.isfinite(points[["x", "y"]].to_numpy(float)).all()


def test_too_few_utterances_make_no_map(vectors):
    points = projection.points(IDS[:9], vectors[:9], perplexity=30, neighbours=15, seed=0)
    assert list(points.columns) == ["id", "method", "x", "y"]
    assert points.empty
