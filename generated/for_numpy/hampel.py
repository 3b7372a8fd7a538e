# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 1b5f4e8d6de9) by: derive regenerate hampel --target numpy
"""Hampel's three-part loss.

    loss = x^2/2 if |x| <= a, a*|x| - a^2/2 if |x| <= b, a*(b - a/2) + a*(|x| - b)*(2*c - b -
      |x|)/(2*c - 2*b) if |x| <= c, a*(b + c - a)/2 otherwise

Domain: x real, a > 0, b > 0, c > 0, a <= b < c. x^2/2 up to |x| = a and a straight line up to b;
from there the slope falls to 0, which it is beyond c.
Source: Andrews et al., Robust Estimates of Location, 1972; Hampel, JASA 69(346), 1974.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_a", "d2_a_b", "d2_a_c", "d2_b", "d2_b_c", "d2_c", "d2_x", "d2_x_a", "d2_x_b"]
__all__ += ["d2_x_c", "d_a", "d_b", "d_c", "d_x", "loss", "value_and_grad", "weight"]


def _elementwise(formula: Any) -> Any:
    # the formula in float64, in blocks that stay in the cache; the dtype of x comes out
    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(x: Any, *_given: Any, **_named: Any) -> Any:
        x, parameters = np.asarray(x), _parameters(*_given, **_named)
        x = x if x.dtype.kind == "f" else x.astype(np.float64, casting="same_kind")
        if parameters[0].ndim or parameters[1].ndim or parameters[2].ndim:
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


def _parameters(a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [
        ("a", a, "> 0 and finite", lambda p: (p > 0) & (p < np.inf)),
        ("b", b, "> 0 and finite", lambda p: (p > 0) & (p < np.inf)),
        ("c", c, "> 0 and finite", lambda p: (p > 0) & (p < np.inf)),
    ]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    values = [np.float64(row[1]) for row in rows]
    if not np.all(_related(*values)):
        given = ", ".join(f"{row[0]} = {row[1]!r}" for row in rows)
        raise ValueError(f"a <= b < c must hold, got {given}")
    return values


def _related(a: Any, b: Any, c: Any) -> Any:
    """Whether a <= b < c."""
    return (a <= b) & (b < c)


@_elementwise
def loss(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """Hampel's three-part loss, elementwise."""
    size = np.abs(x)
    value = 0.5 * x * x
    w = a / 2 * (b + c - a)
    w = np.where(size <= c, a * (b - a / 2 + (size - b) / (c - b) * (0.5 * (2 * c - b - size))), w)
    return np.where(a < size, np.where(size <= b, a * (size - a / 2), w), value)


@_elementwise
def d_x(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """The derivative in x, the influence."""
    size = np.abs(x)
    w = np.where(size <= c, np.sign(x) / (c - b) * (c - size) * a, 0)
    return np.where(a < size, np.where(size <= b, a * np.sign(x), w), x)


@_elementwise
def d_a(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """The derivative in a."""
    size = np.abs(x)
    value = b / 2 + c / 2 - a
    value = np.where(size <= c, b - a + (size - b) / (c - b) * (0.5 * (2 * c - b - size)), value)
    value = np.where(size <= b, size - a, value)
    value = np.where(size <= a, 0, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d_b(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """The derivative in b."""
    size = np.abs(x)
    value = a / 2
    u = (b - 2 * c + size) / (b - c) * a
    value = np.where(size <= c, 0.5 * ((b - size) / (b - c)) * u, value)
    value = np.where((size <= a) | (size <= b), 0, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d_c(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """The derivative in c."""
    size = np.abs(x)
    q = (b - size) / (b - c)
    value = a / 2
    value = np.where(size <= c, 0.5 * q * a * q, value)
    value = np.where((size <= a) | (size <= b), 0, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d2_x(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """The second derivative in x."""
    size = np.abs(x)
    value = np.where(size <= c, a / (b - c), 0)
    value = np.where(size <= b, 0, value)
    value = np.where(size <= a, 1, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d2_x_a(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """The mixed second derivative in x and a."""
    size = np.abs(x)
    value = np.where(size <= c, (c - size) / (c - b) * np.sign(x), 0)
    value = np.where(size <= b, np.sign(x), value)
    value = np.where(size <= a, 0, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d2_x_b(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """The mixed second derivative in x and b."""
    size = np.abs(x)
    value = np.where(size <= c, a / (b - c) * ((c - size) / (b - c)) * np.sign(x), 0)
    value = np.where((size <= a) | (size <= b), 0, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d2_x_c(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """The mixed second derivative in x and c."""
    size = np.abs(x)
    value = np.where(size <= c, a / (c - b) * ((size - b) / (c - b)) * np.sign(x), 0)
    value = np.where((size <= a) | (size <= b), 0, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d2_a(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """The second derivative in a."""
    return np.where(np.isnan(x), x, np.where(np.abs(x) <= a, 0, -1))


@_elementwise
def d2_a_b(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """The mixed second derivative in a and b."""
    size = np.abs(x)
    value = np.where(size <= c, 0.5 * ((b - size) / (b - c)) * ((b - 2 * c + size) / (b - c)), 0.5)
    value = np.where((size <= a) | (size <= b), 0, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d2_a_c(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """The mixed second derivative in a and c."""
    size = np.abs(x)
    q = (b - size) / (b - c)
    value = np.where(size <= c, 0.5 * q * q, 0.5)
    value = np.where((size <= a) | (size <= b), 0, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d2_b(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """The second derivative in b."""
    size = np.abs(x)
    value = np.where(size <= c, a / (b - c) * (c - size) / (b - c) * (c - size) / (b - c), 0)
    value = np.where((size <= a) | (size <= b), 0, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d2_b_c(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """The mixed second derivative in b and c."""
    size = np.abs(x)
    value = np.where(size <= c, -a / (b - c) * ((b - size) / (b - c)) * ((c - size) / (b - c)), 0)
    value = np.where((size <= a) | (size <= b), 0, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d2_c(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """The second derivative in c."""
    size = np.abs(x)
    q = (b - size) / (b - c)
    value = np.where(size <= c, q * a * (q / (b - c)), 0)
    value = np.where((size <= a) | (size <= b), 0, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def weight(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    size = np.abs(x)
    value = np.where(size <= c, (c - size) / (c - b) * a / size, 0)
    value = np.where(size <= b, a / size, value)
    value = np.where(size <= a, 1, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def value_and_grad(x: Any, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, a, b, c), d_x.__wrapped__(x, a, b, c)
