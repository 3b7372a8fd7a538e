"""NumPy draws: their distribution, by Kolmogorov-Smirnov against quadrature of the density."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import stats
from table import INF, generated

CASES = [
    ("quadratic", (1.7,)),
    ("absolute", (0.4,)),
    ("huber", (0.2,)),
    ("huber", (3.0,)),
    ("smooth_l1", (0.3,)),
    ("smooth_l1", (5.0,)),
    ("cauchy", (2.0,)),
    ("charbonnier", (0.6,)),
    *(("barron", (a, 1.3)) for a in (0.0, 1e-9, 0.4, 0.999, 1.0, 1.6, 1.99999, 2.0, 2.1, 9.0, INF)),
    *(("student_t", (df, 1.3)) for df in (0.7, 1.0, 2.6, 50.0, 1e12, INF)),
]
cases = pytest.mark.parametrize(("loss", "parameters"), CASES)
COUNT = 40_000


def _cdf(module, parameters, x):
    """By the trapezoidal rule in asinh(x), where the density is smooth and decays fast."""
    step = 0.004
    v = np.arange(0, 44, step)
    mass = module.density(np.sinh(v), *parameters) * np.cosh(v)
    upto = np.concatenate([[0.0], np.cumsum((mass[1:] + mass[:-1]) / 2) * step])
    half = np.interp(np.arcsinh(np.abs(x)), v, upto)
    return 0.5 + np.sign(x) * half


@cases
def test_draws_have_the_density(loss, parameters):
    module = generated("numpy", loss)
    x = module.sample(np.random.default_rng(20), COUNT, *parameters)
    assert x.shape == (COUNT,)
    assert stats.kstest(_cdf(module, parameters, x), "uniform").pvalue > 1e-3
    assert stats.kstest(x[x > 0], -x[x < 0]).pvalue > 1e-3
    assert abs(np.mean(x > 0) - 0.5) < 4 * 0.5 / np.sqrt(COUNT)
    # E[x psi(x)] = 1 whatever the loss: integration by parts
    virial = x * module.d_x(x, *parameters)
    assert abs(virial.mean() - 1) < 4.5 * virial.std() / np.sqrt(COUNT)


def test_a_wrong_density_would_be_noticed():
    module = generated("numpy", "barron")
    x = module.sample(np.random.default_rng(20), COUNT, 1.7, 1.3)
    assert stats.kstest(_cdf(module, (1.5, 1.3), x), "uniform").pvalue < 1e-3


def test_parameters_may_differ_from_place_to_place():
    module = generated("numpy", "barron")
    alphas = np.array([0.0, 0.5, 1.0, 1.7, 2.0, 3.0, INF])
    x = module.sample(np.random.default_rng(5), (COUNT, 7), alphas, 2.0)
    for k, alpha in enumerate(alphas):
        assert stats.kstest(_cdf(module, (alpha, 2.0), x[:, k]), "uniform").pvalue > 1e-3


def test_sizes():
    module = generated("numpy", "barron")
    rng = np.random.default_rng(0)
    assert np.ndim(module.sample(rng)) == 0
    assert module.sample(rng, 3).shape == (3,)
    assert module.sample(rng, (0, 4)).shape == (0, 4)
    assert module.sample(rng, None, np.ones((2, 1)), np.ones(3)).shape == (2, 3)
    assert module.sample(rng, (5, 2), np.ones(2)).dtype == np.float64
    with pytest.raises(ValueError, match="does not fit"):
        module.sample(rng, (2,), np.ones((3, 2)))
    with pytest.raises(ValueError, match="alpha must be >= 0"):
        module.sample(rng, 3, -1.0)
    with pytest.raises(ValueError, match="scale must be > 0"):
        module.sample(rng, 3, 1.0, 0.0)


def test_the_same_generator_gives_the_same_draws():
    module = generated("numpy", "barron")
    one, two = (module.sample(np.random.default_rng(3), 50_000, 1.2) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@cases
def test_draws_are_quick(loss, parameters):
    """A guard, not the measurement: a fifth of the promise, on a busy machine."""
    module = generated("numpy", loss)
    rng = np.random.default_rng(1)
    best = 0.0
    for _ in range(4):
        start = time.perf_counter()
        module.sample(rng, 100_000, *parameters)
        best = max(best, 100_000 / (time.perf_counter() - start))
    assert best > 2e5
