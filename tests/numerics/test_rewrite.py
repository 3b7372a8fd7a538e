"""What the rules find in formulas that people bring."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from mpmath import mp
from sympy import Abs, Symbol, cos, cosh, exp, log, sqrt

from derive.calculus.evaluate import evaluate
from derive.numerics.atoms import (
    boxcox1p,
    exprel,
    log1p,
    log1p_minus,
    log1prel,
    logcosh,
    sigmoid,
    softplus,
    spelled_out,
)
from derive.numerics.evaluate import evaluate as run
from derive.numerics.lower import lower
from derive.numerics.rules import rewrite

x = Symbol("x", real=True)
a, q = Symbol("a", real=True), Symbol("q", real=True)
c, u, tau = (Symbol(n, positive=True) for n in ("c", "u", "tau"))

# formula, rules that must be used, atoms that must stand in the result
TABLE = {
    "Fair": (c**2 * (Abs(x) / c - log(1 + Abs(x) / c)), {"log1p"}, {log1p_minus}),
    "Box-Cox": ((u**a - 1) / a, {"power minus one"}, {boxcox1p}),
    "log cosh": (log(cosh(x / c)), {"logcosh"}, {logcosh}),
    "q-Gaussian": (log(1 + (q - 1) * x**2) / (q - 1), {"vanishing denominator"}, {log1prel}),
    "softplus quantile": (tau * x + log(1 + exp(-x / c)), {"log1p", "softplus"}, {softplus}),
    "saturating": (1 - exp(-((x / c) ** 2)), {"expm1"}, set()),
    "pseudo-Huber": (sqrt(1 + (x / c) ** 2) - 1, set(), set()),
    "difference of roots": (sqrt(x**2 + c**2) - c, {"difference of square roots"}, set()),
    "linex": (exp(a * x) - a * x - 1, {"expm1", "expm1 minus its argument"}, set()),
    "ratio of exponentials": ((exp(a * x) - 1) / a, {"expm1", "vanishing denominator"}, {exprel}),
    "cosine": (1 - cos(x / c), {"cosine minus one"}, set()),
    "hyperbolic": (cosh(x) - 1, {"hyperbolic cosine minus one"}, set()),
    "logistic": (exp(x) / (1 + exp(x)), {"sigmoid"}, {sigmoid}),
    "log": (log(1 + (x / c) ** 2), {"log1p"}, {log1p}),
    "reciprocal": (1 / (1 + x**2) - 1, {"power minus one"}, set()),
    "power": ((1 + x**2) ** a - 1, {"power minus one"}, {boxcox1p}),
}  # fmt: skip
table = pytest.mark.parametrize("name", TABLE)
POINT = {x: "0.73", a: "-0.61", q: "1.7", c: "1.9", u: "2.3", tau: "0.3"}


def _names(at):
    return {s.name: float(v) for s, v in at.items()}


@table
def test_the_rules_find_it(name):
    formula, rules, atoms = TABLE[name]
    found, used = rewrite(formula)
    assert rules <= set(used)
    for atom in atoms:
        assert found.has(atom), found
    assert found != formula


@table
def test_what_is_found_is_equal(name):
    formula, _, _ = TABLE[name]
    found, _ = rewrite(formula)
    with mp.workdps(60):
        at = {s: mp.mpf(v) for s, v in POINT.items()}
        for sign in (1, -1):
            at[x] = sign * abs(at[x])
            one, other = evaluate(spelled_out(found), at), evaluate(formula, at)
            assert abs(one - other) < mp.mpf(10) ** -50


@table
def test_small_residuals_keep_their_digits(name):
    """Where the formula cancels at x = 0, its rewriting does not; Box-Cox at u = 1."""
    formula, _, _ = TABLE[name]
    found, _ = rewrite(formula)
    nodes = lower(found)
    for small in (1e-3, 1e-6, 1e-9):
        at = {s: mp.mpf(float(v)) for s, v in POINT.items()}
        at[x] = mp.mpf(small)
        if name == "Box-Cox":
            at[u] = mp.mpf(1 + 2.0**-30)
        with mp.workdps(80):
            exact = evaluate(formula, at)
        got = float(run(nodes, _names(at)))
        assert abs(got - float(exact)) <= 8 * abs(float(np.spacing(float(exact))))


@pytest.mark.parametrize("special", [0.0, 5e-324, 1e-300, -1e-17, 1e-9])
def test_exponents_may_vanish(special):
    for name, letter, at in (
        ("Box-Cox", a, {"u": 2.3}),
        ("ratio of exponentials", a, {"x": 0.73}),
    ):
        nodes = lower(rewrite(TABLE[name][0])[0])
        got = float(run(nodes, {**at, letter.name: special}))
        limit = np.log(2.3) if name == "Box-Cox" else 0.73
        assert got == pytest.approx(limit, rel=1e-8)
    nodes = lower(rewrite(TABLE["q-Gaussian"][0])[0])
    assert float(run(nodes, {"x": 0.73, "q": 1 + special})) == pytest.approx(0.73**2, rel=1e-8)


@pytest.mark.parametrize(
    "formula",
    [x**2, Abs(x), x**2 / (1 + x**2), sympy.sin(x), exp(x), log(c + x**2), sympy.Max(x, 0)],
    ids=str,
)
def test_what_loses_nothing_is_left_alone(formula):
    assert rewrite(formula) == (formula, ())


def test_conditions_are_left_alone():
    formula = sympy.Piecewise((x**2, log(1 + c) - c > x), (log(1 + x**2), True))
    found, used = rewrite(formula)
    assert used == ("log1p",)
    assert found.args[0] == formula.args[0]
