# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of tweedie_deviance (sha256 478b9209dd6e) by: derive regenerate
# tweedie_deviance --target numpy
"""Tweedie deviance.

    loss = mu^(2 - p)/(2 - p) + y^(2 - p)/((1 - p)*(2 - p)) - mu^(1 - p)*y/(1 - p)

Domain: mu > 0, y >= 0, p in [0, 3]. Half the deviance: squared error at p = 0, Poisson at 1, gamma
at 2.
Limits of the loss: mu - y*log(mu) + y*log(y) - y at p = 1; log(mu) - log(y) + y/mu - 1 at p = 2.
Source: Jorgensen, J. R. Statist. Soc. B 49(2), 1987.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import math
from functools import partial, wraps
from typing import Any

import numpy as np

__all__ = ["d2_mu", "d2_mu_p", "d2_mu_y", "d_mu", "d_p", "d_y", "loss", "value_and_grad"]


def _elementwise(formula: Any) -> Any:
    """The formula in float64, in blocks that stay in the cache; the dtype of mu and y
    comes out."""

    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(mu: Any, y: Any, *_given: Any, **_named: Any) -> Any:
        dtype = _dtype(mu, y)
        values = [*_checked(mu, y), *_parameters(*_given, **_named)]
        shape = np.broadcast_shapes(*(v.shape for v in values))
        arrays = any(v.ndim for v in values[2:])
        compute = partial(_by_kind, formula) if arrays else formula
        many = formula.__name__ == "value_and_grad"
        flat = [np.broadcast_to(v, shape).reshape(-1) if v.ndim else v for v in values]
        outs = [np.empty(shape, dtype).reshape(-1) for _ in range(2 if many else 1)]
        for start in range(0, outs[0].size, 16384):
            part = slice(start, start + 16384)
            some = [v[part] if v.ndim else v for v in flat]
            empty = np.isnan(some[0])
            for other in some[1:2]:
                empty = empty | np.isnan(other)
            found = compute(*some)
            for out, result in zip(outs, found if many else (found,), strict=True):
                out[part] = np.where(empty, np.nan, result)
        shaped = tuple(out.reshape(shape)[()] for out in outs)
        return shaped if many else shaped[0]

    return evaluate


def _dtype(*values: Any) -> Any:
    """That of the arrays of floating-point numbers; float64 where there are none."""
    kinds = [np.asarray(v).dtype for v in values if type(v) not in (int, float, bool)]
    floats = [k for k in kinds if k.kind == "f"]
    return np.result_type(*floats) if floats else np.dtype(np.float64)


def _checked(mu: Any, y: Any) -> Any:
    """In float64; ValueError names what has a value outside its domain. NaN passes."""
    rows: Any = [("mu", "> 0", lambda p: p > 0), ("y", ">= 0", lambda p: p >= 0)]
    found = []
    for value, (name, rule, accepts) in zip((mu, y), rows, strict=True):
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} must be real numbers, got dtype {array.dtype}")
        array = array.astype(np.float64)
        wrong = ~(accepts(array) | np.isnan(array))
        if wrong.any():
            raise ValueError(f"{name} must be {rule}, got {array[wrong].flat[0]!r}")
        found.append(array)
    return found


def _parameters(p: Any = 1.5) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("p", p, "in [0, 3]", lambda p: (p >= 0) & (p <= 3))]
    found = []
    for name, value, rule, accepts in rows:
        array = np.float64(value) if type(value) is float else np.asarray(value)
        if array.dtype.kind not in "fiub" or not accepts(array).all():
            raise ValueError(f"{name} must be {rule}, got {value!r}")
        found.append(np.float64(array))
    return found


@_elementwise
def loss(mu: Any, y: Any, p: Any = 1.5) -> Any:
    """Tweedie deviance, elementwise."""
    if np.all(p == 1):
        far = y / mu < 2.0**-54
        return _where_rare(
            far,
            lambda: mu,
            y * np.where(
                mu < y,
                _exp_difference_m1_0_0(_log_ratio(y, mu, y - mu)),
                _exp_difference_m1_m1_0(_log_ratio(mu, y, mu - y)) * (mu / y),
            ),
        )
    if np.all(p == 2):
        return np.where(
            np.abs(mu / y) < 32, -_log1p_minus((y - mu) / mu), y / mu - 1 + np.log(mu) - np.log(y)
        )
    far = y == 0
    far2 = np.abs(mu) == np.inf
    ratio = y / mu
    ratio2 = mu / y
    return _where_rare(
        far,
        lambda: np.inf,
        _where_rare(
            far2,
            lambda: np.inf,
            (
                y ** (-p)
                * y
                * y
                * np.where(
                    mu < y,
                    _power_difference_0_pm1_p(_log_ratio(y, mu, y - mu), p - 1, ratio**p / ratio),
                    _power_difference_0_pm1_p(
                        _log_ratio(mu, y, mu - y), 2 - p, ratio2 ** (-p) * ratio2 * ratio2
                    ),
                )
            ),
        ),
    )


@_elementwise
def d_mu(mu: Any, y: Any, p: Any = 1.5) -> Any:
    """The derivative in mu."""
    half = mu ** (p / 2)
    return _where_rare(np.abs(mu) == np.inf, lambda: mu ** (1 - p), -(y - mu) / half / half)


@_elementwise
def d_y(mu: Any, y: Any, p: Any = 1.5) -> Any:
    """The derivative in y."""
    if np.all(p == 2):
        return _where_rare(np.abs(mu) == np.inf, lambda: -1 / y, (y - mu) / mu / y)
    far = y == 0
    far2 = np.abs(mu) == np.inf
    ratio = y / mu
    ratio2 = mu / y
    return _where_rare(
        far,
        lambda: -np.inf,
        _where_rare(
            far2,
            lambda: -np.inf,
            (
                -(y ** (-p))
                * y
                * np.where(
                    mu < y,
                    -_power_difference_0_p(_log_ratio(y, mu, y - mu), p - 1, ratio**p / ratio),
                    _power_difference_0_p(
                        _log_ratio(mu, y, mu - y), 1 - p, ratio2 ** (-p) * ratio2
                    ),
                )
            ),
        ),
    )


@_elementwise
def d_p(mu: Any, y: Any, p: Any = 1.5) -> Any:
    """The derivative in p."""
    if np.all(p == 1):
        far = y == 0
        L = np.log(mu)
        far2 = np.abs(mu) == np.inf
        ratio = mu / y
        w = (y - mu) / mu
        u = np.log1p(w)
        v = np.log(y)
        q = mu - y + y / 2 * L * L + y * v - mu * L - y / 2 * v * v
        far3 = np.abs(ratio) >= 2.0**27
        r = (mu - y) / y
        g = np.log1p(r)
        return _where_rare(
            far,
            lambda: mu * (1 - L),
            _where_rare(
                far2,
                lambda: -np.inf,
                np.where(
                    np.abs(ratio) < 0.00390625,
                    (
                        mu
                        * (
                            w * u
                            + _log1p_minus(w)
                            - w * L * u
                            - 0.5 * w * u * u
                            - L * _log1p_minus(w)
                            - 0.5 * u * u
                        )
                    ),
                    np.where(
                        np.abs(ratio) < 0.125,
                        q,
                        _where_rare(
                            far3,
                            lambda: q,
                            y * (v * _log1p_minus(r) + 0.5 * g * g - r * g - _log1p_minus(r)),
                        ),
                    ),
                ),
            ),
        )
    if np.all(p == 2):
        ratio = y / mu
        far = ratio * 2 < 2.0**-54
        L = np.log(y)
        u = L / 2 * L
        v = np.log(mu)
        w = 0.5 * v * v
        q = mu / y
        r = (y - mu) / mu
        g = np.log1p(r)
        near = mu < y
        h = _log_ratio(y, mu, y - mu)
        k = _log_ratio(mu, y, mu - y)
        return _where_rare(
            far,
            lambda: 1 + u + L - w,
            np.where(
                np.abs(q) < 1,
                v * _log1p_minus(r) + 0.5 * g * g + _log1p_minus(r),
                np.where(
                    np.abs(q) < 256,
                    (
                        np.where(
                            near,
                            _exp_difference_m1_m1_m1_0_0(h) * ratio,
                            _exp_difference_m1_m1_0_0_0(k),
                        )
                        - (
                            np.where(
                                near, _exp_difference_m1_m1_0(h) * ratio, _exp_difference_m1_0_0(k)
                            )
                            * L
                        )
                        - 2 * np.where(
                            near,
                            -_exp_difference_m1_m1_m1_0(h) * ratio,
                            _exp_difference_m1_0_0_0(k),
                        )
                    ),
                    1 - ratio + u + L - w - ratio * v,
                ),
            ),
        )
    far = np.abs(mu) == np.inf
    u = y ** (-p) * y * y
    near = mu < y
    L = _log_ratio(y, mu, y - mu)
    ratio = y / mu
    v = ratio**p / ratio
    w = _log_ratio(mu, y, mu - y)
    ratio2 = mu / y
    q = ratio2 ** (-p) * ratio2 * ratio2
    return _where_rare(
        far,
        lambda: -np.inf,
        (
            u
            * (
                -2
                * np.where(
                    near,
                    -_power_difference_0_pm1_p_p(L, p - 1, v),
                    _power_difference_0_pm1_pm1_p(w, 2 - p, q),
                )
                - np.where(
                    near,
                    _power_difference_0_pm1_pm1_p_p(L, p - 1, v),
                    _power_difference_0_pm1_pm1_p_p(w, 2 - p, q),
                )
            )
            - (
                u
                * np.where(
                    near,
                    _power_difference_0_pm1_p(L, p - 1, v),
                    _power_difference_0_pm1_p(w, 2 - p, q),
                )
                * np.log(y)
            )
        ),
    )


@_elementwise
def d2_mu(mu: Any, y: Any, p: Any = 1.5) -> Any:
    """The second derivative in mu."""
    if np.all(p == 1):
        return y / mu / mu
    if np.all(p == 2):
        return _where_rare(np.abs(mu) == np.inf, lambda: 0, (2 * y - mu) / mu / mu / mu)
    ratio = mu / y
    return np.where(
        np.abs(ratio) < 32768,
        y ** (-p) * ratio ** (-p) * (ratio * (1 - p) + p) / ratio,
        mu ** (-p) * (1 + p / mu * y - p),
    )


@_elementwise
def d2_mu_y(mu: Any, y: Any, p: Any = 1.5) -> Any:
    """The mixed second derivative in mu and y."""
    return -(mu ** (-p))


@_elementwise
def d2_mu_p(mu: Any, y: Any, p: Any = 1.5) -> Any:
    """The mixed second derivative in mu and p."""
    if np.all(p == 1):
        return _where_rare(np.abs(mu) == np.inf, lambda: -np.inf, (y - mu) / mu * np.log(mu))
    half = mu ** (p / 2)
    return _where_rare(np.abs(mu) == np.inf, lambda: 0, np.log(mu) / half * (y - mu) / half)


@_elementwise
def value_and_grad(mu: Any, y: Any, p: Any = 1.5) -> Any:
    """(loss, d_mu) in one pass."""
    half = mu ** (p / 2)
    if np.all(p == 1):
        far = y / mu < 2.0**-54
        far2 = np.abs(mu) == np.inf
        value = _where_rare(
            far,
            lambda: mu,
            y * np.where(
                mu < y,
                _exp_difference_m1_0_0(_log_ratio(y, mu, y - mu)),
                _exp_difference_m1_m1_0(_log_ratio(mu, y, mu - y)) * (mu / y),
            ),
        )
        slope = _where_rare(far2, lambda: mu ** (1 - p), -(y - mu) / half / half)
        return value, slope
    if np.all(p == 2):
        far = np.abs(mu) == np.inf
        value = np.where(
            np.abs(mu / y) < 32, -_log1p_minus((y - mu) / mu), y / mu - 1 + np.log(mu) - np.log(y)
        )
        slope = _where_rare(far, lambda: mu ** (1 - p), -(y - mu) / half / half)
        return value, slope
    far = y == 0
    far2 = np.abs(mu) == np.inf
    ratio = y / mu
    ratio2 = mu / y
    value = _where_rare(
        far,
        lambda: np.inf,
        _where_rare(
            far2,
            lambda: np.inf,
            (
                y ** (-p)
                * y
                * y
                * np.where(
                    mu < y,
                    _power_difference_0_pm1_p(_log_ratio(y, mu, y - mu), p - 1, ratio**p / ratio),
                    _power_difference_0_pm1_p(
                        _log_ratio(mu, y, mu - y), 2 - p, ratio2 ** (-p) * ratio2 * ratio2
                    ),
                )
            ),
        ),
    )
    slope = _where_rare(far2, lambda: mu ** (1 - p), -(y - mu) / half / half)
    return value, slope


def _kinds(mu: Any, y: Any, p: Any) -> Any:
    """Which special values the parameters have, first match first; 0 for none."""
    return np.select([p == 1, p == 2], [1, 2])


def _by_kind(formula: Any, *values: Any) -> Any:
    """Each kind apart: a formula asks for special parameters of all its elements at once."""
    values = tuple(np.broadcast_arrays(*values))
    kinds, whole = np.broadcast_to(_kinds(*values), values[0].shape), None
    for kind in np.unique(np.append(kinds, 0)):
        here = kinds == kind
        found = np.array(formula(*(v[here] for v in values)))
        if whole is None:
            whole = np.empty((*found.shape[:-1], *values[0].shape))
        whole[..., here] = found
    return whole if whole is None or whole.ndim == values[0].ndim else tuple(whole)


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


def _exp_difference_m1_m1_0(z: Any) -> Any:
    """z^2 exp[-z, -z, 0], the divided difference of exp."""
    p = np.exp(-z)
    return np.where(
        np.abs(z) < 4,
        z * z * (p * _exp_series(np.abs(z), (0, 0, 1))),
        1 - np.minimum(z, 1e30) * p - p,
    )


def _exp_difference_m1_m1_0_0(z: Any) -> Any:
    """z^3 exp[-z, -z, 0, 0], the divided difference of exp."""
    p = np.exp(-z)
    return np.where(
        np.abs(z) < 4,
        z * z * z * (p * _exp_series(np.abs(z), (0, 0, 1, 1))),
        z - 2 + np.minimum(z, 1e30) * p + 2 * p,
    )


def _exp_difference_m1_m1_0_0_0(z: Any) -> Any:
    """z^4 exp[-z, -z, 0, 0, 0], the divided difference of exp."""
    p = np.exp(-z)
    return np.where(
        np.abs(z) < 4,
        z * z * z * z * (p * _exp_series(np.abs(z), (0, 0, 1, 1, 1))),
        z * z * 0.5 - 2 * z + 3 - np.minimum(z, 1e30) * p - 3 * p,
    )


def _exp_difference_m1_m1_m1_0(z: Any) -> Any:
    """z^3 exp[-z, -z, -z, 0], the divided difference of exp."""
    p = np.exp(-z)
    m = np.minimum(z, 1e30)
    return np.where(
        np.abs(z) < 4,
        z * z * z * (p * _exp_series(np.abs(z), (0, 0, 0, 1))),
        1 - m * m * 0.5 * p - m * p - p,
    )


def _exp_difference_m1_m1_m1_0_0(z: Any) -> Any:
    """z^4 exp[-z, -z, -z, 0, 0], the divided difference of exp."""
    p = np.exp(-z)
    m = np.minimum(z, 1e30)
    return np.where(
        np.abs(z) < 4,
        z * z * z * z * (p * _exp_series(np.abs(z), (0, 0, 0, 1, 1))),
        z - 3 + m * m * 0.5 * p + 2 * m * p + 3 * p,
    )


def _exprel(z: Any) -> Any:
    """(exp(z) - 1)/z, and 1 at z = 0."""
    return _where_rare(z == 0, lambda: 1, np.expm1(z) / np.minimum(z, 1e30))


def _log1p_minus(z: Any) -> Any:
    """log(1 + z) - z, without cancellation at small z."""
    w = z / (2 + z)
    terms = (
        1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13, 1 / 15, 1 / 17, 1 / 19, 1 / 21, 1 / 23, 1 / 25,
        1 / 27, 1 / 29, 1 / 31, 1 / 33, 1 / 35,
    )  # fmt: skip
    return np.where(
        (z > -0.5) & (z < 1),
        -z * z * (0.5 * (1 - w) * (1 - (1 - w) * w * _horner(w * w, terms))),
        _where_rare(z == np.inf, lambda: -np.inf, np.log1p(z) - z),
    )


def _log_ratio(t: Any, z: Any, d: Any) -> Any:
    """log(t/z), from d = t - z where that is small beside z."""
    q = t / z
    return np.where(
        np.abs(d) < 0.5 * z,
        np.log1p(d / z),
        np.where((q > 1e-30) & (q < 1e30), np.log(q), 2 * np.log(np.sqrt(t) / np.sqrt(z))),
    )


def _power_difference_0_p(z: Any, p: Any, g: Any) -> Any:
    """z^1 exp[0, p z], the divided difference of exp; g = exp(p z)."""
    u = p * np.minimum(z, 1e30)
    return np.where(np.abs(u) >= 7 / 10, (g - 1) / p, z * _exprel(u))


def _power_difference_0_p_p(z: Any, p: Any, g: Any) -> Any:
    """z^2 exp[0, p z, p z], the divided difference of exp; g = exp(p z)."""
    high = np.maximum(p, 0)
    low = np.minimum(p, 0)
    m = np.minimum(z, 1e30)
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


def _power_difference_0_pm1_p(z: Any, p: Any, g: Any) -> Any:
    """z^2 exp[0, (p - 1) z, p z], the divided difference of exp; g = exp(p z)."""
    high = np.maximum(p, 0)
    q = p - 1
    low = np.minimum(q, 0)
    m = np.minimum(z, 1e30)
    unit = np.maximum(high - low, 1)
    near = np.abs(p * z) < 7 / 10
    u = np.expm1(-m)
    near2 = np.abs(q * z) < 7 / 10
    return np.where(
        (high - low) * m < 5,
        (
            z
            * z
            * np.exp(low * m)
            * _exp_series(unit * m, (-low / unit, (q - low) / unit, (p - low) / unit))
        ),
        np.where(
            p * m < 2.5,
            (
                g * ((np.where(near, 0, 1 / p) + u) / (1 - p))
                + np.where(near, z * _exprel(p * z), -1 / p) / (1 - p)
            ),
            (
                g * ((-u - np.where(near2, 0, np.exp(np.maximum(-z, -80)) / q)) / p)
                - np.where(near2, z * _exprel(q * z), -1 / q) / p
            ),
        ),
    )


def _power_difference_0_pm1_p_p(z: Any, p: Any, g: Any) -> Any:
    """z^3 exp[0, (p - 1) z, p z, p z], the divided difference of exp; g = exp(p z)."""
    high = np.maximum(p, 0)
    q = p - 1
    low = np.minimum(q, 0)
    m = np.minimum(z, 1e30)
    unit = np.maximum(high - low, 1)
    near = np.abs(q * z) < 7 / 10
    return np.where(
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
            p * m < 2.5,
            _power_difference_0_p_p(z, p, g) / (1 - p) - g * (_exp_difference_m1_0_0(m) / (1 - p)),
            (
                g
                * (
                    (
                        _exp_difference_m1_0_0(m)
                        - (-np.expm1(-m) - np.where(near, 0, np.exp(np.maximum(-z, -80)) / q)) / p
                    )
                    / p
                )
                + np.where(near, z * _exprel(q * z), -1 / q) / p / p
            ),
        ),
    )


def _power_difference_0_pm1_pm1_p(z: Any, p: Any, g: Any) -> Any:
    """z^3 exp[0, (p - 1) z, (p - 1) z, p z], the divided difference of exp; g = exp(p z)."""
    high = np.maximum(p, 0)
    q = p - 1
    low = np.minimum(q, 0)
    m = np.minimum(z, 1e30)
    unit = np.maximum(high - low, 1)
    v = (q - low) / unit
    near = np.abs(p * z) < 7 / 10
    u = 1 - p
    return np.where(
        (high - low) * m < 5,
        z * z * z * np.exp(low * m) * _exp_series(unit * m, (-low / unit, v, v, (p - low) / unit)),
        np.where(
            p * m < 2.5,
            (
                g
                * (((np.where(near, 0, 1 / p) + np.expm1(-m)) / u - _exp_difference_m1_m1_0(m)) / u)
                + np.where(near, z * _exprel(p * z), -1 / p) / u / u
            ),
            g * (_exp_difference_m1_m1_0(m) / p) - _power_difference_0_p_p(z, q, np.exp(q * z)) / p,
        ),
    )


def _power_difference_0_pm1_pm1_p_p(z: Any, p: Any, g: Any) -> Any:
    """z^4 exp[0, (p - 1) z, (p - 1) z, p z, p z], the divided difference of exp; g = exp(p z)."""
    high = np.maximum(p, 0)
    q = p - 1
    low = np.minimum(q, 0)
    m = np.minimum(z, 1e30)
    unit = np.maximum(high - low, 1)
    v = (q - low) / unit
    u = 1 - p
    return np.where(
        (high - low) * m < 5,
        (
            z
            * z
            * z
            * z
            * np.exp(low * m)
            * _exp_series(unit * m, (-low / unit, v, v, (p - low) / unit, (p - low) / unit))
        ),
        np.where(
            p * m < 2.5,
            (
                g * ((-_exp_difference_m1_0_0(m) / u - _exp_difference_m1_m1_0_0(m)) / u)
                + _power_difference_0_p_p(z, p, g) / u / u
            ),
            (
                g * ((_exp_difference_m1_m1_0_0(m) - _exp_difference_m1_m1_0(m) / p) / p)
                + _power_difference_0_p_p(z, q, np.exp(q * z)) / p / p
            ),
        ),
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


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * z + c
    return total


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if rare.any() else usual
