# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 23236ba36c9e) by: derive regenerate gaussian_nll --target numpy
"""Gaussian negative log-likelihood.

    loss = log(v)/2 + (y - mu)^2/(2*v)

Domain: mu real, v > 0, y real. mu predicts the mean, v the variance; without the constant log(2
pi)/2.
Source: Nix and Weigend, Proc. IEEE Int. Conf. Neural Networks, 1994.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_mu", "d2_mu_v", "d2_mu_y", "d2_v", "d2_v_y", "d_mu", "d_v", "d_y", "loss"]
__all__ += ["value_and_grad"]


def _elementwise(formula: Any) -> Any:
    """The formula in float64, in blocks that stay in the cache; the dtype of mu and v and y
    comes out."""

    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(mu: Any, v: Any, y: Any, *_given: Any, **_named: Any) -> Any:
        dtype = _dtype(mu, v, y)
        values = [*_checked(mu, v, y), *_parameters(*_given, **_named)]
        shape = np.broadcast_shapes(*(v.shape for v in values))
        many = formula.__name__ == "value_and_grad"
        flat = [np.broadcast_to(v, shape).reshape(-1) if v.ndim else v for v in values]
        outs = [np.empty(shape, dtype).reshape(-1) for _ in range(3 if many else 1)]
        for start in range(0, outs[0].size, 16384):
            part = slice(start, start + 16384)
            some = [v[part] if v.ndim else v for v in flat]
            empty = np.isnan(some[0])
            for other in some[1:3]:
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


def _checked(mu: Any, v: Any, y: Any) -> Any:
    """In float64; ValueError names what has a value outside its domain. NaN passes."""
    rows: Any = [
        ("mu", "real", lambda p: p == p),
        ("v", "> 0", lambda p: p > 0),
        ("y", "real", lambda p: p == p),
    ]
    found = []
    for value, (name, rule, accepts) in zip((mu, v, y), rows, strict=True):
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
def loss(mu: Any, v: Any, y: Any) -> Any:
    """Gaussian negative log-likelihood, elementwise."""
    return (y - mu) / v * (0.5 * (y - mu)) + np.log(v) / 2


@_elementwise
def d_mu(mu: Any, v: Any, y: Any) -> Any:
    """The derivative in mu."""
    return (mu - y) / v


@_elementwise
def d_v(mu: Any, v: Any, y: Any) -> Any:
    """The derivative in v."""
    u = (y - mu) / v
    value = 0.5 * (1 - u * (y - mu)) / v
    return _where_rare(np.abs(mu) >= 32768, lambda: 1 / v / 2 - 0.5 * u * u, value)


@_elementwise
def d_y(mu: Any, v: Any, y: Any) -> Any:
    """The derivative in y."""
    return (y - mu) / v


@_elementwise
def d2_mu(mu: Any, v: Any, y: Any) -> Any:
    """The second derivative in mu."""
    return 1 / v


@_elementwise
def d2_mu_v(mu: Any, v: Any, y: Any) -> Any:
    """The mixed second derivative in mu and v."""
    return (y - mu) / v / v


@_elementwise
def d2_mu_y(mu: Any, v: Any, y: Any) -> Any:
    """The mixed second derivative in mu and y."""
    return -1 / v


@_elementwise
def d2_v(mu: Any, v: Any, y: Any) -> Any:
    """The second derivative in v."""
    value = ((y - mu) / v * (y - mu) - 0.5) / v / v
    u = np.abs(v / 2 - y * y) / mu / mu
    w = np.abs(y) / np.abs(mu) * 2
    return np.where((u < 2.0**-54) & (w < 2.0**-54), mu / v / v * (mu / v), value)


@_elementwise
def d2_v_y(mu: Any, v: Any, y: Any) -> Any:
    """The mixed second derivative in v and y."""
    return (mu - y) / v / v


@_elementwise
def value_and_grad(mu: Any, v: Any, y: Any) -> Any:
    """(loss, d_mu, d_v) in one pass."""
    u = (y - mu) / v
    value = u * (0.5 * (y - mu)) + np.log(v) / 2
    slope2 = 0.5 * (1 - u * (y - mu)) / v
    slope2 = _where_rare(np.abs(mu) >= 32768, lambda: 1 / v / 2 - 0.5 * u * u, slope2)
    return value, (mu - y) / v, slope2


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
