# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of zero_one_multiclass (sha256 c2dff9e0882e) by: derive regenerate
# zero_one_multiclass --target numpy
"""Zero-one loss over classes.

    loss = 1 if max(z) > z[t], 0 otherwise
    sum and max run over k, the classes

Domain: z real over k, t one of the classes k. A tie counts as right. The gradient is 0 almost
everywhere: nothing to learn.
loss(z + c) = loss(z): the entries of d_z sum to 0.
Source: Vapnik, The Nature of Statistical Learning Theory, 1995.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import inspect
from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d_z", "hessian_product", "loss", "value_and_grad"]


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


_MANY = ("d_z", "hessian_product")


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
    """The class of each row, along a last axis of length 1."""
    t, rows = np.asarray(value), np.moveaxis(z, axis, -1).shape
    if t.dtype.kind not in "iu":
        raise ValueError(f"t must be integers, the number of a class, got dtype {t.dtype}")
    if t.shape != rows[:-1]:
        raise ValueError(f"t has the shape {t.shape}, z without its classes {rows[:-1]}")
    wrong = (t < 0) | (t >= rows[-1])
    if wrong.any():
        raise ValueError(f"t must be in 0 … {rows[-1] - 1}, got {t[wrong][0]}")
    return t[..., None].astype(np.int64)


@_over_classes
def loss(z: Any, t: Any, axis: int = -1) -> Any:
    """Zero-one loss over classes, one number for each row of classes."""
    top = _largest(z)
    return np.where(np.isnan(top), top, np.where(_entry(z, t) < top, 1, 0))


@_over_classes
def d_z(z: Any, t: Any, axis: int = -1) -> Any:
    """The gradient in z, one number a class."""
    top = _largest(z)
    return np.where(np.isnan(top), top, 0)


@_over_classes
def hessian_product(z: Any, t: Any, v: Any, axis: int = -1) -> Any:
    """The product of the Hessian in z with v."""
    top = _largest(z)
    return np.where(np.isnan(top), top, 0)


@_over_classes
def value_and_grad(z: Any, t: Any, axis: int = -1) -> Any:
    """(loss, d_z) in one pass."""
    top = _largest(z)
    value = np.where(np.isnan(top), top, np.where(_entry(z, t) < top, 1, 0))
    return value, np.where(np.isnan(top), top, 0)


def _entry(value: Any, target: Any) -> Any:
    """The entry of the target's class."""
    return np.take_along_axis(value, target, -1)


def _largest(value: Any) -> Any:
    """The largest entry."""
    return np.max(value, -1, keepdims=True)
