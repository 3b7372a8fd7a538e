"""The checks of the house: imports go down, types hold, the linter is silent."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def _passes(*command: str) -> None:
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_imports_only_from_rooms_below():
    _passes(str(Path(sysconfig.get_path("scripts"), "lint-imports")), "--no-cache")


def test_types_hold():
    """Strictly, those of generated/ too."""
    _passes(sys.executable, "-m", "mypy")


def test_the_linter_is_silent():
    _passes(sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", ".")


def test_generated_files_define_every_name_once_and_use_it():
    _passes(
        sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select=F", "generated"
    )
