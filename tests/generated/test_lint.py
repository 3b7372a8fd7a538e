"""The emitted files and the modules that they share: linted, formatted, typed, short."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TREE = ROOT / "generated"
BUDGETS = {
    "for_numpy": {
        110: ("huber", "smooth_l1", "quadratic", "absolute"),
        130: ("charbonnier", "cauchy", "welsch", "geman_mcclure"),
        220: ("student_t",),
        330: ("barron",),
    },
}


def _run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_linter_finds_nothing():
    assert _run("ruff", "check", str(TREE)) == ""


def test_the_formatter_changes_nothing():
    assert _run("ruff", "format", "--diff", str(TREE)) == ""


def test_every_signature_has_types():
    assert _run("mypy", "--strict", str(TREE)) == ""


@pytest.mark.parametrize(
    ("folder", "most", "name"),
    [
        (folder, most, name)
        for folder, rows in BUDGETS.items()
        for most, names in rows.items()
        for name in names
    ],
)
def test_a_file_is_short(folder, most, name):
    text = (TREE / folder / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= most
