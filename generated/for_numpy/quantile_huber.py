# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 53e17bd46274) by: derive regenerate quantile_huber --target numpy
"""Quantile Huber loss.

    loss = (x^2/2 if |x| <= kappa, kappa*(|x| - kappa/2) otherwise)*(1 - tau if x > 0, tau
      otherwise)/kappa

Domain: x real, tau in (0, 1), kappa > 0. Huber's loss over kappa, times tau for a target above the
prediction and 1 - tau for one below; the quantile loss for kappa to 0.
Source: Dabney et al., AAAI 2018, arXiv:1710.10044, eq. 10.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_kappa", "d2_tau", "d2_tau_kappa", "d2_x", "d2_x_kappa", "d2_x_tau", "d_kappa"]
__all__ += ["d_tau", "d_x", "loss", "value_and_grad", "weight"]


def _elementwise(formula: Any) -> Any:
    # the formula in float64, in blocks that stay in the cache; the dtype of x comes out
    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(x: Any, *_given: Any, **_named: Any) -> Any:
        x, parameters = np.asarray(x), _parameters(*_given, **_named)
        x = x if x.dtype.kind == "f" else x.astype(np.float64, casting="same_kind")
        if parameters[0].ndim or parameters[1].ndim:
            x, *parameters = np.broadcast_arrays(x, *parameters)
        if x.ndim and x.size <= 16384 and x.dtype == np.float64:
            return formula(x, *parameters)
        flat = [x.reshape(-1), *(p.reshape(-1) if p.ndim else p for p in parameters)]
        out = np.empty((2 if formula.__name__ == "value_and_grad" else 1, x.size), x.dtype)
        for part in (slice(i, i + 16384) for i in range(0, x.size, 16384)):
            out[:, part] = formula(*(np.asarray(v[part], float) if v.ndim else v for v in flat))
        value, *slope = (row.reshape(x.shape)[()] for row in out)
        return (value, *slope) if slope else value

    return evaluate


def _parameters(tau: Any = 0.9, kappa: Any = 1.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [
        ("tau", tau, "in (0, 1)", lambda p: (p > 0) & (p < 1)),
        ("kappa", kappa, "> 0 and finite", lambda p: (p > 0) & (p < np.inf)),
    ]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, tau: Any = 0.9, kappa: Any = 1.0) -> Any:
    """Quantile Huber loss, elementwise."""
    s = np.minimum(np.maximum(x, -kappa), kappa)
    return s / kappa * (np.where(x > 0, 1 - tau, tau) * (x - 0.5 * s))


@_elementwise
def d_x(x: Any, tau: Any = 0.9, kappa: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    u = _where_rare(x == 0, lambda: 0.5, np.where(x > 0, 1 - tau, tau))
    return np.minimum(np.maximum(x, -kappa), kappa) / kappa * u


@_elementwise
def d_tau(x: Any, tau: Any = 0.9, kappa: Any = 1.0) -> Any:
    """The derivative in tau."""
    s = np.minimum(np.maximum(x, -kappa), kappa)
    return s / kappa * (x - 0.5 * s) * _where_rare(x == 0, lambda: 0, np.where(x > 0, -1, 1))


@_elementwise
def d_kappa(x: Any, tau: Any = 0.9, kappa: Any = 1.0) -> Any:
    """The derivative in kappa."""
    s = np.minimum(np.maximum(x, -kappa), kappa)
    u = _where_rare(x == 0, lambda: 0.5, np.where(x > 0, 1 - tau, tau))
    return -0.5 * (s / kappa) * (u / kappa * s)


@_elementwise
def d2_x(x: Any, tau: Any = 0.9, kappa: Any = 1.0) -> Any:
    """The second derivative in x."""
    value = np.where(np.abs(x) <= kappa, 1, 0) * np.where(x > 0, 1 - tau, tau) / kappa
    return np.where(np.isnan(x), x, value)


@_elementwise
def d2_x_tau(x: Any, tau: Any = 0.9, kappa: Any = 1.0) -> Any:
    """The mixed second derivative in x and tau."""
    return np.minimum(np.maximum(x, -kappa), kappa) / kappa * np.where(x > 0, -1, 1)


@_elementwise
def d2_x_kappa(x: Any, tau: Any = 0.9, kappa: Any = 1.0) -> Any:
    """The mixed second derivative in x and kappa."""
    value = np.where(x > 0, 1 - tau, tau) / kappa * np.where(np.abs(x) <= kappa, -x / kappa, 0)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d2_tau(x: Any, tau: Any = 0.9, kappa: Any = 1.0) -> Any:
    """The second derivative in tau."""
    return np.where(np.isnan(x), x, 0)


@_elementwise
def d2_tau_kappa(x: Any, tau: Any = 0.9, kappa: Any = 1.0) -> Any:
    """The mixed second derivative in tau and kappa."""
    s = np.minimum(np.maximum(x, -kappa), kappa)
    return -s / kappa * (s / kappa) * (0.5 * np.where(x > 0, -1, 1))


@_elementwise
def d2_kappa(x: Any, tau: Any = 0.9, kappa: Any = 1.0) -> Any:
    """The second derivative in kappa."""
    y = x / kappa
    size = np.abs(x)
    value = size / kappa / kappa * ((1 - tau) / kappa * size)
    value = _where_rare(x < 0, lambda: tau / kappa * size * (size / kappa / kappa), value)
    u = np.where(np.abs(y) <= 1, y * y, 0) / kappa * np.where(y > 0, 1 - tau, tau)
    return np.where(np.abs(y) >= 0.00390625, u, value)


@_elementwise
def weight(x: Any, tau: Any = 0.9, kappa: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    u = _where_rare(x == 0, lambda: 0.5, np.where(x > 0, 1 - tau, tau))
    return u / np.maximum(kappa, np.abs(x))


@_elementwise
def value_and_grad(x: Any, tau: Any = 0.9, kappa: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    s = np.minimum(np.maximum(x, -kappa), kappa)
    v = s / kappa
    w = np.where(x > 0, 1 - tau, tau)
    slope = v * _where_rare(x == 0, lambda: 0.5, w)
    return v * (w * (x - 0.5 * s)), slope


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
