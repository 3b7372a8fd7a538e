# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 2720dee2d1ee) by: derive regenerate binary_cross_entropy_with_logits
# --target numpy
"""Binary cross-entropy of logits.

    loss = pos_weight*y*log(1 + exp(-z)) + (1 - y)*log(1 + exp(z))

Domain: z real, y in [0, 1], pos_weight > 0. z predicts the logit of the probability y of label 1,
which pos_weight weighs.
Source: Cox, J. R. Statist. Soc. B 20(2), 1958.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d2_z", "d2_z_pos_weight", "d2_z_y", "d_pos_weight", "d_y", "d_z", "loss"]
__all__ += ["value_and_grad"]


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
    rows: Any = [("z", "real", lambda p: p == p), ("y", "in [0, 1]", lambda p: (p >= 0) & (p <= 1))]
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


def _parameters(pos_weight: Any = 1.0) -> Any:
    """In float64; ValueError names a parameter outside its domain."""
    rows: Any = [("pos_weight", pos_weight, "> 0 and finite", lambda p: (p > 0) & (p < np.inf))]
    found = []
    for name, value, rule, accepts in rows:
        array = np.float64(value) if type(value) is float else np.asarray(value)
        if array.dtype.kind not in "fiub" or not accepts(array).all():
            raise ValueError(f"{name} must be {rule}, got {value!r}")
        found.append(np.float64(array))
    return found


@_elementwise
def loss(z: Any, y: Any, pos_weight: Any = 1.0) -> Any:
    """Binary cross-entropy of logits, elementwise."""
    value = y * _softplus(-z) * pos_weight + (1 - y) * _softplus(z)
    value = _where_rare(y == 0, lambda: _softplus(z), value)
    return _where_rare(y == 1, lambda: _root_softplus(-z) * pos_weight * _root_softplus(-z), value)


@_elementwise
def d_z(z: Any, y: Any, pos_weight: Any = 1.0) -> Any:
    """The derivative in z."""
    h = 1 - y
    u = pos_weight * y
    q = h * _sigmoid(z) - u * _sigmoid(-z)
    v = np.abs(h * _sigmoid(z))
    p = np.exp(-np.abs(z))
    w = _where_rare(z < 0, lambda: p, 1)
    r = 1 + p
    g = w / r
    k = h * g
    m = 8 * v
    n = np.exp(-np.abs(-z))
    t = _where_rare(-z < 0, lambda: n, 1)
    q2 = 1 + n
    v2 = t / q2
    u2 = u * v2
    q3 = k - u2
    q4 = r - 1
    q5 = q2 - 1
    q6 = q3 - k
    q9 = t - v2 * q2 - _product_error(v2, q2) - v2 * (1 - (q2 - q5) + (n - q5))
    q8 = v2 * _product_error(pos_weight, y) + u * (q9 / q2) + _product_error(u, v2)
    u3 = h * ((w - g * r - _product_error(g, r) - g * (1 - (r - q4) + (p - q4))) / r)
    u4 = g * (1 - (h - (h - 1)) + (-y - (h - 1)))
    q7 = q3 + (u4 + u3 + _product_error(h, g) - q8 + (k - (q3 - q6) + (-u2 - q6)))
    u5 = np.abs(q7 - q)
    value = _where_rare(
        (np.abs(q) < 0.125 * v) & (np.abs(k) < m) & (np.abs(u2) < m) & (u5 < v), lambda: q7, q
    )
    return _where_rare(y == 1, lambda: -_root_sigmoid(-z) * pos_weight * _root_sigmoid(-z), value)


@_elementwise
def d_y(z: Any, y: Any, pos_weight: Any = 1.0) -> Any:
    """The derivative in y."""
    value = (pos_weight - 1) * _softplus(z) - pos_weight * z
    return np.where(z > 0, (pos_weight - 1) * _softplus(-z) - z, value)


@_elementwise
def d_pos_weight(z: Any, y: Any, pos_weight: Any = 1.0) -> Any:
    """The derivative in pos_weight."""
    return _where_rare(y == 0, lambda: 0, y * _softplus(-z))


@_elementwise
def d2_z(z: Any, y: Any, pos_weight: Any = 1.0) -> Any:
    """The second derivative in z."""
    h = 1 - y
    value = (h + pos_weight * y) * _sigmoid(-z) * _sigmoid(z)
    u = _sigmoid(-z)
    return _where_rare(
        (_sigmoid(z) < 2.0**-100) | (u < 2.0**-100),
        lambda: (
            _root_sigmoid(z)
            * _root_sigmoid(-z)
            * (h + pos_weight * y)
            * _root_sigmoid(-z)
            * _root_sigmoid(z)
        ),
        value,
    )


@_elementwise
def d2_z_y(z: Any, y: Any, pos_weight: Any = 1.0) -> Any:
    """The mixed second derivative in z and y."""
    return -pos_weight * _sigmoid(-z) - _sigmoid(z)


@_elementwise
def d2_z_pos_weight(z: Any, y: Any, pos_weight: Any = 1.0) -> Any:
    """The mixed second derivative in z and pos_weight."""
    return -y * _sigmoid(-z)


@_elementwise
def value_and_grad(z: Any, y: Any, pos_weight: Any = 1.0) -> Any:
    """(loss, d_z) in one pass."""
    far = y == 1
    h = 1 - y
    u = pos_weight * y
    q = h * _sigmoid(z) - u * _sigmoid(-z)
    v = np.abs(h * _sigmoid(z))
    p = np.exp(-np.abs(z))
    w = _where_rare(z < 0, lambda: p, 1)
    r = 1 + p
    g = w / r
    k = h * g
    m = 8 * v
    n = np.exp(-np.abs(-z))
    t = _where_rare(-z < 0, lambda: n, 1)
    q2 = 1 + n
    v2 = t / q2
    u2 = u * v2
    q3 = k - u2
    q4 = r - 1
    q5 = q2 - 1
    q6 = q3 - k
    q9 = t - v2 * q2 - _product_error(v2, q2) - v2 * (1 - (q2 - q5) + (n - q5))
    q8 = v2 * _product_error(pos_weight, y) + u * (q9 / q2) + _product_error(u, v2)
    u3 = h * ((w - g * r - _product_error(g, r) - g * (1 - (r - q4) + (p - q4))) / r)
    u4 = g * (1 - (h - (h - 1)) + (-y - (h - 1)))
    q7 = q3 + (u4 + u3 + _product_error(h, g) - q8 + (k - (q3 - q6) + (-u2 - q6)))
    value = y * _softplus(-z) * pos_weight + h * _softplus(z)
    value = _where_rare(y == 0, lambda: _softplus(z), value)
    value = _where_rare(far, lambda: _root_softplus(-z) * pos_weight * _root_softplus(-z), value)
    u5 = np.abs(q7 - q)
    slope = _where_rare(
        (np.abs(q) < 0.125 * v) & (np.abs(k) < m) & (np.abs(u2) < m) & (u5 < v), lambda: q7, q
    )
    slope = _where_rare(far, lambda: -_root_sigmoid(-z) * pos_weight * _root_sigmoid(-z), slope)
    return value, slope


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
