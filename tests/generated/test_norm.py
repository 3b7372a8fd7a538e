"""The density of vectors through their norm: log Z against mpmath, slopes, and what is refused."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch
from mpmath import mp
from scipy.special import gammaln
from table import DEFINITIONS, INF, TARGETS, array, generated, numbers

targets = pytest.mark.parametrize("target", TARGETS)


def _barron_in_the_plane(alpha):
    """2 pi q^(1 - 2/alpha) e^q Gamma(2/alpha, q), q = |alpha - 2|/alpha, by substitution."""
    a = mp.mpf(alpha)
    q = abs(a - 2) / a
    return mp.log(2 * mp.pi * q ** (1 - 2 / a)) + q + mp.log(mp.gammainc(2 / a, q))


def _sphere(m):
    return math.log(2) + m / 2 * math.log(math.pi) - gammaln(m / 2)


KNOWN = {
    "quadratic": lambda m, c: m * mp.log(2 * mp.pi * mp.mpf(c) ** 2) / 2,
    "absolute": lambda m, c: m * mp.log(c) + mp.log(
        2 * mp.pi ** (mp.mpf(m) / 2) * mp.gamma(m) / mp.gamma(mp.mpf(m) / 2)),
    "charbonnier": lambda m, c: m * mp.log(c) + mp.log(
        2 * mp.e * (2 * mp.pi) ** (mp.mpf(m - 1) / 2) * mp.besselk(mp.mpf(m + 1) / 2, 1)),
    "student_t": lambda m, n, c: m * mp.log(mp.pi * n * mp.mpf(c) ** 2) / 2 + mp.loggamma(
        (mp.mpf(n) + 1 - m) / 2) - mp.loggamma((mp.mpf(n) + 1) / 2),
}  # fmt: skip
CASES = [("quadratic", (1.7,)), ("absolute", (0.3,)), ("charbonnier", (2.0,))]
CASES += [("student_t", (df, 1.5)) for df in (63.001, 70.0, 1e3, 1e12)]


@targets
@pytest.mark.parametrize(("loss", "parameters"), CASES)
def test_it_is_the_known_one(loss, parameters, target):
    module = generated(target, loss)
    for m in (1, 2, 3, 4, 7, 64):
        given = [array(target, p) for p in parameters]
        got = float(numbers(module.log_partition_norm(m, *given)))
        with mp.workdps(50):
            want = KNOWN[loss](m, *parameters)
            assert abs(got - want) < 2e-15 * max(abs(want), 1, m), m


@targets
@pytest.mark.parametrize("alpha", [0.01, 0.03, 0.4, 1.0, 1.5, 1.99999, 2.5, 7.0, 20.0])
def test_barrons_in_the_plane(alpha, target):
    got = numbers(generated(target, "barron").log_partition_norm(2, array(target, alpha)))
    with mp.workdps(40):
        assert abs(float(got) - _barron_in_the_plane(alpha)) < 1e-14


@cache
def _integral(loss, parameters, m):
    with mp.workdps(25):
        values = [mp.mpf(p) for p in parameters]
        kink = [mp.log(values[0])] if loss in ("huber", "smooth_l1") else []
        f = lambda s: m * s - DEFINITIONS[loss](mp.exp(s), *values)  # noqa: E731
        points = sorted({mp.mpf(k) / 2 for k in range(-24, 60)} | set(kink))
        heights = [f(p) for p in points]
        top = max(heights)
        inside = [p for p, h in zip(points, heights, strict=True) if h > top - 60]
        far = [inside[0] - 8, *inside, inside[-1] + mp.mpf(1) / 2]
        return float(mp.log(mp.quad(lambda s: mp.exp(f(s) - top), far)) + top) + _sphere(m)


@targets
@pytest.mark.parametrize(("loss", "parameters"), [
    ("barron", (0.3, 1.2)), ("barron", (1.3, 0.7)), ("barron", (2.0, 1.2)), ("barron", (INF, 2.0)),
    ("huber", (0.2,)), ("huber", (5.0,)), ("smooth_l1", (0.3,)), ("smooth_l1", (8.0,)),
])  # fmt: skip
def test_it_is_the_integral(loss, parameters, target):
    module = generated(target, loss)
    for m in (3, 10):
        want = _integral(loss, parameters, m)
        given = [array(target, p) for p in parameters]
        got = float(numbers(module.log_partition_norm(m, *given)))
        assert abs(got - want) < 2e-13 * max(abs(want), 1), m


@targets
def test_total_probability_and_shapes(target):
    module = generated(target, "barron")
    s = np.arange(-18, 9, 0.01)
    for m in (2, 5):
        x = np.zeros((len(s), m))
        x[:, 0] = -np.exp(s)
        log_p = numbers(module.log_density_norm(array(target, x), 0.8, 1.4))
        assert np.sum(np.exp(log_p + m * s + _sphere(m))) * 0.01 == pytest.approx(1, abs=1e-12)
    turned = np.array([[3.0, 4.0], [0.0, -5.0]])
    both = numbers(module.log_density_norm(array(target, turned), 0.8, 1.4))
    assert both.shape == (2,)
    assert both[0] == pytest.approx(both[1], rel=1e-14)
    parameters = array(target, np.array([[0.5], [1.5]])), array(target, np.array([1.0, 2.0, 3.0]))
    assert tuple(module.log_partition_norm(3, *parameters).shape) == (2, 3)
    line = module.log_partition_norm(1, *parameters)
    np.testing.assert_array_equal(numbers(line), numbers(module.log_partition(*parameters)))
    assert str(module.log_density_norm(array(target, x, "float32"), 0.8).dtype).endswith("float32")


def test_gradients():
    for loss, at in (("barron", (0.4, 1.3)), ("barron", (2.6, 1.3)), ("student_t", (7.5, 0.7)),
                     ("huber", (0.7,)), ("quadratic", (0.7,))):  # fmt: skip
        module = generated("torch", loss)
        values = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in at]
        f = lambda *p: module.log_partition_norm(4, *p)  # noqa: B023, E731
        assert torch.autograd.gradcheck(f, values, fast_mode=True), loss
        assert torch.autograd.gradgradcheck(f, values, fast_mode=True), loss
        # the length only stretches: d log Z/d scale = dimension/scale
        if loss in ("barron", "student_t", "quadratic"):
            slope = torch.autograd.grad(f(*values), values[-1])[0]
            assert float(slope) == pytest.approx(4 / at[-1], rel=1e-12)


@targets
def test_what_diverges_is_refused(target):
    barron, student = generated(target, "barron"), generated(target, "student_t")
    with pytest.raises(ValueError, match="alpha must be > 0 for vectors"):
        barron.log_partition_norm(2, 0.0)
    with pytest.raises(ValueError, match="alpha must be >= 0"):
        barron.log_partition_norm(2, -1.0)
    with pytest.raises(ValueError, match=r"df \+ 1 must be > dimension for vectors"):
        student.log_partition_norm(3, 2.0)
    assert np.isfinite(float(student.log_partition_norm(3, 2.5)))
    for dimension in (0, -1, 2.5):
        with pytest.raises(ValueError, match="dimension must be a whole number >= 1"):
            barron.log_partition_norm(dimension, 1.0)
    with pytest.raises(ValueError, match="beyond the range of float64"):
        barron.log_partition_norm(64, 1e-3)
    assert not hasattr(generated(target, "cauchy"), "log_partition_norm")
    with pytest.raises(ValueError, match="vectors along its last axis"):
        barron.log_density_norm(array(target, 1.0))


def test_an_adaptive_loss_of_vectors():
    barron = generated("torch", "barron")
    torch.manual_seed(3)
    residual = torch.randn(5, 2, 3, dtype=torch.float64)
    made = barron.AdaptiveBarronLoss(2, dimension=3, dtype=torch.float64, reduction="none")
    want = -barron.log_density_norm(residual, made.alpha, made.scale)
    torch.testing.assert_close(made(residual), want)
    made(residual).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in made.parameters())
    with pytest.raises(ValueError, match="vectors of 3 numbers along its last axis"):
        made(residual[..., :2])
    with pytest.raises(ValueError, match="alpha must be > 0"):
        barron.AdaptiveBarronLoss(dimension=3, alpha=0.0, learn_alpha=False)
