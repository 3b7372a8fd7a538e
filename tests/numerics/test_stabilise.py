"""Losses that nobody tuned for: the form reaches what it says, by an independent oracle."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import sympy
from forms import derivation, of_catalogue, stable_form
from sympy import Abs, Symbol, cosh, exp, log, sqrt

from derive.calculus import derive
from derive.definitions.catalogue import NAMES
from derive.definitions.loss import Loss
from derive.errors import BadInput
from derive.numerics.evaluate import evaluate
from derive.numerics.stabilise import stabilise
from derive.verification.oracle import Oracle

x = Symbol("x", real=True)
a = Symbol("a", real=True)
c = Symbol("c", positive=True)
tau = Symbol("tau", positive=True)
PROMISE = 4.0

FORMULAS = {
    "fair": ((x, c), c**2 * (Abs(x) / c - log(1 + Abs(x) / c))),
    "log_cosh": ((x, c), c**2 * log(cosh(x / c))),
    "roots": ((x, c), sqrt(x**2 + c**2) - c),
    "saturating": ((x, c), 1 - exp(-((x / c) ** 2))),
    "lorentzian": ((x, c), log(1 + (x / c) ** 2)),
}


# Choosing a form takes seconds; two stand for all in the quick run.
chosen = pytest.mark.parametrize(
    "name",
    [n if n in ("fair", "log_cosh") else pytest.param(n, marks=pytest.mark.slow) for n in FORMULAS],
)


@cache
def _loss(name: str) -> Loss:
    variables, formula = FORMULAS[name]
    return Loss(name=name, title=name, source="tests", variables=variables, loss=formula)


@cache
def _form(name: str):
    return stable_form(_loss(name))


def _points(count: int = 120) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    scale = 10.0 ** rng.uniform(-2, 2, count)
    size = 10.0 ** np.concatenate(
        [rng.uniform(-12, 2, count // 2), rng.uniform(-1.5, 1.5, count - count // 2)]
    )
    return {"x": rng.choice([-1.0, 1.0], count) * size * scale, "c": scale}


def _kappa(oracle: Oracle, name: str, at: dict[str, float], value: float) -> float:
    """|d log f/d log x|, by a difference that float64 resolves well enough."""
    moved = {**at, "x": at["x"] * (1 + 2.0**-26)}
    other = oracle.value(name, moved).float64()
    return abs((other - value) / value) / 2.0**-26 if value else 0.0


@chosen
def test_users_losses_keep_the_promise(name):
    form, oracle = _form(name), Oracle(_loss(name))
    columns = _points()
    misses = {}
    for quantity, nodes in form.regimes[-1].quantities.items():
        got = np.broadcast_to(evaluate(nodes, columns), columns["x"].shape)
        worst = 0.0
        for k, value in enumerate(got):
            at = {n: float(v[k]) for n, v in columns.items()}
            exact = oracle.value(quantity, at)
            size = abs(exact.float64())
            error = exact.ulps(float(value))
            if quantity.startswith("d2_"):
                # in ULP of the terms, whose size the weight gives
                lengths = {"d2_x": 0, "d2_x_c": 1, "d2_c": 2}[quantity]
                terms = (
                    abs(oracle.value("weight", at).float64()) * abs(at["x"] / at["c"]) ** lengths
                )
                if terms > size:
                    error *= np.spacing(size) / np.spacing(terms)
            if 1e-290 < size < 1e290:
                worst = max(worst, error - _kappa(oracle, quantity, at, exact.float64()))
        if worst > PROMISE:
            misses[quantity] = worst
    assert not misses


@chosen
def test_the_report_says_what_was_gained(name):
    form = _form(name)
    assert [r.quantity for r in form.reach] == list(form.names)
    by_name = {r.quantity: r for r in form.reach}
    assert by_name["loss"].rules
    assert by_name["loss"].direct > 1e3 * max(by_name["loss"].worst, 1.0)
    for row in form.reach:
        assert row.points > 100
        assert row.worst <= max(row.direct, PROMISE)
        assert set(row.at) == {"x", "c"}


@chosen
def test_infinite_residuals_give_limits(name):
    ends = {"x": np.array([-np.inf, np.inf]), "c": np.array([1.5, 1.5])}
    for quantity, nodes in _form(name).regimes[-1].quantities.items():
        got = np.broadcast_to(evaluate(nodes, ends), 2)
        assert not np.any(np.isnan(got)), quantity


@pytest.mark.parametrize("name", NAMES)
def test_catalogue_forms_have_every_quantity_in_every_regime(name):
    form = of_catalogue(name)
    wanted = list(derivation(form.loss).quantities)
    assert form.regimes[-1].condition is None
    for regime in form.regimes:
        assert list(regime.quantities) == wanted
    assert all(r.condition is not None for r in form.regimes[:-1])
    assert len({r.name for r in form.regimes}) == len(form.regimes)
    assert all(row.worst < 64 for row in form.reach)


@pytest.mark.parametrize(
    ("formula", "variables"),
    [
        (sympy.loggamma(c) * x**2, (x, c)),  # its slope in c is a digamma
        (sympy.gamma(c) * x**2, (x, c)),
        (sympy.erf(1) * x**2 / c, (x, c)),  # a function of a number
        pytest.param(sympy.erf(x / c) ** 2, (x, c), marks=pytest.mark.slow),
        (sympy.Max(x, 0) ** 2 / c, (x, c)),
        (x**2, (x,)),  # no parameters
        (tau * x + log(1 + exp(-x)) - log(2), (x, tau)),
    ],
    ids=str,
)
def test_the_whole_vocabulary_passes(formula, variables):
    loss = Loss(name="t", title="t", source="tests", variables=variables, loss=formula)
    form = stable_form(loss)
    oracle = Oracle(loss)
    at = dict(zip((v.name for v in variables), (0.7, 1.3), strict=False))
    columns = {n: np.array([v]) for n, v in at.items()}
    for quantity, nodes in form.regimes[-1].quantities.items():
        got = float(np.broadcast_to(evaluate(nodes, columns), 1)[0])
        want = oracle.value(quantity, at).float64()
        assert got == pytest.approx(want, rel=1e-13, abs=1e-15), quantity


def test_a_function_without_a_word_is_bad_input():
    loss = Loss(name="t", title="t", source="t", variables=(x, c), loss=sympy.besselj(0, x) ** 2)
    with pytest.raises((BadInput, NotImplementedError)):
        stable_form(loss)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "variables", "formula", "special"),
    [
        ("box_cox", (x, a), (exp(a * x) - 1) ** 2 / (2 * a**2), {a: (0,)}),
        ("linex", (x, a), (exp(a * x) - a * x - 1) / a**2, {a: (0,)}),
        ("q_gaussian", (x, a), log(1 + (a - 1) ** 2 * x**2) / (a - 1) ** 2, {a: (1,)}),
    ],
)
def test_removable_exponents(name, variables, formula, special):
    """The limit at the special exponent, and the neighbours without a lost digit."""
    loss = Loss(
        name=name, title=name, source="tests", variables=variables, loss=formula, special=special
    )
    form = stabilise(derive(loss))
    centre = float(next(iter(special.values()))[0])
    for regime in form.regimes:
        values = regime.quantities["loss"]
        at = {"x": np.array([0.7, -1.1]), "a": np.full(2, centre)}
        if regime.condition is not None and np.all(evaluate(regime.condition, at)):
            break
    got = np.broadcast_to(evaluate(values, at), 2)
    np.testing.assert_allclose(
        got, np.array([0.7, -1.1]) ** 2 / (1 if name == "q_gaussian" else 2), rtol=1e-15
    )
    oracle = Oracle(loss)
    for offset in (1e-12, -1e-9, 1e-5, 0.1):
        near = {"x": 0.7, "a": centre + offset}
        got = float(
            evaluate(
                form.regimes[-1].quantities["loss"], {k: np.array([v]) for k, v in near.items()}
            )[0]
        )
        assert oracle.value("loss", near).ulps(got) < 16
