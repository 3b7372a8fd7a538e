# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 754036bcd3bb) by: derive regenerate dynamic_covariance_scaling
# --target numpy
"""Dynamic covariance scaling (DCS).

    loss = x^2/2 if x^2 <= phi, 2*phi*x^2/(phi + x^2) - phi/2 otherwise

Domain: x real, phi > 0. Quadratic up to x^2 = phi and bounded beyond, with a continuous slope.
Source: Agarwal et al., ICRA 2013.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_phi", "d2_x", "d2_x_phi", "d_phi", "d_x", "loss", "value_and_grad", "weight"]


def _elementwise(formula: Any) -> Any:
    # the formula in float64, in blocks that stay in the cache; the dtype of x comes out
    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(x: Any, *_given: Any, **_named: Any) -> Any:
        x, parameters = np.asarray(x), _parameters(*_given, **_named)
        x = x if x.dtype.kind == "f" else x.astype(np.float64, casting="same_kind")
        if parameters[0].ndim:
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


def _parameters(phi: Any = 1.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("phi", phi, "> 0 and finite", lambda p: (p > 0) & (p < np.inf))]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, phi: Any = 1.0) -> Any:
    """Dynamic covariance scaling (DCS), elementwise."""
    return np.where(x * x <= phi, 0.5 * x * x, phi / 2 * _weighted(x, phi))


@_elementwise
def d_x(x: Any, phi: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    w = x / phi * x
    value = x / (w + 1) * (4 / (w + 1))
    value = np.where(x * x <= phi, x, value)
    u = np.abs(x / np.sqrt(phi))
    return _where_rare(u >= 2.0**60, lambda: phi / x * (4 / x * phi / x), value)


@_elementwise
def d_phi(x: Any, phi: Any = 1.0) -> Any:
    """The derivative in phi."""
    y = x / np.sqrt(phi)
    u = y * y
    value = 0.5 * ((u - 1) / (u + 1)) * ((u * 3 + 1) / (u + 1))
    value = np.where(u <= 1, 0, value)
    return _where_rare(np.abs(y) >= 2.0**60, lambda: 1.5, value)


@_elementwise
def d2_x(x: Any, phi: Any = 1.0) -> Any:
    """The second derivative in x."""
    y = x / np.sqrt(phi)
    q = 1 / (y * y + 1)
    return np.where(y * y <= 1, 1, q * 4 * (q * 4 - 3) * q)


@_elementwise
def d2_x_phi(x: Any, phi: Any = 1.0) -> Any:
    """The mixed second derivative in x and phi."""
    w = x / phi * x
    value = x / phi / (w + 1) * (x / phi) * (x / (w + 1)) * (8 / (w + 1))
    value = np.where(x * x <= phi, 0, value)
    return _where_rare(np.abs(x / np.sqrt(phi)) >= 2.0**60, lambda: 8 / x * phi / x / x, value)


@_elementwise
def d2_phi(x: Any, phi: Any = 1.0) -> Any:
    """The second derivative in phi."""
    w = x / phi * x
    value = -4 / (w + 1) / phi * x * x / (w + 1) / phi * x * x / phi / (w + 1)
    value = np.where(x * x <= phi, 0, value)
    return _where_rare(np.abs(x / np.sqrt(phi)) >= 2.0**60, lambda: -4 / x / x, value)


@_elementwise
def weight(x: Any, phi: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    w = x / phi * x
    return np.where(x * x <= phi, 1, 4 / (w + 1) / (w + 1))


@_elementwise
def value_and_grad(x: Any, phi: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, phi), d_x.__wrapped__(x, phi)


def _weighted(y: Any, b: Any) -> Any:
    """f (c + d w)/(1 + w), w = y^2/b, also where w overflows (c = -1, d = 3, f = 1)."""
    v = y / b
    w = v * y
    return _where_rare(w >= 2.0**80, lambda: 3 + -1 / y / v, (-1 + 3 * w) / (1 + w))


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
