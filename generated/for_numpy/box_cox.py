# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 8987567ac71c) by: derive regenerate box_cox --target numpy
"""Box-Cox loss.

    loss = ((1 + s/2)^lam - 1)/lam
    s = x^2/scale^2

Domain: x real, lam real, scale > 0. Behaves like x^2/(2 scale^2) near 0. lam sets the shape: 1
quadratic, 0 Cauchy, below 0 bounded by -1/lam.
Limits of the loss: log(1 + x^2/(2*scale^2)) at lam = 0.
Source: Box and Cox, J. R. Statist. Soc. B 26(2), 1964, eq. 2, of s/2 with shift 1.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import math
from functools import reduce, wraps
from typing import Any

import numpy as np

__all__ = ["d2_lam", "d2_lam_scale", "d2_scale", "d2_x", "d2_x_lam", "d2_x_scale", "d_lam"]
__all__ += ["d_scale", "d_x", "loss", "value_and_grad", "weight"]


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
            return formula(x, *parameters)
        flat = [x.reshape(-1), *(p.reshape(-1) if p.ndim else p for p in parameters)]
        out = np.empty((2 if formula.__name__ == "value_and_grad" else 1, x.size), x.dtype)
        for part in (slice(i, i + 16384) for i in range(0, x.size, 16384)):
            out[:, part] = formula(*(np.asarray(v[part], float) if v.ndim else v for v in flat))
        value, *slope = (row.reshape(x.shape)[()] for row in out)
        return (value, *slope) if slope else value

    return evaluate


def _parameters(lam: Any = 0.0, scale: Any = 1.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [
        ("lam", lam, "a finite number", lambda p: (p > -np.inf) & (p < np.inf)),
        ("scale", scale, "> 0 and finite", lambda p: (p > 0) & (p < np.inf)),
    ]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, lam: Any = 0.0, scale: Any = 1.0) -> Any:
    """Box-Cox loss, elementwise."""
    return _square_difference_0_p(x / scale, lam)


@_elementwise
def d_x(x: Any, lam: Any = 0.0, scale: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    y = x / scale
    value = _times_power1p_less_one(y, 1, scale, 1, y, lam)
    return _where_rare(
        np.abs(y) == np.inf,
        lambda: np.sign(x) * (1.4142135623730951 * np.abs(x) ** (2 * lam - 1) / scale),
        value,
    )


@_elementwise
def d_lam(x: Any, lam: Any = 0.0, scale: Any = 1.0) -> Any:
    """The derivative in lam."""
    return _square_difference_0_p_p(x / scale, lam)


@_elementwise
def d_scale(x: Any, lam: Any = 0.0, scale: Any = 1.0) -> Any:
    """The derivative in scale."""
    y = x / scale
    value = _times_power1p_less_one(y, -y, scale, 1, y, lam)
    return _where_rare(np.abs(y) == np.inf, lambda: -2 * np.abs(x) ** (2 * lam) / scale, value)


@_elementwise
def d2_x(x: Any, lam: Any = 0.0, scale: Any = 1.0) -> Any:
    """The second derivative in x."""
    y = x / scale
    value = _times_power1p_less_one(1, _weighted(1 / scale, 1, 2 * lam - 1, y), scale, 1, y, lam)
    return _where_rare(
        np.abs(y) == np.inf, lambda: np.abs(x) ** (2 * lam - 2) / (scale * scale), value
    )


@_elementwise
def d2_x_lam(x: Any, lam: Any = 0.0, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and lam."""
    y = x / scale
    s = y * y
    u = _log1p_square(0.7071067811865476 * np.abs(y))
    value = _times_power1p_less_one(y, u, scale, 1, y, lam)
    v = s * y * y * np.abs(lam / 8 * lam + 11 / 24 - lam / 2)
    w = 0.25 * y * y * np.abs(2 * lam - 3)
    p = s * np.abs(lam / 2 - 0.75)
    q = 0.5 * (y / scale * y) * y
    value = np.where((p < 2.0**-54) & (w < 2.0**-54) & (v < 2.0**-54), q, value)
    return _where_rare(
        np.abs(y) == np.inf,
        lambda: np.sign(x) * _where_rare(2 * lam - 1 < 0, lambda: 0, np.inf),
        value,
    )


