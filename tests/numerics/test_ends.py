"""Leading terms, units of length, angles and orders of products: each by known answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy
from sympy import Abs, Symbol, exp, log, oo, sign, sqrt

from derive.definitions.loss import Let, Loss
from derive.definitions.samples import whole_range
from derive.numerics.angles import angled
from derive.numerics.leading import leading_terms
from derive.numerics.measure import values
from derive.numerics.products import HALVES, WHOLE, Ranges, ordered
from derive.numerics.quotients import by_quotient
from derive.numerics.units import degree, in_units, units

x = Symbol("x", real=True)
c, p = Symbol("c", positive=True), Symbol("p", positive=True)
y = x / c


def _loss(formula, *parameters) -> Loss:
    return Loss(name="t", title="t", source="t", variables=(x, *parameters), loss=formula)


@pytest.mark.parametrize(
    ("quantity", "at_zero", "far"),
    [
        (log(1 + y**2), x**2 / c**2, 2 * log(Abs(x)) - 2 * log(c)),
        (y / (1 + y**2), x / c, c / x),
        (sqrt(1 + y**2) - 1, x**2 / (2 * c**2), Abs(x) / c),
        (1 / sqrt(1 + y**2) ** 3, 1, (c / Abs(x)) ** 3),
        (x / sqrt(c**2 + x**2), x / c, sign(x)),
        (exp(-(y**2)), 1, None),  # smaller than any power
    ],
)
def test_leading_terms(quantity, at_zero, far):
    found = {lead.end: lead.term(x, Abs(x)) for lead in leading_terms(_loss(y**2, c), quantity)}
    assert sympy.simplify(found[sympy.S.Zero] - at_zero) == 0
    assert (oo in found) == (far is not None)
    if far is not None:
        gap = sympy.expand_log(found[oo] - far, force=True)
        assert gap.subs({x: sympy.Rational(-7, 3), c: sympy.Rational(5, 4)}).evalf() == (
            pytest.approx(0, abs=1e-14)
        )


def test_a_term_that_may_vanish_comes_with_the_next_one():
    (far,) = [t for t in leading_terms(_loss(y**2, c, p), ((1 - p) * y**2 + 1) / (1 + y**2))
              if t.end == oo]  # fmt: skip
    assert sympy.simplify(far.term(x, Abs(x)) - (1 - p) - p * c**2 / x**2) == 0
    assert not far.negligible.subs({p: 1, c: 1, x: 2.0**20})
    assert far.negligible.subs({p: 1, c: 1, x: 2.0**30})


@pytest.mark.parametrize(
    ("formula", "parameters", "length", "degrees"),
    [
        (log(1 + y**2), (c,), c, {"d_x": -1, "weight": -2}),
        (exp(-(x**2) / p), (p,), sqrt(p), {"d_x": -1, "weight": -2}),
        (exp(p * x) - p * x, (p,), 1 / p, {"d_x": -1, "weight": -2}),
        (x**2 + exp(x) * p, (p,), None, {}),
    ],
)
def test_units(formula, parameters, length, degrees):
    loss = _loss(formula, *parameters)
    found = units(loss)
    assert [u.length for u in found] == ([] if length is None else [length])
    raw = {"d_x": sympy.diff(formula, x), "weight": sympy.diff(formula, x) / x}
    for name, e in degrees.items():
        assert degree(loss, raw[name], found[0]) == e
        written = in_units(loss, raw[name], found[0], sympy.Integer(e))
        (short,) = written.atoms(Let)
        assert sympy.simplify(written.xreplace({short: short.definition}) - raw[name]) == 0


def test_one_of_several_lengths_is_no_unit():
    a, b = sympy.Symbol("a", positive=True), sympy.Symbol("b", positive=True)
    parts = sympy.Piecewise((x**2, Abs(x) <= a), (a * Abs(x), Abs(x) <= b), (a * b, True))
    assert units(_loss(parts, a, b)) == ()
    assert units(replace(_loss(parts, a, b), require=(a < b,))) == ()


@pytest.mark.parametrize("power", [-3, -2, -1])
@pytest.mark.parametrize("odd", [0, 1])
def test_angles_are_the_same_and_hold_far_out(power, odd):
    loss = _loss(log(1 + y**2 / 2), c)
    (unit,) = units(loss)
    expression = in_units(
        loss, y**odd * (1 - y**2) * (1 + y**2 / 2) ** (power - 1), unit, sympy.S.Zero
    )
    (short,) = expression.atoms(Let)
    found = angled(expression, short, {"x", "c"})
    written = found
    while names := written.atoms(Let):
        written = written.xreplace({n: n.definition for n in names})
    at = {x: sympy.Rational(7, 3), c: sympy.Rational(5, 4)}
    written = sympy.expand_func(written.replace(
        lambda e: e.func.__name__ == "root1p_square", lambda e: sqrt(1 + e.args[0] ** 2)
    ))  # fmt: skip
    raw = (y**odd * (1 - y**2) * (1 + y**2 / 2) ** (power - 1)).subs(at)
    assert float(written.subs(at)) == pytest.approx(float(raw), rel=1e-14)


def test_products_are_ordered_to_stay_in_range():
    """x^2 p/c^3 where no partial product may leave the range before the end."""
    loss = _loss(p * y**2, c, p)
    form = ordered(loss, x**2 * p / c**3, Ranges.of(loss), way=WHOLE)
    sample = whole_range(loss, 800)
    got = values(form, sample)
    x_, c_, p_ = (sample.columns[n].astype(np.longdouble) for n in ("x", "c", "p"))
    exact = (x_ / c_) ** 2 * p_ / c_
    held = (np.abs(exact) > 1e-300) & (np.abs(exact) < 1e300)
    assert np.count_nonzero(held) > 100
    np.testing.assert_allclose(got[held], exact[held].astype(float), rtol=1e-14)


def test_powers_in_halves():
    loss = _loss(exp(-(y**2)), c)
    form = ordered(loss, x**2 * exp(-(y**2)) / c**4, Ranges.of(loss), way=HALVES)
    got = values(form, whole_range(loss, 400))
    assert np.all(np.isfinite(got[np.abs(whole_range(loss, 400).columns["x"]) < 1e100]))


@pytest.mark.parametrize(
    ("quantity", "wanted"),
    [
        (4 * (1 - 3 * y**2) / (1 + y**2) ** 3, "4*q**2*(4*q - 3)"),
        (y**3 / (4 + y**2) ** 2, "y*(-q*(q - 1)/4)"),
        ((1 - y) / (1 + y**2) ** 2, None),  # neither even nor odd
        (1 / (1 + y**2), None),  # a quotient as it is
    ],
)
def test_powers_of_a_quotient(quantity, wanted):
    z = Let("y", x / c)
    found = by_quotient(quantity.subs(x, z * c), z)
    if wanted is None:
        assert found is None
        return
    (q,) = (v for v in found.atoms(Let) if v.name == "q")
    expected = sympy.sympify(wanted, locals={"q": q, "y": z})
    assert sympy.simplify(found - expected) == 0
    assert sympy.simplify(found.xreplace({q: q.definition}) - quantity.subs(x, z * c)) == 0
