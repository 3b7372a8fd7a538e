"""log Z, its slopes and the density, against mpmath and against the stored enclosures."""

from __future__ import annotations

import importlib
import math
from functools import cache

import numpy as np
import pytest
import torch
from flint import arb, arb_series, ctx
from mpmath import mp
from table import TARGETS, array, generated, numbers

from tools.partition.form import evaluate

with mp.workdps(70):
    BESSEL = mp.besselk(1, 1)
# Z from the literature, at scale 1 where there is a scale.
CLOSED = {
    "quadratic": lambda c: c * mp.sqrt(2 * mp.pi),
    "absolute": lambda c: 2 * c,
    "cauchy": lambda c: c * mp.sqrt(2) * mp.pi,
    "charbonnier": lambda c: 2 * c * mp.e * BESSEL,
    "huber": lambda d: mp.sqrt(2 * mp.pi) * mp.erf(d / mp.sqrt(2)) + 2 * mp.exp(-d * d / 2) / d,
    "smooth_l1": lambda b: mp.sqrt(2 * mp.pi * b) * mp.erf(mp.sqrt(b / 2)) + 2 * mp.exp(-b / 2),
}
NAMES = {"huber": "delta", "smooth_l1": "beta"}
VALUES = [1e-6, 0.03, 0.4, 1.0, 1.7, 3.0, 20.0, 1e5]
ALPHAS = np.concatenate(
    [
        [0.0, 1e-300, 1e-12, 0.125, 1.0, 2.0, 4.0, 10.0, 1e3, 1e6, 1e300, np.inf],
        np.logspace(-12, 6, 300),
        2 - np.logspace(-15, -1, 120),
        2 + np.logspace(-15, -1, 120),
    ]
)
targets = pytest.mark.parametrize("target", TARGETS)


@cache
def _exact(z, value, order):
    with mp.workdps(60):
        at = mp.mpf(value)
        return float(mp.diff(lambda v: mp.log(z(v)), at, order, h=at * mp.mpf(10) ** -20))


@targets
@pytest.mark.parametrize("loss", CLOSED)
def test_log_z_and_its_slopes_are_right(loss, target):
    module, p = generated(target, loss), NAMES.get(loss, "scale")
    bounds = {"log_partition": 2e-15, f"d_log_partition_{p}": 4e-15, f"d2_log_partition_{p}": 4e-14}
    for order, (name, bound) in enumerate(bounds.items()):
        got = numbers(getattr(module, name)(array(target, np.array(VALUES))))
        want = [_exact(CLOSED[loss], v, order) for v in VALUES]
        scale = np.maximum(np.abs(want), 1.0) if order == 0 else np.abs(want)
        assert np.all(np.abs(got - want) <= bound * scale + 1e-300), name
        assert float(getattr(module, name)(VALUES[4])) == pytest.approx(want[4], rel=1e-6)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_barrons_log_z_does_what_its_measured_form_does(order):
    name = ("log_partition", "d_log_partition_alpha", "d2_log_partition_alpha")[order]
    want = evaluate(ALPHAS, order)
    got = getattr(generated("numpy", "barron"), name)(ALPHAS, 1.0)
    np.testing.assert_array_equal(got, want)
    tensor = getattr(generated("torch", "barron"), name)(torch.tensor(ALPHAS), 1.0).numpy()
    # the libraries' logarithms may differ in the last bit
    np.testing.assert_allclose(tensor, want, rtol=4e-15, atol=1e-16)


@targets
def test_barrons_log_z_is_the_known_one(target):
    module = generated(target, "barron")
    with mp.workdps(30):
        known = {
            0.0: mp.log(mp.pi * mp.sqrt(2)),
            1.0: mp.log(2 * mp.e * mp.besselk(1, 1)),
            2.0: mp.log(2 * mp.pi) / 2,
            4.0: mp.mpf(1) / 4 + mp.log(mp.besselk(mp.mpf(1) / 4, mp.mpf(1) / 4)),
        }
    for alpha, value in known.items():
        got = float(module.log_partition(array(target, alpha), 3.0))
        assert got == pytest.approx(float(value + mp.log(3)), rel=1e-15)
    assert float(module.d_log_partition_alpha(array(target, 2.0))) == -np.inf
    assert float(module.d_log_partition_scale(array(target, 0.5), 4.0)) == 0.25


