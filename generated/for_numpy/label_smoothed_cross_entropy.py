# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of label_smoothed_cross_entropy (sha256 7c6549ebd59e) by: derive regenerate
# label_smoothed_cross_entropy --target numpy
"""Label-smoothed cross-entropy.

    loss = log(sum(exp(z))) - eps*sum(z)/sum(1) - (1 - eps)*z[t]
    sum and max run over k, the classes

Domain: z real over k, t one of the classes k, eps in [0, 1].
loss(z + c) = loss(z): the entries of d_z sum to 0.
t may give each class a probability instead: the loss is the mean over classes drawn from them.
Probabilities are taken as they are, whatever they sum to; 0 log 0 = 0.
Source: Szegedy et al., CVPR 2016, section 7; eps over all classes, the target's too.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import inspect
from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d_eps", "d_t", "d_z", "hessian_product", "loss", "value_and_grad"]


def _over_classes(formula: Any) -> Any:
    """The formula in float64, with the classes along the last axis; `axis` says where they are in
    what is given. The dtype of z comes out."""
    signature = inspect.signature(formula)

    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(*_given: Any, **_named: Any) -> Any:
        bound = signature.bind(*_given, **_named)
        bound.apply_defaults()
        axis, z = bound.arguments["axis"], np.asarray(bound.arguments["z"])
        found = formula(**_arranged(bound.arguments, z, axis))
        dtype = z.dtype if z.dtype.kind == "f" else np.dtype(np.float64)
        shape = np.moveaxis(z, axis, -1).shape

        def given_back(value: Any, many: bool) -> Any:
            if many:
                return np.moveaxis(np.broadcast_to(value, shape).astype(dtype), -1, axis)
            return np.broadcast_to(value, (*shape[:-1], 1))[..., 0].astype(dtype)[()]

        if formula.__name__ == "value_and_grad":
            return given_back(found[0], False), given_back(found[1], True)
        return given_back(found, formula.__name__ in _MANY)

    return evaluate


_MANY = ("d_z", "hessian_product", "d_t")


def _arranged(given: Any, z: Any, axis: int) -> Any:
    """Everything as the formulas want it; ValueError says what does not fit."""
    if not isinstance(axis, (int, np.integer)):
        raise ValueError(f"axis must be an integer, got {axis!r}")
    if not -z.ndim <= axis < z.ndim or not z.shape[axis]:
        raise ValueError(f"axis {axis}: no classes there, z has the shape {z.shape}")
    found = {"axis": axis, "z": _entries("z", z, z, axis, False)}
    found["t"] = _target(given["t"], z, axis)
    if "v" in given:
        found["v"] = _entries("v", given["v"], z, axis, False)
    rows: Any = [("eps", "in [0, 1]", lambda p: (p >= 0) & (p <= 1))]
    shape = np.moveaxis(z, axis, -1).shape[:-1]
    for name, rule, accepts in rows:
        array = np.asarray(given[name])
        if array.dtype.kind not in "fiub" or not accepts(array).all():
            raise ValueError(f"{name} must be {rule}, got {given[name]!r}")
        try:
            np.broadcast_to(array, shape)
        except ValueError:
            raise ValueError(f"{name} has the shape {array.shape}, the rows have {shape}") from None
        array = array.astype(np.float64)
        found[name] = array[..., None] if array.ndim else array
    return found


def _entries(name: str, value: Any, z: Any, axis: int, chances: bool) -> Any:
    """An array with one entry a class, shaped like z, in float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must be real numbers, got dtype {array.dtype}")
    if array.shape != z.shape:
        raise ValueError(f"{name} has the shape {array.shape}, z has {z.shape}")
    if chances and np.any(array < 0):
        raise ValueError(f"probabilities {name} must not be negative, got {array[array < 0][0]}")
    array = np.moveaxis(array, axis, -1).astype(np.float64, order="C")
    return array + 0.0 if chances else array  # -0.0 is 0


def _target(value: Any, z: Any, axis: int) -> Any:
    """The class of each row, along a last axis of length 1; or probabilities, one a class."""
    t, rows = np.asarray(value), np.moveaxis(z, axis, -1).shape
    if t.dtype.kind not in "iu":
        if t.dtype.kind not in "fb" or t.shape == rows[:-1]:
            raise ValueError(f"t must be integers, or one probability a class, got {t.dtype}")
        return _entries("t", t, z, axis, True)
    if t.shape != rows[:-1]:
        raise ValueError(f"t has the shape {t.shape}, z without its classes {rows[:-1]}")
    wrong = (t < 0) | (t >= rows[-1])
    if wrong.any():
        raise ValueError(f"t must be in 0 … {rows[-1] - 1}, got {t[wrong][0]}")
    return t[..., None].astype(np.int64)


@_over_classes
def loss(z: Any, t: Any, eps: Any = 0.1, axis: int = -1) -> Any:
    """Label-smoothed cross-entropy, one number for each row of classes."""
    if t.dtype.kind == "f":
        gaps = z - _largest(z)
        q = _log1p(_rest(np.exp(gaps))) - gaps
        u = _total(np.where(t == 0, 0, t * q))
        w = u + _total(t) / z.shape[-1] * _total(q) * eps
        return w - u * eps
    gaps = z - _largest(z)
    L = _log1p(_rest(np.exp(gaps)))
    n = L - _entry(gaps, t)
    q = L - gaps
    return n * (1 - eps) + _total(q) / z.shape[-1] * eps


