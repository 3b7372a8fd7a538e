# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 d052951abc1d) by: derive regenerate welsch --target numpy
"""Welsch loss (Leclerc).

    loss = 1 - exp(-s/2)
    s = x^2/scale^2

Domain: x real, scale > 0. Bounded by 1; the influence of an outlier falls like a Gaussian.
Source: Dennis and Welsch, Comm. Statist. B7(4), 1978; in this form Barron, arXiv:1701.03077, eq. 6.
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
    """Welsch loss (Leclerc), elementwise."""
    y = x / scale
    return -np.expm1(-0.5 * y * y)


@_elementwise
def d_x(x: Any, scale: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    y = x / scale
    p = np.exp(-0.25 * y * y) / scale
    value = p * x * p
    value = _where_rare(np.abs(y) >= 2.0**20, lambda: 0, value)
    return np.where(np.abs(y) < 4, y / scale * np.exp(-0.5 * y * y), value)


@_elementwise
def d_scale(x: Any, scale: Any = 1.0) -> Any:
    """The derivative in scale."""
    y = x / scale
    p = y * np.exp(-0.25 * y * y)
    value = -p / scale * p
    value = _where_rare(np.abs(y) >= 2.0**20, lambda: 0, value)
    return np.where(np.abs(y) < 4, -y / scale * y * np.exp(-0.5 * y * y), value)


@_elementwise
def d2_x(x: Any, scale: Any = 1.0) -> Any:
    """The second derivative in x."""
    y = x / scale
    s = y * y
    quarter = np.exp(-0.125 * y * y)
    p = quarter / scale * quarter
    value = p * (1 - s) * p
    value = _where_rare(np.abs(y) >= 2.0**20, lambda: 0, value)
    return np.where(np.abs(y) < 4, (1 - s) / scale * (np.exp(-0.5 * y * y) / scale), value)


@_elementwise
def d2_x_scale(x: Any, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and scale."""
    y = x / scale
    quarter = np.exp(-0.125 * y * y)
    p = quarter / scale * quarter
    return _where_rare(np.abs(y) >= 2.0**20, lambda: 0, p * (y * y - 2) * y * p)


@_elementwise
def d2_scale(x: Any, scale: Any = 1.0) -> Any:
    """The second derivative in scale."""
    y = x / scale
    quarter = np.exp(-0.125 * y * y)
    p = quarter / scale * y * quarter
    return _where_rare(np.abs(y) >= 2.0**20, lambda: 0, p * (3 - y * y) * p)


@_elementwise
def weight(x: Any, scale: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    y = x / scale
    quarter = np.exp(-0.125 * y * y)
    p = quarter / scale * quarter
    return np.where(np.abs(y) < 3, np.exp(-0.5 * y * y) / scale / scale, p * p)


@_elementwise
def value_and_grad(x: Any, scale: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, scale), d_x.__wrapped__(x, scale)


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
