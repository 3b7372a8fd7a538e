"""Formulas of two lengths: rational parts over one line, and what is in range of either ratio."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Abs, Piecewise, Symbol, log, sign, simplify

from derive.calculus.evaluate import evaluate as exact
from derive.definitions.loss import Let
from derive.definitions.symbols import x
from derive.numerics.atoms import spelled_out, times_log1p
from derive.numerics.evaluate import evaluate
from derive.numerics.lower import lower
from derive.numerics.sizes import in_sizes

w, e = Symbol("w", positive=True), Symbol("e", positive=True)
SPLIT = w * (-sign(x) + x / (e * (1 + Abs(x) / e))) / (e**2 * (1 + Abs(x) / e))


def test_rational_parts_lie_over_one_line():
    assert in_sizes(SPLIT, x) == -w * sign(x) / (e + Abs(x)) ** 2
    cases = Piecewise((SPLIT, Abs(x) <= w), (0, True))
    assert in_sizes(cases, x) == Piecewise(
        (-w * sign(x) / (e + Abs(x)) ** 2, Abs(x) <= w), (0, True)
    )


def test_a_logarithm_takes_what_multiplies_it():
    formula = w * log(1 + Abs(x) / e) - w * Abs(x) / (e + Abs(x))
    found = in_sizes(formula, x)
    assert found.atoms(times_log1p) == {times_log1p(w, Abs(x), e)}
    at = {x: -1.5, w: 2.5, e: 0.75}
    assert float(exact(spelled_out(found), at)) == pytest.approx(float(exact(formula, at)))


def test_a_square_over_a_square_is_the_square_of_a_quotient():
    found = in_sizes(w * (Abs(x) - e) ** 2 / (w - e) ** 2, x)
    (quotient,) = found.atoms(Let)
    assert simplify(quotient.definition**2 - (Abs(x) - e) ** 2 / (w - e) ** 2) == 0
    assert found == w * quotient**2


def test_neither_even_nor_odd_is_left_as_it_is():
    assert in_sizes(x + Abs(x) / e, x) == x + Abs(x) / e


@pytest.mark.parametrize(
    ("f", "a", "b", "value"),
    [
        (20.5, 5e-324, 2.0, 5e-323),  # a/b is below the range
        (2.0, 1e200, 1e-200, 2 * 400 * np.log(10)),  # and above it
        (3.0, 1.0, 1.0, 3 * np.log(2)),
    ],
)
def test_a_ratio_out_of_range(f, a, b, value):
    form = lower(times_log1p(w, Symbol("a", positive=True), e))
    got = evaluate(form, {"w": np.array([f]), "a": np.array([a]), "e": np.array([b])})
    np.testing.assert_allclose(got, value, rtol=1e-15)
