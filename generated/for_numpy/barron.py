# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of barron (sha256 ca7913c6b32c) by: derive regenerate barron --target numpy
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
from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_alpha", "d2_alpha_scale", "d2_scale", "d2_x", "d2_x_alpha", "d2_x_scale"]
__all__ += ["d_alpha", "d_scale", "d_x", "loss", "value_and_grad", "weight"]


def _elementwise(formula: Any) -> Any:
    """The formula in float64, in blocks that stay in the cache; the dtype of x comes out."""

    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(x: Any, *_given: Any, **_named: Any) -> Any:
        x, parameters = np.asarray(x), _parameters(*_given, **_named)
        if x.dtype.kind not in "fiub":
            raise TypeError(f"x must be real numbers, got dtype {x.dtype}")
        dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
        if any(p.ndim for p in parameters):
            x, *parameters = np.broadcast_arrays(x, *parameters)
        flat = [v.reshape(-1) if v.ndim else v for v in (x, *parameters)]
        pair = formula.__name__ == "value_and_grad"
        outs = [np.empty(x.size, dtype) for _ in range(1 + pair)]
        for part in (slice(i, i + 16384) for i in range(0, x.size, 16384)):
            r, *rest = (v[part] if v.ndim else v for v in flat)
            found = _by_kind(formula, r.astype(np.float64, copy=False), *rest)
            for out, values in zip(outs, found if pair else (found,), strict=True):
                out[part] = values
        shaped = tuple(out.reshape(x.shape)[()] for out in outs)
        return shaped if pair else shaped[0]

    return evaluate


