# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of entropy (sha256 881105c01d75) by: derive regenerate entropy --target numpy
"""Entropy.

    loss = -sum(p*log(p))
    sum and max run over k, the classes

Domain: p probabilities over k. The slope at a probability of 0 is inf.
Probabilities are taken as they are, whatever they sum to; 0 log 0 = 0.
Source: Shannon, Bell System Technical Journal 27, 1948.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import inspect
from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d_p", "hessian_product", "loss", "value_and_grad"]


def _over_classes(formula: Any) -> Any:
    """The formula in float64, with the classes along the last axis; `axis` says where they are in
    what is given. The dtype of p comes out."""
    signature = inspect.signature(formula)

    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(*_given: Any, **_named: Any) -> Any:
        bound = signature.bind(*_given, **_named)
        bound.apply_defaults()
        axis, z = bound.arguments["axis"], np.asarray(bound.arguments["p"])
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


_MANY = ("d_p", "hessian_product")


def _arranged(given: Any, z: Any, axis: int) -> Any:
    """Everything as the formulas want it; ValueError says what does not fit."""
    if not isinstance(axis, (int, np.integer)):
        raise ValueError(f"axis must be an integer, got {axis!r}")
    if not -z.ndim <= axis < z.ndim or not z.shape[axis]:
        raise ValueError(f"axis {axis}: no classes there, p has the shape {z.shape}")
    found = {"axis": axis, "p": _entries("p", z, z, axis, True)}
    if "v" in given:
        found["v"] = _entries("v", given["v"], z, axis, False)
    return found


def _entries(name: str, value: Any, z: Any, axis: int, chances: bool) -> Any:
    """An array with one entry a class, shaped like p, in float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must be real numbers, got dtype {array.dtype}")
    if array.shape != z.shape:
        raise ValueError(f"{name} has the shape {array.shape}, p has {z.shape}")
    if chances and np.any(array < 0):
        raise ValueError(f"probabilities {name} must not be negative, got {array[array < 0][0]}")
    array = np.moveaxis(array, axis, -1).astype(np.float64, order="C")
    return array + 0.0 if chances else array  # -0.0 is 0


@_over_classes
def loss(p: Any, axis: int = -1) -> Any:
    """Entropy, one number for each row of classes."""
    return -_total(np.where(p == 0, 0, p * np.log(p)))


@_over_classes
def d_p(p: Any, axis: int = -1) -> Any:
    """The gradient in p, one number a class."""
    top = _largest(p)
    return np.where(np.isnan(top), top, -1 - np.log(p))


@_over_classes
def hessian_product(p: Any, v: Any, axis: int = -1) -> Any:
    """The product of the Hessian in p with v."""
    top = _largest(p)
    return np.where(np.isnan(top), top, -v / p)


@_over_classes
def value_and_grad(p: Any, axis: int = -1) -> Any:
    """(loss, d_p) in one pass."""
    L = np.log(p)
    top = _largest(p)
    value = -_total(np.where(p == 0, 0, p * L))
    slope = np.where(np.isnan(top), top, -1 - L)
    return value, slope


def _largest(value: Any) -> Any:
    """The largest entry."""
    return np.max(value, -1, keepdims=True)


def _total(value: Any) -> Any:
    """The sum over the classes."""
    return np.sum(value, -1, keepdims=True)
