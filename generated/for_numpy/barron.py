# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 ca7913c6b32c) by: derive regenerate barron --target numpy
"""General adaptive robust loss.

    loss = b*((1 + s/b)^(alpha/2) - 1)/alpha
    s = x^2/scale^2
    b = |alpha - 2|

Domain: x real, alpha in [-inf, inf], scale > 0. alpha sets the shape: 2 quadratic, 1 Charbonnier, 0
Cauchy, -2 Geman-McClure, -inf Welsch.
Limits of the loss: log(1 + x^2/(2*scale^2)) at alpha = 0; x^2/(2*scale^2) at alpha = 2;
exp(x^2/(2*scale^2)) - 1 at alpha = inf; 1 - exp(-x^2/(2*scale^2)) at alpha = -inf.
d_alpha is +inf at alpha = 2 for x != 0: it grows like x^2*log(x^2/(scale^2*|alpha -
2|))/(4*scale^2) - x^2/(2*scale^2).
Source: Barron, CVPR 2019, arXiv:1701.03077, eq. 1.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import math
from functools import reduce, wraps
from typing import Any

import numpy as np

__all__ = ["d2_alpha", "d2_alpha_scale", "d2_scale", "d2_x", "d2_x_alpha", "d2_x_scale", "d_alpha"]
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
            return _by_kind(formula, x, *parameters)
        flat = [x.reshape(-1), *(p.reshape(-1) if p.ndim else p for p in parameters)]
        out = np.empty((2 if formula.__name__ == "value_and_grad" else 1, x.size), x.dtype)
        for part in (slice(i, i + 16384) for i in range(0, x.size, 16384)):
            some = (np.asarray(v[part], float) if v.ndim else v for v in flat)
            out[:, part] = _by_kind(formula, *some)
        value, *slope = (row.reshape(x.shape)[()] for row in out)
        return (value, *slope) if slope else value

    return evaluate


def _parameters(alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [
        ("alpha", alpha, "a number in [-inf, inf], not NaN", lambda p: p >= -np.inf),
        ("scale", scale, "> 0 and finite", lambda p: (p > 0) & (p < np.inf)),
    ]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """General adaptive robust loss, elementwise."""
    a = np.minimum(np.maximum(alpha, -(2.0**100)), 2.0**100)
    b = np.maximum(np.abs(a - 2), 2.0**-100)
    return _square_difference_0_p(b / 2, x / scale, b, a / 2)


@_elementwise
def d_x(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    y = x / scale
    a = np.minimum(np.maximum(alpha, -(2.0**100)), 2.0**100)
    value = _times_power1p_less_one(y, 1, scale, 1, y, np.maximum(np.abs(a - 2), 2.0**-100), a / 2)
    return _where_rare(
        np.abs(y) == np.inf, lambda: np.sign(x) * (np.abs(x) ** (a - 1) / scale), value
    )


@_elementwise
def d_alpha(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The derivative in alpha."""
    if _all(alpha == 2):
        return np.where(np.isnan(x), x, _where_rare(x == 0, lambda: 0, np.inf))
    if _all(np.abs(alpha) >= 2.0**1000):
        return np.where(np.isnan(x), x, 0)
    b = np.abs(alpha - 2)
    return _square_difference_0_pm1_p_p(b / 4, x / scale, b, alpha / 2)


