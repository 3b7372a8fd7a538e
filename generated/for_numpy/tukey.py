# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 07cad5ece58c) by: derive regenerate tukey --target numpy
"""Tukey's biweight (bisquare).

    loss = c^2*(1 - (1 - x^2/c^2)^3)/6 if |x| <= c, c^2/6 otherwise

Domain: x real, c > 0. Behaves like x^2/2 near zero and is constant beyond |x| = c.
Source: Beaton and Tukey, Technometrics 16(2), 1974.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_c", "d2_x", "d2_x_c", "d_c", "d_x", "loss", "value_and_grad", "weight"]


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


def _parameters(c: Any = 4.685) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("c", c, "> 0 and finite", lambda p: (p > 0) & (p < np.inf))]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, c: Any = 4.685) -> Any:
    """Tukey's biweight (bisquare), elementwise."""
    y = x / c
    return np.where(np.abs(x) > c, c / 6 * c, x / 6 * ((1 - y * y) * (2 - y * y) + 1) * x)


@_elementwise
def d_x(x: Any, c: Any = 4.685) -> Any:
    """The derivative in x, the influence."""
    s = np.minimum(np.maximum(x, -c), c)
    q = 1 - s / c * (s / c)
    return s * q * q


@_elementwise
def d_c(x: Any, c: Any = 4.685) -> Any:
    """The derivative in c."""
    y = x / c
    value = c * np.where(np.abs(y) <= 1, y * y * y * y * (1 - y / 3 * y * 2), 1 / 3)
    value = _where_rare(np.abs(y) < 2.0**-27, lambda: y * y * c * y * y, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d2_x(x: Any, c: Any = 4.685) -> Any:
    """The second derivative in x."""
    s = np.minimum(np.maximum(x, -c), c)
    u = s / c * (s / c)
    return (1 - u * 5) * (1 - u)


@_elementwise
def d2_x_c(x: Any, c: Any = 4.685) -> Any:
    """The mixed second derivative in x and c."""
    y = x / c
    return np.where(np.abs(y) > 1, 0, y * 4 * y * (y * (1 - y * y)))


@_elementwise
def d2_c(x: Any, c: Any = 4.685) -> Any:
    """The second derivative in c."""
    y = x / c
    return np.where(np.abs(y) > 1, 1 / 3, y * y * (y * (y / 3 * y * 10 - 3) * y))


@_elementwise
def weight(x: Any, c: Any = 4.685) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    s = np.minimum(np.maximum(x, -c), c)
    q = 1 - s / c * (s / c)
    return q * q


@_elementwise
def value_and_grad(x: Any, c: Any = 4.685) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, c), d_x.__wrapped__(x, c)


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
