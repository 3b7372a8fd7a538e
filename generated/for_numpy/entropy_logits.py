# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of entropy_logits (sha256 61c8cf5f13b8) by: derive regenerate entropy_logits
# --target numpy
"""Entropy of a softmax.

    loss = -sum(exp(z)*log(exp(z)/sum(exp(z)))/sum(exp(z)))
    sum and max run over k, the classes

Domain: z real over k. A logit of -inf masks its class.
loss(z + c) = loss(z): the entries of d_z sum to 0.
Source: Shannon, Bell System Technical Journal 27, 1948.
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


@_over_classes
def loss(z: Any, axis: int = -1) -> Any:
    """Entropy of a softmax, one number for each row of classes."""
    gaps = z - _largest(z)
    e = np.exp(gaps)
    rest = _rest(e)
    s = e / (1 + rest)
    q = _log1p(rest) - gaps
    return _total(np.where(s == 0, 0, q * s))


@_over_classes
def d_z(z: Any, axis: int = -1) -> Any:
    """The gradient in z, one number a class."""
    e = np.exp(z - _largest(z))
    s = e / (1 + _rest(e))
    return np.where(s == 0, 0, -_centred(z, s) * s)


@_over_classes
def hessian_product(z: Any, v: Any, axis: int = -1) -> Any:
    """The product of the Hessian in z with v."""
    gaps = z - _largest(z)
    e = np.exp(gaps)
    rest = _rest(e)
    s = e / (1 + rest)
    q = _log1p(rest) - gaps
    u = _centred(v, s) * s * (_total(np.where(s == 0, 0, q * s)) + 1 - q)
    a = np.where(s == 0, 0, u)
    return s * _others(a) + a * np.expm1(-q)


@_over_classes
def value_and_grad(z: Any, axis: int = -1) -> Any:
    """(loss, d_z) in one pass."""
    gaps = z - _largest(z)
    e = np.exp(gaps)
    rest = _rest(e)
    s = e / (1 + rest)
    q = _log1p(rest) - gaps
    value = _total(np.where(s == 0, 0, q * s))
    slope = np.where(s == 0, 0, -_centred(z, s) * s)
    return value, slope


def _centred(value: Any, weight: Any) -> Any:
    """Entries less their mean by weights that sum to 1: exactly 0 where they are equal."""
    gaps = value - np.take_along_axis(value, np.argmax(weight, -1, keepdims=True), -1)
    return gaps - np.sum(np.where(weight == 0, 0.0, weight * gaps), -1, keepdims=True)


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


def _rest(value: Any) -> Any:
    """The sum of all entries but the (first) largest."""
    others = np.array(value)
    np.put_along_axis(others, np.argmax(value, -1, keepdims=True), 0.0, -1)
    return np.sum(others, -1, keepdims=True)


def _total(value: Any) -> Any:
    """The sum over the classes."""
    return np.sum(value, -1, keepdims=True)
