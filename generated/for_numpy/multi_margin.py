# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of multi_margin (sha256 bd1e1a206cb7) by: derive regenerate multi_margin
# --target numpy
"""Multiclass hinge loss (Weston and Watkins).

    loss = sum([k != t]*max(0, f + margin - f[t])^power)/sum(1)
    sum and max run over k, the classes

Domain: f real over k, t one of the classes k, margin > 0, power in [1, inf). At a kink the slope is
the middle one.
loss(f + c) = loss(f): the entries of d_f sum to 0.
Source: Weston and Watkins, ESANN 1999; torch.nn.MultiMarginLoss.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import inspect
from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d_f", "d_margin", "d_power", "hessian_product", "loss", "value_and_grad"]


def _over_classes(formula: Any) -> Any:
    """The formula in float64, with the classes along the last axis; `axis` says where they are in
    what is given. The dtype of f comes out."""
    signature = inspect.signature(formula)

    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(*_given: Any, **_named: Any) -> Any:
        bound = signature.bind(*_given, **_named)
        bound.apply_defaults()
        axis, z = bound.arguments["axis"], np.asarray(bound.arguments["f"])
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


_MANY = ("d_f", "hessian_product")


def _arranged(given: Any, z: Any, axis: int) -> Any:
    """Everything as the formulas want it; ValueError says what does not fit."""
    if not isinstance(axis, (int, np.integer)):
        raise ValueError(f"axis must be an integer, got {axis!r}")
    if not -z.ndim <= axis < z.ndim or not z.shape[axis]:
        raise ValueError(f"axis {axis}: no classes there, f has the shape {z.shape}")
    found = {"axis": axis, "f": _entries("f", z, z, axis, False)}
    found["t"] = _target(given["t"], z, axis)
    if "v" in given:
        found["v"] = _entries("v", given["v"], z, axis, False)
    rows: Any = [
        ("margin", "> 0 and finite", lambda p: (p > 0) & (p < np.inf)),
        ("power", "in [1, inf)", lambda p: (p >= 1) & (p < np.inf)),
    ]
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
    """An array with one entry a class, shaped like f, in float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must be real numbers, got dtype {array.dtype}")
    if array.shape != z.shape:
        raise ValueError(f"{name} has the shape {array.shape}, f has {z.shape}")
    if chances and np.any(array < 0):
        raise ValueError(f"probabilities {name} must not be negative, got {array[array < 0][0]}")
    array = np.moveaxis(array, axis, -1).astype(np.float64, order="C")
    return array + 0.0 if chances else array  # -0.0 is 0


def _target(value: Any, z: Any, axis: int) -> Any:
    """The class of each row, along a last axis of length 1."""
    t, rows = np.asarray(value), np.moveaxis(z, axis, -1).shape
    if t.dtype.kind not in "iu":
        raise ValueError(f"t must be integers, the number of a class, got dtype {t.dtype}")
    if t.shape != rows[:-1]:
        raise ValueError(f"t has the shape {t.shape}, f without its classes {rows[:-1]}")
    wrong = (t < 0) | (t >= rows[-1])
    if wrong.any():
        raise ValueError(f"t must be in 0 … {rows[-1] - 1}, got {t[wrong][0]}")
    return t[..., None].astype(np.int64)


@_over_classes
def loss(f: Any, t: Any, margin: Any = 1.0, power: Any = 1.0, axis: int = -1) -> Any:
    """Multiclass hinge loss (Weston and Watkins), one number for each row of classes."""
    top = _largest(f)
    u = _total(np.where(_hit(f, t), 0, np.maximum(f - _entry(f, t) + margin, 0) ** power))
    return np.where(np.isnan(top), top, u / f.shape[-1])


