# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 efebd22b68a4) by: derive regenerate squared_logarithmic_error --target
# numpy
"""Squared logarithmic error.

    loss = (log(1 + mu) - log(1 + y))^2

Domain: mu in (-1, inf), y in (-1, inf). Least where mu = y; what counts is the ratio of 1 + mu to 1
+ y.
Source: scikit-learn, mean_squared_log_error.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_mu", "d2_mu_y", "d_mu", "d_y", "loss", "value_and_grad"]


def _elementwise(formula: Any) -> Any:
    """The formula in float64, in blocks that stay in the cache; the dtype of mu and y
    comes out."""

    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(mu: Any, y: Any, *_given: Any, **_named: Any) -> Any:
        dtype = _dtype(mu, y)
        values = [*_checked(mu, y), *_parameters(*_given, **_named)]
        shape = np.broadcast_shapes(*(v.shape for v in values))
        many = formula.__name__ == "value_and_grad"
        flat = [np.broadcast_to(v, shape).reshape(-1) if v.ndim else v for v in values]
        outs = [np.empty(shape, dtype).reshape(-1) for _ in range(2 if many else 1)]
        for start in range(0, outs[0].size, 16384):
            part = slice(start, start + 16384)
            some = [v[part] if v.ndim else v for v in flat]
            empty = np.isnan(some[0])
            for other in some[1:2]:
                empty = empty | np.isnan(other)
            found = formula(*some)
            for out, result in zip(outs, found if many else (found,), strict=True):
                out[part] = np.where(empty, np.nan, result)
        shaped = tuple(out.reshape(shape)[()] for out in outs)
        return shaped if many else shaped[0]

    return evaluate


def _dtype(*values: Any) -> Any:
    """That of the arrays of floating-point numbers; float64 where there are none."""
    kinds = [np.asarray(v).dtype for v in values if type(v) not in (int, float, bool)]
    floats = [k for k in kinds if k.kind == "f"]
    return np.result_type(*floats) if floats else np.dtype(np.float64)


def _checked(mu: Any, y: Any) -> Any:
    """In float64; ValueError names what has a value outside its domain. NaN passes."""
    rows: Any = [("mu", "in (-1, inf)", lambda p: p > -1), ("y", "in (-1, inf)", lambda p: p > -1)]
    found = []
    for value, (name, rule, accepts) in zip((mu, y), rows, strict=True):
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} must be real numbers, got dtype {array.dtype}")
        array = np.add(array, 0.0, dtype=np.float64)  # -0.0 is 0
        wrong = ~(accepts(array) | np.isnan(array))
        if wrong.any():
            raise ValueError(f"{name} must be {rule}, got {array[wrong].flat[0]!r}")
        found.append(array)
    return found


def _parameters() -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    return ()


@_elementwise
def loss(mu: Any, y: Any) -> Any:
    """Squared logarithmic error, elementwise."""
    u = _log_ratio(y + 1, mu + 1, y - mu)
    return u * u


@_elementwise
def d_mu(mu: Any, y: Any) -> Any:
    """The derivative in mu."""
    value = -_log_ratio(y + 1, mu + 1, y - mu) / (mu + 1) * 2
    return _where_rare(np.abs(mu) == np.inf, lambda: 0, value)


@_elementwise
def d_y(mu: Any, y: Any) -> Any:
    """The derivative in y."""
    return _log_ratio(y + 1, mu + 1, y - mu) / (y + 1) * 2


@_elementwise
def d2_mu(mu: Any, y: Any) -> Any:
    """The second derivative in mu."""
    value = 2 / (mu + 1) * _log_ratio_gap(mu, y) / (mu + 1)
    return _where_rare(np.abs(mu) == np.inf, lambda: 0, value)


@_elementwise
def d2_mu_y(mu: Any, y: Any) -> Any:
    """The mixed second derivative in mu and y."""
    return -2 / (y + 1) / (mu + 1)


@_elementwise
def value_and_grad(mu: Any, y: Any) -> Any:
    """(loss, d_mu) in one pass."""
    u = _log_ratio(y + 1, mu + 1, y - mu)
    slope = _where_rare(np.abs(mu) == np.inf, lambda: 0, -u / (mu + 1) * 2)
    return u * u, slope


def _log_ratio(t: Any, z: Any, d: Any) -> Any:
    """log(t/z), from d = t - z where neither is far beyond the other."""
    least = np.minimum(t, z)
    size = _log1p(np.abs(d) / least)
    q = t / z
    value = 2 * np.log(np.sqrt(t) / np.sqrt(z))
    value = np.where((q > 1e-30) & (q < 1e30), np.log(q), value)
    return np.where(np.abs(d) < 2 * least, _where_rare(d < 0, lambda: -size, size), value)


def _log_ratio_gap(t: Any, z: Any) -> Any:
    """1 - log((1 + t)/(1 + z)), also beside its zero."""
    total = 1 + t
    total2 = 1 + z
    lift = total - 1
    lift2 = total2 - 1
    q = 1 - (total - lift) + (t - lift) - 2.718281828459045 * (1 - (total2 - lift2) + (z - lift2))
    beside = total - 2 * total2 - 0.5 * total2 - 0.25 * total2 + (0.031718171540954763 * total2 + q)
    value = 1 - _log_ratio(total, total2, t - z)
    return np.where(np.abs(beside) < total2, -_log1p(beside / total2 / 2.718281828459045), value)


def _log1p(w: Any) -> Any:
    """log(1 + w), by log, which is the faster one, and what rounding takes from u = 1 + w."""
    u = 1 + w
    return np.log(u) + np.fmax((w - (u - 1)) / u, -1)  # -1: there log(u) is infinite


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
