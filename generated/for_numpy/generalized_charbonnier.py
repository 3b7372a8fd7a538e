# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 2ca3dc1e7324) by: derive regenerate generalized_charbonnier --target
# numpy
"""Generalized Charbonnier penalty.

    loss = (eps^2 + x^2)^a

Domain: x real, eps > 0, a in (0, 1]. Convex for a >= 1/2 only; eps^(2 a), not 0, at x = 0.
Source: Sun, Roth and Black, IJCV 106(2), 2014.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_a", "d2_eps", "d2_eps_a", "d2_x", "d2_x_a", "d2_x_eps", "d_a", "d_eps", "d_x"]
__all__ += ["loss", "value_and_grad", "weight"]


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


def _parameters(eps: Any = 0.001, a: Any = 0.45) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [
        ("eps", eps, "> 0 and finite", lambda p: (p > 0) & (p < np.inf)),
        ("a", a, "in (0, 1]", lambda p: (p > 0) & (p <= 1)),
    ]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, eps: Any = 0.001, a: Any = 0.45) -> Any:
    """Generalized Charbonnier penalty, elementwise."""
    return np.where(np.isnan(x), x, _hypot(x, eps) ** (2 * a))


@_elementwise
def d_x(x: Any, eps: Any = 0.001, a: Any = 0.45) -> Any:
    """The derivative in x, the influence."""
    size = np.abs(x)
    h = _hypot(x, eps)
    value = _times_ratio_power(x, 2 * a, h, h, h, 2 * a, 1)
    return _where_rare(size == np.inf, lambda: np.sign(x) * size ** (2 * a - 1), value)


@_elementwise
def d_eps(x: Any, eps: Any = 0.001, a: Any = 0.45) -> Any:
    """The derivative in eps."""
    size = np.abs(x)
    h = _hypot(x, eps)
    value = _times_ratio_power(a, 2 * eps, h, h, h, 2 * a, 1)
    return _where_rare(size == np.inf, lambda: size ** (2 * a - 2) * (2 * eps), value)


@_elementwise
def d_a(x: Any, eps: Any = 0.001, a: Any = 0.45) -> Any:
    """The derivative in a."""
    return _times_ratio_power(_hypot_log(x, eps), 1, 1, 1, _hypot(x, eps), 2 * a, 1)


@_elementwise
def d2_x(x: Any, eps: Any = 0.001, a: Any = 0.45) -> Any:
    """The second derivative in x."""
    size = np.abs(x)
    h = _hypot(x, eps)
    value = _times_ratio_power(a, 2 * _hypot_mean(x, eps, 1, 2 * a - 1), h, h, h, 2 * a, 1)
    return _where_rare(size == np.inf, lambda: 2 * size ** (2 * a - 2), value)


@_elementwise
def d2_x_eps(x: Any, eps: Any = 0.001, a: Any = 0.45) -> Any:
    """The mixed second derivative in x and eps."""
    h = _hypot(x, eps)
    value = _times_ratio_power(x, a * eps * (a - 1) * 4, h, h, h, 2 * a, h)
    value = _where_rare(x == 0, lambda: 0, value)
    return _where_rare(np.abs(x) == np.inf, lambda: 0, value)


@_elementwise
def d2_x_a(x: Any, eps: Any = 0.001, a: Any = 0.45) -> Any:
    """The mixed second derivative in x and a."""
    h = _hypot(x, eps)
    value = _times_ratio_power(x, 2 + a * _hypot_log(x, eps) * 2, h, h, h, 2 * a, 1)
    return _where_rare(
        np.abs(x) == np.inf,
        lambda: np.sign(x) * _where_rare(2 * a - 1 < 0, lambda: 0, np.inf),
        value,
    )


@_elementwise
def d2_eps(x: Any, eps: Any = 0.001, a: Any = 0.45) -> Any:
    """The second derivative in eps."""
    size = np.abs(x)
    h = _hypot(x, eps)
    value = _times_ratio_power(a, 2 * _hypot_mean(x, eps, 2 * a - 1, 1), h, h, h, 2 * a, 1)
    return _where_rare(size == np.inf, lambda: 2 * size ** (2 * a - 2), value)


@_elementwise
def d2_eps_a(x: Any, eps: Any = 0.001, a: Any = 0.45) -> Any:
    """The mixed second derivative in eps and a."""
    h = _hypot(x, eps)
    value = _times_ratio_power(eps, 2 + a * _hypot_log(x, eps) * 2, h, h, h, 2 * a, 1)
    return _where_rare(
        np.abs(x) == np.inf, lambda: _where_rare(2 * a - 2 < 0, lambda: 0, np.inf), value
    )


@_elementwise
def d2_a(x: Any, eps: Any = 0.001, a: Any = 0.45) -> Any:
    """The second derivative in a."""
    u = _hypot_log(x, eps)
    return _times_ratio_power(u, u, 1, 1, _hypot(x, eps), 2 * a, 1)


@_elementwise
def weight(x: Any, eps: Any = 0.001, a: Any = 0.45) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    size = np.abs(x)
    h = _hypot(x, eps)
    value = _times_ratio_power(2 * a, 1, h, h, h, 2 * a, 1)
    return _where_rare(size == np.inf, lambda: 2 * size ** (2 * a - 2), value)


@_elementwise
def value_and_grad(x: Any, eps: Any = 0.001, a: Any = 0.45) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, eps, a), d_x.__wrapped__(x, eps, a)


def _hypot(t: Any, b: Any) -> Any:
    """sqrt(t^2 + b^2) for b > 0, also where the squares leave the range."""
    large = np.maximum(np.abs(t), b)
    small = np.minimum(np.abs(t), b)
    part = small / large
    return large + small * (part / (1 + np.sqrt(1 + part * part)))


def _hypot_log(t: Any, b: Any) -> Any:
    """log(t^2 + b^2) for b > 0, also beside 1 and where the squares leave the range."""
    large = np.maximum(np.abs(t), b)
    small = np.minimum(np.abs(t), b)
    total = large * large + small * small
    q = _product_error(large, large) + _product_error(small, small)
    value = np.log(total) + (q + (small * small - (total - large * large))) / total
    return _where_rare(
        (total < 2.0**-970) | (total == np.inf), lambda: 2 * np.log(_hypot(t, b)), value
    )


def _hypot_mean(t: Any, b: Any, c: Any, d: Any) -> Any:
    """(c b^2 + d t^2)/(t^2 + b^2) for b > 0, also where the squares leave the range."""
    size = np.abs(t)
    part = np.minimum(size, b) / np.maximum(size, b)
    square = part * part
    return np.where(size < b, c + d * square, d + c * square) / (1 + square)


def _ratio_in_halves(f: Any, e: Any, c: Any, d: Any, t: Any, q: Any, root: Any) -> Any:
    """f e (t/b)^q/(root^2 c d): the power in halves, beside f/c and e/d (b = 1)."""
    half = _ratio_power(t, 0.5 * q)
    u = 2.0**-970
    extreme = (half < u) | (half == np.inf)
    quarter = _ratio_power(t, 0.25 * q)
    part = np.where(extreme, quarter, half)
    lift = np.where(np.abs(f) < u, 2.0**64, 1)
    above = f * lift * part
    first = f * lift / c * part
    again = np.where(extreme, quarter, 1)
    w = above / c
    p = np.abs(above)
    w = np.where(((p < u) | (p == np.inf)) & (np.abs(first) < np.inf), first, w)
    one = w / root * again
    above2 = e * part
    first2 = e / d * part
    r = above2 / d
    g = np.abs(above2)
    r = np.where(((g < u) | (g == np.inf)) & (np.abs(first2) < np.inf), first2, r)
    v = r / root * again
    value = one * v / lift
    value = np.where(np.abs(one) > 1, one / lift * v, value)
    return _where_rare(part == 0, lambda: 0, value)


def _ratio_power(t: Any, q: Any) -> Any:
    """(t/b)^q, also where t/b leaves the range; by its logarithm for t near b and large q (b = 1)."""
    if _all(np.abs(q) <= 2):
        return np.where((t > 2.0**-970) & (t < np.inf), t**q, np.sqrt(t) ** (2 * q))
    step = t - 1
    value = np.sqrt(t) ** (2 * q)
    value = np.where((t > 2.0**-970) & (t < np.inf), t**q, value)
    return np.where(np.abs(step) < 0.5, np.exp(q * _log1p(step)), value)


def _times_ratio_power(f: Any, e: Any, c: Any, d: Any, t: Any, q: Any, root: Any) -> Any:
    """f e (t/b)^q/(root^2 c d); in halves where the power alone may leave the range (b = 1)."""
    power = _ratio_power(t, q)
    above = f * (power / root / root)
    part = above / c
    more = part * e
    value = more / d
    u = np.minimum(np.minimum(np.minimum(power, np.abs(above)), np.abs(part)), np.abs(more))
    v = np.maximum(np.maximum(np.maximum(power, np.abs(above)), np.abs(part)), np.abs(more))
    return _where_rare(
        (u < 2.0**-970) | ((power == np.inf) | (v == np.inf)),
        lambda: _ratio_in_halves(f, e, c, d, t, q, root),
        value,
    )


def _all(condition: Any) -> Any:
    """Whether it holds for every element; a number is asked at once."""
    return condition.all() if condition.ndim else condition


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
