# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 a641c7229ad2) by: derive regenerate quantile --target numpy
"""Quantile loss (pinball).

    loss = max(-tau*x, x*(1 - tau))

Domain: x real, tau in (0, 1). A target above the prediction costs tau a unit, one below it 1 - tau.
Source: Koenker and Bassett, Econometrica 46(1), 1978.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_tau", "d2_x", "d2_x_tau", "d_tau", "d_x", "loss", "value_and_grad", "weight"]


def _elementwise(formula: Any) -> Any:
    # the formula in float64, in blocks that stay in the cache; the dtype of x comes out
    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(x: Any, *_given: Any, **_named: Any) -> Any:
        x, parameters = np.asarray(x), _parameters(*_given, **_named)
        x = x if x.dtype.kind == "f" else x.astype(np.float64, casting="same_kind")
        if parameters[0].ndim:
            x, *parameters = np.broadcast_arrays(x, *parameters)
        light = formula.__name__ in ("d_tau",)
        if x.ndim and (light or x.size <= 16384) and x.dtype == np.float64:
            return formula(x, *parameters)
        flat = [x.reshape(-1), *(p.reshape(-1) if p.ndim else p for p in parameters)]
        out = np.empty((2 if formula.__name__ == "value_and_grad" else 1, x.size), x.dtype)
        for part in (slice(i, i + 16384) for i in range(0, x.size, 16384)):
            out[:, part] = formula(*(np.asarray(v[part], float) if v.ndim else v for v in flat))
        value, *slope = (row.reshape(x.shape)[()] for row in out)
        return (value, *slope) if slope else value

    return evaluate


def _parameters(tau: Any = 0.5) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("tau", tau, "in (0, 1)", lambda p: (p > 0) & (p < 1))]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, tau: Any = 0.5) -> Any:
    """Quantile loss (pinball), elementwise."""
    return np.maximum(-tau * x, x * (1 - tau))


@_elementwise
def d_x(x: Any, tau: Any = 0.5) -> Any:
    """The derivative in x, the influence."""
    value = 1 - tau
    value = _where_rare(x < 0, lambda: -tau, value)
    value = _where_rare(x == 0, lambda: 0.5 - tau, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def d_tau(x: Any, tau: Any = 0.5) -> Any:
    """The derivative in tau."""
    return -x


@_elementwise
def d2_x(x: Any, tau: Any = 0.5) -> Any:
    """The second derivative in x."""
    return np.where(np.isnan(x), x, 0)


@_elementwise
def d2_x_tau(x: Any, tau: Any = 0.5) -> Any:
    """The mixed second derivative in x and tau."""
    return np.where(np.isnan(x), x, -1)


@_elementwise
def d2_tau(x: Any, tau: Any = 0.5) -> Any:
    """The second derivative in tau."""
    return np.where(np.isnan(x), x, 0)


@_elementwise
def weight(x: Any, tau: Any = 0.5) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    return _where_rare(x == 0, lambda: np.inf, _where_rare(x < 0, lambda: -tau / x, (1 - tau) / x))


@_elementwise
def value_and_grad(x: Any, tau: Any = 0.5) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, tau), d_x.__wrapped__(x, tau)


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
