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
    value = pos_weight * y * _softplus(-z) + (1 - y) * _softplus(z)
    value = _where_rare(y == 0, lambda: _softplus(z), value)
    return _where_rare(y == 1, lambda: pos_weight * _softplus(-z), value)


@_elementwise
def d_z(z: Any, y: Any, pos_weight: Any = 1.0) -> Any:
    """The derivative in z."""
    return (1 - y) * _sigmoid(z) - pos_weight * y * _sigmoid(-z)


@_elementwise
def d_y(z: Any, y: Any, pos_weight: Any = 1.0) -> Any:
    """The derivative in y."""
    size = np.abs(z)
    value = pos_weight * _softplus(-z) - _softplus(z)
    u = size / (pos_weight + 1) * (np.abs(pos_weight - 1) / 4)
    return _where_rare(
        u < 2.0**-54,
        lambda: _where_rare(
            z < 0,
            lambda: 0.5 * size * (pos_weight + 1) + 0.6931471805599453 * (pos_weight - 1),
            0.6931471805599453 * (pos_weight - 1) - 0.5 * size * (pos_weight + 1),
        ),
        value,
    )


@_elementwise
def d_pos_weight(z: Any, y: Any, pos_weight: Any = 1.0) -> Any:
    """The derivative in pos_weight."""
    return _where_rare(y == 0, lambda: 0, y * _softplus(-z))


@_elementwise
def d2_z(z: Any, y: Any, pos_weight: Any = 1.0) -> Any:
    """The second derivative in z."""
    return pos_weight * y * _sigmoid(-z) * _sigmoid(z) + (1 - y) * _sigmoid(-z) * _sigmoid(z)


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
    value = pos_weight * y * _softplus(-z) + (1 - y) * _softplus(z)
    value = _where_rare(y == 0, lambda: _softplus(z), value)
    value = _where_rare(y == 1, lambda: pos_weight * _softplus(-z), value)
    slope = (1 - y) * _sigmoid(z) - pos_weight * y * _sigmoid(-z)
    return value, slope


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
