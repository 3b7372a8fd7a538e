"""NumPy's cdf, sf, ppf, moments and entropy, against ball arithmetic and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from flint import arb, ctx
from mpmath import mp
from scipy import stats
from scipy.special import kv
from table import INF, NAN, generated
from tails import tail

barron = generated("numpy", "barron")
ALPHAS = (0.0, 0.1, 0.5, 1.0, 1.5, 1.9, 2 - 1e-9, 2.0, 2 + 1e-6, 4.0, 10.0, 1e6, INF)
POINTS = (1e-6, 0.3, 1.0, 1.9, 2.5, 3.0, 3.4, 5.0, 10.0, 30.0, 36.0, 600.0, 1e10)
alphas = pytest.mark.parametrize("alpha", ALPHAS)


def _off(got, want):
    """The relative difference."""
    with ctx.workprec(100):
        return float(abs(arb(float(got)) / want - 1).upper())


@alphas
def test_both_tails_are_right_to_the_last_but_few_digits(alpha):
    for y in POINTS:
        if barron.loss(y, alpha) > 680:
            continue
        want = tail(alpha, y)
        assert _off(barron.cdf(-3 * y, alpha, 3.0), want) < 4e-13, y
        assert _off(barron.sf(3 * y, alpha, 3.0), want) < 4e-13, y
        with ctx.workprec(100):
            assert _off(barron.cdf(3 * y, alpha, 3.0), 1 - want) < 1e-15, y


@alphas
def test_quantiles_are_right_in_the_tails_and_next_to_the_middle(alpha):
    q = np.array([1e-290, 1e-30, 1e-8, 0.1, 0.2501, 0.2499, 0.4, 0.5 - 1e-10])
    x = barron.ppf(q, alpha, 2.0)
    np.testing.assert_allclose(barron.cdf(x, alpha, 2.0), q, rtol=2e-12)
    np.testing.assert_allclose(barron.ppf(1 - q[4:], alpha, 2.0), -x[4:], rtol=1e-15)
    # between x and the middle there is a probability of 1e-10, to all its digits
    want = -(0.5 - q[-1]) / barron.density(0.0, alpha, 2.0)
    np.testing.assert_allclose(x[-1], want, rtol=1e-13)


@alphas
def test_the_median_is_nothing(alpha):
    assert barron.ppf(0.5, alpha, 3.0) == 0
    d = generated("torch", "barron").Barron(0.0, torch.tensor(alpha, dtype=torch.float64), 3.0)
    assert float(d.icdf(torch.tensor(0.5, dtype=torch.float64))) == 0


def test_ends_and_what_is_no_probability():
    got = barron.ppf([0.0, 1.0, 0.5, -0.1, 1.1, NAN], 1.5)
    np.testing.assert_array_equal(got, [-INF, INF, 0.0, NAN, NAN, NAN])
    np.testing.assert_array_equal(barron.cdf([-INF, INF, NAN], 0.7), [0.0, 1.0, NAN])
    np.testing.assert_array_equal(barron.sf([-INF, INF, NAN], 0.7), [1.0, 0.0, NAN])
    assert barron.cdf(-1e300, 0.0) == pytest.approx(math.sqrt(2) / math.pi * 1e-300, rel=1e-12)


def test_shapes_types_and_parameters_from_place_to_place():
    x, alpha = np.linspace(-3, 3, 5), np.array([[0.0], [1.0], [2.0], [1.0]])
    scale = np.array([[1.0], [1.0], [2.0], [1.0]])
    for name, at in (("cdf", x), ("sf", x), ("ppf", np.linspace(0.01, 0.9, 5))):
        function = getattr(barron, name)
        got = function(at, alpha, scale)
        want = [function(at, a, s) for a, s in zip(alpha[:, 0], scale[:, 0], strict=True)]
        np.testing.assert_array_equal(got, want)
        assert function(at.astype(np.float32), 1.0).dtype == np.float32
        assert function(1, 1.0).dtype == np.float64
        assert np.ndim(function(0.3)) == 0
        assert function(np.zeros((0, 2)), 1.0).shape == (0, 2)
        assert function(np.zeros(20_000), 1.5, 2.0).shape == (20_000,)
        with pytest.raises(ValueError, match="alpha must be >= 0"):
            function(0.3, -1.0)
        with pytest.raises(ValueError, match="scale must be > 0"):
            function(0.3, 1.0, [1.0, 0.0])
    assert barron.moment(2, alpha, 1.0).shape == (4, 1)
    assert barron.entropy(alpha, np.ones(3)).shape == (4, 3)
    assert barron.entropy(np.zeros((0,))).shape == (0,)


def test_moments():
    for loss, value, even in (
        ("quadratic", 2.0, {2: 4.0, 4: 48.0, 6: 960.0}),
        ("absolute", 2.0, {2: 8.0, 4: 24 * 16.0, 6: 720 * 64.0}),
        ("charbonnier", 2.0, {2: 4 * kv(2, 1) / kv(1, 1)}),
    ):
        module = generated("numpy", loss)
        for order, want in even.items():
            assert module.moment(order, value) == pytest.approx(want, rel=1e-13)
            assert module.moment(order + 1, value) == 0
        assert module.moment(0, value) == 1
    for order in (0.5, -1, -2.0):
        with pytest.raises(ValueError, match="order must be a whole number >= 0"):
            barron.moment(order)


def test_moments_of_heavy_tails():
    assert generated("numpy", "cauchy").moment(2) == INF
    got = [barron.moment(n, [0.0, 0.5]) for n in range(4)]
    np.testing.assert_array_equal(np.isfinite(got).T, [[1, 0, 0, 0], [1, 1, 1, 1]])
    assert np.isnan(got[1][0]) and got[2][0] == INF and np.isnan(got[3][0])
    # huge and finite, then beyond the numbers: log E[x^2] is about 0.216/alpha
    assert 1e90 < barron.moment(2, 1e-3) < 1e100
    assert barron.moment(2, 1e-5) == INF


def test_moments_and_entropy_of_students_density():
    """Also where much of a moment lies beyond the panels, and where the numbers end before it."""
    student = generated("numpy", "student_t")
    df = np.array([0.05, 0.3, 1.0, 2.0, 2.05, 2.5, 5.0, 40.0, 1e9, INF])
    want = [9 / (1 - 2 / n) if n > 2 else INF for n in df]
    np.testing.assert_allclose(student.moment(2, df, 3.0), want, rtol=2e-13)
    df = np.array([4.05, 4.5, 5.0, 40.0])
    got = student.moment(4, df)
    np.testing.assert_allclose(got, 3 * df**2 / (df - 2) / (df - 4), rtol=5e-13)
    for df in (0.05, 0.3, 1.0, 2.5, 40.0, 1e9, INF):
        with mp.workdps(30):
            want = float(_students_entropy(mp.mpf(df)) + mp.log(3))
        assert student.entropy(df, 3.0) == pytest.approx(want, rel=1e-14)


def _students_entropy(n):
    if n == mp.inf:
        return (1 + mp.log(2 * mp.pi)) / 2
    apart = mp.digamma((n + 1) / 2) - mp.digamma(n / 2)
    return (n + 1) / 2 * apart + mp.log(mp.sqrt(n) * mp.beta(n / 2, 0.5))


@pytest.mark.parametrize("value", [0.05, 1.0, 30.0])
@pytest.mark.parametrize("loss", ["huber", "smooth_l1"])
def test_where_there_is_a_kink_the_virial_holds(loss, value):
    """E[x psi(x)] = 1: over the quadratic part and the two tails, from cdf and moments alone."""
    module = generated("numpy", loss)
    outside = 2 * module.sf(value, value)
    slope = module.d_x(2 * value, value)
    expected = lambda f: stats.rv_continuous.expect(  # noqa: E731
        module.distribution(stats.rv_continuous), f, (value,), lb=value, epsabs=0
    )
    beyond = 2 * expected(lambda x: x)
    curve = module.d2_x(0.0, value)
    square = module.moment(2, value) - 2 * expected(lambda x: x * x)
    assert slope * beyond + curve * square == pytest.approx(1, rel=1e-8)
    assert 0 < outside < 1


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0, 1.999, 2.0, 5.0, INF])
def test_entropy_is_the_mean_of_minus_log_density(alpha):
    u = (np.arange(10_000) + 0.5) / 10_000
    mean = -barron.log_density(barron.ppf(u, alpha, 1.4), alpha, 1.4).mean()
    assert barron.entropy(alpha, 1.4) == pytest.approx(mean, abs=5e-4)
