# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 6c6ca5571ad8) by: derive regenerate geman_mcclure --target numpy
"""Geman-McClure loss.

    loss = 2*s/(s + 4)
    s = x^2/scale^2

Domain: x real, scale > 0. Bounded by 2; the influence of an outlier falls as 1/x^3.
Source: Geman and McClure, Proc. ASA 1985; in this form Barron, arXiv:1701.03077, eq. 5.
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
    """Geman-McClure loss, elementwise."""
    y = x / scale
    return _where_rare(np.abs(y) >= 2.0**60, lambda: 2, y / (y * y + 4) * y * 2)


@_elementwise
def d_x(x: Any, scale: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    y = x / scale
    s = y * y
    value = 16 / (s + 4) * y / scale / (s + 4)
    return _where_rare(np.abs(y) >= 2.0**60, lambda: 16 / y / scale / y / y, value)


@_elementwise
def d_scale(x: Any, scale: Any = 1.0) -> Any:
    """The derivative in scale."""
    y = x / scale
    s = y * y
    value = -y / scale * (16 / (s * (s + 8) + 16) * y)
    return _where_rare(np.abs(y) >= 2.0**30, lambda: -scale / x * (16 / x), value)


@_elementwise
def d2_x(x: Any, scale: Any = 1.0) -> Any:
    """The second derivative in x."""
    y = x / scale
    s = y * y
    q = 1 / (0.25 * y * y + 1)
    value = q / scale * ((q * 4 - 3) * q / scale)
    value = _where_rare(np.abs(y) >= 2.0**60, lambda: -48 / x * scale / x * (scale / x / x), value)
    v = (64 - s * 48) / (s + 4) / scale / (s * (s + 8) + 16) / scale
    return np.where(np.abs(y) < 2, v, value)


@_elementwise
def d2_x_scale(x: Any, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and scale."""
    y = x / scale
    s = y * y
    value = 1 / scale / (s + 4) * (32 / (s + 4) * (s - 4) * y / (s + 4) / scale)
    return _where_rare(np.abs(y) >= 2.0**60, lambda: scale / x / x * (32 / x), value)


@_elementwise
def d2_scale(x: Any, scale: Any = 1.0) -> Any:
    """The second derivative in scale."""
    y = x / scale
    s = y * y
    value = 16 * y / (s + 4) / scale * ((12 - s) / (s + 4) * y / (s + 4) / scale)
    return _where_rare(np.abs(y) >= 2.0**60, lambda: -16 / x / x, value)


@_elementwise
def weight(x: Any, scale: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    y = x / scale
    s = y * y
    value = 16 / (s + 4) / scale / (s + 4) / scale
    return _where_rare(np.abs(y) >= 2.0**30, lambda: 16 / x * scale / x * (scale / x / x), value)


@_elementwise
def value_and_grad(x: Any, scale: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    y = x / scale
    far = np.abs(y) >= 2.0**60
    q = y * y + 4
    value = _where_rare(far, lambda: 2, y / q * y * 2)
    slope = _where_rare(far, lambda: 16 / y / scale / y / y, 16 / q * y / scale / q)
    return value, slope


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
