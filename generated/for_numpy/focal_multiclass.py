# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of focal_multiclass (sha256 52107c0299df) by: derive regenerate
# focal_multiclass --target numpy
"""Multiclass focal loss.

    loss = -(1 - exp(z[t])/sum(exp(z)))^gamma*log(exp(z[t])/sum(exp(z)))
    sum and max run over k, the classes

Domain: z real over k, t one of the classes k, gamma >= 0.
loss(z + c) = loss(z): the entries of d_z sum to 0.
t may give each class a probability instead: the loss is the mean over classes drawn from them.
Probabilities are taken as they are, whatever they sum to; 0 log 0 = 0.
Source: Lin et al., ICCV 2017, arXiv:1708.02002, over a softmax.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import inspect
from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d_gamma", "d_t", "d_z", "hessian_product", "loss", "value_and_grad"]


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
    rows: Any = [("gamma", ">= 0 and finite", lambda p: (p >= 0) & (p < np.inf))]
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
def loss(z: Any, t: Any, gamma: Any = 2.0, axis: int = -1) -> Any:
    """Multiclass focal loss, one number for each row of classes."""
    if t.dtype.kind == "f":
        top = _largest(z)
        gaps = z - top
        e = np.exp(gaps)
        rest = _rest(e)
        q = _log1p(rest) - gaps
        o = _others(e) / (1 + rest)
        return np.where(np.isnan(top), top, _total(np.where(t == 0, 0, t * q * o**gamma)))
    gaps = z - _largest(z)
    n = _log1p(_rest(np.exp(gaps))) - _entry(gaps, t)
    return n * (-np.expm1(-n)) ** gamma


@_over_classes
def d_z(z: Any, t: Any, gamma: Any = 2.0, axis: int = -1) -> Any:
    """The gradient in z, one number a class."""
    if t.dtype.kind == "f":
        top = _largest(t)
        gaps = z - _largest(z)
        e = np.exp(gaps)
        rest = _rest(e)
        s = e / (1 + rest)
        q = _log1p(rest) - gaps
        u = -q
        p = np.expm1(u)
        w = t * (-p) ** gamma * (np.where(s == 0, 0, s / _exprel(u) * gamma) + 1)
        a = np.where(t == 0, 0, w)
        r = s * _others(a) + a * p
        return np.where(np.isnan(top), top, r)
    gaps = z - _largest(z)
    e = np.exp(gaps)
    rest = _rest(e)
    s = e / (1 + rest)
    n = _log1p(rest) - _entry(gaps, t)
    p = np.expm1(-n)
    u = _put_into(s, t, p) * (-p) ** gamma
    w = np.exp(-n)
    q = np.where(w == 0, 0, gamma / _exprel(-n) * w)
    return u * (q + 1)


@_over_classes
def d_gamma(z: Any, t: Any, gamma: Any = 2.0, axis: int = -1) -> Any:
    """The derivative in gamma."""
    if t.dtype.kind == "f":
        top = _largest(z) + _largest(t)
        gaps = z - _largest(z)
        e = np.exp(gaps)
        rest = _rest(e)
        o = _others(e) / (1 + rest)
        p = o**gamma
        q = _log1p(rest) - gaps
        w = np.where(p == 0, 0, np.where(t == 0, 0, t * _log1mexp(q) * q * p))
        return np.where(np.isnan(top), top, _total(w))
    top = _largest(z)
    gaps = z - top
    n = _log1p(_rest(np.exp(gaps))) - _entry(gaps, t)
    p = (-np.expm1(-n)) ** gamma
    w = np.where(p == 0, 0, n * _log1mexp(n) * p)
    return np.where(np.isnan(top), top, w)


@_over_classes
def hessian_product(z: Any, t: Any, v: Any, gamma: Any = 2.0, axis: int = -1) -> Any:
    """The product of the Hessian in z with v."""
    if t.dtype.kind == "f":
        top = _largest(t)
        gaps = z - _largest(z)
        e = np.exp(gaps)
        rest = _rest(e)
        s = e / (1 + rest)
        near = s == 0
        q = _log1p(rest) - gaps
        u = -q
        w = _exprel(u)
        p = np.expm1(u)
        r = -p
        g = r**gamma
        h = t / w * s * g
        near2 = r == 0
        k = g / r
        m = t * gamma * k
        n = np.where(near2, 0, np.where(t == 0, 0, -m))
        q2 = _total(np.where(near, 0, np.where(t == 0, 0, -h))) * gamma + n
        v2 = s / w
        q3 = np.where(near, 0, -v2) + np.where(near, 0, v2 * gamma)
        w2 = np.where(t == 0, 0, -m * (q3 + 1 - q))
        u2 = _total(np.where(t == 0, 0, t * g))
        u3 = _centred(v, s) * s * (q2 + np.where(near2, 0, w2) - u2)
        a = np.where(near, 0, u3)
        q4 = s * _others(a) + a * p
        return np.where(np.isnan(top), top, q4)
    gaps = z - _largest(z)
    e = np.exp(gaps)
    rest = _rest(e)
    n = _log1p(rest) - _entry(gaps, t)
    p = np.expm1(-n)
    s = e / (1 + rest)
    u = np.exp(-n)
    near = u == 0
    w = np.where(near, 0, gamma / _exprel(-n) * u)
    q = _entry(_centred(v, s), t) / p * _put(s, t, p)
    r = np.where(near, 0, -u / _exprel(-n))
    g = q * gamma * (r + w + 2 - n) * u
    h = np.where(p == 0, 0, np.where(near, 0, g))
    return (-p) ** gamma * (np.where(s == 0, 0, _centred(v, s) * s * (w + 1)) + h)


@_over_classes
def d_t(z: Any, t: Any, gamma: Any = 2.0, axis: int = -1) -> Any:
    """The derivative in t."""
    if t.dtype.kind == "f":
        top = _largest(t)
        gaps = z - _largest(z)
        e = np.exp(gaps)
        rest = _rest(e)
        q = _log1p(rest) - gaps
        o = _others(e) / (1 + rest)
        return np.where(np.isnan(top), top, q * o**gamma)
    raise ValueError("t names a class: there is no derivative in it")


@_over_classes
def value_and_grad(z: Any, t: Any, gamma: Any = 2.0, axis: int = -1) -> Any:
    """(loss, d_z) in one pass."""
    if t.dtype.kind == "f":
        top = _largest(z)
        gaps = z - top
        e = np.exp(gaps)
        rest = _rest(e)
        q = _log1p(rest) - gaps
        o = _others(e) / (1 + rest)
        top2 = _largest(t)
        s = e / (1 + rest)
        u = -q
        p = np.expm1(u)
        w = t * (-p) ** gamma * (np.where(s == 0, 0, s / _exprel(u) * gamma) + 1)
        a = np.where(t == 0, 0, w)
        r = s * _others(a) + a * p
        value = np.where(np.isnan(top), top, _total(np.where(t == 0, 0, t * q * o**gamma)))
        return value, np.where(np.isnan(top2), top2, r)
    gaps = z - _largest(z)
    e = np.exp(gaps)
    rest = _rest(e)
    n = _log1p(rest) - _entry(gaps, t)
    p = np.expm1(-n)
    u = (-p) ** gamma
    s = e / (1 + rest)
    w = _put_into(s, t, p) * u
    q = np.exp(-n)
    r = np.where(q == 0, 0, gamma / _exprel(-n) * q)
    return n * u, w * (r + 1)


def _exprel(z: Any) -> Any:
    """(exp(z) - 1)/z, and 1 at z = 0."""
    return _where_rare(z == 0, lambda: 1, np.expm1(z) / np.minimum(z, 1e30))


def _log1mexp(n: Any) -> Any:
    """log(1 - exp(-n)) for n >= 0."""
    return np.where(n < 0.6931471805599453, np.log(-np.expm1(-n)), _log1p(-np.exp(-n)))


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


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual


def _put(value: Any, target: Any, entry: Any) -> Any:
    """The array with the entry of the target's class replaced."""
    found = np.array(value)
    np.put_along_axis(found, target, entry, -1)
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