@_elementwise
def d_scale(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The derivative in scale."""
    y = x / scale
    a = np.minimum(np.maximum(alpha, -(2.0**100)), 2.0**100)
    value = _times_power1p_less_one(y, -y, scale, 1, y, np.maximum(np.abs(a - 2), 2.0**-100), a / 2)
    return _where_rare(np.abs(y) == np.inf, lambda: -2 * np.abs(x) ** a / scale, value)


@_elementwise
def d2_x(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The second derivative in x."""
    y = x / scale
    a = np.minimum(np.maximum(alpha, -(2.0**100)), 2.0**100)
    b = np.maximum(np.abs(a - 2), 2.0**-100)
    value = _times_power1p_less_one(1, _weighted(1 / scale, 1, a - 1, y, b), scale, 1, y, b, a / 2)
    return _where_rare(np.abs(y) == np.inf, lambda: np.abs(x) ** (a - 2) / (scale * scale), value)


@_elementwise
def d2_x_alpha(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and alpha."""
    if _all(alpha == 2):
        return _where_rare(x == 0, lambda: 0, np.inf * np.sign(x))
    if _all(np.abs(alpha) >= 2.0**1000):
        return np.where(np.isnan(x), x, 0)
    y = x / scale
    b = np.abs(alpha - 2)
    u = 0.5 * _exp_difference_over_m1_0_0(_log1p_over(y, b))
    value = _times_power1p_less_one(y, u, scale / _log1p_over(y, b), 1, y, b, alpha / 2)
    return _where_rare(
        np.abs(y) == np.inf,
        lambda: np.sign(x) * _where_rare(alpha - 1 < 0, lambda: 0, np.inf),
        value,
    )


@_elementwise
def d2_x_scale(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and scale."""
    y = x / scale
    a = np.minimum(np.maximum(alpha, -(2.0**100)), 2.0**100)
    b = np.maximum(np.abs(a - 2), 2.0**-100)
    value = _times_power1p_less_one(2, -_half_weighted(y, a, y, b), scale, scale, y, b, a / 2)
    return _where_rare(
        np.abs(y) == np.inf, lambda: -np.sign(x) * (np.abs(x) ** (a - 1) / (scale * scale)), value
    )


@_elementwise
def d2_alpha(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The second derivative in alpha."""
    if _all(alpha == 2):
        return np.where(np.isnan(x), x, _where_rare(x == 0, lambda: 0, np.inf))
    if _all(np.abs(alpha) >= 2.0**1000):
        return np.where(np.isnan(x), x, 0)
    return _square_bend(np.sign(alpha - 2) / 4, x / scale, np.abs(alpha - 2), alpha / 2)


@_elementwise
def d2_alpha_scale(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The mixed second derivative in alpha and scale."""
    if _all(alpha == 2):
        return np.where(np.isnan(x), x, _where_rare(x == 0, lambda: 0, -np.inf))
    if _all(np.abs(alpha) >= 2.0**1000):
        return np.where(np.isnan(x), x, 0)
    y = x / scale
    b = np.abs(alpha - 2)
    u = -0.5 * y * _exp_difference_over_m1_0_0(_log1p_over(y, b))
    value = _times_power1p_less_one(y, u, scale / _log1p_over(y, b), 1, y, b, alpha / 2)
    return _where_rare(
        np.abs(y) == np.inf, lambda: _where_rare(alpha < 0, lambda: 0, -np.inf), value
    )


@_elementwise
def d2_scale(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The second derivative in scale."""
    y = x / scale
    a = np.minimum(np.maximum(alpha, -(2.0**100)), 2.0**100)
    b = np.maximum(np.abs(a - 2), 2.0**-100)
    value = _times_power1p_less_one(y, y, scale / _weighted(1, 3, a + 1, y, b), scale, y, b, a / 2)
    return _where_rare(np.abs(y) == np.inf, lambda: 2 * np.abs(x) ** a / (scale * scale), value)


@_elementwise
def weight(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    y = x / scale
    a = np.minimum(np.maximum(alpha, -(2.0**100)), 2.0**100)
    u = np.maximum(np.abs(a - 2), 2.0**-100)
    value = _times_power1p_less_one(1, 1, scale, scale, y, u, a / 2)
    value = _where_rare(np.abs(y) == np.inf, lambda: np.abs(x) ** (a - 2) / (scale * scale), value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def value_and_grad(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, alpha, scale), d_x.__wrapped__(x, alpha, scale)


def _by_kind(formula: Any, r: Any, alpha: Any, scale: Any) -> Any:
    """Each kind of special parameters apart: a formula asks for those of all elements at once."""
    if not alpha.ndim:
        return formula(r, alpha, scale)
    kind = (alpha == 2) + 2 * (alpha >= 2.0**1000) + 4 * (alpha <= -(2.0**1000))
    whole = np.empty((2, *r.shape))
    for here in (kind == k for k in np.unique(kind)):
        whole[:, here] = formula(r[here], alpha[here], scale[here])
    return tuple(whole) if formula.__name__ == "value_and_grad" else whole[0]


def _exp_difference_m1_0_0(z: Any) -> Any:
    """z^2 exp[-z, 0, 0], the divided difference of exp."""
    p = np.exp(-z)
    return np.where(np.abs(z) < 1, z * z * (p * _exp_series(np.abs(z), (0, 1, 1))), z - 1 + p)


def _exp_difference_over_m1_0_0(z: Any) -> Any:
    """z exp[-z, 0, 0], the divided difference of exp."""
    m = np.minimum(z, 1e9)
    value = (m - 1 + np.exp(-m)) / m
    return np.where(np.abs(z) < 1, z * (np.exp(-z) * _exp_series(np.abs(z), (0, 1, 1))), value)


def _exprel(z: Any) -> Any:
    """(exp(z) - 1)/z, and 1 at z = 0."""
    return _where_rare(z == 0, lambda: 1, np.expm1(z) / np.minimum(z, 1e30))


def _half_weighted(f: Any, d: Any, y: Any, b: Any) -> Any:
    """f (c + d w)/(1 + w)/2, finite for finite f: the power beside it may fade (c = 2)."""
    v = y / b
    w = v * y
    value = f * ((1 + d * (0.5 * w)) / (1 + w))
    value = _where_rare(
        w >= 2.0**80, lambda: np.where(np.abs(f) < 1, f * (0.5 * d), 0.5 * f * d) + f / v / y, value
    )
    u = np.abs(value)
    return _where_rare(u == np.inf, lambda: f * np.maximum(np.minimum(0.5 * d, 1), -1), value)


def _in_halves(f: Any, e: Any, c: Any, d: Any, y: Any, b: Any, q: Any, root: Any) -> Any:
    """f e (1 + y^2/b)^q/(root^2 c d): the power in halves, beside f/c and e/d."""
    half = _power1p_square(y, b, 0.5 * q)
    v = np.abs(y) / np.sqrt(b)
    half = _where_rare(v >= np.inf, lambda: np.abs(y) ** q * np.minimum(b, 1) ** (-0.5 * q), half)
    extreme = (half < 2.0**-100) | (half >= np.inf)
    quarter = _power1p_square(y, b, 0.25 * q)
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


def _log1p_over(y: Any, b: Any) -> Any:
    """log(1 + y^2/b), also where y^2/b overflows."""
    w = y / b * y
    return _where_rare(w >= 2.0**80, lambda: 2 * np.log(np.abs(y)) - np.log(b), _log1p(w))


def _power1p_square(y: Any, b: Any, q: Any) -> Any:
    """(1 + y^2/b)^q, also where y^2/b overflows."""
    if _all(np.abs(q) <= 2):
        w = y / b * y
        return _where_rare(w >= 2.0**80, lambda: (np.abs(y) / np.sqrt(b)) ** (2 * q), (1 + w) ** q)
    v = y / b
    w = v * y
    total = 1 + w
    power = total**q
    lift = total - 1
    u = q * ((1 - (total - lift) + (w - lift) + _product_error(v, y)) / total)
    value = np.where((power > 0) & (power < np.inf), power * np.exp(u), power)
    return _where_rare(w >= 2.0**80, lambda: (np.abs(y) / np.sqrt(b)) ** (2 * q), value)


def _power_difference_0_p_p(z: Any, p: Any, g: Any) -> Any:
    """z^2 exp[0, p z, p z], the divided difference of exp; g = exp(p z)."""
    high = np.maximum(p, 0)
    low = np.minimum(p, 0)
    m = np.minimum(z, 1e9)
    unit = np.maximum(high - low, 1)
    value = g * ((m - 1 / p) / p) + 1 / p / p
    u = _exp_series(unit * m, (-low / unit, (p - low) / unit, (p - low) / unit))
    return np.where((high - low) * m < 5, z * z * np.exp(low * m) * u, value)


def _power_difference_0_p_p_p(z: Any, p: Any, g: Any) -> Any:
    """z^3 exp[0, p z, p z, p z], the divided difference of exp; g = exp(p z)."""
    high = np.maximum(p, 0)
    low = np.minimum(p, 0)
    m = np.minimum(z, 1e9)
    unit = np.maximum(high - low, 1)
    v = (p - low) / unit
    value = g * ((0.5 * (m * m) - (m - 1 / p) / p) / p) - 1 / p / p / p
    u = _exp_series(unit * m, (-low / unit, v, v, v))
    return np.where((high - low) * m < 5, z * z * z * np.exp(low * m) * u, value)


def _root1p_square(t: Any) -> Any:
    """sqrt(1 + t^2), also where t^2 overflows."""
    return _where_rare(np.abs(t) >= 2.0**40, lambda: np.abs(t), np.sqrt(1 + t * t))


def _square_bend(f: Any, y: Any, b: Any, p: Any) -> Any:
    """f (g (z - 1 + exp(-z))^2 - 2 z^3 exp[0, p z, p z, p z]), g = exp(p z), z = log(1 + y^2/b)."""
    g = _power1p_square(y, b, p)
    r = np.maximum(p, 2.0**-20)
    z = _log1p_over(y, b)
    m = np.minimum(z, 1e9)
    e = _exp_difference_m1_0_0(m)
    decay = np.exp(-m)
    rest = 2 / r / r
    total = r * (e * e) - (m * m - 2 * ((m - 1 / r) / r))
    u = (r - 1) * (e * e - 2 * (m / r))
    total = np.where(p < 3.5, u + (1 - decay * (2 - decay - 2 * m)) - rest, total)
    q = g * (e * e) - 2 * _power_difference_0_p_p_p(z, p, g)
    value = f * np.where(p * m < 2.5, q, (g * total + rest) / r)
    return _where_rare(
        g >= 2.0**90,
        lambda: _power1p_square(y, b, 0.5 * p) * (f * total / r) * _power1p_square(y, b, 0.5 * p),
        value,
    )


def _square_difference_0_p(f: Any, y: Any, b: Any, p: Any) -> Any:
    """f z^1 exp[0, p z], z = log(1 + y^2/b)."""
    t = np.abs(y) / np.sqrt(b)
    z = _log1p_over(y, b)
    m = np.minimum(z, 1e9)
    value = f * (z * _exprel(p * m))
    value = _where_rare(
        (p * z >= 1.25) | (p * z <= -40),
        lambda: _where_rare(
            _power1p_square(y, b, p) >= 2.0**90,
            lambda: _power1p_square(y, b, 0.5 * p) * (f / p) * _power1p_square(y, b, 0.5 * p),
            f * ((_power1p_square(y, b, p) - 1) / p),
        ),
        value,
    )
    return _where_rare(t < 2.0**-40, lambda: t * f * t * _exprel(p * m), value)


def _square_difference_0_pm1_p_p(f: Any, y: Any, b: Any, p: Any) -> Any:
    """f z^3 exp[0, (p - 1) z, p z, p z], z = log(1 + y^2/b)."""
    g = _power1p_square(y, b, p)
    z = _log1p_over(y, b)
    m = np.minimum(z, 1e9)
    near = p * m < 2.5
    q = p - 1
    near2 = np.abs(q * z) < 7 / 10
    w = np.where(near2, 0, np.exp(np.maximum(-z, -80)) / q)
    v = (_exp_difference_m1_0_0(m) - (-np.expm1(-m) - w) / p) / p
    high = np.maximum(p, 0)
    low = np.minimum(q, 0)
    unit = np.maximum(high - low, 1)
    u = _power_difference_0_p_p(z, p, g) / (1 - p) - g * (_exp_difference_m1_0_0(m) / (1 - p))
    value = f * np.where(near, u, g * v + np.where(near2, z * _exprel(q * z), -1 / q) / p / p)
    r = _exp_series(unit * m, (-low / unit, (q - low) / unit, (p - low) / unit, (p - low) / unit))
    value = np.where((high - low) * m < 5, f * z * z * z * np.exp(low * m) * r, value)
    return _where_rare(
        g >= 2.0**90,
        lambda: (
            _power1p_square(y, b, 0.5 * p)
            * (f * np.where(near, z, v))
            * _power1p_square(y, b, 0.5 * p)
        ),
        value,
    )


def _times_power1p_less_one(f: Any, e: Any, c: Any, d: Any, y: Any, b: Any, p: Any) -> Any:
    """f e (1 + y^2/b)^(p - 1)/(c d), likewise."""
    q = np.where(p < 0.5, p, p - 1)
    power = _power1p_square(y, b, q) / np.where(p < 0.5, 1 + y / b * y, 1)
    part = f * power / c
    side = e / d
    value = part * side
    u = np.abs(part * side)
    v = np.abs(part)
    return _where_rare(
        (power < 2.0**-100) | ((v < 2.0**-100) | (u == np.inf)),
        lambda: _in_halves(
            f, e, c, d, y, b, q, np.where(p < 0.5, _root1p_square(np.abs(y) / np.sqrt(b)), 1)
        ),
        value,
    )


def _weighted(f: Any, c: Any, d: Any, y: Any, b: Any) -> Any:
    """f (c + d w)/(1 + w), w = y^2/b, also where w overflows."""
    v = y / b
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
