# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 298e5d0c93ad) by: derive regenerate arctan --target numpy
"""Arctan loss.

    loss = c^2*atan(s)/2
    s = x^2/c^2

Domain: x real, c > 0. Behaves like x^2/2 near zero and is bounded.
Source: SciPy, scipy.optimize.least_squares, loss='arctan'.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import reduce, wraps
from typing import Any

import numpy as np

__all__ = ["d2_c", "d2_x", "d2_x_c", "d_c", "d_x", "loss", "value_and_grad", "weight"]


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


def _parameters(c: Any = 1.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("c", c, "> 0 and finite", lambda p: (p > 0) & (p < np.inf))]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, c: Any = 1.0) -> Any:
    """Arctan loss, elementwise."""
    y = x / c
    return _where_rare(np.abs(y) < 2.0**-27, lambda: 0.5 * x * x, c / 2 * (c * np.arctan(y * y)))


@_elementwise
def d_x(x: Any, c: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    y = x / c
    s = y * y
    return _where_rare(np.abs(y) >= 2.0**27, lambda: c / y * (1 / y / y), x / (1 + s * s))


@_elementwise
def d_c(x: Any, c: Any = 1.0) -> Any:
    """The derivative in c."""
    y = x / c
    u = np.abs(y)
    s = y * y
    value = c * (np.arctan(s) - y / (s * y * y + 1) * y)
    value = _where_rare(u >= 2.0**60, lambda: 1.5707963267948966 * c, value)
    terms = (
        0.4780900478231121, -0.7470730198949608, -0.4588926549769854, 1.4286983114447196,
        0.8961392456601885, -3.2061087101857875, -1.3486174220287994, 6.8384949912933015,
        1.6460039983827848, -14.17341672216568, -1.071180543505664, 28.85896455916381,
        -2.5268620290581927, -57.74756212250519, 14.54242738017212, 113.6551535001832,
        -47.9027761767207, -219.53925435937325, 131.62271614145382, 409.17065651752847,
        -319.77189612740244, -676.7716707533299, 639.3466660872308, 728.7660841843913,
        -771.4806166924946,
    )  # fmt: skip
    value = np.where(u < 1, _horner(u - 0.75, terms) * c * u * u * u * u * u * u, value)
    terms2 = (
        0.6666666666666666, -7.737843835772198e-17, -0.7999999999999742, -3.400231361584077e-12,
        0.8571428573768279, -9.680977922334094e-09, -0.8888886279402494, -4.80873742829856e-06,
        0.909153191849716, -0.000573295286616446, -0.9193527953847406, -0.016464146696553765,
        0.9775061727713837, -0.03783254479989745, -1.1242198577837126, 0.7183287574397837,
    )  # fmt: skip
    return np.where(u < 0.5, _horner(u * u, terms2) * c * u * u * u * u * u * u, value)


@_elementwise
def d2_x(x: Any, c: Any = 1.0) -> Any:
    """The second derivative in x."""
    y = x / c
    s = y * y
    q = s * y * y + 1
    value = (1 - s * y * y * 3) / q / q
    return _where_rare(np.abs(y) >= 2.0**27, lambda: -3 / y / y * (1 / y / y), value)


@_elementwise
def d2_x_c(x: Any, c: Any = 1.0) -> Any:
    """The mixed second derivative in x and c."""
    y = x / c
    q = y * y * y * y + 1
    value = y / q * 4 * y * y * y / q * y
    return _where_rare(np.abs(y) >= 2.0**27, lambda: 4 / y * (1 / y / y), value)


@_elementwise
def d2_c(x: Any, c: Any = 1.0) -> Any:
    """The second derivative in c."""
    y = x / c
    u = np.abs(y)
    s = y * y
    v = np.arctan(s)
    w = s / (s * s + 1)
    q = v - w * w * s * 4 - w
    p = np.abs(v)
    r = 8 * p
    g = y**6
    h = s * y * y
    k = h + 1
    m = g / k
    n = 4 / k
    t = m * n
    q2 = v - t
    v2 = y / k
    u2 = v2 * y
    q3 = q2 - u2
    v3 = (x - y * c - _product_error(y, c)) / c
    u3 = y * v3
    q4 = u3 + u3 + _product_error(y, y)
    q5 = k - h
    u4 = y * (y * q4 + s * v3 + _product_error(s, y))
    q6 = u4 + s * y * v3 + _product_error(s * y, y) + (h - (k - q5) + (1 - q5))
    q7 = q2 - v
    q8 = q3 - q2
    u5 = n * ((g - m * k - _product_error(m, k) + g * (6 * (v3 / y)) - m * q6) / k)
    q10 = u5 + m * ((4 - n * k - _product_error(n, k) - n * q6) / k) + _product_error(m, n)
    q12 = y - v2 * k - _product_error(v2, k) + v3 - v2 * q6
    q11 = y * (q12 / k) + v2 * v3 + _product_error(v2, y)
    q13 = q2 - (q3 - q8) + (-u2 - q8)
    q9 = q3 + (q4 / (1 + s * s) - q10 + (v - (q2 - q7) + (-t - q7)) - q11 + q13)
    u6 = np.abs(q9 - q)
    value = _where_rare(
        (np.abs(q) < 0.125 * p) & (p < r) & (np.abs(t) < r) & (u6 < p), lambda: q9, q
    )
    value = _where_rare(u >= 2.0**60, lambda: 1.5707963267948966, value)
    terms = (
        -3.3333333333333335, -3.580032161026732e-16, 7.200000000000139, -2.124357352846901e-11,
        -11.142857141141267, -8.417213649779398e-08, 15.111113837022486, -6.144929504780948e-05,
        -19.08991088227183, -0.011946801791232066, 23.183601976692234, -0.7136587930218575,
        -23.507090461060574, -13.022936296432263, 64.80366436694726, -57.44012238488139,
        17.013424668924966,
    )  # fmt: skip
    return np.where(u < 0.5, _horner(u * u, terms) * u * u * u * u * u * u, value)


@_elementwise
def weight(x: Any, c: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    y = x / c
    s = y * y
    return _where_rare(np.abs(y) >= 2.0**27, lambda: 1 / y / y * (1 / y / y), 1 / (1 + s * s))


@_elementwise
def value_and_grad(x: Any, c: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, c), d_x.__wrapped__(x, c)


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    return reduce(lambda total, c: total * z + c, coefficients[::-1])


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual


def _product_error(a: Any, b: Any) -> Any:
    """a*b - round(a*b), exactly (Dekker's splitting)."""
    a_high = 134217729.0 * a - (134217729.0 * a - a)
    b_high = 134217729.0 * b - (134217729.0 * b - b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - a * b) + a_high * b_low + a_low * b_high) + a_low * b_low
