# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 9ff8bbc07f01) by: derive regenerate wing --target numpy
"""Wing loss.

    loss = w*log(1 + |x|/epsilon) if |x| <= w, w*log(1 + w/epsilon) - w + |x| otherwise

Domain: x real, w > 0, epsilon > 0. A logarithm up to |x| = w, where it is steeper than beyond, and
|x| less a constant from there on.
Source: Feng et al., CVPR 2018, arXiv:1711.06753, eq. 5.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_epsilon", "d2_w", "d2_w_epsilon", "d2_x", "d2_x_epsilon", "d2_x_w", "d_epsilon"]
__all__ += ["d_w", "d_x", "loss", "value_and_grad", "weight"]


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


def _parameters(w: Any = 10.0, epsilon: Any = 2.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [
        ("w", w, "> 0 and finite", lambda p: (p > 0) & (p < np.inf)),
        ("epsilon", epsilon, "> 0 and finite", lambda p: (p > 0) & (p < np.inf)),
    ]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, w: Any = 10.0, epsilon: Any = 2.0) -> Any:
    """Wing loss, elementwise."""
    size = np.abs(x)
    value = size - w + _times_log1p(w, w, epsilon)
    value = np.where(size <= w, _times_log1p(w, size, epsilon), value)
    return _where_rare(x == 0, lambda: 0, value)


@_elementwise
def d_x(x: Any, w: Any = 10.0, epsilon: Any = 2.0) -> Any:
    """The derivative in x, the influence."""
    size = np.abs(x)
    value = np.sign(x)
    value = np.where(size <= w, np.sign(x) * w / (epsilon + size), value)
    return np.where(w == size, 0.5 * np.sign(x) * (epsilon + w + size) / (epsilon + size), value)


@_elementwise
def d_w(x: Any, w: Any = 10.0, epsilon: Any = 2.0) -> Any:
    """The derivative in w."""
    size = np.abs(x)
    value = _times_log1p(1, w, epsilon) - epsilon / (epsilon + w)
    value = np.where(size <= w, _times_log1p(1, size, epsilon), value)
    u = _times_log1p(0.5, size, epsilon)
    q = _times_log1p(0.5, w, epsilon) - epsilon / (epsilon + w) / 2 + u
    value = np.where(w == size, q, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d_epsilon(x: Any, w: Any = 10.0, epsilon: Any = 2.0) -> Any:
    """The derivative in epsilon."""
    s = np.minimum(np.maximum(x, -w), w)
    return _where_rare(x == 0, lambda: 0, -w / (epsilon + np.abs(s)) * (np.abs(s) / epsilon))


@_elementwise
def d2_x(x: Any, w: Any = 10.0, epsilon: Any = 2.0) -> Any:
    """The second derivative in x."""
    size = np.abs(x)
    return np.where(w < size, 0, -w / (epsilon + size) / (epsilon + size))


@_elementwise
def d2_x_w(x: Any, w: Any = 10.0, epsilon: Any = 2.0) -> Any:
    """The mixed second derivative in x and w."""
    return np.where(np.abs(x) > w, 0, np.sign(x) / (epsilon + np.abs(x)))


@_elementwise
def d2_x_epsilon(x: Any, w: Any = 10.0, epsilon: Any = 2.0) -> Any:
    """The mixed second derivative in x and epsilon."""
    size = np.abs(x)
    return np.where(w < size, 0, -np.sign(x) / (epsilon + size) * w / (epsilon + size))


@_elementwise
def d2_w(x: Any, w: Any = 10.0, epsilon: Any = 2.0) -> Any:
    """The second derivative in w."""
    value = (2 * epsilon + w) / (epsilon + w) / (epsilon + w)
    value = np.where(np.abs(x) <= w, 0, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d2_w_epsilon(x: Any, w: Any = 10.0, epsilon: Any = 2.0) -> Any:
    """The mixed second derivative in w and epsilon."""
    size = np.abs(x)
    value = -size / (epsilon + size) / epsilon
    v = -(2 * epsilon + w) / (epsilon + w) / (epsilon + w) * w / epsilon
    return np.where(w < size, v, value)


@_elementwise
def d2_epsilon(x: Any, w: Any = 10.0, epsilon: Any = 2.0) -> Any:
    """The second derivative in epsilon."""
    size = np.abs(x)
    p = np.sqrt(2 * epsilon + w) / (epsilon + w) * w / epsilon
    u = np.sqrt(size) / (epsilon + size) * np.sqrt(2 * epsilon + size) * np.sqrt(w) / epsilon
    return np.where(w < size, p * p, u * u)


@_elementwise
def weight(x: Any, w: Any = 10.0, epsilon: Any = 2.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    size = np.abs(x)
    value = 1 / size
    value = np.where(size <= w, w / (epsilon + size) / size, value)
    value = np.where(w == size, 0.5 * ((epsilon + w + size) / (epsilon + size) / size), value)
    return _where_rare(x == 0, lambda: np.inf, value)


@_elementwise
def value_and_grad(x: Any, w: Any = 10.0, epsilon: Any = 2.0) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, w, epsilon), d_x.__wrapped__(x, w, epsilon)


def _times_log1p(f: Any, t: Any, b: Any) -> Any:
    """f log(1 + t/b), also where t/b leaves the range."""
    q = t / b
    value = f * _log1p(q)
    value = _where_rare(q == np.inf, lambda: f * (np.log(t) - np.log(b)), value)
    return _where_rare(q < 2.0**-60, lambda: f / b * t, value)


def _log1p(w: Any) -> Any:
    """log(1 + w), by log, which is the faster one, and what rounding takes from u = 1 + w."""
    u = 1 + w
    return np.log(u) + np.fmax((w - (u - 1)) / u, -1)  # -1: there log(u) is infinite


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
