"""Which package of the library imports which, read off the syntax trees."""

import ast
from collections.abc import Iterable
from pathlib import Path

FORMER = Path("ser/predict.py")  # the command's former place, which goes with the next release


def unit(module: str) -> str:
    """Name the package of a module, or the module itself where it stands right below ``ser``."""
    return module.split(".")[1] if module.startswith("ser.") else module.split(".")[0]


def edges(root: Path, packages: Iterable[str] = ("ser", "serving")) -> dict[tuple[str, str], int]:
    """Count imports between packages.

    Args:
        root: the folder of the packages.
        packages: which to read.

    Returns:
        How many modules of the first package import something of the second, by (first, second); none within one.
    """
    files = {file for package in packages for file in (root / package).rglob("*.py")}
    files -= {file for file in files if file.name == "__init__.py" or file == root / FORMER}
    modules = {".".join(file.relative_to(root).with_suffix("").parts): file for file in files}
    counted = {}
    for module, file in sorted(modules.items()):
        used = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                used |= {name if name in modules else node.module for name in names}
            elif isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names}
        for other in {unit(name) for name in used & set(modules)} - {unit(module)}:
            counted[unit(module), other] = counted.get((unit(module), other), 0) + 1
    return counted


def floors(counted: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Give each package its floor: 0 where it imports nothing, else one above the highest that it imports.

    Raises:
        ValueError: packages import each other in a circle; the message names them.
    """
    uses = {}
    for first, second in counted:
        uses.setdefault(first, set()).add(second)
        uses.setdefault(second, set())
    found = {}
    while len(found) < len(uses):
        ready = [room for room in uses if room not in found and uses[room] <= set(found)]
        if not ready:
            raise ValueError(
                f"expected no circle of imports, found one among {', '.join(sorted(set(uses) - set(found)))}"
            )
        found |= {room: 1 + max((found[other] for other in uses[room]), default=-1) for room in ready}
    return found
