# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of student_t (sha256 e881c11a8385) by: derive regenerate student_t --target
# numpy
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
from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_df", "d2_df_scale", "d2_scale", "d2_x", "d2_x_df", "d2_x_scale", "d_df"]
__all__ += ["d_scale", "d_x", "loss", "value_and_grad", "weight"]


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


def _parameters(df: Any = 1.0, scale: Any = 1.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [
        ("df", df, "in (0, inf]", lambda p: p > 0),
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
def loss(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """Student's t loss, elementwise."""
    y = x / scale
    if np.all(df >= 2.0**1000):
        return 0.5 * y * y
    far = y / df * (0.5 * y) < 2.0**-54
    return _where_rare(
        far,
        lambda: 0.5 * (y / df * (df + 1)) * y,
        (df + 1) / 2 * _log1p_square(np.abs(y) / np.sqrt(df)),
    )


@_elementwise
def d_x(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    if np.all(df >= 2.0**1000):
        return x / scale / scale
    far = df / x * (scale / x) * scale < 2.0**-54
    y = x / scale
    return _where_rare(far, lambda: (df + 1) / x, y / (y * y + df) * (df + 1) / scale)


@_elementwise
def d_df(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The derivative in df."""
    if np.all(df >= 2.0**1000):
        return np.where(np.isnan(x), x, 0)
    y = x / scale
    far = y / df * y * (df / 2 + 1) < 2.0**-54
    L = _log1p_square(np.abs(y) / np.sqrt(df))
    return _where_rare(
        far,
        lambda: -0.5 * (y / df) / df * y,
        0.5 * _exp_difference_m1_0_0(L) + 0.5 * (np.expm1(-L) / df),
    )


@_elementwise
def d_scale(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The derivative in scale."""
    y = x / scale
    if np.all(df >= 2.0**1000):
        return -y / scale * y
    far = df / y / y < 2.0**-54
    return _where_rare(far, lambda: (-df - 1) / scale, -y / (y * y + df) * (df + 1) / scale * y)


@_elementwise
def d2_x(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The second derivative in x."""
    if np.all(df >= 2.0**1000):
        return np.where(np.isnan(x), x, 1 / scale / scale)
    far = df / x * (scale / x) * scale * 3 < 2.0**-54
    r = np.abs(x / scale) / np.sqrt(df)
    w = r * r
    return _where_rare(
        far,
        lambda: -(df + 1) / x / x,
        (1 / (w + 1) - 1 / (1 + 1 / w)) * (df + 1) / df / scale / (w + 1) / scale,
    )


@_elementwise
def d2_x_df(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and df."""
    if np.all(df >= 2.0**1000):
        return np.where(np.isnan(x), x, 0)
    far = scale / x * (scale / x) * (2 * df + 1) < 2.0**-54
    y = x / scale
    q = y / df * y + 1
    return _where_rare(far, lambda: 1 / x, y / df / scale / q * ((y * y - 1) / df / q))


@_elementwise
def d2_x_scale(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and scale."""
    if np.all(df >= 2.0**1000):
        return -x / scale / scale * (2 / scale)
    u = df / x * (scale / x)
    far = u * scale * 2 < 2.0**-54
    y = x / scale
    r = np.abs(y) / np.sqrt(df)
    w = r * r
    return _where_rare(
        far,
        lambda: -u * ((df + 1) / x) * 2,
        -y / df / (w + 1) * ((df + 1) / scale / (w + 1)) * (2 / scale),
    )


@_elementwise
def d2_df(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The second derivative in df."""
    if np.all(df >= 2.0**1000):
        return np.where(np.isnan(x), x, 0)
    y = x / scale
    far = np.abs(y) == np.inf
    far2 = df / y * (np.abs(1 / (1 - (df + 1) / df / 2)) / y) < 2.0**-54
    r = np.abs(y) / np.sqrt(df)
    w = r * r
    return _where_rare(
        far,
        lambda: (1 - df) / df / df / 2,
        _where_rare(
            far2,
            lambda: (1 - df) / df / df / 2,
            y / (w + 1) / df / df / df * y * ((1 - df) / (2 + 2 / r / r) + 1 / (w + 1)),
        ),
    )


@_elementwise
def d2_df_scale(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The mixed second derivative in df and scale."""
    if np.all(df >= 2.0**1000):
        return np.where(np.isnan(x), x, 0)
    y = x / scale
    far = (2 * df + 1) / y / y < 2.0**-54
    s = y * y
    return _where_rare(far, lambda: -1 / scale, -y / (s + df) * (y / (s + df) * (s - 1) / scale))


@_elementwise
def d2_scale(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """The second derivative in scale."""
    y = x / scale
    if np.all(df >= 2.0**1000):
        return y / scale * (y / scale) * 3
    far = y / df * (y / 3) * 5 < 2.0**-54
    far2 = df / y / y < 2.0**-54
    s = y * y
    return _where_rare(
        far,
        lambda: 3 * y / scale / df * (df + 1) / scale * y,
        _where_rare(
            far2,
            lambda: (df + 1) / scale / scale,
            y / (s + df) * (s + 3 * df) / (s + df) * (df + 1) / scale * y / scale,
        ),
    )


@_elementwise
def weight(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    if np.all(df >= 2.0**1000):
        return np.where(np.isnan(x), x, 1 / scale / scale)
    far = df / x * (scale / x) * scale < 2.0**-54
    y = x / scale
    return _where_rare(far, lambda: (df + 1) / x / x, (df + 1) / scale / (y * y + df) / scale)


@_elementwise
def value_and_grad(x: Any, df: Any = 1.0, scale: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    given = x, df, scale
    return loss.__wrapped__(*given), d_x.__wrapped__(*given)


def _by_kind(formula: Any, r: Any, df: Any, scale: Any) -> Any:
    """Each kind of special parameters apart: a formula asks for those of all elements at once."""
    if not df.ndim:
        return formula(r, df, scale)
    kinds = np.select([df >= 2.0**1000], [1])
    whole = np.empty((2, *r.shape))
    for here in (kinds == kind for kind in np.unique(kinds)):
        whole[:, here] = formula(r[here], df[here], scale[here])
    return whole if formula.__name__ == "value_and_grad" else whole[0]


def _exp_difference_m1_0_0(z: Any) -> Any:
    """z^2 exp[-z, 0, 0], the divided difference of exp."""
    p = np.exp(-z)
    return np.where(np.abs(z) < 4, z * z * (p * _exp_series(np.abs(z), (0, 1, 1))), z - 1 + p)


def _log1p_square(t: Any) -> Any:
    """log(1 + t^2) for t >= 0, also where t^2 overflows."""
    return _where_rare(t >= 2.0**40, lambda: 2 * np.log(t), np.log1p(t * t))


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
