# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of kl_divergence (sha256 114405ed3926) by: derive regenerate kl_divergence
# --target numpy
"""Kullback-Leibler divergence.

    loss = sum(p*log(p/q))
    sum and max run over k, the classes

Domain: q probabilities over k, p probabilities over k. q is the prediction. Infinite where only the
target has mass.
Probabilities are taken as they are, whatever they sum to; 0 log 0 = 0.
Source: Kullback and Leibler, Ann. Math. Statist. 22(1), 1951.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import inspect
from functools import reduce, wraps
from typing import Any

import numpy as np

__all__ = ["d_p", "d_q", "hessian_product", "loss", "value_and_grad"]


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


_MANY = ("d_q", "d_p", "hessian_product")


def _arranged(given: Any, z: Any, axis: int) -> Any:
    """Everything as the formulas want it; ValueError says what does not fit."""
    if not isinstance(axis, (int, np.integer)):
        raise ValueError(f"axis must be an integer, got {axis!r}")
    if not -z.ndim <= axis < z.ndim or not z.shape[axis]:
        raise ValueError(f"axis {axis}: no classes there, q has the shape {z.shape}")
    found = {"axis": axis, "q": _entries("q", z, z, axis, True)}
    found["p"] = _target(given["p"], z, axis)
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
    """The class of each row; or probabilities, one a class."""
    t, rows = np.asarray(value), np.moveaxis(z, axis, -1).shape
    if t.dtype.kind not in "iu":
        if t.dtype.kind not in "fb" or t.shape == rows[:-1]:
            raise ValueError(f"p must be integers, or one probability a class, got {t.dtype}")
        return _entries("p", t, z, axis, True)
    if t.shape != rows[:-1]:
        raise ValueError(f"p has the shape {t.shape}, q without its classes {rows[:-1]}")
    wrong = (t < 0) | (t >= rows[-1])
    if wrong.any():
        raise ValueError(f"p must be in 0 … {rows[-1] - 1}, got {t[wrong][0]}")
    return np.where(np.arange(rows[-1]) == t[..., None], 1.0, 0.0)


@_over_classes
def loss(q: Any, p: Any, axis: int = -1) -> Any:
    """Kullback-Leibler divergence, one number for each row of classes."""
    return _total(p - q) + _total(_divergence(p, q, q - p))


@_over_classes
def d_q(q: Any, p: Any, axis: int = -1) -> Any:
    """The gradient in q, one number a class."""
    top = _largest(q) + _largest(p)
    return np.where(np.isnan(top), top, np.where(p == 0, 0, -p / q))


@_over_classes
def d_p(q: Any, p: Any, axis: int = -1) -> Any:
    """The derivative in p."""
    top = _largest(q) + _largest(p)
    return np.where(np.isnan(top), top, _log_ratio(p, q, p - q) + 1)


@_over_classes
def hessian_product(q: Any, p: Any, v: Any, axis: int = -1) -> Any:
    """The product of the Hessian in q with v."""
    top = _largest(q) + _largest(p)
    return np.where(np.isnan(top), top, np.where(p == 0, 0, p / q * (v / q)))


@_over_classes
def value_and_grad(q: Any, p: Any, axis: int = -1) -> Any:
    """(loss, d_q) in one pass."""
    top = _largest(q) + _largest(p)
    value = _total(p - q) + _total(_divergence(p, q, q - p))
    slope = np.where(np.isnan(top), top, np.where(p == 0, 0, -p / q))
    return value, slope


def _divergence(a: Any, b: Any, d: Any) -> Any:
    """a log(a/b) - a + b, where d = b - a; b at a = 0. It is never negative."""
    value = -a * _log1p_minus(d / a)
    value = np.where((0.5 * a > b) | (2.0**-10 * b > a), d + a * _log_quotient(a, b), value)
    return _where_rare(a == 0, lambda: b, value)


def _log1p_minus(z: Any) -> Any:
    """log(1 + z) - z, without cancellation at small z."""
    w = z / (2 + z)
    value = _log1p(z) - z
    value = _where_rare(z == np.inf, lambda: -np.inf, value)
    terms = (
        1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13, 1 / 15, 1 / 17, 1 / 19, 1 / 21, 1 / 23, 1 / 25,
        1 / 27, 1 / 29, 1 / 31, 1 / 33, 1 / 35,
    )  # fmt: skip
    u = 0.5 * (1 - w) * (1 - (1 - w) * w * _horner(w * w, terms))
    return np.where((z > -0.5) & (z < 1), -z * z * u, value)


def _log_quotient(a: Any, b: Any) -> Any:
    """log(a/b), also where the quotient leaves the range."""
    value = np.log(a / b)
    return np.where(np.minimum(a, b) < 2.0**-60 * np.maximum(a, b), np.log(a) - np.log(b), value)


def _log_ratio(t: Any, z: Any, d: Any) -> Any:
    """log(t/z), from d = t - z where neither is far beyond the other."""
    least = np.minimum(t, z)
    size = _log1p(np.abs(d) / least)
    q = t / z
    value = 2 * np.log(np.sqrt(t) / np.sqrt(z))
    value = np.where((q > 1e-30) & (q < 1e30), np.log(q), value)
    return np.where(np.abs(d) < 2 * least, _where_rare(d < 0, lambda: -size, size), value)


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    return reduce(lambda total, c: total * z + c, coefficients[::-1])


def _largest(value: Any) -> Any:
    """The largest entry."""
    return np.max(value, -1, keepdims=True)


def _log1p(w: Any) -> Any:
    """log(1 + w), by log, which is the faster one, and what rounding takes from u = 1 + w."""
    u = 1 + w
    return np.log(u) + np.fmax((w - (u - 1)) / u, -1)  # -1: there log(u) is infinite


def _where_rare(rare: Any, value: Any, usual: Any) -> Any:
    """`value()` where the condition holds; not evaluated where it holds nowhere."""
    return np.where(rare, value(), usual) if np.count_nonzero(rare) else usual


def _total(value: Any) -> Any:
    """The sum over the classes."""
    return np.sum(value, -1, keepdims=True)
