# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 117954fea4bb) by: derive regenerate charbonnier --target numpy
"""Charbonnier loss (pseudo-Huber).

    loss = sqrt(1 + s) - 1
    s = x^2/scale^2

Domain: x real, scale > 0. Behaves like (x/scale)^2/2 near zero and like |x|/scale far away.
Source: Charbonnier et al., ICIP 1994; in this form Barron, arXiv:1701.03077, eq. 3.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_scale", "d2_x", "d2_x_scale", "d_scale", "d_x", "loss", "value_and_grad", "weight"]


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


def _parameters(scale: Any = 1.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("scale", scale, "> 0 and finite", lambda p: (p > 0) & (p < np.inf))]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, scale: Any = 1.0) -> Any:
    """Charbonnier loss (pseudo-Huber), elementwise."""
    y = x / scale
    return _where_rare(np.abs(y) >= 2.0**60, lambda: np.abs(y), y / (np.sqrt(y * y + 1) + 1) * y)


@_elementwise
def d_x(x: Any, scale: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    y = x / scale
    value = 1 / _root1p_square(y) * y / scale
    return _where_rare(np.abs(y) == np.inf, lambda: np.sign(y) / scale, value)


@_elementwise
def d_scale(x: Any, scale: Any = 1.0) -> Any:
    """The derivative in scale."""
    return -x / scale * d_x(x, scale)


@_elementwise
def d2_x(x: Any, scale: Any = 1.0) -> Any:
    """The second derivative in x."""
    y = x / scale
    size = np.abs(x)
    s = y * y
    value = 1 / np.sqrt(s + 1) / scale / (s + 1) / scale
    return _where_rare(np.abs(y) >= 2.0**40, lambda: scale / size / size / size, value)


@_elementwise
def d2_x_scale(x: Any, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and scale."""
    y = x / scale
    u = 1 / _root1p_square(y) * y
    value = u / scale * ((u * u - 2) / scale)
    return _where_rare(np.abs(y) == np.inf, lambda: -np.sign(y) / scale / scale, value)


@_elementwise
def d2_scale(x: Any, scale: Any = 1.0) -> Any:
    """The second derivative in scale."""
    y = x / scale
    u = 1 / _root1p_square(y) * y
    return _where_rare(np.abs(y) == np.inf, lambda: np.inf, u / scale * (y / scale) * (3 - u * u))


@_elementwise
def weight(x: Any, scale: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    return 1 / _root1p_square(x / scale) / scale / scale


@_elementwise
def value_and_grad(x: Any, scale: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    y = x / scale
    u = np.abs(y)
    r = np.sqrt(1 + y * y)
    value = _where_rare(u >= 2.0**60, lambda: u, y / (r + 1) * y)
    slope = 1 / _where_rare(u >= 2.0**40, lambda: u, r) * y / scale
    slope = _where_rare(u == np.inf, lambda: np.sign(y) / scale, slope)
    return value, slope


def _root1p_square(t: Any) -> Any:
    """sqrt(1 + t^2), also where t^2 overflows."""
    return _where_rare(np.abs(t) >= 2.0**40, lambda: np.abs(t), np.sqrt(1 + t * t))


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
