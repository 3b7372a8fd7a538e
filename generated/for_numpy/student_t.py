# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 e881c11a8385) by: derive regenerate student_t --target numpy
"""Student's t loss.

    loss = (1 + df)*log(1 + s/df)/2
    s = x^2/scale^2

Domain: x real, df in (0, inf], scale > 0. df sets the weight of the tails: 1 Cauchy's distribution,
inf the normal one.
Limits of the loss: x^2/(2*scale^2) at df = inf.
Source: Lange, Little and Taylor, J. Amer. Statist. Assoc. 84(408), 1989.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import math
from functools import reduce, wraps
from typing import Any

import numpy as np

__all__ = ["d2_df", "d2_df_scale", "d2_scale", "d2_x", "d2_x_df", "d2_x_scale", "d_df", "d_scale"]
__all__ += ["d_x", "loss", "value_and_grad", "weight"]


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


def _parameters(df: Any = 1.0, scale: Any = 1.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [
        ("df", df, "in (0, inf]", lambda p: p > 0),
        ("scale", scale, "> 0 and finite", lambda p: (p > 0) & (p < np.inf)),
    ]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """Student's t loss, elementwise."""
    y = x / scale
    if _all(df >= 2.0**1000):
        return 0.5 * y * y
    value = (df + 1) / 2 * _log1p_over(y, df)
    return _where_rare(y / df * (0.5 * y) < 2.0**-54, lambda: 0.5 * y * (df + 1) / df * y, value)


