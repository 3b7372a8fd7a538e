"""Barron's kernel in stable form equals the raw derivatives, in every regime."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy
from high_precision import meaning
from mpmath import mp

from derive.calculus.derivatives import quantities as raw_quantities
from derive.calculus.evaluate import evaluate
from derive.definitions.catalogue import load
from derive.numerics import family
from derive.numerics.evaluate import evaluate as run
from derive.numerics.powerlaw import FIXED, Letters, quantities

BARRON = load("barron")
X, ALPHA, SCALE = BARRON.variables
RAW = raw_quantities(BARRON)
LETTERS = Letters("x", "alpha", "scale")
FORMS = quantities(family.general("alpha"), LETTERS)
SCALES = ("13/7", "8/15")
# small, middling and steep exponents, both sides of 0 and 2; residuals for every form
ALPHAS = (
    "1/3",
    "-1/3",
    "7/4",
    "9/4",
    "1/10",
    "-1/10",
    "19/10",
    "21/10",
    "4",
    "-4",
    "11",
    "-19",
    "41/2",
)
XS = ("-1/50", "1/7", "-7/9", "13/5", "-41/3", "97")


def _number(text: str):
    return mp.mpf(Fraction(text).numerator) / Fraction(text).denominator


def _relative(one, other):
    return abs(one - other) / abs(other) if other else abs(one)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("name", RAW)
def test_each_quantity_is_the_raw_derivative(name, alpha):
    with mp.workdps(70):
        for k, text in enumerate(XS):
            at = {X: _number(text), ALPHA: _number(alpha), SCALE: _number(SCALES[k % 2])}
            want = evaluate(RAW[name], at)
            got = meaning(FORMS[name], {v.name: at[v] for v in at})
            assert _relative(got, want) < mp.mpf(10) ** -30, text


@pytest.mark.parametrize("name", RAW)
def test_each_quantity_in_float64(name):
    columns = {"x": [], "alpha": [], "scale": []}
    exact, sizes = [], []
    for alpha in ALPHAS:
        for text in XS:
            at = {X: float(Fraction(text)), ALPHA: float(Fraction(alpha)), SCALE: 1.375}
            for v in at:
                columns[v.name].append(at[v])
            with mp.workdps(60):
                point = {v: mp.mpf(n) for v, n in at.items()}
                exact.append(float(evaluate(RAW[name], point)))
                u = (at[X] / at[SCALE]) ** 2
                sizes.append(1 + abs(at[ALPHA]) * u / (abs(at[ALPHA] - 2) + u))
    got = np.broadcast_to(
        run(FORMS[name], {k: np.array(v) for k, v in columns.items()}), len(exact)
    )
    # a second derivative may cross zero between its terms; these points are not on a crossing
    np.testing.assert_array_less(np.abs(got / np.array(exact) - 1), 4e-15 * np.array(sizes))


@pytest.mark.parametrize("exponent", FIXED)
def test_fixed_exponents_equal_their_definition(exponent):
    """x and scale alone, from the limit typed in `family.definition`."""
    value = {"oo": sympy.oo, "-oo": -sympy.oo}.get(exponent) or sympy.Integer(exponent)
    forms = quantities(family.factors(exponent), Letters("x", None, "scale"))
    loss = family.definition((X / SCALE) ** 2, value)
    slope, tilt = sympy.diff(loss, X), sympy.diff(loss, SCALE)
    raw = {
        "loss": loss, "d_x": slope, "d_scale": tilt, "d2_x": sympy.diff(slope, X),
        "d2_x_scale": sympy.diff(slope, SCALE), "d2_scale": sympy.diff(tilt, SCALE),
        "weight": slope / X,
    }  # fmt: skip
    assert set(forms) == set(raw)
    with mp.workdps(60):
        for text in XS[:5]:
            for scale in SCALES:
                at = {X: _number(text), SCALE: _number(scale)}
                for name, expression in raw.items():
                    got = meaning(forms[name], {v.name: at[v] for v in at})
                    assert _relative(got, evaluate(expression, at)) < mp.mpf(10) ** -30, name


@pytest.mark.parametrize("name", [n for n in RAW if "alpha" in n])
def test_derivatives_in_the_exponent_at_zero(name):
    """The regime alpha = 0 against the raw derivative very close to it."""
    forms = quantities(family.factors("0"), LETTERS)
    with mp.workdps(500):
        for text in XS:
            at = {X: _number(text), SCALE: _number("13/7")}
            want = evaluate(RAW[name], {**at, ALPHA: mp.mpf(10) ** -60})
            got = meaning(forms[name], {v.name: at[v] for v in at})
            assert _relative(got, want) < mp.mpf(10) ** -30, text


@pytest.mark.parametrize("exponent", ["oo", "-oo"])
def test_derivatives_in_the_exponent_vanish_at_infinity(exponent):
    forms = quantities(family.factors(exponent), LETTERS)
    for name in RAW:
        if "alpha" in name:
            assert float(run(forms[name], {"x": np.float64(1.3), "scale": np.float64(0.7)})) == 0


def test_regimes_cover_every_exponent_once():
    alphas = np.array([2.0, 0.0, -0.0, 1.0, np.inf, -np.inf, 5e-324, 1e300, -1e300, 2 + 4e-16])
    hits = np.zeros(len(alphas), dtype=int)
    for _, _, _, condition in family.conditions("alpha"):
        hits += np.asarray(run(condition, {"alpha": alphas}), dtype=int)
    assert hits.tolist() == [1, 1, 1, 0, 1, 1, 0, 1, 1, 0]


@pytest.mark.parametrize(
    ("name", "exponent"),
    [
        ("quadratic", "2"),
        ("charbonnier", "1"),
        ("cauchy", "0"),
        ("geman_mcclure", "-2"),
        ("welsch", "-oo"),
    ],
)
def test_members_are_recognized(name, exponent):
    found = family.match(load(name))
    assert found is not None
    assert str(found.exponent) == exponent
    assert found.letters == Letters("x", None, "scale")


def test_barron_is_recognized_and_others_are_not():
    assert family.match(BARRON).letters == LETTERS
    for name in ("absolute", "huber", "smooth_l1"):
        assert family.match(load(name)) is None


def test_a_rational_exponent_goes_through_the_general_form():
    factors = family.factors("-7/2")
    forms = quantities(factors, Letters("x", None, "scale"))
    with mp.workdps(60):
        at = {X: mp.mpf("0.7"), ALPHA: mp.mpf(-7) / 2, SCALE: mp.mpf("1.3")}
        for name in forms:
            got = meaning(forms[name], {"x": at[X], "scale": at[SCALE]})
            assert _relative(got, evaluate(RAW[name], at)) < mp.mpf(10) ** -30
