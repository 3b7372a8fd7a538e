# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 0f2c64c2e2fd) by: derive regenerate brier --target numpy
"""Brier score.

    loss = (q - y)^2

Domain: q in [0, 1], y in [0, 1]. q predicts the probability of an event, y says whether it came.
Source: Brier, Monthly Weather Review 78(1), 1950.
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
    """Brier score, elementwise."""
    return (q - y) * (q - y)


@_elementwise
def d_q(q: Any, y: Any) -> Any:
    """The derivative in q."""
    return 2 * (q - y)


@_elementwise
def d_y(q: Any, y: Any) -> Any:
    """The derivative in y."""
    return 2 * (y - q)


@_elementwise
def d2_q(q: Any, y: Any) -> Any:
    """The second derivative in q."""
    return 2


@_elementwise
def d2_q_y(q: Any, y: Any) -> Any:
    """The mixed second derivative in q and y."""
    return -2


@_elementwise
def value_and_grad(q: Any, y: Any) -> Any:
    """(loss, d_q) in one pass."""
    return (q - y) * (q - y), 2 * (q - y)
