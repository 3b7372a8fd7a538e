# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of geman_mcclure (sha256 6c6ca5571ad8) by: derive regenerate geman_mcclure
# --target numpy
"""Geman-McClure loss.

    loss = 2*s/(s + 4)
    s = x^2/scale^2

Domain: x real, scale > 0. Bounded by 2; the influence of an outlier falls as 1/x^3.
Source: Geman and McClure, Proc. ASA 1985; in this form Barron, arXiv:1701.03077, eq. 5.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_scale", "d2_x", "d2_x_scale", "d_scale", "d_x", "loss", "value_and_grad"]
__all__ += ["weight"]


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
            found = formula(r.astype(np.float64, copy=False), *rest)
            for out, values in zip(outs, found if pair else (found,), strict=True):
                out[part] = values
        shaped = tuple(out.reshape(x.shape)[()] for out in outs)
        return shaped if pair else shaped[0]

    return evaluate


def _parameters(scale: Any = 1.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("scale", scale, "> 0 and finite", lambda p: (p > 0) & (p < np.inf))]
    found = []
    for name, value, rule, accepts in rows:
        array = np.float64(value) if type(value) is float else np.asarray(value)
        if array.dtype.kind not in "fiub" or not accepts(array).all():
            raise ValueError(f"{name} must be {rule}, got {value!r}")
        found.append(np.float64(array))
    return found


@_elementwise
def loss(x: Any, scale: Any = 1.0) -> Any:
    """Geman-McClure loss, elementwise."""
    y = x / scale
    return _where_rare(np.abs(y) >= 2.0**60, lambda: 2, y / (y * y + 4) * y * 2)


@_elementwise
def d_x(x: Any, scale: Any = 1.0) -> Any:
    """The derivative in x, the influence."""
    y = x / scale
    far = np.abs(y) >= 2.0**60
    s = y * y
    return _where_rare(far, lambda: 16 / y / scale / y / y, 16 / scale / (s + 4) * y / (s + 4))


@_elementwise
def d_scale(x: Any, scale: Any = 1.0) -> Any:
    """The derivative in scale."""
    y = x / scale
    far = np.abs(y) >= 2.0**60
    r = 0.5 * np.abs(y)
    w = r * r
    return _where_rare(far, lambda: -scale / x * (16 / x), -y / (w + 1) / scale * y / (w + 1))


@_elementwise
def d2_x(x: Any, scale: Any = 1.0) -> Any:
    """The second derivative in x."""
    y = x / scale
    u = np.abs(y)
    s = y * y
    far = u >= 2.0**60
    r = 0.5 * u
    w = r * r
    terms = (
        1, 6.591726586533538e-17, -1.5000000000000142, 1.1956162238154173e-12, 0.9374999999466361,
        1.4468368211025003e-09, -0.43750002591296044, 3.2337003540020304e-07, 0.1757783383094207,
        1.934565257247603e-05, -0.06454917846294693, 0.0003577577493323056, 0.021223182322256666,
        0.002017776633810711, -0.010189431469831426, 0.002548266420326306, 0.0014333721897318058,
        -0.0006413770525180702,
    )  # fmt: skip
    return np.where(
        u < 0.5,
        _horner(u, terms) / scale / scale,
        np.where(
            u < 2,
            (64 - s * 48) / (s + 4) / scale / (s + 4) / scale / (s + 4),
            _where_rare(
                far,
                lambda: -scale / x / x * (scale / x) * (48 / x),
                1 / scale / (w + 1) * ((1 / (w + 1) - 3 / (1 + 1 / w)) / scale / (w + 1)),
            ),
        ),
    )


@_elementwise
def d2_x_scale(x: Any, scale: Any = 1.0) -> Any:
    """The mixed second derivative in x and scale."""
    y = x / scale
    far = np.abs(y) >= 2.0**20
    s = y * y
    return _where_rare(
        far,
        lambda: _where_rare(
            np.abs(y) >= 2.0**60,
            lambda: scale / x / x * (32 / x),
            (
                (
                    0.5
                    * y
                    * (1 / _root1p_square(0.5 * y))
                    * (0.5 * y * (1 / _root1p_square(0.5 * y)))
                    * 4
                    - 1 / _root1p_square(0.5 * y) * (1 / _root1p_square(0.5 * y)) * 4
                )
                * (1 / _root1p_square(0.5 * y))
                / scale
                * (0.5 * y * (1 / _root1p_square(0.5 * y)))
                * (1 / _root1p_square(0.5 * y))
                / scale
                * (1 / _root1p_square(0.5 * y))
            ),
        ),
        y / (s + 4) * ((s - 4) / scale / (s + 4)) * (32 / scale / (s + 4)),
    )


@_elementwise
def d2_scale(x: Any, scale: Any = 1.0) -> Any:
    """The second derivative in scale."""
    y = x / scale
    r = 0.5 * np.abs(y)
    w = r * r
    v = y / scale / (w + 1)
    return _where_rare(np.abs(y) >= 2.0**40, lambda: -16 / x / x, v * v * ((3 - w) / (w + 1)))


@_elementwise
def weight(x: Any, scale: Any = 1.0) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    y = x / scale
    far = np.abs(y) >= 32
    q = y * y + 4
    return _where_rare(
        far,
        lambda: _where_rare(
            np.abs(y) >= 2.0**60,
            lambda: scale / x / x * (scale / x) * (16 / x),
            1 / scale / q * (16 / scale / q),
        ),
        16 / scale / scale / q / q,
    )


@_elementwise
def value_and_grad(x: Any, scale: Any = 1.0) -> Any:
    """(loss, d_x) in one pass."""
    y = x / scale
    far = np.abs(y) >= 2.0**60
    s = y * y
    value = _where_rare(far, lambda: 2, y / (s + 4) * y * 2)
    slope = _where_rare(far, lambda: 16 / y / scale / y / y, 16 / scale / (s + 4) * y / (s + 4))
    return value, slope


def _root1p_square(t: Any) -> Any:
    """sqrt(1 + t^2), also where t^2 overflows."""
    return _where_rare(np.abs(t) >= 2.0**40, lambda: np.abs(t), np.sqrt(1 + t * t))


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * z + c
    return total


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.any(rare) else usual
