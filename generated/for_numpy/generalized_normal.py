# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 1ff9a9fafc36) by: derive regenerate generalized_normal --target numpy
"""Generalized normal loss (Lp).

    loss = (|x|/scale)^beta

Domain: x real, beta > 0, scale > 0. Its density is Laplace's at beta = 1, the normal one at beta =
2.
Source: Subbotin, Mat. Sb. 31(2), 1923.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_beta", "d2_beta_scale", "d2_scale", "d2_x", "d2_x_beta", "d2_x_scale", "d_beta"]
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


def _parameters(beta: Any = 1.5, scale: Any = 1.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [
        ("beta", beta, "> 0 and finite", lambda p: (p > 0) & (p < np.inf)),
        ("scale", scale, "> 0 and finite", lambda p: (p > 0) & (p < np.inf)),
    ]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, beta: Any = 1.5, scale: Any = 1.0) -> Any:
    """Generalized normal loss (Lp), elementwise."""
    return np.where(np.isnan(x), x, _ratio_power(np.abs(x), scale, beta))


@_elementwise
def d_x(x: Any, beta: Any = 1.5, scale: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    size = np.abs(x)
    value = _times_ratio_power(beta, np.sign(x), size, 1, size, scale, beta)
    value = _where_rare(x == 0, lambda: 0, value)
    return _where_rare(size == np.inf, lambda: np.sign(x) * (size ** (beta - 1) / scale), value)


@_elementwise
def d_beta(x: Any, beta: Any = 1.5, scale: Any = 1.0) -> Any:
    """The derivative in beta."""
    size = np.abs(x)
    value = _times_ratio_power(_ratio_log(size, scale), 1, 1, 1, size, scale, beta)
    return _where_rare(x == 0, lambda: 0, value)


@_elementwise
def d_scale(x: Any, beta: Any = 1.5, scale: Any = 1.0) -> Any:
    """The derivative in scale."""
    return np.where(np.isnan(x), x, _times_ratio_power(-beta, 1, scale, 1, np.abs(x), scale, beta))


@_elementwise
def d2_x(x: Any, beta: Any = 1.5, scale: Any = 1.0) -> Any:
    """The second derivative in x."""
    size = np.abs(x)
    value = _times_ratio_power(beta, beta - 1, size, size, size, scale, beta)
    value = _where_rare(
        x == 0,
        lambda: _where_rare(
            beta - 2 == 0,
            lambda: 2 / scale / scale,
            _where_rare(beta - 1 == 0, lambda: 0, 0 ** (beta - 2) * (beta - 1)),
        ),
        value,
    )
    return _where_rare(size == np.inf, lambda: 2 * size ** (beta - 2) / (scale * scale), value)


@_elementwise
def d2_x_beta(x: Any, beta: Any = 1.5, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and beta."""
    size = np.abs(x)
    q = 1 + beta * _ratio_log(size, scale)
    value = _times_ratio_power(q, np.sign(x), size, 1, size, scale, beta)
    value = _where_rare(x == 0, lambda: 0, value)
    return _where_rare(
        size == np.inf, lambda: np.sign(x) * _where_rare(beta - 1 < 0, lambda: 0, np.inf), value
    )


