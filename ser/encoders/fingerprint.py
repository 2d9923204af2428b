"""The fingerprint of what makes a vector: the recipe's choices, weights, versions, numerics, and the code it runs."""

import ast
import hashlib
import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import torch

from ser.encoders.encoder import Encoder
from ser.encoders.recipe import Recipe
from ser.machine import numerics

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("numpy", "soxr", "torch")
SHARED = ("ser.audio", "ser.encoders.extractor", "ser.machine.numerics")  # what every vector goes through
# How a file is written, the words of an error, and how choices are named decide no number. How a recording is decoded
# shows in the digest of its samples, by which the manifest knows it and vectors are kept.
WITHOUT_EFFECT = ("ser.files.", "ser.recordings.", "ser.encoders.recipe", "ser.encoders.fingerprint")


def of(recipe: Recipe, encoder: Encoder, root: Path = ROOT) -> str:
    """Name all that decides the numbers of a vector, workers and the place of weights not among it.

    Args:
        recipe: what was chosen.
        encoder: that of the recipe.
        root: the folder of the package ``ser``, whose code makes it.

    Returns:
        A JSON object: ``encoder`` and the other choices that have an effect on it; ``weights``, their SHA-256, if it
        has any; ``versions`` of packages; ``numerics``, what decides the last digits; ``modules``, as ``modules``.
    """
    made = {choice: getattr(recipe, choice) for choice in ("encoder", *encoder.choices)}
    if encoder.digest is not None:
        made["weights"] = encoder.digest
    # The build after the plus, as in 2.11.0+cpu, tells devices apart, not versions.
    made["versions"] = {package: version(package).split("+")[0] for package in (*PACKAGES, *encoder.PACKAGES)}
    made["numerics"] = last_digits(encoder.device)
    made["modules"] = modules([type(encoder).__module__, *SHARED], root)
    return json.dumps(made, sort_keys=True)


def differences(one: dict, other: dict) -> list[str]:
    """Name what two fingerprints differ in, as ``modules (ser.encoders.mfcc)``; numerics, the last digits, aside."""
    names = []
    for key in sorted((one | other).keys() - {"numerics"}):
        mine, yours = one.get(key), other.get(key)
        if isinstance(mine, dict) and isinstance(yours, dict):
            parts = sorted(part for part in mine | yours if mine.get(part) != yours.get(part))
            names += [f"{key} ({', '.join(parts)})"] if parts else []
        elif mine != yours:
            names.append(key)
    return names


def last_digits(device: str) -> str:
    """Name what decides the last digits, and no others: the type of the device, or the numerics of the CPU."""
    if device != "cpu":
        return device
    name = numerics.name()
    return name if name == numerics.PORTABLE else f"{name}, {torch.backends.cpu.get_cpu_capability()}"


def modules(names: Iterable[str], root: Path) -> dict[str, str]:
    """Hash what modules of ours do: their syntax without comments, layout and docstrings, so that words change nothing.

    Args:
        names: the modules to begin with; what they import, directly or not, comes with them.
        root: the folder of the package ``ser``.

    Returns:
        Hexadecimal digits by module, of all that can have an effect on a number.
    """
    digests, waiting = {}, list(names)
    while waiting:
        name = waiting.pop()
        file = root.joinpath(*name.split(".")).with_suffix(".py")
        ours = name.startswith("ser.") and not name.startswith(WITHOUT_EFFECT) and file.is_file()
        if not ours or name in digests:
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
                node.body = node.body[1:]
        digests[name] = hashlib.sha256(json.dumps(_syntax(tree)).encode()).hexdigest()[:16]
    return digests


def _syntax(value: object) -> list | str:
    """Write a syntax tree, the same under every Python: ``ast.dump`` writes fields that only some versions have."""
    if isinstance(value, ast.JoinedStr):
        value.values = [part for part in value.values if not (isinstance(part, ast.Constant) and part.value == "")]
    if isinstance(value, ast.AST):
        parts = [[name, _syntax(part)] for name, part in ast.iter_fields(value) if part is not None and part != []]
        return [type(value).__name__, *parts]
    return [_syntax(part) for part in value] if isinstance(value, list) else repr(value)
