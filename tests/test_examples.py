"""The examples of docstrings run, and give what they say."""

import doctest
import pkgutil
from pathlib import Path

import pytest
import torch

import ser

ROOT = Path(ser.__file__).parents[1]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted(ROOT.glob("ser/**/*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


def test_there_are_examples():
    assert "ser.pase.encoder" in MODULES


@pytest.mark.parametrize("name", MODULES)
def test_an_example_gives_what_it_says(name):
    found = doctest.testmod(pkgutil.resolve_name(name), extraglobs={"torch": torch})
    assert found.attempted > 0
    assert found.failed == 0
