# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 882a697b529f) by: derive regenerate q_gaussian --target numpy
"""q-Gaussian loss.

    loss = log(1 + x^2*(q - 1)/c^2)/(q - 1)

Domain: x real, q in [1, 3), c > 0. The negative logarithm of the q-Gaussian exp_q(-(x/c)^2):
x^2/c^2 at q = 1, Cauchy's at q = 2.
Limits of the loss: x^2/c^2 at q = 1.
Source: Tsallis, J. Stat. Phys. 52, 1988.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import math
from functools import reduce, wraps
from typing import Any

import numpy as np

__all__ = ["d2_c", "d2_q", "d2_q_c", "d2_x", "d2_x_c", "d2_x_q", "d_c", "d_q", "d_x", "loss"]
__all__ += ["value_and_grad", "weight"]


def _elementwise(formula: Any) -> Any:
    # the formula in float64, in blocks that stay in the cache; the dtype of x comes out
    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(x: Any, *_given: Any, **_named: Any) -> Any:
        x, parameters = np.asarray(x), _parameters(*_given, **_named)
        x = x if x.dtype.kind == "f" else x.astype(np.float64, casting="same_kind")
        if parameters[0].ndim or parameters[1].ndim:
            x, *parameters = np.broadcast_arrays(x, *parameters)
        if x.ndim and x.size <= 16384 and x.dtype == np.float64:
            return _by_kind(formula, x, *parameters)
        flat = [x.reshape(-1), *(p.reshape(-1) if p.ndim else p for p in parameters)]
        out = np.empty((2 if formula.__name__ == "value_and_grad" else 1, x.size), x.dtype)
        for part in (slice(i, i + 16384) for i in range(0, x.size, 16384)):
            some = (np.asarray(v[part], float) if v.ndim else v for v in flat)
            out[:, part] = _by_kind(formula, *some)
        value, *slope = (row.reshape(x.shape)[()] for row in out)
        return (value, *slope) if slope else value

    return evaluate


def _parameters(q: Any = 1.5, c: Any = 1.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [
        ("q", q, "in [1, 3)", lambda p: (p >= 1) & (p < 3)),
        ("c", c, "> 0 and finite", lambda p: (p > 0) & (p < np.inf)),
    ]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, q: Any = 1.5, c: Any = 1.0) -> Any:
    """q-Gaussian loss, elementwise."""
    y = x / c
    if _all(q == 1):
        return y * y
    u = q - 1
    value = _log1p_over(y, 1 / u) / u
    v = c / x * (c / x) * (np.abs(1 / u) / 2)
    value = _where_rare(
        v < 2.0**-54, lambda: (2 * np.log(np.abs(x)) + np.log(u) - 2 * np.log(c)) / u, value
    )
    return _where_rare(0.5 * y * y * np.abs(u) < 2.0**-54, lambda: y * y, value)


@_elementwise
def d_x(x: Any, q: Any = 1.5, c: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    if _all(q == 1):
        return 2 * (x / c) / c
    y = x / c
    value = 2 * y / (y * y * (q - 1) + 1) / c
    u = c / x * (c / x) * np.abs(1 / (q - 1))
    return _where_rare(u < 2.0**-54, lambda: 2 / x / (q - 1), value)


@_elementwise
def d_q(x: Any, q: Any = 1.5, c: Any = 1.0) -> Any:
    """The derivative in q."""
    y = x / c
    if _all(q == 1):
        return -0.5 * (y * y) * y * y
    u = q - 1
    value = -_exp_difference_m1_0_0(_log1p_over(y, 1 / u)) / u / u
    v = c / x * (c / x) * np.abs(1 / u)
    value = _where_rare(
        v < 2.0**-54, lambda: (1 + 2 * np.log(c) - 2 * np.log(np.abs(x)) - np.log(u)) / u / u, value
    )
    return _where_rare(y / 3 * y * np.abs(u) * 4 < 2.0**-54, lambda: -0.5 * (y * y) * y * y, value)


@_elementwise
def d_c(x: Any, q: Any = 1.5, c: Any = 1.0) -> Any:
    """The derivative in c."""
    y = x / c
    if _all(q == 1):
        return -y / c * y * 2
    value = -2 * y / (y * y * (q - 1) + 1) / c * y
    return _where_rare(np.abs(1 / (q - 1)) / y / y < 2.0**-54, lambda: -2 / c / (q - 1), value)


@_elementwise
def d2_x(x: Any, q: Any = 1.5, c: Any = 1.0) -> Any:
    """The second derivative in x."""
    if _all(q == 1):
        return np.where(np.isnan(x), x, 2 / c / c)
    v = 1 / (q - 1)
    y = x / c
    r = np.abs(y) / np.sqrt(v)
    value = 2 * _weighted(1, -1, y, v) / c / (r * r + 1) / c
    u = c / x * (c / x) * np.abs(v) * 3
    return _where_rare(u < 2.0**-54, lambda: -2 / x / (q - 1) / x, value)


@_elementwise
def d2_x_q(x: Any, q: Any = 1.5, c: Any = 1.0) -> Any:
    """The mixed second derivative in x and q."""
    y = x / c
    if _all(q == 1):
        return -2 * y * y / c * y
    u = q - 1
    w = y * y * u
    value = -2 * y / (w + 1) / c * y * (y / (w + 1))
    v = c / x * (c / x) * np.abs(1 / u) * 2
    return _where_rare(v < 2.0**-54, lambda: -2 / x / u / u, value)


@_elementwise
def d2_x_c(x: Any, q: Any = 1.5, c: Any = 1.0) -> Any:
    """The mixed second derivative in x and c."""
    if _all(q == 1):
        return -x / c / c * (4 / c)
    u = q - 1
    y = x / c
    w = y * y * u
    value = -4 / (w + 1) / c * x / c / (w + 1) / c
    v = c / x * (c / x) * np.abs(1 / u) * 2
    return _where_rare(v < 2.0**-54, lambda: -c / x / x / u * (4 / x / u), value)


@_elementwise
def d2_q(x: Any, q: Any = 1.5, c: Any = 1.0) -> Any:
    """The second derivative in q."""
    if _all(q == 1):
        y = x / c
        return y * y * y * (y * 2 / 3 * y * y)
    u = q - 1
    L = _log1p_over(x / c, 1 / u)
    value = _exp_difference_alone_0_1_2_2(L) * np.exp(-2 * L) / u * (L / u) * (L / u) * L * 4
    v = c / x * (c / x) * (np.abs(1 / u) / 2) * 3
    return _where_rare(
        v < 2.0**-54,
        lambda: (-3 + 4 * np.log(np.abs(x)) + 2 * np.log(u) - 4 * np.log(c)) / u / u / u,
        value,
    )


@_elementwise
def d2_q_c(x: Any, q: Any = 1.5, c: Any = 1.0) -> Any:
    """The mixed second derivative in q and c."""
    y = x / c
    if _all(q == 1):
        return 2 * y * y / c * y * y
    u = q - 1
    w = y * y * u
    value = 2 * y / (w + 1) / c * y * (y / (w + 1) * y)
    return _where_rare(np.abs(1 / u) / y * (2 / y) < 2.0**-54, lambda: 2 / u / c / u, value)


@_elementwise
def d2_c(x: Any, q: Any = 1.5, c: Any = 1.0) -> Any:
    """The second derivative in c."""
    y = x / c
    if _all(q == 1):
        return 6 / c * y * (y / c)
    v = 1 / (q - 1)
    r = np.abs(y) / np.sqrt(v)
    value = 2 * y / (r * r + 1) / c * (_weighted(3, 1, y, v) / c * y)
    return _where_rare(np.abs(v) / y / y < 2.0**-54, lambda: 2 / c / c / (q - 1), value)


@_elementwise
def weight(x: Any, q: Any = 1.5, c: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    if _all(q == 1):
        return np.where(np.isnan(x), x, 2 / c / c)
    y = x / c
    value = 2 / c / (y * y * (q - 1) + 1) / c
    u = c / x * (c / x) * np.abs(1 / (q - 1))
    return _where_rare(u < 2.0**-54, lambda: 2 / x / (q - 1) / x, value)


@_elementwise
def value_and_grad(x: Any, q: Any = 1.5, c: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, q, c), d_x.__wrapped__(x, q, c)


def _by_kind(formula: Any, r: Any, q: Any, c: Any) -> Any:
    """Each kind of special parameters apart: a formula asks for those of all elements at once."""
    if not q.ndim:
        return formula(r, q, c)
    kind = q == 1
    whole = np.empty((2, *r.shape))
    for here in (kind == k for k in np.unique(kind)):
        whole[:, here] = formula(r[here], q[here], c[here])
    return tuple(whole) if formula.__name__ == "value_and_grad" else whole[0]


def _exp_difference_alone_0_1_2_2(z: Any) -> Any:
    """exp[0, z, 2 z, 2 z], the divided difference of exp."""
    size = np.abs(z)
    far = z < 0
    p = np.exp(2 * z)
    u = (0.5 * z - 0.75 + np.exp(-z) - 0.25 * np.exp(-2 * z)) * p
    u = _where_rare(far, lambda: -0.25 + np.exp(z) + p * (0.5 * np.maximum(z, -1e30)) - 0.75 * p, u)
    value = u / z / z / z
    v = _exp_series(size, (0, 1, 2, 2))
    v = _where_rare(far, lambda: p * _exp_series(size, (2, 1, 0, 0)), v)
    return np.where(size < 2, v, value)


def _exp_difference_m1_0_0(z: Any) -> Any:
    """z^2 exp[-z, 0, 0], the divided difference of exp."""
    p = np.exp(-z)
    return np.where(np.abs(z) < 1, z * z * (p * _exp_series(np.abs(z), (0, 1, 1))), z - 1 + p)


def _log1p_over(y: Any, b: Any) -> Any:
    """log(1 + y^2/b), also where y^2/b overflows."""
    w = y / b * y
    return _where_rare(w >= 2.0**80, lambda: 2 * np.log(np.abs(y)) - np.log(b), _log1p(w))


def _weighted(c: Any, d: Any, y: Any, b: Any) -> Any:
    """f (c + d w)/(1 + w), w = y^2/b, also where w overflows (f = 1)."""
    v = y / b
    w = v * y
    return _where_rare(w >= 2.0**80, lambda: d + c / y / v, (c + d * w) / (1 + w))


def _all(condition: Any) -> Any:
    """Whether it holds for every element; a number is asked at once."""
    return condition.all() if condition.ndim else condition


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


def _log1p(w: Any) -> Any:
    """log(1 + w), by log, which is the faster one, and what rounding takes from u = 1 + w."""
    u = 1 + w
    return np.log(u) + np.fmax((w - (u - 1)) / u, -1)  # -1: there log(u) is infinite


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
