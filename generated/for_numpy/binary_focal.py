# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 05df89e0c1dd) by: derive regenerate binary_focal --target numpy
"""Binary focal loss.

    loss = (1 + exp(v))^(-gamma)*log(1 + exp(-v))
    v = z*(2*y - 1)

Domain: z real, y 0 or 1, gamma >= 0. z predicts the logit of the label 1; cross-entropy at gamma =
0.
Source: Lin et al., ICCV 2017, arXiv:1708.02002.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import reduce, wraps
from typing import Any

import numpy as np

__all__ = ["d2_z", "d2_z_gamma", "d_gamma", "d_z", "loss", "value_and_grad"]


def _elementwise(formula: Any) -> Any:
    """The formula in float64, in blocks that stay in the cache; the dtype of z and y
    comes out."""

    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(z: Any, y: Any, *_given: Any, **_named: Any) -> Any:
        dtype = _dtype(z, y)
        values = [*_checked(z, y), *_parameters(*_given, **_named)]
        shape = np.broadcast_shapes(*(v.shape for v in values))
        many = formula.__name__ == "value_and_grad"
        flat = [np.broadcast_to(v, shape).reshape(-1) if v.ndim else v for v in values]
        outs = [np.empty(shape, dtype).reshape(-1) for _ in range(2 if many else 1)]
        for start in range(0, outs[0].size, 16384):
            part = slice(start, start + 16384)
            some = [v[part] if v.ndim else v for v in flat]
            empty = np.isnan(some[0])
            for other in some[1:2]:
                empty = empty | np.isnan(other)
            found = formula(*some)
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


def _checked(z: Any, y: Any) -> Any:
    """In float64; ValueError names what has a value outside its domain. NaN passes."""
    rows: Any = [("z", "real", lambda p: p == p), ("y", "0 or 1", lambda p: (p == 0) | (p == 1))]
    found = []
    for value, (name, rule, accepts) in zip((z, y), rows, strict=True):
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} must be real numbers, got dtype {array.dtype}")
        array = np.add(array, 0.0, dtype=np.float64)  # -0.0 is 0
        wrong = ~(accepts(array) | np.isnan(array))
        if wrong.any():
            raise ValueError(f"{name} must be {rule}, got {array[wrong].flat[0]!r}")
        found.append(array)
    return found


def _parameters(gamma: Any = 2.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("gamma", gamma, ">= 0 and finite", lambda p: (p >= 0) & (p < np.inf))]
    found = []
    for name, value, rule, accepts in rows:
        array = np.float64(value) if type(value) is float else np.asarray(value)
        if array.dtype.kind not in "fiub" or not accepts(array).all():
            raise ValueError(f"{name} must be {rule}, got {value!r}")
        found.append(np.float64(array))
    return found


@_elementwise
def loss(z: Any, y: Any, gamma: Any = 2.0) -> Any:
    """Binary focal loss, elementwise."""
    v = z * (2 * y - 1)
    return _power1p_exp(v, -gamma) * _softplus(-v)


@_elementwise
def d_z(z: Any, y: Any, gamma: Any = 2.0) -> Any:
    """The derivative in z."""
    u = np.maximum(np.minimum(z, 1e30), -1e30) * (2 * y - 1)
    v = _power1p_exp(u, -gamma)
    w = -u
    return (1 - 2 * y) * v * _sigmoid(w) - gamma * (2 * y - 1) * v * _sigmoid(u) * _softplus(w)


@_elementwise
def d_gamma(z: Any, y: Any, gamma: Any = 2.0) -> Any:
    """The derivative in gamma."""
    u = np.maximum(np.minimum(z, 1e30), -1e30) * (2 * y - 1)
    v = _power1p_exp(u, -gamma)
    w = _softplus_product(u)
    value = -v * w
    return _where_rare(
        (v < 2.0**-100) | (w < 2.0**-100),
        lambda: (
            -_power1p_exp(u, -gamma / 2)
            * _power1p_exp(u, -gamma / 2)
            * (_root_softplus(u) * _root_softplus(-u))
            * (_root_softplus(u) * _root_softplus(-u))
        ),
        value,
    )


@_elementwise
def d2_z(z: Any, y: Any, gamma: Any = 2.0) -> Any:
    """The second derivative in z."""
    u = np.maximum(np.minimum(z, 1e30), -1e30) * (2 * y - 1)
    v = _power1p_exp(u, -gamma)
    w = _sigmoid(u)
    p = -u
    q = _softplus(p)
    r = gamma * gamma * w * q + (1 + gamma * (2 - q)) * _sigmoid(p)
    value = r * v * w
    return _where_rare(
        (v < 2.0**-100) | (w < 2.0**-100),
        lambda: (
            _root_sigmoid(u)
            * _power1p_exp(u, -gamma / 2)
            * r
            * _power1p_exp(u, -gamma / 2)
            * _root_sigmoid(u)
        ),
        value,
    )


@_elementwise
def d2_z_gamma(z: Any, y: Any, gamma: Any = 2.0) -> Any:
    """The mixed second derivative in z and gamma."""
    u = np.maximum(np.minimum(z, 1e30), -1e30) * (2 * y - 1)
    q = gamma * _softplus_product(u) + _softplus_crossed(u)
    return (2 * y - 1) * q * _power1p_exp(u, -gamma) * _sigmoid(u)


@_elementwise
def value_and_grad(z: Any, y: Any, gamma: Any = 2.0) -> Any:
    """(loss, d_z) in one pass."""
    q = 2 * y - 1
    v = z * q
    u = np.maximum(np.minimum(z, 1e30), -1e30) * q
    w = _power1p_exp(u, -gamma)
    p = -u
    value = _power1p_exp(v, -gamma) * _softplus(-v)
    slope = (1 - 2 * y) * w * _sigmoid(p) - gamma * q * w * _sigmoid(u) * _softplus(p)
    return value, slope


def _power1p_exp(z: Any, q: Any) -> Any:
    """(1 + exp(z))^q, also where exp(z) overflows."""
    decay = np.exp(-np.abs(z))
    more = 1 + decay
    power = more**q
    u = q * ((decay - (more - 1)) / more)
    v = q * np.maximum(np.minimum(np.maximum(z, 0), 1e30), -1e30)
    value = power * np.exp(v + np.minimum(np.maximum(u, -80), 80))
    return np.where(np.abs(q) <= 8, (power + power * u) * np.exp(v), value)


def _root_sigmoid(z: Any) -> Any:
    """1/sqrt(1 + exp(-z)), which is exp(z/2) where exp(z) has lost its digits."""
    return np.where(z < -40, np.exp(0.5 * z), np.sqrt(_sigmoid(z)))


def _root_softplus(z: Any) -> Any:
    """sqrt(log(1 + exp(z))), which is exp(z/2) where log(1 + exp(z)) has lost its digits."""
    return np.where(z < -40, np.exp(0.5 * z), np.sqrt(_softplus(z)))


def _sigmoid(z: Any) -> Any:
    """1/(1 + exp(-z)), without overflow."""
    p = np.exp(-np.abs(z))
    return _where_rare(z < 0, lambda: p, 1) / (1 + p)


def _softplus(z: Any) -> Any:
    """log(1 + exp(z)), without overflow."""
    return np.maximum(z, 0) + _log1p(np.exp(-np.abs(z)))


def _softplus_crossed(z: Any) -> Any:
    """exp(-z) softplus(z) - softplus(-z), without cancellation."""
    a = np.minimum(np.abs(z), 1e30)
    b = np.minimum(a, 40)
    value = np.sign(z) * np.exp(-np.maximum(z, 0)) * (a - np.expm1(b) * _softplus(-b))
    terms = (
        0.3068528194400547, -0.041666666666666644, 0.0038194444444437743, -0.00031415343914573585,
        2.5524966884929517e-05, -2.114815315864653e-06, 1.7979417782509906e-07,
        -1.5646426625248573e-08, 1.3873503109112467e-09, -1.2447351949261126e-10,
        1.1082662027100173e-11, -9.213930073949239e-13, 6.15003731854373e-14,
        -2.3203718596892428e-15,
    )  # fmt: skip
    return np.where(np.abs(z) < 1.5, -np.expm1(-z) * _horner(z * z, terms), value)


def _softplus_product(z: Any) -> Any:
    """softplus(z) softplus(-z), which is even."""
    terms = (
        0.48045301391820144, -0.07671320486001366, 0.008404716869167007, -0.0008207311246081069,
        7.740109723361913e-05, -7.244121577663902e-06, 6.790020822824562e-07,
        -6.391689514991539e-08, 6.045675945593549e-09, -5.740750610018649e-10,
        5.444146511282372e-11, -5.044379737784243e-12, 4.270858853869834e-13,
        -2.832032276052363e-14, 1.0402666632653275e-15,
    )  # fmt: skip
    return np.where(np.abs(z) < 1.5, _horner(z * z, terms), _softplus(z) * _softplus(-z))


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    return reduce(lambda total, c: total * z + c, coefficients[::-1])


def _log1p(w: Any) -> Any:
    """log(1 + w), by log, which is the faster one, and what rounding takes from u = 1 + w."""
    u = 1 + w
    return np.log(u) + np.fmax((w - (u - 1)) / u, -1)  # -1: there log(u) is infinite


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual
