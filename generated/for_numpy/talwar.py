# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 f0fecfb7f965) by: derive regenerate talwar --target numpy
"""Talwar loss (truncated quadratic).

    loss = min(c^2/2, x^2/2)

Domain: x real, c > 0. x^2/2 up to |x| = c and constant beyond.
Source: Hinich and Talwar, J. Amer. Statist. Assoc. 70(349), 1975.
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


def _parameters(c: Any = 2.795) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("c", c, "> 0 and finite", lambda p: (p > 0) & (p < np.inf))]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, c: Any = 2.795) -> Any:
    """Talwar loss (truncated quadratic), elementwise."""
    return np.minimum(c / 2 * c, 0.5 * x * x)


@_elementwise
def d_x(x: Any, c: Any = 2.795) -> Any:
    """The derivative in x, the influence."""
    return np.where(c == np.abs(x), 0.5 * x, np.where(np.abs(x) > c, 0, x))


@_elementwise
def d_c(x: Any, c: Any = 2.795) -> Any:
    """The derivative in c."""
    return np.where(np.isnan(x), x, np.where(c == np.abs(x), c / 2, np.where(np.abs(x) > c, c, 0)))


@_elementwise
def d2_x(x: Any, c: Any = 2.795) -> Any:
    """The second derivative in x."""
    return np.where(np.isnan(x), x, np.where(np.abs(x) > c, 0, 1))


@_elementwise
def d2_x_c(x: Any, c: Any = 2.795) -> Any:
    """The mixed second derivative in x and c."""
    return np.where(np.isnan(x), x, 0)


@_elementwise
def d2_c(x: Any, c: Any = 2.795) -> Any:
    """The second derivative in c."""
    return np.where(np.isnan(x), x, np.where(np.abs(x) > c, 1, 0))


@_elementwise
def weight(x: Any, c: Any = 2.795) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    return np.where(np.isnan(x), x, np.where(c == np.abs(x), 0.5, np.where(np.abs(x) > c, 0, 1)))


@_elementwise
def value_and_grad(x: Any, c: Any = 2.795) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, c), d_x.__wrapped__(x, c)
