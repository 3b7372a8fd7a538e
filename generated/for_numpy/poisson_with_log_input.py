# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 e73f7ad3ad66) by: derive regenerate poisson_with_log_input --target
# numpy
"""Poisson loss of the log of the mean.

    loss = exp(f) - f*y

Domain: f real, y >= 0. f predicts the logarithm of the mean of a count y.
Source: Nelder and Wedderburn, J. R. Statist. Soc. A 135(3), 1972.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_f", "d2_f_y", "d_f", "d_y", "loss", "value_and_grad"]


def _elementwise(formula: Any) -> Any:
    """The formula in float64, in blocks that stay in the cache; the dtype of f and y
    comes out."""

    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(f: Any, y: Any, *_given: Any, **_named: Any) -> Any:
        dtype = _dtype(f, y)
        values = [*_checked(f, y), *_parameters(*_given, **_named)]
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


def _checked(f: Any, y: Any) -> Any:
    """In float64; ValueError names what has a value outside its domain. NaN passes."""
    rows: Any = [("f", "real", lambda p: p == p), ("y", ">= 0", lambda p: p >= 0)]
    found = []
    for value, (name, rule, accepts) in zip((f, y), rows, strict=True):
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
def loss(f: Any, y: Any) -> Any:
    """Poisson loss of the log of the mean, elementwise."""
    p = np.exp(f)
    return _where_rare(y == 0, lambda: p, _where_rare(p == np.inf, lambda: np.inf, p - f * y))


@_elementwise
def d_f(f: Any, y: Any) -> Any:
    """The derivative in f."""
    return np.where(np.abs(f) < 1.5, 1 - y + np.expm1(f), np.exp(f) - y)


@_elementwise
def d_y(f: Any, y: Any) -> Any:
    """The derivative in y."""
    return -f


@_elementwise
def d2_f(f: Any, y: Any) -> Any:
    """The second derivative in f."""
    return np.exp(f)


@_elementwise
def d2_f_y(f: Any, y: Any) -> Any:
    """The mixed second derivative in f and y."""
    return -1


@_elementwise
def value_and_grad(f: Any, y: Any) -> Any:
    """(loss, d_f) in one pass."""
    p = np.exp(f)
    value = _where_rare(y == 0, lambda: p, _where_rare(p == np.inf, lambda: np.inf, p - f * y))
    slope = np.where(np.abs(f) < 1.5, 1 - y + np.expm1(f), p - y)
    return value, slope


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