@targets
@pytest.mark.parametrize(
    ("loss", "parameters"),
    [
        *((loss, (v,)) for loss in CLOSED for v in (0.3, 1.0, 4.0)),
        *(("barron", (a, 0.5)) for a in (0.0, 0.6, 1.0, 1.99, 2.0, 2.001, 7.0, np.inf)),
        *(("barron", (a, 2.0)) for a in (0.3, 1.9)),
    ],
)
def test_the_total_probability_is_one(loss, parameters, target):
    """By Gauss's rule between powers of two, and the kink."""
    edges = np.unique([0.0, *2.0 ** np.arange(-10, 50), parameters[0] if loss in NAMES else 1.0])
    nodes, weights = np.polynomial.legendre.leggauss(30)
    half = np.diff(edges)[:, None] / 2
    x = edges[:-1, None] + half * (nodes + 1)
    density = numbers(generated(target, loss).density(array(target, x), *parameters))
    assert 2 * np.sum(density * half * weights) == pytest.approx(1.0, abs=2e-9)


@targets
def test_log_density_is_minus_loss_minus_log_z(target):
    module = generated(target, "barron")
    x = array(target, np.array([-np.inf, -3.0, 0.0, 0.5, np.nan]))
    got = numbers(module.log_density(x, 1.5, 2.0))
    want = -numbers(module.loss(x, 1.5, 2.0)) - float(evaluate(1.5)) - np.log(2.0)
    np.testing.assert_allclose(got, want, rtol=1e-15)
    np.testing.assert_allclose(numbers(module.density(x, 1.5, 2.0)), np.exp(want), rtol=1e-14)


@targets
@pytest.mark.parametrize("function", ["log_density", "density"])
def test_shapes_and_dtypes_are_those_of_the_residual(function, target):
    f = getattr(generated(target, "barron"), function)
    for name in ("float16", "float32", "float64"):
        x = array(target, np.linspace(-2, 2, 6).reshape(2, 3))
        x = x.astype(name) if target == "numpy" else x.to(getattr(torch, name))
        y = f(x, array(target, np.ones((4, 1, 1))), 1.0)
        assert tuple(y.shape) == (4, 2, 3)
        assert str(y.dtype).removeprefix("torch.") == name
    assert tuple(f(1.0).shape) == ()


@targets
def test_parameters_give_shape_and_dtype_of_log_z(target):
    module = generated(target, "barron")
    single = np.array([[0.5], [1.5]], dtype=np.float32)
    alpha = torch.tensor(single) if target == "torch" else single
    z = module.log_partition(alpha, 2.0)
    assert tuple(z.shape) == (2, 1)
    assert "float32" in str(z.dtype)
    if target == "numpy":
        assert module.log_partition().dtype == np.float64
        assert module.log_partition(1, 2).shape == ()


@targets
@pytest.mark.parametrize(
    "name", ["log_partition", "d_log_partition_alpha", "log_density", "density"]
)
def test_a_negative_alpha_has_no_density(name, target):
    f = getattr(generated(target, "barron"), name)
    rest = (1.0,) if name.endswith("density") else ()
    arrays = [np.array([1.0, -2.0])] if target == "numpy" else []  # tensors are never checked
    for bad in (-1e-9, -np.inf, *arrays):
        with pytest.raises(ValueError, match=r"alpha must be >= 0 for a density: the integral div"):
            f(*rest, bad)
    with pytest.raises(ValueError, match="scale must be > 0"):
        f(*rest, 1.0, -1.0)


