"""The losses of the field beside the papers' formulas, typed here and taken by mpmath."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from mpmath import mp
from table import TARGETS, array, generated, numbers

from derive.definitions.catalogue import NAMES, load

DEFINITIONS = {
    "log_cosh": lambda x, c: c**2 * mp.log(mp.cosh(x / c)),
    "fair": lambda x, c: c**2 * (abs(x) / c - mp.log1p(abs(x) / c)),
    "arctan": lambda x, c: c**2 / 2 * mp.atan((x / c) ** 2),
    "tukey": lambda x, c: c**2 / 6 * (1 - (1 - min(1, (x / c) ** 2)) ** 3),
    "andrews": lambda x, c: c**2 * (1 - mp.cos(max(-mp.pi, min(mp.pi, x / c)))),
    "ramsay": lambda x, a: (1 - mp.exp(-a * abs(x)) * (1 + a * abs(x))) / a**2,
    "hampel": lambda x, a, b, c: (
        x**2 / 2
        if abs(x) <= a
        else a * abs(x) - a**2 / 2
        if abs(x) <= b
        else a * (b + c - a) / 2 - a * max(c - abs(x), 0) ** 2 / (c - b) / 2
    ),
    "generalized_normal": lambda x, beta, c: (abs(x) / c) ** beta,
    "generalized_charbonnier": lambda x, eps, a: (x**2 + eps**2) ** a,
    "talwar": lambda x, c: min(x**2, c**2) / 2,
    "dynamic_covariance_scaling": lambda x, phi: (
        x**2 / 2 if x**2 <= phi else 2 * phi * x**2 / (phi + x**2) - phi / 2
    ),
    "quantile": lambda x, tau: -tau * x if x < 0 else (1 - tau) * x,
    "quantile_huber": lambda x, tau, kappa: (
        abs(1 - tau if x >= 0 else tau)
        * (x**2 / 2 if abs(x) <= kappa else kappa * (abs(x) - kappa / 2))
        / kappa
    ),
    "smooth_quantile": lambda x, tau, c: c * mp.log1p(mp.exp(x / c)) - tau * x,
    "expectile": lambda x, tau: (tau if x < 0 else 1 - tau) * x**2,
    "epsilon_insensitive": lambda x, epsilon: max(abs(x) - epsilon, 0),
    "squared_epsilon_insensitive": lambda x, epsilon: max(abs(x) - epsilon, 0) ** 2,
    "q_gaussian": lambda x, q, c: mp.log1p((q - 1) * (x / c) ** 2) / (q - 1),
    "linex": lambda x, a: mp.exp(a * x) - a * x - 1,
    "box_cox": lambda x, lam, scale: ((1 + (x / scale) ** 2 / 2) ** lam - 1) / lam,
    "wing": lambda x, w, eps: (
        w * mp.log1p(abs(x) / eps) if abs(x) < w else abs(x) - w + w * mp.log1p(w / eps)
    ),
}
HERE = tuple(name for name in NAMES if name in DEFINITIONS)
RESIDUALS = (-40.0, -3.25, -0.7, -1e-3, 1e-7, 0.3, 1.9, 25.0)
VALUES = {"tau": (0.3, 0.9), "q": (1.001, 2.5), "a": (0.3, 1.0), "beta": (0.7, 2.5)}
PLAIN = (0.75, 2.5)
ORDERED = ((0.5, 1.5, 4.0), (2.5, 2.5, 20.0))


@cache
def _exact(name: str, order: int, x: float, at: tuple[float, ...]) -> float:
    with mp.workdps(60):
        point = [mp.mpf(v) for v in at]
        return float(
            mp.diff(lambda t: DEFINITIONS[name](t, *point), mp.mpf(x), order, h=mp.mpf(10) ** -25)
        )


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", HERE)
def test_a_file_says_what_the_paper_says(name, target):
    file, x = generated(target, name), array(target, RESIDUALS)
    for place in range(2):
        names = [p.name for p in load(name).parameters]
        at = ORDERED[place] if load(name).require else ()
        at = at or tuple(VALUES.get(p, PLAIN)[place] for p in names)
        loss, slope = (numbers(v) for v in file.value_and_grad(x, *at))
        np.testing.assert_allclose(loss, [_exact(name, 0, r, at) for r in RESIDUALS], rtol=4e-15)
        want = np.array([_exact(name, 1, r, at) for r in RESIDUALS])
        np.testing.assert_allclose(slope, want, rtol=4e-15, atol=1e-300)
        np.testing.assert_array_equal(slope, numbers(file.d_x(x, *at)))
        weight = numbers(file.weight(x, *at))
        np.testing.assert_allclose(weight, want / np.array(RESIDUALS), rtol=4e-15, atol=1e-300)


@pytest.mark.parametrize("name", HERE)
def test_the_module_is_the_function(name):
    import torch

    file = generated("torch", name)
    made = getattr(file, "".join(p.capitalize() for p in name.split("_")) + "Loss")()
    prediction = torch.tensor([0.5, -2.0, 3.0], dtype=torch.float64, requires_grad=True)
    target = torch.tensor([0.25, 1.0, 2.5], dtype=torch.float64)
    found = made(prediction, target)
    assert found.item() == pytest.approx(file.loss(prediction - target).mean().item(), rel=1e-15)
    found.backward()
    want = file.d_x((prediction - target).detach()) / 3
    np.testing.assert_allclose(prediction.grad.numpy(), want.numpy(), rtol=1e-14)
