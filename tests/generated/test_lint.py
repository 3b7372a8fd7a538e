"""The emitted files and the modules that they share: linted, formatted, typed, short."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TREE = ROOT / "generated"
SMALL = (
    "huber", "smooth_l1", "quadratic", "absolute", "charbonnier", "cauchy", "welsch",
    "geman_mcclure",
)  # fmt: skip
BUDGETS: dict[str, dict[int, tuple[str, ...]]] = {
    "for_numpy": {
        110: ("huber", "smooth_l1", "quadratic", "absolute"),
        130: ("charbonnier", "cauchy", "welsch", "geman_mcclure"),
        220: ("student_t",),
        330: ("barron",),
    },
    "for_torch": {
        160: ("huber", "smooth_l1", "quadratic", "absolute"),
        190: ("charbonnier", "cauchy", "welsch", "geman_mcclure"),
        300: ("student_t",),
        450: ("barron",),
    },
    "for_numpy/densities": {60: (*SMALL, "student_t"), 180: ("barron",)},
    "for_torch/densities": {60: (*SMALL, "student_t"), 180: ("barron",)},
}
TEN = 7000  # the files of the ten losses together


def _run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_linter_finds_nothing():
    assert _run("ruff", "check", str(TREE)) == ""


def test_the_formatter_changes_nothing():
    assert _run("ruff", "format", "--diff", str(TREE)) == ""


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


def test_the_ten_losses_are_short_together():
    paths = [TREE / f / f"{n}.py" for f in BUDGETS for n in (*SMALL, "student_t", "barron")]
    assert sum(len(p.read_text(encoding="utf-8").splitlines()) for p in paths) <= TEN