@targets
@pytest.mark.parametrize("loss", ["welsch", "geman_mcclure"])
def test_where_the_integral_diverges_nothing_is_emitted(loss, target):
    module = importlib.import_module(f"generated.for_{target}.densities.{loss}")
    public = {n for n in vars(module) if "partition" in n or "density" in n}
    assert {n for n in public if not n.startswith("_")} == {"log_partition_on"}
    assert "No density" in module.__doc__


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0, 1.9, 1.9999999, 2.0, 2.0000001, 2.3, 40.0])
def test_the_likelihoods_gradient_is_closed_and_right(alpha):
    """By differences of the density at 50 digits; at 2 it is the one at the nearest alpha below."""
    module = generated("torch", "barron")
    at = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.7, alpha, 1.3)]
    nll = -module.log_density(*at)
    got = torch.autograd.grad(nll, at)
    beside = np.nextafter(2.0, 0.0) if alpha == 2 else alpha
    numpy = generated("numpy", "barron")
    want = [
        numpy.d_x(0.7, beside, 1.3),
        numpy.d_alpha(0.7, beside, 1.3) + evaluate(beside, 1),
        numpy.d_scale(0.7, beside, 1.3) + 1 / 1.3,
    ]
    np.testing.assert_allclose([float(g) for g in got], want, rtol=1e-13)
    assert all(np.isfinite(float(g)) for g in got)


@pytest.mark.parametrize("loss", ["barron", "huber", "smooth_l1", "charbonnier"])
def test_the_log_density_can_be_differentiated_twice(loss):
    module = generated("torch", loss)
    x = torch.tensor([0.3, -1.9, 4.0], dtype=torch.float64, requires_grad=True)
    values = (1.4, 0.8) if loss == "barron" else (1.4,)
    at = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values]
    for f, inputs in ((module.log_density, (x, *at)), (module.log_partition, tuple(at))):
        assert torch.autograd.gradcheck(f, inputs, fast_mode=True)
        assert torch.autograd.gradgradcheck(f, inputs, fast_mode=True)


def test_transforms_work_on_log_z():
    module = generated("torch", "barron")
    alphas = torch.tensor([0.0, 0.5, 1.9999, 3.0], dtype=torch.float64)
    slopes = torch.func.vmap(torch.func.grad(lambda a: module.log_partition(a, 1.0)))(alphas)
    np.testing.assert_allclose(slopes.numpy(), evaluate(alphas.numpy(), 1), rtol=1e-13)
    bend = torch.func.grad(torch.func.grad(lambda a: module.log_partition(a, 1.0)))(alphas[1])
    assert float(bend) == pytest.approx(float(evaluate(0.5, 2)), rel=1e-12)


DFS = np.concatenate([10.0 ** np.linspace(-30, 30, 61), np.linspace(0.05, 40, 90), [1e-290, 1e290]])


@pytest.fixture(scope="module")
def students_log_z():
    """For each df: log of sqrt(df) B(1/2, df/2), that is log Z, and its first two derivatives."""

    def of(df):
        n = arb_series([arb(df), 1], prec=3)
        z = n.log() / 2 + arb(0.5).lgamma() + (n / 2).lgamma() - ((n + 1) / 2).lgamma()
        return [z[k] * math.factorial(k) for k in range(3)]

    with ctx.workprec(2300):
        return [of(df) for df in DFS.tolist()]


@targets
@pytest.mark.parametrize("order", [0, 1, 2])
def test_students_log_z_is_the_known_one(students_log_z, target, order):
    name = ("log_partition", "d_log_partition_df", "d2_log_partition_df")[order]
    got = numbers(getattr(generated(target, "student_t"), name)(array(target, DFS), 1.0))
    worst = 0.0
    for known, value in zip(students_log_z, got.tolist(), strict=True):
        if 1e-300 < abs(known[order]) < 1e300:
            with ctx.workprec(200):
                worst = max(worst, float(abs((value - known[order]) / known[order])))
    assert worst < (4 * 2.0**-53, 2e-15, 4e-15)[order]


@pytest.mark.parametrize("lam", [1e-15, 1e-9, 1e-5])
def test_slopes_of_log_z_where_the_tail_hardly_falls(lam):
    """Faster than any power, which is seen beyond the range of numbers only."""
    for name in ("d_log_partition_lam", "d2_log_partition_lam"):
        one, other = (generated(t, "box_cox") for t in TARGETS)
        want = getattr(one, name)(lam)
        assert float(getattr(other, name)(array("torch", lam))) == pytest.approx(want, rel=1e-9)
