# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 2d6c7b695413) by: derive regenerate smooth_l1 --target numpy
"""Smooth L1 loss.

    loss = x^2/(2*beta) if |x| <= beta, |x| - beta/2 otherwise

Domain: x real, beta > 0. Quadratic up to |x| = beta and of slope 1 beyond; Huber's loss over beta.
Source: Girshick, Fast R-CNN, ICCV 2015, arXiv:1504.08083, eq. 3 (there beta = 1).
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_beta", "d2_x", "d2_x_beta", "d_beta", "d_x", "loss", "value_and_grad", "weight"]


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


def _parameters(beta: Any = 1.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("beta", beta, "> 0 and finite", lambda p: (p > 0) & (p < np.inf))]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, beta: Any = 1.0) -> Any:
    """Smooth L1 loss, elementwise."""
    s = np.minimum(np.maximum(x, -beta), beta)
    return s / beta * (x - 0.5 * s)


@_elementwise
def d_x(x: Any, beta: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    return np.minimum(np.maximum(x, -beta), beta) / beta


@_elementwise
def d_beta(x: Any, beta: Any = 1.0) -> Any:
    """The derivative in beta."""
    s = np.minimum(np.maximum(x, -beta), beta)
    return -0.5 * (s / beta) * (s / beta)


@_elementwise
def d2_x(x: Any, beta: Any = 1.0) -> Any:
    """The second derivative in x."""
    return np.where(np.isnan(x), x, np.where(np.abs(x) <= beta, 1 / beta, 0))


@_elementwise
def d2_x_beta(x: Any, beta: Any = 1.0) -> Any:
    """The mixed second derivative in x and beta."""
    return np.where(np.abs(x) > beta, 0, -x / beta / beta)


@_elementwise
def d2_beta(x: Any, beta: Any = 1.0) -> Any:
    """The second derivative in beta."""
    return np.where(np.abs(x) > beta, 0, x / beta / beta * (x / beta))


@_elementwise
def weight(x: Any, beta: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    return 1 / np.maximum(beta, np.abs(x))


@_elementwise
def value_and_grad(x: Any, beta: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    s = np.minimum(np.maximum(x, -beta), beta)
    v = s / beta
    return v * (x - 0.5 * s), v