@_elementwise
def d_x(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    if _all(df >= 2.0**1000):
        return x / scale / scale
    y = x / scale
    value = (df + 1) / (y * y + df) * y / scale
    return _where_rare(df / x * (scale / x) * scale < 2.0**-54, lambda: (df + 1) / x, value)


@_elementwise
def d_df(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The derivative in df."""
    if _all(df >= 2.0**1000):
        return np.where(np.isnan(x), x, 0)
    y = x / scale
    v = y / df
    u = v * y
    L = _log1p_over(y, df)
    q = 0.5 * _exp_difference_m1_0_0(L) + 0.5 * (np.expm1(-L) / df)
    w = np.abs(0.5 * _exp_difference_m1_0_0(L))
    p = u + 1
    r = np.log(p)
    g = 8 * w
    h = v * v
    k = df + 1
    m = k / p
    n = h * m
    t = r - n
    v2 = (x - y * scale - _product_error(y, scale)) / scale
    v3 = (y - v * df - _product_error(v, df) + v2) / df
    q2 = p - u
    q3 = y * v3 + v * v2 + _product_error(v, y) + (u - (p - q2) + (1 - q2))
    u2 = v * v3
    q4 = t - r
    q6 = df - (k - (k - df)) + (1 - (k - df))
    u3 = h * ((k - m * p - _product_error(m, p) + q6 - m * q3) / p)
    q7 = m * (u2 + u2 + _product_error(v, v)) + u3 + _product_error(h, m)
    q5 = 0.5 * t + 0.5 * (q3 / p - q7 + (r - (t - q4) + (-n - q4)))
    u4 = np.abs(q5 - q)
    value = _where_rare(
        (np.abs(q) < 0.125 * w) & (np.abs(r) < g) & (np.abs(n) < g) & (u4 < w), lambda: q5, q
    )
    return _where_rare(u * (df / 2 + 1) < 2.0**-54, lambda: -0.5 * v / df * y, value)


@_elementwise
def d_scale(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The derivative in scale."""
    y = x / scale
    if _all(df >= 2.0**1000):
        return -y / scale * y
    value = -y / scale * ((df + 1) / (y * y + df) * y)
    return _where_rare(df / y / y < 2.0**-54, lambda: (-df - 1) / scale, value)


@_elementwise
def d2_x(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The second derivative in x."""
    if _all(df >= 2.0**1000):
        return np.where(np.isnan(x), x, 1 / scale / scale)
    y = x / scale
    w = y * y / df
    value = (df + 1) / scale / (w + 1) / df * (1 - w) / (w + 1) / scale
    u = df / x * (scale / x) * scale * 3
    return _where_rare(u < 2.0**-54, lambda: -(df + 1) / x / x, value)


@_elementwise
def d2_x_df(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and df."""
    if _all(df >= 2.0**1000):
        return np.where(np.isnan(x), x, 0)
    y = x / scale
    s = y * y
    value = (s - 1) / (s + df) / scale * (y / (s + df))
    return _where_rare(scale / x * (scale / x) * (2 * df + 1) < 2.0**-54, lambda: 1 / x, value)


@_elementwise
def d2_x_scale(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and scale."""
    if _all(df >= 2.0**1000):
        return -2 / scale * (x / scale) / scale
    u = df / x * (scale / x)
    y = x / scale
    s = y * y
    value = -2 * (df + 1) * df / (s + df) / scale * y / (s + df) / scale
    return _where_rare(u * scale * 2 < 2.0**-54, lambda: -u * ((df + 1) / x) * 2, value)


@_elementwise
def d2_df(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The second derivative in df."""
    if _all(df >= 2.0**1000):
        return np.where(np.isnan(x), x, 0)
    u = scale / x * (scale / x)
    y = x / scale
    r = np.abs(y) / np.sqrt(df)
    value = _weighted(0.5 - df / 2, y, df) / df * y / df / (r * r + 1) / df * y
    return _where_rare(u * ((3 * df + 1) / 2) < 2.0**-54, lambda: u + (1 - df) / df / df / 2, value)


@_elementwise
def d2_df_scale(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The mixed second derivative in df and scale."""
    if _all(df >= 2.0**1000):
        return np.where(np.isnan(x), x, 0)
    y = x / scale
    s = y * y
    value = -y / (s + df) * (s - 1) / scale / (s + df) * y
    return _where_rare((2 * df + 1) / y / y < 2.0**-54, lambda: -1 / scale, value)


@_elementwise
def d2_scale(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The second derivative in scale."""
    y = x / scale
    if _all(df >= 2.0**1000):
        return 3 * y / scale * (y / scale)
    s = y * y
    value = (df + 1) * y / (s + df) / scale * ((s + 3 * df) / (s + df) * y / scale)
    return _where_rare(df / y / y < 2.0**-54, lambda: (df + 1) / scale / scale, value)


@_elementwise
def weight(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    if _all(df >= 2.0**1000):
        return np.where(np.isnan(x), x, 1 / scale / scale)
    y = x / scale
    value = (df + 1) / scale / (y * y + df) / scale
    return _where_rare(df / x * (scale / x) * scale < 2.0**-54, lambda: (df + 1) / x / x, value)


@_elementwise
def value_and_grad(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, df, scale), d_x.__wrapped__(x, df, scale)


def _by_kind(formula: Any, r: Any, df: Any, scale: Any) -> Any:
    """Each kind of special parameters apart: a formula asks for those of all elements at once."""
    if not df.ndim:
        return formula(r, df, scale)
    kind = df >= 2.0**1000
    whole = np.empty((2, *r.shape))
    for here in (kind == k for k in np.unique(kind)):
        whole[:, here] = formula(r[here], df[here], scale[here])
    return tuple(whole) if formula.__name__ == "value_and_grad" else whole[0]


def _exp_difference_m1_0_0(z: Any) -> Any:
    """z^2 exp[-z, 0, 0], the divided difference of exp."""
    p = np.exp(-z)
    return np.where(np.abs(z) < 1, z * z * (p * _exp_series(np.abs(z), (0, 1, 1))), z - 1 + p)


def _log1p_over(y: Any, b: Any) -> Any:
    """log(1 + y^2/b), also where y^2/b overflows."""
    w = y / b * y
    return _where_rare(w >= 2.0**80, lambda: 2 * np.log(np.abs(y)) - np.log(b), _log1p(w))


def _weighted(d: Any, y: Any, b: Any) -> Any:
    """f (c + d w)/(1 + w), w = y^2/b, also where w overflows (c = f = 1)."""
    v = y / b
    w = v * y
    return _where_rare(w >= 2.0**80, lambda: d + 1 / v / y, (1 + d * w) / (1 + w))


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
