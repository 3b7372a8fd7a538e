# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 bf8e519bfea8) by: derive regenerate itakura_saito --target numpy
"""Itakura-Saito divergence.

    loss = y/mu - log(y/mu) - 1

Domain: mu > 0, y > 0. mu predicts the power y; the same function as the gamma deviance.
Source: Itakura and Saito, Proc. 6th Int. Congr. Acoustics, 1968.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import reduce, wraps
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
    rows: Any = [("mu", "> 0", lambda p: p > 0), ("y", "> 0", lambda p: p > 0)]
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
    """Itakura-Saito divergence, elementwise."""
    value = y / mu - 1 - _log_ratio(y, mu, y - mu)
    return np.where(np.abs(mu / y) < 3, -_log1p_minus((y - mu) / mu), value)


@_elementwise
def d_mu(mu: Any, y: Any) -> Any:
    """The derivative in mu."""
    return _where_rare(np.abs(mu) == np.inf, lambda: 0, (mu - y) / mu / mu)


@_elementwise
def d_y(mu: Any, y: Any) -> Any:
    """The derivative in y."""
    return _where_rare(1 / (mu / y) < 2.0**-54, lambda: -1 / y, (y - mu) / y / mu)


@_elementwise
def d2_mu(mu: Any, y: Any) -> Any:
    """The second derivative in mu."""
    return (y / mu * 2 - 1) / mu / mu


@_elementwise
def d2_mu_y(mu: Any, y: Any) -> Any:
    """The mixed second derivative in mu and y."""
    return -1 / mu / mu


@_elementwise
def value_and_grad(mu: Any, y: Any) -> Any:
    """(loss, d_mu) in one pass."""
    value = y / mu - 1 - _log_ratio(y, mu, y - mu)
    value = np.where(np.abs(mu / y) < 3, -_log1p_minus((y - mu) / mu), value)
    slope = _where_rare(np.abs(mu) == np.inf, lambda: 0, (mu - y) / mu / mu)
    return value, slope


def _log1p_minus(z: Any) -> Any:
    """log(1 + z) - z, without cancellation at small z."""
    w = z / (2 + z)
    value = _log1p(z) - z
    value = _where_rare(z == np.inf, lambda: -np.inf, value)
    terms = (
        1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13, 1 / 15, 1 / 17, 1 / 19, 1 / 21, 1 / 23, 1 / 25,
        1 / 27, 1 / 29, 1 / 31, 1 / 33, 1 / 35,
    )  # fmt: skip
    u = 0.5 * (1 - w) * (1 - (1 - w) * w * _horner(w * w, terms))
    return np.where((z > -0.5) & (z < 1), -z * z * u, value)


def _log_ratio(t: Any, z: Any, d: Any) -> Any:
    """log(t/z), from d = t - z where neither is far beyond the other."""
    least = np.minimum(t, z)
    size = _log1p(np.abs(d) / least)
    q = t / z
    value = 2 * np.log(np.sqrt(t) / np.sqrt(z))
    value = np.where((q > 1e-30) & (q < 1e30), np.log(q), value)
    return np.where(np.abs(d) < 2 * least, _where_rare(d < 0, lambda: -size, size), value)


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    return reduce(lambda total, c: total * z + c, coefficients[::-1])


def _log1p(w: Any) -> Any:
    """log(1 + w), by log, which is the faster one, and what rounding takes from u = 1 + w."""
    u = 1 + w
    return np.log(u) + np.fmax((w - (u - 1)) / u, -1)  # -1: there log(u) is infinite


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
