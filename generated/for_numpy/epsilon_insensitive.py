# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 ff2cb867e7d4) by: derive regenerate epsilon_insensitive --target numpy
"""Epsilon-insensitive loss.

    loss = max(0, |x| - epsilon)

Domain: x real, epsilon > 0. 0 up to |x| = epsilon and linear beyond, as in support vector
regression.
Source: Vapnik, The Nature of Statistical Learning Theory, 1995.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_epsilon", "d2_x", "d2_x_epsilon", "d_epsilon", "d_x", "loss", "value_and_grad"]
__all__ += ["weight"]


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


def _parameters(epsilon: Any = 0.1) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("epsilon", epsilon, "> 0 and finite", lambda p: (p > 0) & (p < np.inf))]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, epsilon: Any = 0.1) -> Any:
    """Epsilon-insensitive loss, elementwise."""
    return np.maximum(np.abs(x) - epsilon, 0)


@_elementwise
def d_x(x: Any, epsilon: Any = 0.1) -> Any:
    """The derivative in x, the influence."""
    value = np.sign(x)
    value = np.where(np.abs(x) < epsilon, 0, value)
    return np.where(epsilon == np.abs(x), 0.5 * np.sign(x), value)


@_elementwise
def d_epsilon(x: Any, epsilon: Any = 0.1) -> Any:
    """The derivative in epsilon."""
    value = np.where(np.abs(x) < epsilon, 0, -1)
    value = np.where(epsilon == np.abs(x), -0.5, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d2_x(x: Any, epsilon: Any = 0.1) -> Any:
    """The second derivative in x."""
    return np.where(np.isnan(x), x, 0)


@_elementwise
def d2_x_epsilon(x: Any, epsilon: Any = 0.1) -> Any:
    """The mixed second derivative in x and epsilon."""
    return np.where(np.isnan(x), x, 0)


@_elementwise
def d2_epsilon(x: Any, epsilon: Any = 0.1) -> Any:
    """The second derivative in epsilon."""
    return np.where(np.isnan(x), x, 0)


@_elementwise
def weight(x: Any, epsilon: Any = 0.1) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    size = np.abs(x)
    return np.where(epsilon == size, 0.5 / size, np.where(size < epsilon, 0, 1 / size))


@_elementwise
def value_and_grad(x: Any, epsilon: Any = 0.1) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, epsilon), d_x.__wrapped__(x, epsilon)
