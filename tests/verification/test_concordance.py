"""The table of other libraries' losses: every relation proved, every installed library asked."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp

from derive.calculus.evaluate import evaluate
from derive.definitions.catalogue import NAMES, load
from derive.definitions.symbols import x
from derive.verification.concordance import page
from derive.verification.concordance.calls import ask
from derive.verification.concordance.relation import relation
from derive.verification.concordance.table import Row, table

ROWS = table()
ASKED = [row for row in ROWS if row.call]
RESIDUALS = np.array([-30.0, -3.3, -1.7, -0.4, 0.25, 0.9, 2.1, 12.0])
LETTERS = (0.75, 1.6, 3.1), (1.9, 2.8, 5.0)


def test_rows_speak_of_our_losses():
    assert {row.loss for row in ROWS} <= set(NAMES)
    for row in ROWS:
        assert set(row.at) == {p.name for p in load(row.loss).parameters}, row.title


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.title} {row.quantity}")
def test_a_relation_is_proved(row: Row):
    assert relation(row).proved()


@pytest.mark.parametrize("row", [ROWS[2], ROWS[9]], ids=lambda row: row.title)
def test_a_wrong_relation_is_not_proved(row: Row):
    found = relation(row)
    assert not type(found)(
        row, found.letters, found.theirs, found.ours, 2 * found.factor, found.at, found.offset
    ).proved()


@pytest.mark.parametrize("row", ASKED, ids=lambda row: f"{row.title} {row.call}")
def test_the_library_says_so_itself(row: Row):
    if importlib.util.find_spec(row.module) is None:
        pytest.skip(f"{row.library} is not installed")
    said = relation(row)
    expression = said.factor * said.ours + said.offset
    for values in LETTERS:
        letters = {
            name: 0.3 if name in row.letters else value
            for name, value in zip(said.letters, values, strict=False)
        }
        at = {symbol: mp.mpf(letters[name]) for name, symbol in said.letters.items()}
        want = np.array([float(evaluate(expression, {**at, x: mp.mpf(v)})) for v in RESIDUALS])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the libraries' own
            got = ask(row, RESIDUALS, letters)
        assert np.all(np.abs(got - want) <= row.within * np.maximum(np.abs(want), 1e-3))


def test_the_page_is_what_the_table_says():
    kept = Path(__file__).resolve().parents[2] / "docs" / "concordance.md"
    assert kept.read_text(encoding="utf-8") == page.page()


def test_the_rows_of_one_loss_are_told():
    cells = page.cells("huber")
    assert all(row[2] == "proved" for row in cells)
    assert ["Ceres Solver HuberLoss(a)", "2 * huber at delta = a", "proved", "not asked"] in cells
