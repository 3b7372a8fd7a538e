# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 cf451da0e655) by: derive regenerate ramsay --target numpy
"""Ramsay's Ea.

    loss = (1 - (1 + a*|x|)*exp(-a*|x|))/a^2

Domain: x real, a > 0. Its weight is exp(-a |x|); it grows to 1/a^2.
Source: Ramsay, A comparative study of several robust estimates, JASA 72(359), 1977.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import math
from functools import reduce, wraps
from typing import Any

import numpy as np

__all__ = ["d2_a", "d2_x", "d2_x_a", "d_a", "d_x", "loss", "value_and_grad", "weight"]


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


def _parameters(a: Any = 0.3) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("a", a, "> 0 and finite", lambda p: (p > 0) & (p < np.inf))]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, a: Any = 0.3) -> Any:
    """Ramsay's Ea, elementwise."""
    value = x * _exp_difference_alone_0_1_1(-a * np.abs(x)) * x
    return _where_rare(np.abs(a * x) >= 2.0**20, lambda: 1 / a / a, value)


@_elementwise
def d_x(x: Any, a: Any = 0.3) -> Any:
    """The derivative in x, the influence."""
    half = np.exp(-a / 2 * np.abs(x))
    return _where_rare(np.abs(a * x) == np.inf, lambda: 0, half * x * half)


@_elementwise
def d_a(x: Any, a: Any = 0.3) -> Any:
    """The derivative in a."""
    value = -x * x * _exp_difference_alone_0_1_1_1(-a * np.abs(x)) * np.abs(x) * 2
    return _where_rare(np.abs(a * x) >= 2.0**20, lambda: -2 / a / a / a, value)


@_elementwise
def d2_x(x: Any, a: Any = 0.3) -> Any:
    """The second derivative in x."""
    value = (1 - a * np.abs(x)) * np.exp(-a * np.abs(x))
    return _where_rare(np.abs(a * x) >= 2.0**27, lambda: 0, value)


@_elementwise
def d2_x_a(x: Any, a: Any = 0.3) -> Any:
    """The mixed second derivative in x and a."""
    half = np.exp(-a / 2 * np.abs(x))
    return _where_rare(np.abs(a * x) == np.inf, lambda: 0, -half * x * np.abs(x) * half)


@_elementwise
def d2_a(x: Any, a: Any = 0.3) -> Any:
    """The second derivative in a."""
    value = 6 * x * x * _exp_difference_alone_0_1_1_1_1(-a * np.abs(x)) * x * x
    return _where_rare(np.abs(a * x) >= 32768, lambda: 6 / a / a / a / a, value)


@_elementwise
def weight(x: Any, a: Any = 0.3) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    return np.exp(-a * np.abs(x))


@_elementwise
def value_and_grad(x: Any, a: Any = 0.3) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, a), d_x.__wrapped__(x, a)


def _exp_difference_alone_0_1_1(z: Any) -> Any:
    """exp[0, z, z], the divided difference of exp."""
    size = np.abs(z)
    far = z < 0
    p = np.exp(z)
    u = (z - 1 + np.exp(-z)) * p
    value = _where_rare(far, lambda: 1 + p * np.maximum(z, -1e30) - p, u) / z / z
    v = _where_rare(far, lambda: p * _exp_series(size, (1, 0, 0)), _exp_series(size, (0, 1, 1)))
    return np.where(size < 4, v, value)


def _exp_difference_alone_0_1_1_1(z: Any) -> Any:
    """exp[0, z, z, z], the divided difference of exp."""
    size = np.abs(z)
    far = z < 0
    p = np.exp(z)
    u = (z * z * 0.5 - z + 1 - np.exp(-z)) * p
    u = _where_rare(
        far,
        lambda: (
            -1
            + p * (np.maximum(z, -1e30) * np.maximum(z, -1e30) * 0.5)
            - p * np.maximum(z, -1e30)
            + p
        ),
        u,
    )
    value = u / z / z / z
    v = _exp_series(size, (0, 1, 1, 1))
    v = _where_rare(far, lambda: p * _exp_series(size, (1, 0, 0, 0)), v)
    return np.where(size < 4, v, value)


def _exp_difference_alone_0_1_1_1_1(z: Any) -> Any:
    """exp[0, z, z, z, z], the divided difference of exp."""
    size = np.abs(z)
    far = z < 0
    p = np.exp(z)
    u = (z * z * z * (1 / 6) - z * z * 0.5 + z - 1 + np.exp(-z)) * p
    u = _where_rare(
        far,
        lambda: (
            1
            + p * (np.maximum(z, -1e30) * np.maximum(z, -1e30) * np.maximum(z, -1e30) * (1 / 6))
            - p * (np.maximum(z, -1e30) * np.maximum(z, -1e30) * 0.5)
            + p * np.maximum(z, -1e30)
            - p
        ),
        u,
    )
    value = u / z / z / z / z
    v = _exp_series(size, (0, 1, 1, 1, 1))
    v = _where_rare(far, lambda: p * _exp_series(size, (1, 0, 0, 0, 0)), v)
    return np.where(size < 4, v, value)


def _exp_series(argument: Any, rates: tuple[Any, ...]) -> Any:
    """exp[r_0 L, r_1 L, …], the divided difference of exp, for 0 <= r_i L <= 5: the sum of
    h_k(r) L^k/(n + k)!, h_k the sum of all products of k rates. Every term is positive."""
    sums: list[Any] = [0.0] * len(rates)
    coefficients = []
    for k in range(34):
        total: Any = 0.0 if k else 1.0
        for j, rate in enumerate(rates):
            sums[j] = total = total + rate * sums[j]
        coefficients.append(total / math.factorial(len(rates) - 1 + k))
    return reduce(lambda value, c: value * argument + c, coefficients[::-1])


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
