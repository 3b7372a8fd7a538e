# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of multiclass_hinge (sha256 ef721790e6c2) by: derive regenerate
# multiclass_hinge --target numpy
"""Multiclass hinge loss (Crammer and Singer).

    loss = max(f + [k != t]) - f[t]
    sum and max run over k, the classes

Domain: f real over k, t one of the classes k. Where rivals tie, the slope is shared evenly.
loss(f + c) = loss(f): the entries of d_f sum to 0.
Source: Crammer and Singer, JMLR 2, 2001.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import inspect
from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d_f", "hessian_product", "loss", "value_and_grad"]


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
def loss(f: Any, t: Any, axis: int = -1) -> Any:
    """Multiclass hinge loss (Crammer and Singer), one number for each row of classes."""
    return _largest(f - _entry(f, t) + np.where(_hit(f, t), 0, 1))


@_over_classes
def d_f(f: Any, t: Any, axis: int = -1) -> Any:
    """The gradient in f, one number a class."""
    top = _largest(f)
    value = np.where(_hit(f, t), -1, 0) + _share(f + np.where(_hit(f, t), 0, 1))
    return np.where(np.isnan(top), top, value)


@_over_classes
def hessian_product(f: Any, t: Any, v: Any, axis: int = -1) -> Any:
    """The product of the Hessian in f with v."""
    top = _largest(f)
    return np.where(np.isnan(top), top, 0)


@_over_classes
def value_and_grad(f: Any, t: Any, axis: int = -1) -> Any:
    """(loss, d_f) in one pass."""
    w = np.where(_hit(f, t), 0, 1)
    top = _largest(f)
    slope = np.where(np.isnan(top), top, np.where(_hit(f, t), -1, 0) + _share(f + w))
    return _largest(f - _entry(f, t) + w), slope


def _entry(value: Any, target: Any) -> Any:
    """The entry of the target's class."""
    return np.take_along_axis(value, target, -1)


def _hit(like: Any, target: Any) -> Any:
    """Which entries are those of the target's class."""
    return np.arange(like.shape[-1]) == target


def _largest(value: Any) -> Any:
    """The largest entry."""
    return np.max(value, -1, keepdims=True)


def _share(value: Any) -> Any:
    """An even share of 1 for each of the largest entries, 0 for the others."""
    top = value == np.max(value, -1, keepdims=True)
    return np.where(np.isnan(value), np.nan, top / np.sum(top, -1, keepdims=True))