def _parameters(alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [
        ("alpha", alpha, "a number in [-inf, inf], not NaN", lambda p: p >= -np.inf),
        ("scale", scale, "> 0 and finite", lambda p: (p > 0) & (p < np.inf)),
    ]
    found = []
    for name, value, rule, accepts in rows:
        array = np.float64(value) if type(value) is float else np.asarray(value)
        if array.dtype.kind not in "fiub" or not accepts(array).all():
            raise ValueError(f"{name} must be {rule}, got {value!r}")
        found.append(np.float64(array))
    return found


@_elementwise
def loss(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """General adaptive robust loss, elementwise."""
    if np.all(alpha == 2):
        y = x / scale
        return 0.5 * y * y
    if np.all(alpha >= 2.0**1000):
        y = x / scale
        return np.expm1(0.5 * y * y)
    if np.all(alpha <= -(2.0**1000)):
        y = x / scale
        return -np.expm1(-0.5 * y * y)
    b = np.abs(alpha - 2)
    return _square_difference_0_p(b / 2, x / scale, b, alpha / 2)


@_elementwise
def d_x(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    if np.all(alpha == 2):
        return x / scale / scale
    if np.all(alpha >= 2.0**1000):
        y = x / scale
        p = np.exp(0.25 * y * y) / scale
        return p * x * p
    if np.all(alpha <= -(2.0**1000)):
        y = x / scale
        return _where_rare(np.abs(y) == np.inf, lambda: 0, y * np.exp(-0.5 * y * y) / scale)
    y = x / scale
    far = np.abs(y) == np.inf
    return _where_rare(
        far,
        lambda: np.sign(x) * (np.abs(x) ** (alpha - 1) / scale),
        _times_power1p_less_one(y, 1, scale, 1, y, np.abs(alpha - 2), alpha / 2),
    )


@_elementwise
def d_alpha(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The derivative in alpha."""
    if np.all(alpha == 2):
        return np.where(np.isnan(x), x, _where_rare(x == 0, lambda: 0, np.inf))
    if np.all((alpha >= 2.0**1000) | (alpha <= -(2.0**1000))):
        return np.where(np.isnan(x), x, 0)
    b = np.abs(alpha - 2)
    return _square_difference_0_pm1_p_p(b / 4, x / scale, b, alpha / 2)


@_elementwise
def d_scale(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The derivative in scale."""
    y = x / scale
    if np.all(alpha == 0):
        far = np.abs(y) >= 2.0**60
        return _where_rare(far, lambda: -2 / scale, -y / scale * (y / (0.5 * y * y + 1)))
    if np.all(alpha == 2):
        return -y / scale * y
    if np.all(alpha >= 2.0**1000):
        p = y * np.exp(0.25 * y * y)
        return -p / scale * p
    if np.all(alpha <= -(2.0**1000)):
        return _where_rare(np.abs(y) == np.inf, lambda: 0, -y * np.exp(-0.5 * y * y) / scale * y)
    far = np.abs(y) == np.inf
    return _where_rare(
        far,
        lambda: -2 * np.abs(x) ** alpha / scale,
        _times_power1p_less_one(y, -y, scale, 1, y, np.abs(alpha - 2), alpha / 2),
    )


@_elementwise
def d2_x(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The second derivative in x."""
    if np.all(alpha == 2):
        return np.where(np.isnan(x), x, 1 / scale / scale)
    if np.all(alpha >= 2.0**1000):
        y = x / scale
        p = _root1p_square(y) / scale * np.exp(0.25 * y * y)
        return p * p
    if np.all(alpha <= -(2.0**1000)):
        y = x / scale
        p = np.exp(-0.25 * y * y) / scale
        return _where_rare(np.abs(y) >= 2.0**60, lambda: 0, p * (1 - y * y) * p)
    y = x / scale
    far = np.abs(y) == np.inf
    b = np.abs(alpha - 2)
    r = np.abs(y) / np.sqrt(b)
    return _where_rare(
        far,
        lambda: np.abs(x) ** (alpha - 2) / (scale * scale),
        _times_power1p_less_one(
            1, 1 / (r * r + 1) + (alpha - 1) / (1 + 1 / (r * r)), scale, scale, y, b, alpha / 2
        ),
    )


@_elementwise
def d2_x_alpha(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and alpha."""
    if np.all(alpha == 2):
        return _where_rare(x == 0, lambda: 0, np.inf * np.sign(x))
    if np.all((alpha >= 2.0**1000) | (alpha <= -(2.0**1000))):
        return np.where(np.isnan(x), x, 0)
    y = x / scale
    far = np.abs(y) == np.inf
    b = np.abs(alpha - 2)
    return _where_rare(
        far,
        lambda: np.sign(x) * _where_rare(alpha - 1 < 0, lambda: 0, np.inf),
        _times_power1p_less_one(
            y,
            0.5 * _exp_difference_m1_0_0(_log1p_square(np.abs(y) / np.sqrt(b))),
            scale,
            1,
            y,
            b,
            alpha / 2,
        ),
    )


@_elementwise
def d2_x_scale(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and scale."""
    if np.all(alpha == 0):
        y = x / scale
        far = np.abs(y) >= 2.0**60
        s = y * y
        return _where_rare(
            far, lambda: -scale / x / x * (8 / x), -y / scale / (s + 2) * (8 / scale / (s + 2))
        )
    if np.all(alpha == 2):
        return -x / scale / scale * (2 / scale)
    if np.all(alpha >= 2.0**1000):
        y = x / scale
        p = np.exp(0.25 * y * y) / scale
        return -p * (y * y + 2) * y * p
    if np.all(alpha <= -(2.0**1000)):
        y = x / scale
        p = np.exp(-0.25 * y * y) / scale
        return _where_rare(np.abs(y) >= 2.0**60, lambda: 0, p * (y * y - 2) * y * p)
    y = x / scale
    far = np.abs(y) == np.inf
    b = np.abs(alpha - 2)
    r = np.abs(y) / np.sqrt(b)
    return _where_rare(
        far,
        lambda: -np.sign(x) * (np.abs(x) ** (alpha - 1) / (scale * scale)),
        _times_power1p_less_one(
            y, -alpha / (1 + 1 / (r * r)) - 2 / (r * r + 1), scale, scale, y, b, alpha / 2
        ),
    )


@_elementwise
def d2_alpha(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The second derivative in alpha."""
    if np.all(alpha == 2):
        return np.where(np.isnan(x), x, _where_rare(x == 0, lambda: 0, np.inf))
    if np.all((alpha >= 2.0**1000) | (alpha <= -(2.0**1000))):
        return np.where(np.isnan(x), x, 0)
    b = np.abs(alpha - 2)
    y = x / scale
    return _square_difference_plus_0_pm1_p_p_p(
        b / 4,
        y,
        b,
        alpha / 2,
        (
            -_exp_difference_m2_m1_m1_0(_log1p_square(np.abs(y) / np.sqrt(b)))
            / b
            * np.sign(alpha - 2)
            * 2
        ),
    )


@_elementwise
def d2_alpha_scale(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The mixed second derivative in alpha and scale."""
    if np.all(alpha == 2):
        return np.where(np.isnan(x), x, _where_rare(x == 0, lambda: 0, -np.inf))
    if np.all((alpha >= 2.0**1000) | (alpha <= -(2.0**1000))):
        return np.where(np.isnan(x), x, 0)
    y = x / scale
    far = np.abs(y) == np.inf
    b = np.abs(alpha - 2)
    return _where_rare(
        far,
        lambda: -np.inf,
        _times_power1p_less_one(
            y,
            y,
            -scale / _exp_difference_m1_0_0(_log1p_square(np.abs(y) / np.sqrt(b))) * 2,
            1,
            y,
            b,
            alpha / 2,
        ),
    )


@_elementwise
def d2_scale(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """The second derivative in scale."""
    y = x / scale
    if np.all(alpha == 2):
        return y / scale * (y / scale) * 3
    if np.all(alpha >= 2.0**1000):
        p = y / scale * np.exp(0.25 * y * y)
        return p * (y * y + 3) * p
    if np.all(alpha <= -(2.0**1000)):
        p = y * np.exp(-0.25 * y * y) / scale
        return _where_rare(np.abs(y) >= 2.0**60, lambda: 0, p * (3 - y * y) * p)
    far = np.abs(y) == np.inf
    b = np.abs(alpha - 2)
    r = np.abs(y) / np.sqrt(b)
    return _where_rare(
        far,
        lambda: 2 * np.abs(x) ** alpha / (scale * scale),
        _times_power1p_less_one(
            y,
            y,
            scale / (3 / (r * r + 1) + (alpha + 1) / (1 + 1 / (r * r))),
            scale,
            y,
            b,
            alpha / 2,
        ),
    )


@_elementwise
def weight(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    if np.all(alpha == 2):
        return np.where(np.isnan(x), x, 1 / scale / scale)
    if np.all(alpha >= 2.0**1000):
        y = x / scale
        p = np.exp(0.25 * y * y) / scale
        return p * p
    if np.all(alpha <= -(2.0**1000)):
        y = x / scale
        p = np.exp(-0.25 * y * y) / scale
        return p * p
    y = x / scale
    far = np.abs(y) == np.inf
    return np.where(
        np.isnan(x),
        x,
        _where_rare(
            far,
            lambda: np.abs(x) ** (alpha - 2) / (scale * scale),
            _times_power1p_less_one(1, 1, scale, scale, y, np.abs(alpha - 2), alpha / 2),
        ),
    )


@_elementwise
def value_and_grad(x: Any, alpha: Any = 1.0, scale: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    given = x, alpha, scale
    return loss.__wrapped__(*given), d_x.__wrapped__(*given)


def _by_kind(formula: Any, r: Any, alpha: Any, scale: Any) -> Any:
    """Each kind of special parameters apart: a formula asks for those of all elements at once."""
    if not alpha.ndim:
        return formula(r, alpha, scale)
    kinds = np.select(
        [alpha == 0, alpha == 2, alpha >= 2.0**1000, alpha <= -(2.0**1000)], [1, 2, 3, 4]
    )
    whole = np.empty((2, *r.shape))
    for here in (kinds == kind for kind in np.unique(kinds)):
        whole[:, here] = formula(r[here], alpha[here], scale[here])
    return whole if formula.__name__ == "value_and_grad" else whole[0]


def _exp_difference_m1_0_0(z: Any) -> Any:
    """z^2 exp[-z, 0, 0], the divided difference of exp."""
    p = np.exp(-z)
    return np.where(np.abs(z) < 4, z * z * (p * _exp_series(np.abs(z), (0, 1, 1))), z - 1 + p)


def _exp_difference_m1_0_0_0(z: Any) -> Any:
    """z^3 exp[-z, 0, 0, 0], the divided difference of exp."""
    p = np.exp(-z)
    return np.where(
        np.abs(z) < 4,
        z * z * z * (p * _exp_series(np.abs(z), (0, 1, 1, 1))),
        z * z * 0.5 - z + 1 - p,
    )


def _exp_difference_m2_m1_m1_0(z: Any) -> Any:
    """z^3 exp[-2 z, -z, -z, 0], the divided difference of exp."""
    p = np.exp(-2 * z)
    return np.where(
        np.abs(z) < 2,
        z * z * z * (p * _exp_series(np.abs(z), (0, 1, 1, 2))),
        0.5 - np.minimum(z, 1000000000.0) * np.exp(-z) - 0.5 * p,
    )


def _exprel(z: Any) -> Any:
    """(exp(z) - 1)/z, and 1 at z = 0."""
    return _where_rare(z == 0, lambda: 1, np.expm1(z) / np.minimum(z, 1e30))


def _in_halves(f: Any, e: Any, c: Any, d: Any, y: Any, b: Any, q: Any, root: Any) -> Any:
    """f e (1 + y^2/b)^q/(root^2 c d): half of the power beside f/c, half beside e/d."""
    t = np.abs(y) / np.sqrt(b)
    far = t >= np.inf
    half = _where_rare(
        far, lambda: np.abs(y) ** q * np.minimum(b, 1) ** (-0.5 * q), _power1p_square(t, 0.5 * q)
    )
    low = np.minimum(half, 1)
    high = np.maximum(half, 1)
    return f / root * low / c * high * (e / root * low / d * high)


def _log1p_square(t: Any) -> Any:
    """log(1 + t^2) for t >= 0, also where t^2 overflows."""
    return _where_rare(t >= 2.0**40, lambda: 2 * np.log(t), np.log1p(t * t))


def _power1p_square(t: Any, q: Any) -> Any:
    """(1 + t^2)^q for t >= 0, also where t^2 overflows."""
    if np.all(np.abs(q) <= 2):
        return _where_rare(t >= 2.0**40, lambda: t ** (2 * q), (1 + t * t) ** q)
    far = t >= 2.0**40
    total = 1 + t * t
    lift = total - 1
    return _where_rare(
        far,
        lambda: t ** (2 * q),
        np.where(
            t < 0.03125,
            np.exp(q * np.log1p(t * t)),
            (
                total**q
                * (1 + q * ((1 - (total - lift) + (t * t - lift) + _product_error(t, t)) / total))
            ),
        ),
    )


def _power_difference_0_p_p(z: Any, p: Any, g: Any) -> Any:
    """z^2 exp[0, p z, p z], the divided difference of exp; g = exp(p z)."""
    high = np.maximum(p, 0)
    low = np.minimum(p, 0)
    m = np.minimum(z, 1000000000.0)
    unit = np.maximum(high - low, 1)
    return np.where(
        (high - low) * m < 5,
        (
            z
            * z
            * np.exp(low * m)
            * _exp_series(unit * m, (-low / unit, (p - low) / unit, (p - low) / unit))
        ),
        g * ((m - 1 / p) / p) + 1 / p / p,
    )


def _power_difference_0_p_p_p(z: Any, p: Any, g: Any) -> Any:
    """z^3 exp[0, p z, p z, p z], the divided difference of exp; g = exp(p z)."""
    high = np.maximum(p, 0)
    low = np.minimum(p, 0)
    m = np.minimum(z, 1000000000.0)
    unit = np.maximum(high - low, 1)
    v = (p - low) / unit
    return np.where(
        (high - low) * m < 5,
        z * z * z * np.exp(low * m) * _exp_series(unit * m, (-low / unit, v, v, v)),
        g * ((0.5 * (m * m) - (m - 1 / p) / p) / p) - 1 / p / p / p,
    )


def _root1p_square(t: Any) -> Any:
    """sqrt(1 + t^2), also where t^2 overflows."""
    return _where_rare(np.abs(t) >= 2.0**40, lambda: np.abs(t), np.sqrt(1 + t * t))


def _square_difference_0_p(f: Any, y: Any, b: Any, p: Any) -> Any:
    """f z^1 exp[0, p z], z = log(1 + y^2/b)."""
    t = np.abs(y) / np.sqrt(b)
    g = _power1p_square(t, p)
    far = g >= 2.0**90
    z = _log1p_square(t)
    u = p * np.minimum(z, 1000000000.0)
    return _where_rare(
        far,
        lambda: _power1p_square(t, 0.5 * p) * (f / p) * _power1p_square(t, 0.5 * p),
        f * np.where(np.abs(u) >= 7 / 10, (g - 1) / p, z * _exprel(u)),
    )


def _square_difference_0_pm1_p_p(f: Any, y: Any, b: Any, p: Any) -> Any:
    """f z^3 exp[0, (p - 1) z, p z, p z], z = log(1 + y^2/b)."""
    t = np.abs(y) / np.sqrt(b)
    g = _power1p_square(t, p)
    far = g >= 2.0**90
    z = _log1p_square(t)
    m = np.minimum(z, 1000000000.0)
    near = p * m < 2.5
    q = p - 1
    near2 = np.abs(q * z) < 7 / 10
    v = (
        (
            _exp_difference_m1_0_0(m)
            - (-np.expm1(-m) - np.where(near2, 0, np.exp(np.maximum(-z, -80)) / q)) / p
        )
        / p
    )
    high = np.maximum(p, 0)
    low = np.minimum(q, 0)
    unit = np.maximum(high - low, 1)
    return _where_rare(
        far,
        lambda: (
            _power1p_square(t, 0.5 * p) * (f * np.where(near, m, v)) * _power1p_square(t, 0.5 * p)
        ),
        f * np.where(
            (high - low) * m < 5,
            (
                z
                * z
                * z
                * np.exp(low * m)
                * _exp_series(
                    unit * m, (-low / unit, (q - low) / unit, (p - low) / unit, (p - low) / unit)
                )
            ),
            np.where(
                near,
                (
                    _power_difference_0_p_p(z, p, g) / (1 - p)
                    - g * (_exp_difference_m1_0_0(m) / (1 - p))
                ),
                g * v + np.where(near2, z * _exprel(q * z), -1 / q) / p / p,
            ),
        ),
    )


def _square_difference_plus_0_pm1_p_p_p(f: Any, y: Any, b: Any, p: Any, c: Any) -> Any:
    """f (z^4 exp[0, (p - 1) z, p z, p z, p z] + c exp(p z)), z = log(1 + y^2/b)."""
    t = np.abs(y) / np.sqrt(b)
    g = _power1p_square(t, p)
    far = g >= 2.0**90
    far2 = t >= np.inf
    z = _where_rare(far2, lambda: 2 * np.log(np.abs(y)) - np.log(b), _log1p_square(t))
    m = np.minimum(z, 1000000000.0)
    near = p * m < 2.5
    q = p - 1
    near2 = np.abs(q * z) < 7 / 10
    u = (
        (
            _exp_difference_m1_0_0_0(m)
            - (
                (
                    _exp_difference_m1_0_0(m)
                    - (-np.expm1(-m) - np.where(near2, 0, np.exp(np.maximum(-z, -80)) / q)) / p
                )
                / p
            )
        )
        / p
        + c
    )
    high = np.maximum(p, 0)
    low = np.minimum(q, 0)
    unit = np.maximum(high - low, 1)
    v = (p - low) / unit
    return _where_rare(
        far,
        lambda: (
            _power1p_square(t, 0.5 * p) * (f * np.where(near, m, u)) * _power1p_square(t, 0.5 * p)
        ),
        f * np.where(
            (high - low) * m < 5,
            (
                z
                * z
                * z
                * z
                * np.exp(low * m)
                * _exp_series(unit * m, (-low / unit, (q - low) / unit, v, v, v))
                + g * c
            ),
            np.where(
                near,
                (
                    g * (c - _exp_difference_m1_0_0_0(m) / (1 - p))
                    + _power_difference_0_p_p_p(z, p, g) / (1 - p)
                ),
                g * u - np.where(near2, z * _exprel(q * z), -1 / q) / p / p / p,
            ),
        ),
    )


def _times_power1p_less_one(f: Any, e: Any, c: Any, d: Any, y: Any, b: Any, p: Any) -> Any:
    """f e (1 + y^2/b)^(p - 1)/(c d), likewise."""
    t = np.abs(y) / np.sqrt(b)
    q = np.where(p < 0.5, p, p - 1)
    power = _power1p_square(t, q) / np.where(p < 0.5, 1 + t * t, 1)
    far = np.maximum(power, 1 / power) >= 2.0**60
    return _where_rare(
        far,
        lambda: _in_halves(f, e, c, d, y, b, q, np.where(p < 0.5, _root1p_square(t), 1)),
        f * power / c * (e / d),
    )


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
    value = coefficients[-1]
    for c in coefficients[-2::-1]:
        value = value * argument + c
    return value


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.any(rare) else usual


def _product_error(a: Any, b: Any) -> Any:
    """a*b - round(a*b), exactly (Dekker's splitting)."""
    a_high = 134217729.0 * a - (134217729.0 * a - a)
    b_high = 134217729.0 * b - (134217729.0 * b - b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - a * b) + a_high * b_low + a_low * b_high) + a_low * b_low
