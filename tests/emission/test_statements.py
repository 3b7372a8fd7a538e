"""Statements that fit on a line each, and mean the same."""

from __future__ import annotations

import numpy as np
import pytest

from derive.emission.printer import Printer
from derive.emission.render import block
from derive.emission.statements import Statements
from derive.emission.targets import TARGETS
from derive.numerics.evaluate import evaluate
from derive.numerics.nodes import Call, Name, Number, call, node, where
from derive.program.expanded import expanded
from derive.program.module import Assignment, Block

x, c = Name("x"), Name("c")
PRINTER = Printer(TARGETS["numpy"].syntax)
VALUES = {"x": np.array([-3.0, 0.2, 1.5, 40.0, 1e21]), "c": np.array(0.7)}
FAR, FARTHER = (Call("le", (node(n), call("abs", x))) for n in (8, 2**60))


def _long(start):
    """Wider than half a page."""
    found = start
    for n in range(2, 9):
        found = (found + x * n) / (c + n)
    return found


def _patch(condition, yes, no):
    return Call("patch", (condition, yes, no))


NESTED = {
    "one after the other": _patch(FARTHER, c / x, where(call("lt", x, c), _long(x), x * c)),
    "inside of a condition": _patch(FAR, _patch(FARTHER, c / x, c + c / x), _long(x)),
    "a factor": _long(x) * where(call("lt", x, c), _long(x * 2), _long(c)),
    "a long sum": _long(x) + _long(c) * _long(x * c),
}


@pytest.mark.parametrize("name", NESTED)
def test_they_fit_and_mean_the_same(name):
    found = Block((), (NESTED[name],))
    lines = block(found, PRINTER, 1)
    assert max(map(len, lines)) <= 100
    assert all(line.startswith("    ") and line[4] != " " for line in lines), lines
    short = Statements(PRINTER, 4).of(found)
    (got,), (want,) = expanded(short), found.results
    np.testing.assert_array_equal(evaluate(got, VALUES), evaluate(want, VALUES))


def test_what_fits_stays_on_its_line():
    found = Block((), (where(call("lt", x, c), x * c, x + c),))
    assert Statements(PRINTER, 4).of(found) == found


def test_a_condition_that_is_asked_once_has_no_name():
    far = Assignment("far", call("lt", x, c))
    found = Block((far,), (where(Name("far"), x, c),))
    assert block(found, PRINTER, 1) == ["    return np.where(x < c, x, c)"]


def test_letters_that_are_taken_are_not_used_again():
    taken = Block((Assignment("value", x * c), Assignment("u", x / c)), (_long(Name("u")) * 2,))
    nested = where(call("lt", x, c), _long(Name("value")), _long(Name("u")))
    for found in (taken, Block(taken.assignments, (nested,))):
        short = Statements(PRINTER, 4).of(found)
        names = [a.name for a in short.assignments if a.name not in ("value2",)]
        assert len(names) == len(set(names))
        (got,), (want,) = expanded(short), expanded(found)
        np.testing.assert_array_equal(evaluate(got, VALUES), evaluate(want, VALUES))


def test_rare_values_stay_rare():
    """What stands behind `lambda:` is not evaluated before."""
    found = Block((), (_patch(FARTHER, _long(x) * _long(c), Number(0) + _long(c)),))
    short = Statements(PRINTER, 4).of(found)
    assert not any(a.value == _long(x) for a in short.assignments)
