"""What lies where in a bundle: the trained pipeline as one folder that describes itself.

``bundle.json`` says what it is: labels, audio, encoder, classifier, versions, data and scores; and the SHA-256 of each
other file. ``card.md`` says it to people. ``classifier/`` holds the classifier, as the stage train writes one;
``encoder.safetensors`` the encoder's weights, where it has some in that format; ``familiarity.safetensors`` what its
training speech is like.
"""

import hashlib
from pathlib import Path

FORMAT = 2  # of the folder; another one is refused
DESCRIPTION, CARD, WEIGHTS, CLASSIFIER = "bundle.json", "card.md", "encoder.safetensors", "classifier"
FAMILIARITY = "familiarity.safetensors"


def digests(folder: Path) -> dict[str, str]:
    """Give the SHA-256 of each file but the description, by its path within the bundle."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / DESCRIPTION)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
