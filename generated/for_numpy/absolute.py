# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 ef841ed75886) by: derive regenerate absolute --target numpy
"""Absolute loss (L1).

    loss = |x|/scale

Domain: x real, scale > 0. The magnitude of the residual; its minimizer is the median.
Source: Laplace, Mémoire sur la probabilité des causes par les évènements, 1774.
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
        light = formula.__name__ in ("loss", "d_x", "value_and_grad")
        if x.ndim and (light or x.size <= 16384) and x.dtype == np.float64:
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
    """Absolute loss (L1), elementwise."""
    return np.abs(x) / scale


@_elementwise
def d_x(x: Any, scale: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    return np.sign(x) / scale


@_elementwise
def d_scale(x: Any, scale: Any = 1.0) -> Any:
    """The derivative in scale."""
    return -x / scale * d_x(x, scale)


@_elementwise
def d2_x(x: Any, scale: Any = 1.0) -> Any:
    """The second derivative in x."""
    return np.where(np.isnan(x), x, 0)


@_elementwise
def d2_x_scale(x: Any, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and scale."""
    return -np.sign(x) / scale / scale


@_elementwise
def d2_scale(x: Any, scale: Any = 1.0) -> Any:
    """The second derivative in scale."""
    return np.abs(x) / scale / scale * (2 / scale)


@_elementwise
def weight(x: Any, scale: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    return 1 / scale / np.abs(x)


@_elementwise
def value_and_grad(x: Any, scale: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, scale), d_x.__wrapped__(x, scale)
