# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 076c110e72c6) by: derive regenerate linex --target numpy
"""LINEX loss.

    loss = exp(a*x) - a*x - 1

Domain: x real, a real. Exponential above the target for positive a and below it for negative a.
Source: Varian, Studies in Bayesian Econometrics and Statistics, 1975.
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


def _parameters(a: Any = 1.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("a", a, "a finite number", lambda p: (p > -np.inf) & (p < np.inf))]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, a: Any = 1.0) -> Any:
    """LINEX loss, elementwise."""
    return _expm1_minus(a * x)


@_elementwise
def d_x(x: Any, a: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    return a * np.expm1(a / 2 * x) * (1 + np.exp(a / 2 * x))


@_elementwise
def d_a(x: Any, a: Any = 1.0) -> Any:
    """The derivative in a."""
    return np.expm1(a / 2 * x) * x * (1 + np.exp(a / 2 * x))


@_elementwise
def d2_x(x: Any, a: Any = 1.0) -> Any:
    """The second derivative in x."""
    p = a * np.exp(a / 2 * x)
    return p * p


@_elementwise
def d2_x_a(x: Any, a: Any = 1.0) -> Any:
    """The mixed second derivative in x and a."""
    return 2 * np.expm1(a * x) + _exp_difference_0_1_1(a * x)


@_elementwise
def d2_a(x: Any, a: Any = 1.0) -> Any:
    """The second derivative in a."""
    p = x * np.exp(a / 2 * x)
    value = p * p
    return _where_rare(
        np.abs(x) == np.inf, lambda: _where_rare(a * x < 0, lambda: 0, np.inf), value
    )


@_elementwise
def weight(x: Any, a: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    value = np.expm1(a / 2 * x) / x * a * (1 + np.exp(a / 2 * x))
    value = _where_rare(np.abs(a) / 2 * np.abs(x) < 2.0**-54, lambda: a * a, value)
    return _where_rare(
        np.abs(x) == np.inf, lambda: _where_rare(a * x < 0, lambda: 0, np.inf), value
    )


@_elementwise
def value_and_grad(x: Any, a: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, a), d_x.__wrapped__(x, a)


def _exp_difference_0_1_1(z: Any) -> Any:
    """z^2 exp[0, z, z], the divided difference of exp."""
    size = np.abs(z)
    far = z < 0
    p = np.exp(z)
    value = (z - 1 + np.exp(-z)) * p
    value = _where_rare(far, lambda: 1 + p * np.maximum(z, -1e30) - p, value)
    u = _where_rare(far, lambda: p * _exp_series(size, (1, 0, 0)), _exp_series(size, (0, 1, 1)))
    return np.where(size < 4, z * z * u, value)


def _expm1_minus(z: Any) -> Any:
    """exp(z) - 1 - z, without cancellation at small z."""
    value = np.expm1(z) - z
    value = _where_rare(z == np.inf, lambda: np.inf, value)
    terms = (
        0.5, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 0.0001984126984126984, 2.48015873015873e-05,
        2.7557319223985893e-06, 2.755731922398589e-07, 2.505210838544172e-08, 2.08767569878681e-09,
        1.6059043836821613e-10, 1.1470745597729725e-11, 7.647163731819816e-13,
        4.779477332387385e-14, 2.8114572543455206e-15, 1.5619206968586225e-16,
    )  # fmt: skip
    return np.where(np.abs(z) < 1, z * z * _horner(z, terms), value)


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


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    return reduce(lambda total, c: total * z + c, coefficients[::-1])


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
