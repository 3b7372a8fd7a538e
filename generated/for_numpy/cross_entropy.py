# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of cross_entropy (sha256 d4dc6260059f) by: derive regenerate cross_entropy
# --target numpy
"""Cross-entropy of probabilities.

    loss = -log(q[t])
    sum and max run over k, the classes

Domain: q probabilities over k, t one of the classes k.
t may give each class a probability instead: the loss is the mean over classes drawn from them.
Probabilities are taken as they are, whatever they sum to; 0 log 0 = 0.
Source: Shannon, Bell System Technical Journal 27, 1948; torch.nn.NLLLoss of logarithms.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import inspect
from functools import wraps
from typing import Any

import numpy as np

__all__ = ["d_q", "d_t", "hessian_product", "loss", "value_and_grad"]


def _over_classes(formula: Any) -> Any:
    """The formula in float64, with the classes along the last axis; `axis` says where they are in
    what is given. The dtype of q comes out."""
    signature = inspect.signature(formula)

    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(*_given: Any, **_named: Any) -> Any:
        bound = signature.bind(*_given, **_named)
        bound.apply_defaults()
        axis, z = bound.arguments["axis"], np.asarray(bound.arguments["q"])
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


_MANY = ("d_q", "hessian_product", "d_t")


def _arranged(given: Any, z: Any, axis: int) -> Any:
    """Everything as the formulas want it; ValueError says what does not fit."""
    if not isinstance(axis, (int, np.integer)):
        raise ValueError(f"axis must be an integer, got {axis!r}")
    if not -z.ndim <= axis < z.ndim or not z.shape[axis]:
        raise ValueError(f"axis {axis}: no classes there, q has the shape {z.shape}")
    found = {"axis": axis, "q": _entries("q", z, z, axis, True)}
    found["t"] = _target(given["t"], z, axis)
    if "v" in given:
        found["v"] = _entries("v", given["v"], z, axis, False)
    return found


def _entries(name: str, value: Any, z: Any, axis: int, chances: bool) -> Any:
    """An array with one entry a class, shaped like q, in float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must be real numbers, got dtype {array.dtype}")
    if array.shape != z.shape:
        raise ValueError(f"{name} has the shape {array.shape}, q has {z.shape}")
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
        raise ValueError(f"t has the shape {t.shape}, q without its classes {rows[:-1]}")
    wrong = (t < 0) | (t >= rows[-1])
    if wrong.any():
        raise ValueError(f"t must be in 0 … {rows[-1] - 1}, got {t[wrong][0]}")
    return t[..., None].astype(np.int64)


@_over_classes
def loss(q: Any, t: Any, axis: int = -1) -> Any:
    """Cross-entropy of probabilities, one number for each row of classes."""
    if t.dtype.kind == "f":
        top = _largest(q)
        return np.where(np.isnan(top), top, -_total(np.where(t == 0, 0, t * np.log(q))))
    top = _largest(q)
    return np.where(np.isnan(top), top, -np.log(_entry(q, t)))


@_over_classes
def d_q(q: Any, t: Any, axis: int = -1) -> Any:
    """The gradient in q, one number a class."""
    if t.dtype.kind == "f":
        top = _largest(q) + _largest(t)
        return np.where(np.isnan(top), top, np.where(t == 0, 0, -t / q))
    top = _largest(q)
    return np.where(np.isnan(top), top, np.where(_hit(q, t), -1 / _entry(q, t), 0))


@_over_classes
def hessian_product(q: Any, t: Any, v: Any, axis: int = -1) -> Any:
    """The product of the Hessian in q with v."""
    if t.dtype.kind == "f":
        top = _largest(q) + _largest(t)
        return np.where(np.isnan(top), top, np.where(t == 0, 0, t / q * (v / q)))
    top = _largest(q)
    value = np.where(_hit(q, t), _entry(v, t) / _entry(q, t) / _entry(q, t), 0)
    return np.where(np.isnan(top), top, value)


@_over_classes
def d_t(q: Any, t: Any, axis: int = -1) -> Any:
    """The derivative in t."""
    if t.dtype.kind == "f":
        top = _largest(q) + _largest(t)
        return np.where(np.isnan(top), top, -np.log(q))
    raise ValueError("t names a class: there is no derivative in it")


@_over_classes
def value_and_grad(q: Any, t: Any, axis: int = -1) -> Any:
    """(loss, d_q) in one pass."""
    if t.dtype.kind == "f":
        top = _largest(q)
        top2 = top + _largest(t)
        value = np.where(np.isnan(top), top, -_total(np.where(t == 0, 0, t * np.log(q))))
        slope = np.where(np.isnan(top2), top2, np.where(t == 0, 0, -t / q))
        return value, slope
    top = _largest(q)
    value = np.where(np.isnan(top), top, -np.log(_entry(q, t)))
    slope = np.where(np.isnan(top), top, np.where(_hit(q, t), -1 / _entry(q, t), 0))
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