@_elementwise
def d2_x_scale(x: Any, beta: Any = 1.5, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and scale."""
    size = np.abs(x)
    value = _times_ratio_power(beta * np.sign(x), -beta, scale, size, size, scale, beta)
    return _where_rare(
        size == np.inf, lambda: -np.sign(x) * (size ** (beta - 1) / (scale * scale)), value
    )


@_elementwise
def d2_beta(x: Any, beta: Any = 1.5, scale: Any = 1.0) -> Any:
    """The second derivative in beta."""
    size = np.abs(x)
    u = _ratio_log(size, scale)
    value = _times_ratio_power(u, u, 1, 1, size, scale, beta)
    return _where_rare(x == 0, lambda: 0, value)


@_elementwise
def d2_beta_scale(x: Any, beta: Any = 1.5, scale: Any = 1.0) -> Any:
    """The mixed second derivative in beta and scale."""
    size = np.abs(x)
    value = _times_ratio_power(-1 - beta * _ratio_log(size, scale), 1, scale, 1, size, scale, beta)
    return _where_rare(x == 0, lambda: 0, value)


@_elementwise
def d2_scale(x: Any, beta: Any = 1.5, scale: Any = 1.0) -> Any:
    """The second derivative in scale."""
    value = _times_ratio_power(beta, beta + 1, scale, scale, np.abs(x), scale, beta)
    return np.where(np.isnan(x), x, value)


@_elementwise
def weight(x: Any, beta: Any = 1.5, scale: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    size = np.abs(x)
    value = _times_ratio_power(beta, 1, size, size, size, scale, beta)
    value = _where_rare(
        x == 0,
        lambda: _where_rare(beta - 2 == 0, lambda: 2 / scale / scale, 0 ** (beta - 2)),
        value,
    )
    return _where_rare(size == np.inf, lambda: 2 * size ** (beta - 2) / (scale * scale), value)


@_elementwise
def value_and_grad(x: Any, beta: Any = 1.5, scale: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    return loss.__wrapped__(x, beta, scale), d_x.__wrapped__(x, beta, scale)


def _ratio_in_halves(f: Any, e: Any, c: Any, d: Any, t: Any, b: Any, q: Any) -> Any:
    """f e (t/b)^q/(root^2 c d): the power in halves, beside f/c and e/d (root = 1)."""
    half = _ratio_power(t, b, 0.5 * q)
    u = 2.0**-970
    extreme = (half < u) | (half == np.inf)
    quarter = _ratio_power(t, b, 0.25 * q)
    part = np.where(extreme, quarter, half)
    lift = np.where(np.abs(f) < u, 2.0**64, 1)
    above = f * lift * part
    first = f * lift / c * part
    again = np.where(extreme, quarter, 1)
    w = np.abs(above)
    one = np.where(((w < u) | (w == np.inf)) & (np.abs(first) < np.inf), first, above / c) * again
    above2 = e * part
    first2 = e / d * part
    p = above2 / d
    r = np.abs(above2)
    p = np.where(((r < u) | (r == np.inf)) & (np.abs(first2) < np.inf), first2, p)
    v = p * again
    value = one * v / lift
    value = np.where(np.abs(one) > 1, one / lift * v, value)
    return _where_rare(part == 0, lambda: 0, value)


def _ratio_log(t: Any, b: Any) -> Any:
    """log(t/b), also where t/b leaves the range."""
    step = (t - b) / b
    ratio = t / b
    value = 2 * np.log(np.sqrt(t) / np.sqrt(b))
    value = np.where((ratio > 2.0**-970) & (ratio < np.inf), np.log(ratio), value)
    return np.where(np.abs(step) < 0.5, _log1p(step), value)


def _ratio_power(t: Any, b: Any, q: Any) -> Any:
    """(t/b)^q, also where t/b leaves the range; by its logarithm for t near b and large q."""
    ratio = t / b
    if _all(np.abs(q) <= 2):
        value = (np.sqrt(t) / np.sqrt(b)) ** (2 * q)
        return np.where((ratio > 2.0**-970) & (ratio < np.inf), ratio**q, value)
    step = (t - b) / b
    value = (np.sqrt(t) / np.sqrt(b)) ** (2 * q)
    value = np.where((ratio > 2.0**-970) & (ratio < np.inf), ratio**q, value)
    return np.where(np.abs(step) < 0.5, np.exp(q * _log1p(step)), value)


def _times_ratio_power(f: Any, e: Any, c: Any, d: Any, t: Any, b: Any, q: Any) -> Any:
    """f e (t/b)^q/(root^2 c d); in halves where the power alone may leave the range (root = 1)."""
    power = _ratio_power(t, b, q)
    above = f * power
    part = above / c
    more = part * e
    value = more / d
    u = np.minimum(np.minimum(np.minimum(power, np.abs(above)), np.abs(part)), np.abs(more))
    v = np.maximum(np.maximum(np.maximum(power, np.abs(above)), np.abs(part)), np.abs(more))
    return _where_rare(
        (u < 2.0**-970) | ((power == np.inf) | (v == np.inf)),
        lambda: _ratio_in_halves(f, e, c, d, t, b, q),
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
