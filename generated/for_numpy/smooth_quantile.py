# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 44fe38b6267d) by: derive regenerate smooth_quantile --target numpy
"""Smooth quantile loss.

    loss = c*log(1 + exp(-x/c)) + x*(1 - tau)

Domain: x real, tau in (0, 1), c > 0. The quantile loss for c to 0: a target above the prediction
costs tau a unit, one below it 1 - tau.
Source: Zheng, Int. J. Mach. Learn. Cybern. 2, 2011, eq. 8.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_c", "d2_tau", "d2_tau_c", "d2_x", "d2_x_c", "d2_x_tau", "d_c", "d_tau", "d_x"]
__all__ += ["loss", "value_and_grad", "weight"]


def _elementwise(formula: Any) -> Any:
    # the formula in float64, in blocks that stay in the cache; the dtype of x comes out
    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(x: Any, *_given: Any, **_named: Any) -> Any:
        x, parameters = np.asarray(x), _parameters(*_given, **_named)
        x = x if x.dtype.kind == "f" else x.astype(np.float64, casting="same_kind")
        if parameters[0].ndim or parameters[1].ndim:
            x, *parameters = np.broadcast_arrays(x, *parameters)
        light = formula.__name__ in ("d_tau",)
        if x.ndim and (light or x.size <= 16384) and x.dtype == np.float64:
            return formula(x, *parameters)
        flat = [x.reshape(-1), *(p.reshape(-1) if p.ndim else p for p in parameters)]
        out = np.empty((2 if formula.__name__ == "value_and_grad" else 1, x.size), x.dtype)
        for part in (slice(i, i + 16384) for i in range(0, x.size, 16384)):
            out[:, part] = formula(*(np.asarray(v[part], float) if v.ndim else v for v in flat))
        value, *slope = (row.reshape(x.shape)[()] for row in out)
        return (value, *slope) if slope else value

    return evaluate


def _parameters(tau: Any = 0.9, c: Any = 0.5) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [
        ("tau", tau, "in (0, 1)", lambda p: (p > 0) & (p < 1)),
        ("c", c, "> 0 and finite", lambda p: (p > 0) & (p < np.inf)),
    ]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, tau: Any = 0.9, c: Any = 0.5) -> Any:
    """Smooth quantile loss, elementwise."""
    y = x / c
    return np.where(y > 0, x * (1 - tau) + c * _softplus(-y), c * _softplus(y) - tau * x)


@_elementwise
def d_x(x: Any, tau: Any = 0.9, c: Any = 0.5) -> Any:
    """The derivative in x, the influence."""
    y = x / c
    value = _sigmoid(y) - tau
    value = np.where(y > 0, 1 - tau - _sigmoid(-y), value)
    return np.where(np.abs(y) < 1, 0.5 - tau - 0.5 * np.tanh(-0.5 * y), value)


@_elementwise
def d_tau(x: Any, tau: Any = 0.9, c: Any = 0.5) -> Any:
    """The derivative in tau."""
    return -x


@_elementwise
def d_c(x: Any, tau: Any = 0.9, c: Any = 0.5) -> Any:
    """The derivative in c."""
    y = x / c
    value = _softplus(y) - y * _sigmoid(y)
    value = np.where(y > 0, _softplus(-y) + y * _sigmoid(-y), value)
    return _where_rare(np.abs(y) >= 2.0**27, lambda: 0, value)


@_elementwise
def d2_x(x: Any, tau: Any = 0.9, c: Any = 0.5) -> Any:
    """The second derivative in x."""
    y = x / c
    value = _sigmoid(-y) / c * _sigmoid(y)
    u = _sigmoid(-y)
    return _where_rare(
        (_sigmoid(y) < 2.0**-100) | (u < 2.0**-100),
        lambda: _root_sigmoid(-y) * _root_sigmoid(y) / c * _root_sigmoid(y) * _root_sigmoid(-y),
        value,
    )


@_elementwise
def d2_x_tau(x: Any, tau: Any = 0.9, c: Any = 0.5) -> Any:
    """The mixed second derivative in x and tau."""
    return np.where(np.isnan(x), x, -1)


@_elementwise
def d2_x_c(x: Any, tau: Any = 0.9, c: Any = 0.5) -> Any:
    """The mixed second derivative in x and c."""
    y = x / c
    p = _root_sigmoid(-y) / c * _root_sigmoid(y)
    return _where_rare(np.abs(y) == np.inf, lambda: 0, -p * x * p)


@_elementwise
def d2_tau(x: Any, tau: Any = 0.9, c: Any = 0.5) -> Any:
    """The second derivative in tau."""
    return np.where(np.isnan(x), x, 0)


@_elementwise
def d2_tau_c(x: Any, tau: Any = 0.9, c: Any = 0.5) -> Any:
    """The mixed second derivative in tau and c."""
    return np.where(np.isnan(x), x, 0)


@_elementwise
def d2_c(x: Any, tau: Any = 0.9, c: Any = 0.5) -> Any:
    """The second derivative in c."""
    y = x / c
    p = _root_sigmoid(-y) / c * x * _root_sigmoid(y)
    return _where_rare(np.abs(y) >= 2.0**27, lambda: 0, p / c * p)


@_elementwise
def weight(x: Any, tau: Any = 0.9, c: Any = 0.5) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    y = x / c
    w = np.where(y > 0, 1 - tau - _sigmoid(-y), _sigmoid(y) - tau)
    value = np.where(np.abs(y) < 1, 0.5 - tau - 0.5 * np.tanh(-0.5 * y), w) / x
    return _where_rare(
        y == 0, lambda: _where_rare(tau == 0.5, lambda: 1 / c / 4, (0.5 - tau) / x), value
    )


@_elementwise
def value_and_grad(x: Any, tau: Any = 0.9, c: Any = 0.5) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, tau, c), d_x.__wrapped__(x, tau, c)


def _root_sigmoid(z: Any) -> Any:
    """1/sqrt(1 + exp(-z)), which is exp(z/2) where exp(z) has lost its digits."""
    return np.where(z < -40, np.exp(0.5 * z), np.sqrt(_sigmoid(z)))


def _sigmoid(z: Any) -> Any:
    """1/(1 + exp(-z)), without overflow."""
    p = np.exp(-np.abs(z))
    return _where_rare(z < 0, lambda: p, 1) / (1 + p)


def _softplus(z: Any) -> Any:
    """log(1 + exp(z)), without overflow."""
    return np.maximum(z, 0) + _log1p(np.exp(-np.abs(z)))


def _log1p(w: Any) -> Any:
    """log(1 + w), by log, which is the faster one, and what rounding takes from u = 1 + w."""
    u = 1 + w
    return np.log(u) + np.fmax((w - (u - 1)) / u, -1)  # -1: there log(u) is infinite


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