@_elementwise
def d2_x_scale(x: Any, lam: Any = 0.0, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and scale."""
    y = x / scale
    value = _times_power1p_less_one(2, -2 * _half_weighted(y, lam, y), scale, scale, y, lam)
    return _where_rare(
        np.abs(y) == np.inf,
        lambda: -np.sign(x) * (1.4142135623730951 * np.abs(x) ** (2 * lam - 1) / (scale * scale)),
        value,
    )


@_elementwise
def d2_lam(x: Any, lam: Any = 0.0, scale: Any = 1.0) -> Any:
    """The second derivative in lam."""
    return _square_difference_0_p_p_p(x / scale, lam)


@_elementwise
def d2_lam_scale(x: Any, lam: Any = 0.0, scale: Any = 1.0) -> Any:
    """The mixed second derivative in lam and scale."""
    y = x / scale
    u = _log1p_square(0.7071067811865476 * np.abs(y))
    value = _times_power1p_less_one(y, y, -scale / u, 1, y, lam)
    return _where_rare(
        np.abs(y) == np.inf, lambda: -_where_rare(2 * lam < 0, lambda: 0, np.inf), value
    )


@_elementwise
def d2_scale(x: Any, lam: Any = 0.0, scale: Any = 1.0) -> Any:
    """The second derivative in scale."""
    y = x / scale
    value = _times_power1p_less_one(y, y, scale / _weighted(1, 3, 2 * lam + 1, y), scale, y, lam)
    return _where_rare(
        np.abs(y) == np.inf, lambda: 2 * np.abs(x) ** (2 * lam) / (scale * scale), value
    )


@_elementwise
def weight(x: Any, lam: Any = 0.0, scale: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    y = x / scale
    value = _times_power1p_less_one(1, 1, scale, scale, y, lam)
    value = _where_rare(
        np.abs(y) == np.inf, lambda: np.abs(x) ** (2 * lam - 2) / (scale * scale), value
    )
    return np.where(np.isnan(x), x, value)


@_elementwise
def value_and_grad(x: Any, lam: Any = 0.0, scale: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, lam, scale), d_x.__wrapped__(x, lam, scale)


def _exprel(z: Any) -> Any:
    """(exp(z) - 1)/z, and 1 at z = 0."""
    return _where_rare(z == 0, lambda: 1, np.expm1(z) / np.minimum(z, 1e30))


def _half_weighted(f: Any, d: Any, y: Any) -> Any:
    """f (c + d w)/(1 + w)/2, finite for finite f: the power beside it may fade (b = 2, c = 1)."""
    v = 0.5 * y
    w = v * y
    value = f * ((0.5 + d * (0.5 * w)) / (1 + w))
    value = _where_rare(
        w >= 2.0**80,
        lambda: np.where(np.abs(f) < 1, f * (0.5 * d), 0.5 * f * d) + f / v * (0.5 / y),
        value,
    )
    u = np.abs(value)
    return _where_rare(u == np.inf, lambda: f * np.maximum(np.minimum(0.5 * d, 1), -1), value)


def _in_halves(f: Any, e: Any, c: Any, d: Any, y: Any, q: Any, root: Any) -> Any:
    """f e (1 + y^2/b)^q/(root^2 c d): the power in halves, beside f/c and e/d (b = 2)."""
    half = _power1p_square(y, 0.5 * q)
    half = _where_rare(np.abs(y) / 1.4142135623730951 >= np.inf, lambda: np.abs(y) ** q, half)
    extreme = (half < 2.0**-100) | (half >= np.inf)
    quarter = _power1p_square(y, 0.25 * q)
    first = np.where(extreme, quarter, half)
    low = np.minimum(first, 1)
    above = f * low
    start = f / root * low
    side = np.where(np.abs(above) <= 2.0**20, above / c / root, start / c)
    below = e * low
    small = np.abs(below) <= 2.0**20
    near = np.where(np.abs(start) >= 1, start * below / c, side * below)
    high = np.maximum(first, 1)
    again = np.where(extreme, quarter, 1)
    w = np.where(small, below / d / root, e / root * low / d)
    value = side * high * again * (w * high * again)
    u = np.where(np.abs(near) < 1, near / d / root, near / root / d)
    value = np.where((np.abs(side) >= 1) & small, u * high * again * high * again, value)
    return _where_rare(first == 0, lambda: 0, value)


def _log1p_over(y: Any) -> Any:
    """log(1 + y^2/b), also where y^2/b overflows (b = 2)."""
    w = 0.5 * y * y
    return _where_rare(w >= 2.0**80, lambda: 2 * np.log(np.abs(y)) - 0.6931471805599453, _log1p(w))


def _log1p_square(t: Any) -> Any:
    """log(1 + t^2) for t >= 0, also where t^2 overflows."""
    return _where_rare(t >= 2.0**40, lambda: 2 * np.log(t), _log1p(t * t))


def _power1p_square(y: Any, q: Any) -> Any:
    """(1 + y^2/b)^q, also where y^2/b overflows (b = 2)."""
    if _all(np.abs(q) <= 2):
        w = 0.5 * y * y
        value = (1 + w) ** q
        return _where_rare(w >= 2.0**80, lambda: (np.abs(y) / 1.4142135623730951) ** (2 * q), value)
    v = 0.5 * y
    w = v * y
    total = 1 + w
    power = total**q
    lift = total - 1
    u = q * ((1 - (total - lift) + (w - lift) + _product_error(v, y)) / total)
    value = np.where((power > 0) & (power < np.inf), power * np.exp(u), power)
    return _where_rare(w >= 2.0**80, lambda: (np.abs(y) / 1.4142135623730951) ** (2 * q), value)


def _root1p_square(t: Any) -> Any:
    """sqrt(1 + t^2), also where t^2 overflows."""
    return _where_rare(np.abs(t) >= 2.0**40, lambda: np.abs(t), np.sqrt(1 + t * t))


def _square_difference_0_p(y: Any, p: Any) -> Any:
    """f z^1 exp[0, p z], z = log(1 + y^2/b) (b = 2, f = 1)."""
    t = np.abs(y) / 1.4142135623730951
    z = _log1p_over(y)
    m = np.minimum(z, 1e9)
    value = z * _exprel(p * m)
    value = _where_rare(
        (p * z >= 1.25) | (p * z <= -40),
        lambda: _where_rare(
            _power1p_square(y, p) >= 2.0**90,
            lambda: _power1p_square(y, 0.5 * p) / p * _power1p_square(y, 0.5 * p),
            (_power1p_square(y, p) - 1) / p,
        ),
        value,
    )
    return _where_rare(t < 2.0**-40, lambda: t * t * _exprel(p * m), value)


def _square_difference_0_p_p(y: Any, p: Any) -> Any:
    """f z^2 exp[0, p z, p z], z = log(1 + y^2/b) (b = 2, f = 1)."""
    g = _power1p_square(y, p)
    z = _log1p_over(y)
    m = np.minimum(z, 1e9)
    v = (m - 1 / p) / p
    high = np.maximum(p, 0)
    low = np.minimum(p, 0)
    unit = np.maximum(high - low, 1)
    value = g * v + 1 / p / p
    u = _exp_series(unit * m, (-low / unit, (p - low) / unit, (p - low) / unit))
    value = np.where((high - low) * m < 5, z * z * np.exp(low * m) * u, value)
    return _where_rare(
        g >= 2.0**90,
        lambda: (
            _power1p_square(y, 0.5 * p) * np.where(p * m < 2.5, z, v) * _power1p_square(y, 0.5 * p)
        ),
        value,
    )


def _square_difference_0_p_p_p(y: Any, p: Any) -> Any:
    """f z^3 exp[0, p z, p z, p z], z = log(1 + y^2/b) (b = f = 2)."""
    g = _power1p_square(y, p)
    z = _log1p_over(y)
    m = np.minimum(z, 1e9)
    v = (0.5 * (m * m) - (m - 1 / p) / p) / p
    high = np.maximum(p, 0)
    low = np.minimum(p, 0)
    unit = np.maximum(high - low, 1)
    u = (p - low) / unit
    value = 2 * (g * v - 1 / p / p / p)
    w = _exp_series(unit * m, (-low / unit, u, u, u))
    value = np.where((high - low) * m < 5, 2 * z * z * z * np.exp(low * m) * w, value)
    return _where_rare(
        g >= 2.0**90,
        lambda: (
            _power1p_square(y, 0.5 * p)
            * (2 * np.where(p * m < 2.5, z, v))
            * _power1p_square(y, 0.5 * p)
        ),
        value,
    )


def _times_power1p_less_one(f: Any, e: Any, c: Any, d: Any, y: Any, p: Any) -> Any:
    """f e (1 + y^2/b)^(p - 1)/(c d), likewise (b = 2)."""
    q = np.where(p < 0.5, p, p - 1)
    power = _power1p_square(y, q) / np.where(p < 0.5, 1 + 0.5 * y * y, 1)
    part = f * power / c
    side = e / d
    value = part * side
    u = np.abs(part * side)
    v = np.abs(part)
    return _where_rare(
        (power < 2.0**-100) | ((v < 2.0**-100) | (u == np.inf)),
        lambda: _in_halves(
            f, e, c, d, y, q, np.where(p < 0.5, _root1p_square(np.abs(y) / 1.4142135623730951), 1)
        ),
        value,
    )


def _weighted(f: Any, c: Any, d: Any, y: Any) -> Any:
    """f (c + d w)/(1 + w), w = y^2/b, also where w overflows (b = 2)."""
    v = 0.5 * y
    w = v * y
    return _where_rare(w >= 2.0**80, lambda: f * d + f / v * (c / y), f * ((c + d * w) / (1 + w)))


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


def _product_error(a: Any, b: Any) -> Any:
    """a*b - round(a*b), exactly (Dekker's splitting)."""
    a_high = 134217729.0 * a - (134217729.0 * a - a)
    b_high = 134217729.0 * b - (134217729.0 * b - b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - a * b) + a_high * b_low + a_low * b_high) + a_low * b_low
