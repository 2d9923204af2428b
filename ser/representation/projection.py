"""Two maps of a space in the plane: t-SNE and UMAP. To look at, not to measure on.

Both keep who is near whom and give up how far the rest is: the size of a cluster and the distance between two of them
mean nothing, and chance alone makes some. Figures come from the space itself (``probes``, ``silhouettes`` beside this).

- t-SNE: L. van der Maaten and G. Hinton, "Visualizing data using t-SNE", Journal of Machine Learning Research 9, 2008.
- UMAP: L. McInnes, J. Healy and J. Melville, "UMAP", 2018, arXiv 1802.03426.

Seeded, in one thread and under fixed numerics, every processor gives the same points. Both methods make much of little:
where the numerics are not fixed, expect the same clusters at other places. Nothing is computed from the points.
"""

import warnings

import numpy as np
import pandas as pd
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

METHODS = ("t-SNE", "UMAP")
COLUMNS = ("id", "method", "x", "y")
MINIMUM = 10  # utterances; fewer make no map
DECIMALS = 3


def points(ids: np.ndarray, vectors: np.ndarray, perplexity: float, neighbours: int, seed: int) -> pd.DataFrame:
    """Map vectors, their numbers standardised, into the plane.

    Args:
        ids: (utterances,).
        vectors: (utterances, numbers).
        perplexity: of t-SNE; a third of the utterances at most is used.
        neighbours: of UMAP; half of the utterances at most is used.
        seed: of both.

    Returns:
        A row per method and utterance, in this order: ``COLUMNS``; none with fewer than ``MINIMUM`` utterances.
    """
    if len(ids) < MINIMUM:
        return pd.DataFrame(columns=COLUMNS)
    vectors = StandardScaler().fit_transform(vectors.astype(np.float64))
    planes = (
        by_tsne(vectors, min(perplexity, len(ids) / 3), seed),
        by_umap(vectors, min(neighbours, len(ids) // 2), seed),
    )
    parts = []
    for method, plane in zip(METHODS, planes, strict=True):
        x, y = plane.astype(np.float64).round(DECIMALS).T + 0.0  # no -0
        parts.append(pd.DataFrame({"id": ids, "method": method, "x": x, "y": y}))
    return pd.concat(parts, ignore_index=True)


def by_tsne(vectors: np.ndarray, perplexity: float, seed: int) -> np.ndarray:
    """Map vectors (utterances, numbers) into the plane (utterances, 2) by t-SNE."""
    return TSNE(perplexity=perplexity, init="pca", random_state=seed, n_jobs=1).fit_transform(vectors)


def by_umap(vectors: np.ndarray, neighbours: int, seed: int) -> np.ndarray:
    """Map vectors (utterances, numbers) into the plane (utterances, 2) by UMAP."""
    with warnings.catch_warnings():
        # umap says that a part of it which needs TensorFlow is not there.
        warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
        # Imported here, as it takes seconds.
        import umap
    # Found exactly; it also spares umap the compilation of its own search, half of its time on a corpus of this size.
    distances, places = NearestNeighbors(n_neighbors=neighbours).fit(vectors).kneighbors(vectors)
    mapper = umap.UMAP(
        n_neighbors=neighbours,
        precomputed_knn=(places, distances.astype(np.float32)),
        force_approximation_algorithm=True,  # the name of the way that takes neighbours as given
        random_state=seed,
        n_jobs=1,
    )
    with warnings.catch_warnings():
        # New vectors, which there are none of, could not be mapped without umap's own search.
        warnings.filterwarnings("ignore", "precomputed_knn", UserWarning)
        return mapper.fit_transform(vectors.astype(np.float32))
