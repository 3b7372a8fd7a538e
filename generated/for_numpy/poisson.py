# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 58fafd83678e) by: derive regenerate poisson --target numpy
"""Poisson loss.

    loss = mu - y*log(mu)

Domain: mu >= 0, y >= 0. mu predicts the mean of a count y; least where mu = y.
Source: Nelder and Wedderburn, J. R. Statist. Soc. A 135(3), 1972.
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
    rows: Any = [("mu", ">= 0", lambda p: p >= 0), ("y", ">= 0", lambda p: p >= 0)]
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
    """Poisson loss, elementwise."""
    L = np.log(mu)
    u = y * L
    q = mu - u
    size = np.abs(mu)
    v = q - mu
    w = q + (mu - (q - v) + (-u - v) - _product_error(y, L))
    p = np.abs(w - q)
    r = 0.125 * size
    value = _where_rare(
        (np.abs(q) < r) & (8 * size > size) & (np.abs(u) < 8 * size) & (p < size), lambda: w, q
    )
    value = _where_rare(mu == np.inf, lambda: np.inf, value)
    return _where_rare(y == 0, lambda: mu, value)


@_elementwise
def d_mu(mu: Any, y: Any) -> Any:
    """The derivative in mu."""
    return _where_rare(y == 0, lambda: 1, 1 - y / mu)


@_elementwise
def d_y(mu: Any, y: Any) -> Any:
    """The derivative in y."""
    return -np.log(mu)


@_elementwise
def d2_mu(mu: Any, y: Any) -> Any:
    """The second derivative in mu."""
    return _where_rare(y == 0, lambda: 0, y / mu / mu)


@_elementwise
def d2_mu_y(mu: Any, y: Any) -> Any:
    """The mixed second derivative in mu and y."""
    return -1 / mu


@_elementwise
def value_and_grad(mu: Any, y: Any) -> Any:
    """(loss, d_mu) in one pass."""
    far = y == 0
    L = np.log(mu)
    u = y * L
    q = mu - u
    size = np.abs(mu)
    v = q - mu
    w = q + (mu - (q - v) + (-u - v) - _product_error(y, L))
    p = np.abs(w - q)
    r = 0.125 * size
    value = _where_rare(
        (np.abs(q) < r) & (8 * size > size) & (np.abs(u) < 8 * size) & (p < size), lambda: w, q
    )
    value = _where_rare(mu == np.inf, lambda: np.inf, value)
    value = _where_rare(far, lambda: mu, value)
    slope = _where_rare(far, lambda: 1, 1 - y / mu)
    return value, slope


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual


def _product_error(a: Any, b: Any) -> Any:
    """a*b - round(a*b), exactly (Dekker's splitting)."""
    a_high = 134217729.0 * a - (134217729.0 * a - a)
    b_high = 134217729.0 * b - (134217729.0 * b - b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - a * b) + a_high * b_low + a_low * b_high) + a_low * b_low
