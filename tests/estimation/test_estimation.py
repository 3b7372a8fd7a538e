"""Location, robustness and clipped slopes, against what the literature and NumPy say."""

from __future__ import annotations

import math
import statistics
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import sympy
from forms import derived
from mpmath import mp

from derive.calculus import derive
from derive.calculus.evaluate import evaluate
from derive.definitions.find import find
from derive.errors import BadInput
from derive.estimation import clip_gradient, clip_norm, location, robustness, tuning_constant

DATA = [1.0, 2.0, 3.0, 4.0, 100.0, 7.0]
RNG = np.random.default_rng(20250311)


@pytest.fixture(scope="module")
def derivation():
    return cache(lambda name: derived(find(name)))


def test_l2_is_the_mean(derivation):
    data = RNG.standard_normal(101) * 3 + 1e3
    assert location(derivation("quadratic"), data).value == pytest.approx(
        math.fsum(data) / 101, rel=2e-16
    )


def test_l1_is_the_median_and_an_interval_for_an_even_number(derivation):
    found = location(derivation("absolute"), DATA)
    assert (found.low, found.high, found.value) == (3.0, 4.0, 3.5)
    odd = location(derivation("absolute"), DATA[:5])
    assert (odd.low, odd.high) == (3.0, 3.0)
    assert odd.unique
    assert not found.unique
    tied = [2.0, 2.0, 2.0, 9.0]
    assert location(derivation("absolute"), tied).value == statistics.median(tied)


def test_huber_averages_inside_and_trims_outside(derivation):
    """The mean of the inner data and of the outer ones moved to the thresholds."""
    found = location(derivation("huber"), DATA, delta=1.5)
    t, delta = found.value, 1.5
    assert (found.inner, found.outer) == (2, 3)  # one residual is 1.5 itself
    assert sum(max(-delta, min(delta, t - y)) for y in DATA) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("delta", [1e-3, 0.7, 1e3])
def test_huber_at_any_threshold_solves_its_equation(derivation, delta):
    data = RNG.standard_cauchy(40)
    t = location(derivation("huber"), data, delta=delta).value
    mean = [mp.mpf(t) - mp.mpf(y) for y in data]
    rest = mp.fsum(max(-delta, min(delta, r)) for r in mean)
    assert abs(rest) < 40 * abs(t) * 2e-16


def test_a_redescending_loss_tells_every_root(derivation):
    found = location(derivation("cauchy"), DATA)
    assert [r.kind for r in found.roots] == ["minimum", "maximum", "minimum"]
    assert found.value == pytest.approx(2.8389891572237858, rel=1e-15)
    assert found.roots[2].low == pytest.approx(99.89577995248798, rel=1e-15)


def test_one_datum_and_equal_data(derivation):
    for name in ("quadratic", "absolute", "huber", "cauchy"):
        assert location(derivation(name), [2.5]).value == 2.5
        assert location(derivation(name), [2.5] * 4).value == 2.5


@pytest.mark.parametrize(
    ("data", "settings", "message"),
    [
        ([], {}, "0 numbers"),
        ([1.0, math.nan], {}, "not finite"),
        (["one"], {}, "is no number"),
        ([1.0], {"deltta": 1.0}, "has no parameter 'deltta'"),
    ],
)
def test_bad_data(derivation, data, settings, message):
    with pytest.raises(BadInput, match=message):
        location(derivation("huber"), data, **settings)


# Constants of 95 % efficiency at the normal distribution: Huber 1964; Holland and Welsch 1977
# (Cauchy 2.385 and Welsch 2.985 with x/c; here x^2/(2 scale^2)); Beaton and Tukey 1974.
@pytest.mark.parametrize(
    ("name", "constant", "digits"),
    [
        ("huber", 1.3449975085, 1e-9),
        ("cauchy", 2.3849 / math.sqrt(2), 2e-5),
        ("welsch", 2.9846 / math.sqrt(2), 2e-5),
        ("tukey", 4.6850649485, 1e-9),
        ("andrews", 1.339, 5e-4),
        ("fair", 1.399800, 1e-4),
        ("log_cosh", 1.2047, 1e-4),
    ],
)
def test_tuning_constants_are_derived(derivation, name, constant, digits):
    assert tuning_constant(derivation(name)) == pytest.approx(constant, rel=digits)


