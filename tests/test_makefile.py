import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def logname(tmp_path, name: str, **environment) -> str:
    """What the recipes see as the user's name, where ``id -un`` answers as it does for a user of this name."""
    answer = f"echo {name}" if name else "echo 54321; exit 1"  # without a name it gives the number, and fails
    (tmp_path / "id").write_text(f"#!/bin/sh\n{answer}\n")
    (tmp_path / "id").chmod(0o755)
    known = {key: value for key, value in os.environ.items() if key != "LOGNAME"}
    environment = known | {"PATH": f"{tmp_path}:{os.environ['PATH']}"} | environment
    command = ["make", "--silent", "--file", "Makefile", "--eval", 'show: ; @echo "$$LOGNAME"', "show"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("name", "environment", "expected"),
    [
        ("ann", {}, "ann\n"),
        ("ann", {"LOGNAME": ""}, "ann\n"),
        ("ann", {"LOGNAME": "bob"}, "bob\n"),
        ("", {}, "user\n"),
        ("", {"LOGNAME": ""}, "user\n"),
        ("", {"LOGNAME": "bob"}, "bob\n"),
    ],
)
def test_dvc_is_told_a_name_for_every_user(tmp_path, name, environment, expected):
    assert logname(tmp_path, name, **environment) == expected
