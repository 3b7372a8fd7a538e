"""Sums of powers with moving exponents, as one fraction."""

import numpy as np
import pytest
from sympy import Abs, Interval, Symbol, exp, log, oo, sign

from derive.calculus.derivatives import quantities
from derive.definitions.loss import Loss
from derive.numerics.common_powers import by_common_powers
from derive.numerics.leading import leading_terms

y = Symbol("y", real=True)
p = Symbol("p", positive=True)
U = Abs(y) ** p


@pytest.mark.parametrize(
    ("sum_", "fraction"),
    [
        (p * Abs(y) ** (p - 1) * Abs(y) - p * U + U, U),
        (
            p**2 * Abs(y) ** (2 * p - 1) / (1 + U) ** 2 - p**2 * Abs(y) ** (p - 1) / (1 + U),
            -(p**2) * Abs(y) ** (p - 1) / (1 + U) ** 2,
        ),
        (
            exp(-U) * (y * Abs(y) ** (p - 2) + sign(y) * Abs(y) ** (p - 1)),
            2 * exp(-U) * Abs(y) ** (p - 1) * sign(y),
        ),
    ],
)
def test_terms_meet(sum_, fraction):
    found = by_common_powers(sum_)
    assert found[-1] == fraction
    at = {y: -0.7, p: 2.3}
    assert all(abs(e.subs(at) - sum_.subs(at)) < 1e-12 for e in found)


@pytest.mark.parametrize("e", [y + 1, U + (1 + y**2) ** p, U ** (1 / p) + 2**p])
def test_other_sums_are_left_alone(e):
    assert by_common_powers(e) == []


def test_what_follows_a_leading_term_is_asked_further_where_it_vanishes():
    x, s = Symbol("x", real=True), Symbol("s", positive=True)
    loss = Loss(
        name="t", title="t", source="tests", variables=(x, s, p),
        loss=log(1 + Abs(x / s) ** p), domains={p: Interval(1, 4)},
    )  # fmt: skip
    (far,) = (t for t in leading_terms(loss, quantities(loss)["d2_s"]) if t.end == oo)
    assert far.right == p / s**2
    # at p = 1 what follows directly is 0, and the loss is no constant there
    assert not bool(far.negligible.subs({x: 8.0, s: 1.0, p: 1}))
    assert bool(far.negligible.subs({x: 1e17, s: 1.0, p: np.float64(2)}))


def test_where_all_that_follows_is_0_one_term_is_asked():
    x, e = Symbol("x", real=True), Symbol("e", positive=True)
    loss = Loss(
        name="t", title="t", source="tests", variables=(x, e, p),
        loss=(x**2 + e) ** (p / 2), domains={p: Interval(0, 2)},
    )  # fmt: skip
    (far,) = (t for t in leading_terms(loss, quantities(loss)["d_x"]) if t.end == oo)
    assert far.negligible.lhs == e * Abs(p - 2) / (2 * x**2)