def test_robustness_of_the_classics(derivation):
    l1, l2 = (robustness(derivation(n)) for n in ("absolute", "quadratic"))
    assert l1.efficiency == pytest.approx(2 / math.pi, rel=1e-13)
    assert l1.gross_error_sensitivity == pytest.approx(math.sqrt(math.pi / 2), rel=1e-13)
    assert l2.efficiency == pytest.approx(1, rel=1e-13)
    assert l2.gross_error_sensitivity == math.inf
    assert not l2.lipschitz
    tukey = robustness(derivation("tukey"))
    assert tukey.redescending
    assert tukey.bounded
    assert not tukey.convex
    huber = robustness(derivation("huber"), delta=1.345)
    assert huber.convex
    assert huber.lipschitz
    assert not huber.redescending
    assert huber.efficiency == pytest.approx(0.95, abs=1e-6)
    assert not robustness(derivation("cauchy")).bounded
    smooth = robustness(derivation("log_cosh"), c=2.0)
    assert smooth.convex
    assert smooth.steepest == pytest.approx(2, rel=1e-13)


def test_the_clipped_quadratic_is_huber(derivation):
    clipped = clip_gradient(derivation("quadratic"), "delta")
    huber = find("huber")
    ours = {v.name: v for v in clipped.variables}
    scale = ours.get("scale")
    expression = clipped.expression.subs(scale, 1) if scale else clipped.expression
    theirs = huber.expression.subs({v: ours[v.name] for v in huber.variables})
    assert sympy.piecewise_fold(sympy.simplify(expression - theirs)) == 0


def test_a_clipped_slope_is_the_clipped_slope(derivation):
    loss = clip_gradient(derivation("log_cosh"))
    slope = derive(loss).quantities["d_x"]
    plain = derivation("log_cosh").quantities["d_x"]
    x, c, bound = loss.variables
    for place in (-9, -0.3, 0, 0.2, 0.6, 4):
        at = {x: mp.mpf(place), c: mp.mpf(2), bound: mp.mpf("0.7")}
        expected = max(-at[bound], min(at[bound], evaluate(plain, at)))
        assert abs(evaluate(slope, at) - expected) < 1e-12


def test_what_cannot_be_clipped(derivation):
    with pytest.raises(BadInput, match="even"):
        clip_gradient(derivation("tests/losses/pinball.toml"))
    with pytest.raises(BadInput, match="is taken"):
        clip_gradient(derivation("huber"), "delta")


def test_a_clipped_norm_is_the_gradient_of_the_clipped_loss_of_the_norm(derivation):
    """For vectors: grad loss(|x|) = d_x(|x|) x/|x|, and the clipped loss has it clipped."""
    plain = derivation("log_cosh")
    slope = derive(clip_gradient(plain)).quantities["d_x"]
    x, c, bound = clip_gradient(plain).variables
    vectors = RNG.standard_normal((20, 3)) * np.logspace(-3, 2, 20)[:, None]
    norms = np.linalg.norm(vectors, axis=-1)
    at = [{x: mp.mpf(n), c: mp.mpf(2), bound: mp.mpf("0.7")} for n in norms]
    outer = np.array([float(evaluate(slope, a)) for a in at])
    inner = np.array([float(evaluate(plain.quantities["d_x"], a)) for a in at])
    got = clip_norm((inner / norms)[:, None] * vectors, 0.7)
    np.testing.assert_allclose(got, (outer / norms)[:, None] * vectors, rtol=1e-14)
    assert np.any(inner > 0.7)
    assert np.any(inner < 0.7)


def test_a_clipped_norm_stays_in_range():
    np.testing.assert_allclose(clip_norm([3e300, 4e300], 5.0), [3.0, 4.0], rtol=1e-15)
    np.testing.assert_allclose(clip_norm([3e-300, 4e-300], 5.0), [3e-300, 4e-300], rtol=0)
    assert np.all(clip_norm(np.zeros((2, 3)), 1.0) == 0)
    with pytest.raises(BadInput, match="bound"):
        clip_norm([1.0], 0.0)


def test_a_tuning_constant_of_a_loss_whose_slope_leaves_the_range():
    linex = derive(find(str(Path(__file__).parents[1] / "cases" / "linex.toml")))
    assert tuning_constant(linex) == pytest.approx(0.264327, rel=1e-5)