@_over_classes
def d_f(f: Any, t: Any, margin: Any = 1.0, power: Any = 1.0, axis: int = -1) -> Any:
    """The gradient in f, one number a class."""
    top = _largest(f)
    u = _hit(f, t)
    q = f - _entry(f, t) + margin
    far = q > 0
    w = q**power / q
    p = w * power
    near = q == 0
    r = power / 2 * np.where(power == 1, 1, 0)
    g = np.where(near, np.where(u, 0, -r), 0)
    h = np.where(far, np.where(u, 0, -p), g)
    k = np.where(near, np.where(u, 0, r), 0)
    m = np.where(far, np.where(u, 0, p), k)
    return np.where(np.isnan(top), top, (np.where(u, _total(h), 0) + m) / f.shape[-1])


@_over_classes
def d_margin(f: Any, t: Any, margin: Any = 1.0, power: Any = 1.0, axis: int = -1) -> Any:
    """The derivative in margin."""
    top = _largest(f)
    q = f - _entry(f, t) + margin
    u = q**power / q
    w = np.where(q == 0, np.where(_hit(f, t), 0, power / 2 * np.where(power == 1, 1, 0)), 0)
    p = np.where(q > 0, np.where(_hit(f, t), 0, u * power), w)
    return np.where(np.isnan(top), top, _total(p) / f.shape[-1])


@_over_classes
def d_power(f: Any, t: Any, margin: Any = 1.0, power: Any = 1.0, axis: int = -1) -> Any:
    """The derivative in power."""
    top = _largest(f)
    q = f - _entry(f, t) + margin
    p = np.maximum(q, 0) ** power
    u = np.log(q) * p
    w = np.where(_hit(f, t), 0, np.where(p == 0, 0, u))
    r = _total(np.where(q > 0, w, 0)) / f.shape[-1]
    return np.where(np.isnan(top), top, r)


@_over_classes
def hessian_product(
    f: Any, t: Any, v: Any, margin: Any = 1.0, power: Any = 1.0, axis: int = -1
) -> Any:
    """The product of the Hessian in f with v."""
    top = _largest(f)
    u = _hit(f, t)
    q = f - _entry(f, t) + margin
    far = q > 0
    w = q**power / q
    p = w / q * power
    r = np.where(u, 0, p * (1 - power))
    g = np.where(u, _total(v * np.where(far, r, 0)), 0)
    h = p * (power - 1)
    k = np.where(u, 0, h)
    m = np.where(far, k, 0)
    n = _entry(v, t) * _total(m)
    q2 = g + np.where(u, n, 0) + v * m
    u2 = -h
    u3 = _entry(v, t) * np.where(far, np.where(u, 0, u2), 0)
    return np.where(np.isnan(top), top, (q2 + u3) / f.shape[-1])


@_over_classes
def value_and_grad(f: Any, t: Any, margin: Any = 1.0, power: Any = 1.0, axis: int = -1) -> Any:
    """(loss, d_f) in one pass."""
    top = _largest(f)
    u = _hit(f, t)
    q = f - _entry(f, t) + margin
    w = _total(np.where(u, 0, np.maximum(q, 0) ** power))
    far = q > 0
    p = q**power / q
    r = p * power
    near = q == 0
    g = power / 2 * np.where(power == 1, 1, 0)
    h = np.where(near, np.where(u, 0, -g), 0)
    k = np.where(far, np.where(u, 0, -r), h)
    m = np.where(near, np.where(u, 0, g), 0)
    n = np.where(far, np.where(u, 0, r), m)
    value = np.where(np.isnan(top), top, w / f.shape[-1])
    slope = np.where(np.isnan(top), top, (np.where(u, _total(k), 0) + n) / f.shape[-1])
    return value, slope


def _entry(value: Any, target: Any) -> Any:
    """The entry of the target's class."""
    return np.take_along_axis(value, target, -1)


def _hit(like: Any, target: Any) -> Any:
    """Which entries are those of the target's class."""
    return np.arange(like.shape[-1]) == target


def _largest(value: Any) -> Any:
    """The largest entry."""
    return np.max(value, -1, keepdims=True)


def _total(value: Any) -> Any:
    """The sum over the classes."""
    return np.sum(value, -1, keepdims=True)
