# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 ae108201d0df) by: derive regenerate binary_cross_entropy --target
# numpy
"""Binary cross-entropy.

    loss = -y*log(q) - (1 - y)*log(1 - q)

Domain: q in [0, 1], y in [0, 1]. q predicts the probability y of the label 1; 0 log 0 = 0, nothing
is clipped.
Source: Good, J. R. Statist. Soc. B 14(1), 1952.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_q", "d2_q_y", "d_q", "d_y", "loss", "value_and_grad"]


def _elementwise(formula: Any) -> Any:
    """The formula in float64, in blocks that stay in the cache; the dtype of q and y
    comes out."""

    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(q: Any, y: Any, *_given: Any, **_named: Any) -> Any:
        dtype = _dtype(q, y)
        values = [*_checked(q, y), *_parameters(*_given, **_named)]
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


def _checked(q: Any, y: Any) -> Any:
    """In float64; ValueError names what has a value outside its domain. NaN passes."""
    rows: Any = [
        ("q", "in [0, 1]", lambda p: (p >= 0) & (p <= 1)),
        ("y", "in [0, 1]", lambda p: (p >= 0) & (p <= 1)),
    ]
    found = []
    for value, (name, rule, accepts) in zip((q, y), rows, strict=True):
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
def loss(q: Any, y: Any) -> Any:
    """Binary cross-entropy, elementwise."""
    L = np.log(q)
    u = _log1p(-q)
    return _where_rare(y == 1, lambda: -L, _where_rare(y == 0, lambda: -u, -y * L - (1 - y) * u))


@_elementwise
def d_q(q: Any, y: Any) -> Any:
    """The derivative in q."""
    value = (y - q) / q / (q - 1)
    value = _where_rare(q == 1, lambda: np.inf, value)
    value = _where_rare(y == 0, lambda: 1 / (1 - q), value)
    return _where_rare(y == 1, lambda: -1 / q, value)


@_elementwise
def d_y(q: Any, y: Any) -> Any:
    """The derivative in y."""
    return -_log_ratio(q, 1 - q, 2 * q - 1)


@_elementwise
def d2_q(q: Any, y: Any) -> Any:
    """The second derivative in q."""
    u = 1 - q
    value = (1 - y) / u / u + y / q / q
    value = _where_rare(y == 0, lambda: 1 / (u * u), value)
    return _where_rare(y == 1, lambda: 1 / (q * q), value)


@_elementwise
def d2_q_y(q: Any, y: Any) -> Any:
    """The mixed second derivative in q and y."""
    return _where_rare(q == 1, lambda: -np.inf, 1 / q / (q - 1))


@_elementwise
def value_and_grad(q: Any, y: Any) -> Any:
    """(loss, d_q) in one pass."""
    far = y == 1
    L = np.log(q)
    far2 = y == 0
    u = _log1p(-q)
    value = _where_rare(far, lambda: -L, _where_rare(far2, lambda: -u, -y * L - (1 - y) * u))
    slope = (y - q) / q / (q - 1)
    slope = _where_rare(q == 1, lambda: np.inf, slope)
    slope = _where_rare(far2, lambda: 1 / (1 - q), slope)
    slope = _where_rare(far, lambda: -1 / q, slope)
    return value, slope


def _log_ratio(t: Any, z: Any, d: Any) -> Any:
    """log(t/z), from d = t - z where neither is far beyond the other."""
    least = np.minimum(t, z)
    size = _log1p(np.abs(d) / least)
    q = t / z
    value = 2 * np.log(np.sqrt(t) / np.sqrt(z))
    value = np.where((q > 1e-30) & (q < 1e30), np.log(q), value)
    return np.where(np.abs(d) < 2 * least, _where_rare(d < 0, lambda: -size, size), value)


def _log1p(w: Any) -> Any:
    """log(1 + w), by log, which is the faster one, and what rounding takes from u = 1 + w."""
    u = 1 + w
    return np.log(u) + np.fmax((w - (u - 1)) / u, -1)  # -1: there log(u) is infinite


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
