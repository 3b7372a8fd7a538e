"""The learned alpha of real data, against a likelihood that shares no code with ours."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from generated.for_torch.densities.barron import AdaptiveBarronLoss


@pytest.fixture(scope="module")
def example(load):
    return load("food_expenditure")


@pytest.fixture(scope="module")
def fits(example):
    return example.all_fits(*example.engel())


def _nll(at, income, food):
    """Barron's likelihood as typed, its normalizer by adaptive quadrature."""
    intercept, slope, scale, alpha = at
    b = abs(alpha - 2)
    rho = lambda z: b / alpha * ((z * z / b + 1) ** (alpha / 2) - 1)  # noqa: E731
    half, _ = integrate.quad(
        lambda v: np.exp(v - rho(np.exp(v))), -40, 60, epsabs=0, epsrel=1e-12, limit=500, points=[0]
    )
    residual = (food - intercept - slope * income) / scale
    return rho(residual).sum() + len(food) * np.log(2 * half * scale)


def test_alpha_is_that_of_an_independent_fit(example, fits):
    data = example.engel()
    ours = fits["Barron"]
    assert ours.log_likelihood == pytest.approx(-_nll(ours.estimate, *data), abs=1e-7)
    stretch = ours.error
    found = optimize.minimize(
        lambda at: _nll(at * stretch, *data),
        np.array([147.0, 0.485, 60.0, 1.2]) / stretch,
        method="Nelder-Mead",
        options={"maxiter": 4000, "maxfev": 4000, "xatol": 1e-7, "fatol": 1e-10},
    )
    assert found.success
    np.testing.assert_allclose(ours.estimate, found.x * stretch, rtol=1e-5)
    assert ours.estimate[3] == pytest.approx(0.507, abs=0.001)


def test_standard_errors_are_those_of_the_curvature(example, fits):
    data, ours = example.engel(), fits["Barron"]
    steps = np.diag(ours.error * 0.02)
    value = lambda d: _nll(ours.estimate + d, *data)  # noqa: E731
    curvature = np.array(
        [
            [value(a + b) - value(a - b) - value(b - a) + value(-a - b) for b in steps]
            for a in steps
        ]
    ) / 4 / np.outer(steps.diagonal(), steps.diagonal())  # fmt: skip
    errors = np.sqrt(np.linalg.inv(curvature).diagonal())
    np.testing.assert_allclose(ours.error, errors, rtol=2e-3)


def test_the_others_are_scipys(example, fits):
    income, food = example.engel()
    known = {
        "normal": lambda scale: stats.norm(0, scale),
        "Laplace": lambda scale: stats.laplace(0, scale),
        "Cauchy": lambda scale: stats.cauchy(0, scale * np.sqrt(2)),
        "Student t": lambda scale, df: stats.t(df, 0, scale),
    }
    for name, density in known.items():

        def value(at, density=density):
            return -density(*at[2:]).logpdf(food - at[0] - at[1] * income).sum()

        at = fits[name].estimate
        assert fits[name].log_likelihood == pytest.approx(-value(at), abs=1e-8)
        for change in (0.999, 1.001):
            for k in range(len(at)):
                moved = at.copy()
                moved[k] *= change
                assert value(moved) > value(at) - 1e-6, (name, k)


def test_heavy_tails_are_worth_their_parameter(fits):
    assert list(fits)[:2] == ["Student t", "Barron"]
    assert fits["Barron"].aic < fits["Laplace"].aic < fits["Cauchy"].aic < fits["normal"].aic
    assert fits["normal"].aic - fits["Barron"].aic > 70


def test_the_adaptive_module_has_the_same_likelihood(example, fits):
    import torch

    income, food = example.engel()
    intercept, slope, scale, alpha = fits["Barron"].estimate
    residual = torch.tensor(intercept + slope * income - food)
    loss = AdaptiveBarronLoss(alpha=alpha, scale=scale, reduction="sum", dtype=torch.float64)
    value = loss(residual)
    assert -value.item() == pytest.approx(fits["Barron"].log_likelihood, abs=1e-7)
    value.backward()
    slopes = [p.grad.abs().max().item() for p in loss.parameters()]
    assert max(slopes) < 1e-5


def test_the_picture(example, fits, tmp_path):
    picture = tmp_path / "food.png"
    example.draw(*example.engel(), fits["normal"], fits["Barron"], picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
