# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 eace811cf8a4) by: derive regenerate andrews --target numpy
"""Andrews' sine (wave).

    loss = c^2*(1 - cos(x/c)) if |x| <= pi*c, 2*c^2 otherwise

Domain: x real, c > 0. Its slope is c sin(x/c) up to the first zero of it and zero beyond.
Source: Andrews et al., Robust Estimates of Location, Princeton, 1972.
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


def _parameters(c: Any = 1.339) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("c", c, "> 0 and finite", lambda p: (p > 0) & (p < np.inf))]
    for name, value, rule, accepts in rows:
        if type(value) is not float or not accepts(value):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or not accepts(array).all():
                raise ValueError(f"{name} must be {rule}, got {value!r}")
    return [np.float64(row[1]) for row in rows]


@_elementwise
def loss(x: Any, c: Any = 1.339) -> Any:
    """Andrews' sine (wave), elementwise."""
    u = c * np.sin(0.5 * (x / c))
    return np.where(_less_pi(np.abs(x), c) > 0, c * c * 2, u * (u * 2))


@_elementwise
def d_x(x: Any, c: Any = 1.339) -> Any:
    """The derivative in x, the influence."""
    return np.where(_less_pi(np.abs(x), c) > 0, 0, c * np.sin(x / c))


@_elementwise
def d_c(x: Any, c: Any = 1.339) -> Any:
    """The derivative in c."""
    y = x / c
    u = np.abs(y)
    terms = (
        0.08333333333333333, -0.005555555555555554, 0.00014880952380951455, -2.204585537895083e-06,
        2.087675695725233e-08, -1.3764892503017716e-10, 6.691174128250621e-13,
        -2.496737331699789e-15, 7.084933548256667e-18,
    )  # fmt: skip
    value = _horner(u * u, terms) * c * u * u * u * u
    q = 2 - y * np.sin(y) - 2 * np.cos(y)
    return np.where(u >= 2, c * np.where(_less_pi(np.abs(x), c) <= 0, q, 4), value)


@_elementwise
def d2_x(x: Any, c: Any = 1.339) -> Any:
    """The second derivative in x."""
    return np.where(_less_pi(np.abs(x), c) > 0, 0, np.cos(x / c))


@_elementwise
def d2_x_c(x: Any, c: Any = 1.339) -> Any:
    """The mixed second derivative in x and c."""
    y = x / c
    u = np.abs(y)
    terms = (
        0.3333333333333333, -0.03333333333333333, 0.0011904761904761897, -2.2045855379186546e-05,
        2.5052108385089553e-07, -1.927085257128409e-09, 1.0706027352491557e-11,
        -4.498265637250727e-14, 1.4783075464296463e-16, -3.7479150560298206e-19,
    )  # fmt: skip
    value = np.sign(x) * (_horner(u * u, terms) * u * u * u)
    w = np.where(_less_pi(np.abs(x), c) <= 0, np.sin(y) - y * np.cos(y), 0)
    return np.where(u >= 1.5, w, value)


@_elementwise
def d2_c(x: Any, c: Any = 1.339) -> Any:
    """The second derivative in c."""
    y = x / c
    u = np.abs(y)
    v = np.cos(y)
    terms = (
        -0.25, 0.027777777777777776, -0.001041666666666666, 1.9841269841267768e-05,
        -2.2964432686317457e-07, 1.7894363100931135e-09, -1.0036900604161716e-11,
        4.2483610811603796e-14, -1.40438057200883e-16, 3.576935115015953e-19,
    )  # fmt: skip
    value = _horner(u * u, terms) * u * u * u * u
    q = 2 + y * y * v - y * np.sin(y) * 2 - 2 * v
    return np.where(u >= 1.5, np.where(_less_pi(np.abs(x), c) <= 0, q, 4), value)


@_elementwise
def weight(x: Any, c: Any = 1.339) -> Any:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    y = x / c
    value = np.where(_less_pi(np.abs(x), c) <= 0, c / x * np.sin(y), 0)
    value = _where_rare(np.abs(y) < 2.0**-60, lambda: 1, value)
    return np.where(np.isnan(x), x, value)


@_elementwise
def value_and_grad(x: Any, c: Any = 1.339) -> Any:
    """(loss, d_x) in one pass."""
    v = 8.908910206761538e-06 * c
    far = np.abs(x) - 2 * c - c - 0.125 * c - 0.015625 * c - 2.0**-10 * c + v > 0
    y = x / c
    u = c * np.sin(0.5 * y)
    value = np.where(far, c * c * 2, u * (u * 2))
    return value, np.where(far, 0, c * np.sin(y))


def _less_pi(z: Any, c: Any) -> Any:
    """z - pi c, whose sign is right where a rounded pi c would not tell."""
    return z - 2 * c - c - 0.125 * c - 0.015625 * c - 2.0**-10 * c + 8.908910206761538e-06 * c


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    return reduce(lambda total, c: total * z + c, coefficients[::-1])


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
