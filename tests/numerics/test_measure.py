"""Errors in ULP, kappa and exact values, by known answers."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from flint import arb, ctx
from forms import derivation
from sympy import Abs, Piecewise, Symbol, exp, log, oo

from derive.calculus.derivation import Limit
from derive.definitions.loss import Loss
from derive.definitions.samples import Group, Sample
from derive.numerics.columns import Points
from derive.numerics.exact import Exact, NoValue, limit
from derive.numerics.measure import Reference, Target, errors_in_ulp

x = Symbol("x", real=True)
c = Symbol("c", positive=True)
TINY, MOST = 5e-324, np.finfo(float).max


@pytest.mark.parametrize(
    ("got", "high", "dtype", "error"),
    [
        (1.0, 1.0, "float64", 0.0),
        (1.0 + 2.0**-52, 1.0, "float64", 1.0),
        (1.0 + 2.0**-23, 1.0, "float32", 1.0),
        (0.0, TINY, "float64", 1.0),
        (TINY, 0.0, "float64", 1.0),
        (np.inf, MOST, "float64", 1.0),
        (MOST, np.inf, "float64", 1.0),
        (np.inf, np.inf, "float64", 0.0),
        (np.inf, 1e60, "float32", 0.0),
        (-np.inf, np.inf, "float64", 2.0**54),
        (np.nan, 1.0, "float64", np.inf),
        (np.nan, np.nan, "float64", 0.0),  # there is no value
        (0.0, 1e-60, "float32", 0.0),
    ],
)
def test_errors_in_ulp(got, high, dtype, error):
    found = errors_in_ulp(np.array([got]), np.array([high]), np.zeros(1), dtype)[0]
    assert found == pytest.approx(error, abs=1e-6)


def _loss(formula, **more) -> Loss:
    return Loss(name="t", title="t", source="t", variables=(x, c), loss=formula, **more)


def _reference(formula, points, **more) -> Reference:
    known = derivation(_loss(formula, **more))
    groups = tuple(Group((p,), np.array([v])) for v, p in points)
    sample = Sample("everyday", "float64", ("x", "c"), groups)
    return Reference(Target(known, "loss", known.quantities["loss"]), sample)


@pytest.mark.parametrize(
    ("formula", "at", "kappa"),
    [
        (x**2 / c, (3.0, 0.75), 3.0),  # 2 from x, 1 from c
        (x**2 / c, (3.0, 1.0), 2.0),  # c at its default is meant exactly
        (exp(-((x / c) ** 2)), (3.0, 0.5), 144.0),
        (x - c, (1.0 + 2.0**-20, 1.0), 2.0**20),  # where a value crosses 0 kappa grows by itself
        (Piecewise((x**2, Abs(x) <= c), (x**3, True)), (0.7, 0.7), 2.0),  # the inner side
        # one unit before an edge, beyond which there is nothing: as on its own side
        (Piecewise((1 - x, x <= c), (0, True)), (1 - 2.0**-53, 1.0), 2.0**53),
    ],
)
def test_kappa(formula, at, kappa):
    assert _reference(formula, [at]).kappa(0) == pytest.approx(kappa, rel=1e-5)


def test_a_value_of_zero_is_to_be_met_exactly():
    found = _reference(x - c, [(0.5, 0.5)])
    assert found.high[0] == 0
    assert found.kappa(0) == 0
    assert found.errors(np.array([0.0]), 3.0)[0] == 0
    assert found.errors(np.array([1e-17]), 3.0)[0] > 1e15


def test_close_beside_a_zero_twice_kappa_is_let_pass():
    found = _reference(x - c, [(1.0 + 2.0**-20, 1.0), (1.25, 1.0)])
    exact, one = found.high, 2.0**-53 * np.array([2.0**20, 4.0])  # what one rounding of x does
    assert list(found.errors(exact * (1 + 3.9 * one), 0.5) > 0) == [False, True]


def test_limits_stand_for_the_formula_at_special_points():
    loss = _loss(log(1 + x**2 / c) * c, special={c: (oo,)}, domains={c: sympy.Interval(0, oo)})
    known = derivation(loss)
    wanted = Target(known, "loss", known.quantities["loss"], {("c", float("inf")): x**2})
    groups = (Group((float("inf"),), np.array([3.0, np.inf])), Group((1.0,), np.array([0.0])))
    found = Reference(wanted, Sample("everyday", "float64", ("x", "c"), groups))
    assert found.high.tolist() == [9.0, np.inf, 0.0]
    assert found.special.tolist() == [True, True, False]
    assert isinstance(Limit, type)


@pytest.mark.parametrize(
    ("formula", "at", "value"),
    [
        (sympy.sqrt(1 + x**2) - Abs(x), "inf", 0.0),
        (x / sympy.sqrt(4 + x**2), "-inf", -1.0),
        (log(1 + x**2), "inf", float("inf")),
        (Abs(x) ** sympy.Rational(1, 2), "0", 0.0),
        (log(Abs(x)), "0", float("-inf")),
        ((exp(x) - 1) / x, "0", 1.0),
    ],
)
def test_limits_are_read_off_at_three_distances(formula, at, value):
    place = arb(1) if at == "0" else arb(at)
    assert float(limit(Exact(formula, (x,)), [place], place)) == value


def test_no_value_is_said():
    with pytest.raises(NoValue):
        Exact(log(x), (x,)).enclosed([arb(-1)])
    with pytest.raises(NoValue):
        limit(Exact(sympy.sin(x), (x,)), [arb("inf")], arb("inf"))


def _precisions(expression, monkeypatch, *inputs):
    """The value at some inputs, and how many precisions were tried."""
    tried = []
    run = Exact._run
    monkeypatch.setattr(Exact, "_run", lambda e, p: tried.append(ctx.prec) or run(e, p))
    (value,) = Exact(expression, (x, c)).column(Points([[arb(v)] for v in inputs]))
    return value, len(tried)


def test_no_precision_is_tried_where_exact_numbers_have_no_value(monkeypatch):
    assert _precisions(1 / (c - 2), monkeypatch, 1.0, 2.0) == (None, 1)
    assert _precisions(exp(x - c), monkeypatch, np.inf, np.inf) == (None, 1)
    # what cancels has one
    value, tried = _precisions(1 / (exp(x) - 1 - x), monkeypatch, 2.0**-200, 1.0)
    assert float(value) == pytest.approx(2.0**401) and tried > 1


def test_a_logarithm_beside_1_cancels_nothing(monkeypatch):
    value, tried = _precisions(log(1 + x), monkeypatch, 2.0**-1000, 1.0)
    assert tried == 1 and float(value) == 2.0**-1000