@_over_classes
def d_z(z: Any, t: Any, eps: Any = 0.1, axis: int = -1) -> Any:
    """The gradient in z, one number a class."""
    if t.dtype.kind == "f":
        gaps = z - _largest(z)
        e = np.exp(gaps)
        rest = _rest(e)
        s = e / (1 + rest)
        q = _log1p(rest) - gaps
        u = (s * _others(t) + t * np.expm1(-q)) * (1 - eps)
        w = gaps - _log1p(_total(np.expm1(gaps)) / z.shape[-1])
        return u + _total(t) * (np.expm1(w) / z.shape[-1]) * eps
    gaps = z - _largest(z)
    q = gaps - _log1p(_total(np.expm1(gaps)) / z.shape[-1])
    e = np.exp(gaps)
    rest = _rest(e)
    s = e / (1 + rest)
    n = _log1p(rest) - _entry(gaps, t)
    return np.expm1(q) / z.shape[-1] * eps + _put_into(s, t, np.expm1(-n)) * (1 - eps)


@_over_classes
def d_eps(z: Any, t: Any, eps: Any = 0.1, axis: int = -1) -> Any:
    """The derivative in eps."""
    if t.dtype.kind == "f":
        top = _largest(z)
        level = _level(z)
        q = _total(np.where(t == 0, 0, t * level)) - _total(t) / z.shape[-1] * _total(level)
        return np.where(np.isnan(top), top, q)
    return -_total(z - _entry(z, t)) / z.shape[-1]


@_over_classes
def hessian_product(z: Any, t: Any, v: Any, eps: Any = 0.1, axis: int = -1) -> Any:
    """The product of the Hessian in z with v."""
    if t.dtype.kind == "f":
        top = _largest(t)
        e = np.exp(z - _largest(z))
        s = e / (1 + _rest(e))
        return np.where(np.isnan(top), top, np.where(s == 0, 0, _centred(v, s) * _total(t) * s))
    e = np.exp(z - _largest(z))
    s = e / (1 + _rest(e))
    return np.where(s == 0, 0, _centred(v, s) * s)


@_over_classes
def d_t(z: Any, t: Any, eps: Any = 0.1, axis: int = -1) -> Any:
    """The derivative in t."""
    if t.dtype.kind == "f":
        top = _largest(t)
        gaps = z - _largest(z)
        q = _log1p(_rest(np.exp(gaps))) - gaps
        return np.where(np.isnan(top), top, q + _total(q) / z.shape[-1] * eps - q * eps)
    raise ValueError("t names a class: there is no derivative in it")


@_over_classes
def value_and_grad(z: Any, t: Any, eps: Any = 0.1, axis: int = -1) -> Any:
    """(loss, d_z) in one pass."""
    if t.dtype.kind == "f":
        gaps = z - _largest(z)
        e = np.exp(gaps)
        rest = _rest(e)
        q = _log1p(rest) - gaps
        u = _total(np.where(t == 0, 0, t * q))
        w = u + _total(t) / z.shape[-1] * _total(q) * eps
        s = e / (1 + rest)
        p = (s * _others(t) + t * np.expm1(-q)) * (1 - eps)
        r = gaps - _log1p(_total(np.expm1(gaps)) / z.shape[-1])
        slope = p + _total(t) * (np.expm1(r) / z.shape[-1]) * eps
        return w - u * eps, slope
    gaps = z - _largest(z)
    e = np.exp(gaps)
    rest = _rest(e)
    L = _log1p(rest)
    n = L - _entry(gaps, t)
    q = L - gaps
    u = gaps - _log1p(_total(np.expm1(gaps)) / z.shape[-1])
    s = e / (1 + rest)
    value = n * (1 - eps) + _total(q) / z.shape[-1] * eps
    slope = np.expm1(u) / z.shape[-1] * eps + _put_into(s, t, np.expm1(-n)) * (1 - eps)
    return value, slope


def _centred(value: Any, weight: Any) -> Any:
    """Entries less their mean by weights that sum to 1: exactly 0 where they are equal."""
    gaps = value - np.take_along_axis(value, np.argmax(weight, -1, keepdims=True), -1)
    return gaps - np.sum(np.where(weight == 0, 0.0, weight * gaps), -1, keepdims=True)


def _entry(value: Any, target: Any) -> Any:
    """The entry of the target's class."""
    return np.take_along_axis(value, target, -1)


def _largest(value: Any) -> Any:
    """The largest entry."""
    return np.max(value, -1, keepdims=True)


def _level(value: Any) -> Any:
    """Entries less their mean, where that is finite: it is not beside a masked class."""
    gaps = value - np.max(value, -1, keepdims=True)
    mean = np.sum(gaps, -1, keepdims=True) / value.shape[-1]
    return gaps - np.where(np.isfinite(mean), mean, 0.0)


def _log1p(w: Any) -> Any:
    """log(1 + w), by log, which is the faster one, and what rounding takes from u = 1 + w."""
    u = 1 + w
    return np.log(u) + np.fmax((w - (u - 1)) / u, -1)  # -1: there log(u) is infinite


def _others(value: Any) -> Any:
    """For each entry the sum of all others; beside the largest it is added up, not subtracted."""
    top = np.argmax(np.abs(value), -1, keepdims=True)
    kept = np.array(value)
    np.put_along_axis(kept, top, 0.0, -1)
    rest = np.sum(kept, -1, keepdims=True)
    found = np.take_along_axis(value, top, -1) + rest - value
    np.put_along_axis(found, top, rest, -1)
    return found


def _put_into(value: Any, target: Any, entry: Any) -> Any:
    """The array with the entry of the target's class replaced; nothing else needs it."""
    np.put_along_axis(value, target, entry, -1)
    return value


def _rest(value: Any) -> Any:
    """The sum of all entries but the (first) largest."""
    others = np.array(value)
    np.put_along_axis(others, np.argmax(value, -1, keepdims=True), 0.0, -1)
    return np.sum(others, -1, keepdims=True)


def _total(value: Any) -> Any:
    """The sum over the classes."""
    return np.sum(value, -1, keepdims=True)
