# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of kl_divergence_logits (sha256 2ec529d5d941) by: derive regenerate
# kl_divergence_logits --target numpy
"""Kullback-Leibler divergence of two softmaxes.

    loss = sum((log(exp(a/T)/sum(exp(a/T))) - log(exp(b/T)/sum(exp(b/T))))*exp(a/T)/sum(exp(a/T)))
    sum and max run over k, the classes

Domain: b real over k, a real over k, T > 0. b: scores of the student, a: of the teacher, T: the
temperature of both.
loss(b + c) = loss(b): the entries of d_b sum to 0.
Source: Hinton, Vinyals and Dean, arXiv:1503.02531, without the factor T^2.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import inspect
from functools import reduce, wraps
from typing import Any

import numpy as np

__all__ = ["d_T", "d_a", "d_b", "hessian_product", "loss", "value_and_grad"]


def _over_classes(formula: Any) -> Any:
    """The formula in float64, with the classes along the last axis; `axis` says where they are in
    what is given. The dtype of b comes out."""
    signature = inspect.signature(formula)

    @wraps(formula)
    @np.errstate(all="ignore")
    def evaluate(*_given: Any, **_named: Any) -> Any:
        bound = signature.bind(*_given, **_named)
        bound.apply_defaults()
        axis, z = bound.arguments["axis"], np.asarray(bound.arguments["b"])
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


_MANY = ("d_b", "d_a", "hessian_product")


def _arranged(given: Any, z: Any, axis: int) -> Any:
    """Everything as the formulas want it; ValueError says what does not fit."""
    if not isinstance(axis, (int, np.integer)):
        raise ValueError(f"axis must be an integer, got {axis!r}")
    if not -z.ndim <= axis < z.ndim or not z.shape[axis]:
        raise ValueError(f"axis {axis}: no classes there, b has the shape {z.shape}")
    found = {"axis": axis, "b": _entries("b", z, z, axis, False)}
    found["a"] = _entries("a", given["a"], z, axis, False)
    if "v" in given:
        found["v"] = _entries("v", given["v"], z, axis, False)
    rows: Any = [("T", "> 0 and finite", lambda p: (p > 0) & (p < np.inf))]
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
    """An array with one entry a class, shaped like b, in float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must be real numbers, got dtype {array.dtype}")
    if array.shape != z.shape:
        raise ValueError(f"{name} has the shape {array.shape}, b has {z.shape}")
    if chances and np.any(array < 0):
        raise ValueError(f"probabilities {name} must not be negative, got {array[array < 0][0]}")
    array = np.moveaxis(array, axis, -1).astype(np.float64, order="C")
    return array + 0.0 if chances else array  # -0.0 is 0


@_over_classes
def loss(b: Any, a: Any, T: Any = 1.0, axis: int = -1) -> Any:
    """Kullback-Leibler divergence of two softmaxes, one number for each row of classes."""
    u = (b - _largest(b)) / T
    e = np.exp(u)
    rest = _rest(e)
    s = e / (1 + rest)
    w = (a - _largest(a)) / T
    p = np.exp(w)
    rest2 = _rest(p)
    q = p / (1 + rest2)
    r = _log1p(rest) - u
    g = _log1p(rest2) - w
    return _total(_chance_divergence(s, q, _apart(r, g, a / T - b / T, s)))


@_over_classes
def d_b(b: Any, a: Any, T: Any = 1.0, axis: int = -1) -> Any:
    """The gradient in b, one number a class."""
    u = (b - _largest(b)) / T
    e = np.exp(u)
    rest = _rest(e)
    s = e / (1 + rest)
    w = (a - _largest(a)) / T
    p = np.exp(w)
    rest2 = _rest(p)
    q = p / (1 + rest2)
    r = _log1p(rest) - u
    g = _log1p(rest2) - w
    return _chance_gap(s, q, _apart(r, g, a / T - b / T, s)) / T


@_over_classes
def d_a(b: Any, a: Any, T: Any = 1.0, axis: int = -1) -> Any:
    """The derivative in a."""
    top = _largest(b)
    u = (a - _largest(a)) / T
    e = np.exp(u)
    rest = _rest(e)
    s = e / (1 + rest)
    w = (b - top) / T
    p = np.exp(w)
    rest2 = _rest(p)
    q = _log1p(rest2) - w
    r = _log1p(rest) - u
    g = p / (1 + rest2)
    h = np.where(s == 0, 0, _centred(_apart(q, r, a / T - b / T, g), s) / T * s)
    return np.where(np.isnan(top), top, h)


@_over_classes
def d_T(b: Any, a: Any, T: Any = 1.0, axis: int = -1) -> Any:
    """The derivative in T."""
    u = (b - _largest(b)) / T
    e = np.exp(u)
    rest = _rest(e)
    s = e / (1 + rest)
    w = (a - _largest(a)) / T
    p = np.exp(w)
    rest2 = _rest(p)
    q = p / (1 + rest2)
    r = _log1p(rest) - u
    g = _log1p(rest2) - w
    h = _apart(r, g, a / T - b / T, s)
    k = _chance_gap(s, q, h)
    m = np.where(k == 0, 0, _beside(b, s) * k)
    n = _beside(a, q) * _centred(h, q) * q
    return -(_total(m) + _total(np.where(q == 0, 0, n))) / T / T


@_over_classes
def hessian_product(b: Any, a: Any, v: Any, T: Any = 1.0, axis: int = -1) -> Any:
    """The product of the Hessian in b with v."""
    top = _largest(a)
    e = np.exp((b - _largest(b)) / T)
    s = e / (1 + _rest(e))
    return np.where(np.isnan(top), top, np.where(s == 0, 0, _centred(v, s) / T * (s / T)))


@_over_classes
def value_and_grad(b: Any, a: Any, T: Any = 1.0, axis: int = -1) -> Any:
    """(loss, d_b) in one pass."""
    u = (b - _largest(b)) / T
    e = np.exp(u)
    rest = _rest(e)
    s = e / (1 + rest)
    w = (a - _largest(a)) / T
    p = np.exp(w)
    rest2 = _rest(p)
    q = p / (1 + rest2)
    r = _log1p(rest) - u
    g = _log1p(rest2) - w
    h = _apart(r, g, a / T - b / T, s)
    value = _total(_chance_divergence(s, q, h))
    return value, _chance_gap(s, q, h) / T


def _chance_divergence(p: Any, q: Any, w: Any) -> Any:
    """q log(q/p) - q + p for p = q exp(-w); p at q = 0."""
    value = q * w - q + p
    value = np.where(np.abs(w) < 1, q * _expm1_minus(-w), value)
    return _where_rare(q == 0, lambda: p, value)


def _chance_gap(p: Any, q: Any, w: Any) -> Any:
    """p - q for p = q exp(-w)."""
    return np.where(np.abs(w) < 1, q * np.expm1(-w), p - q)


def _expm1_minus(z: Any) -> Any:
    """exp(z) - 1 - z, without cancellation at small z."""
    value = np.expm1(z) - z
    value = _where_rare(z == np.inf, lambda: np.inf, value)
    terms = (
        0.5, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 0.0001984126984126984, 2.48015873015873e-05,
        2.7557319223985893e-06, 2.755731922398589e-07, 2.505210838544172e-08, 2.08767569878681e-09,
        1.6059043836821613e-10, 1.1470745597729725e-11, 7.647163731819816e-13,
        4.779477332387385e-14, 2.8114572543455206e-15, 1.5619206968586225e-16,
    )  # fmt: skip
    return np.where(np.abs(z) < 1, z * z * _horner(z, terms), value)


def _apart(n: Any, m: Any, difference: Any, weight: Any) -> Any:
    """n - m for surprises n = -log softmax(f) and m = -log softmax(g), difference = g - f, weight
    = softmax(f): where f and g are near, up to a shift, from the difference alone."""
    gaps = difference - np.take_along_axis(difference, np.argmax(weight, -1, keepdims=True), -1)
    mean = np.sum(weight * np.expm1(gaps), -1, keepdims=True)
    near = np.max(np.abs(gaps), -1, keepdims=True) < 1
    return np.where(near, gaps - np.log1p(mean), n - m)


def _beside(value: Any, weight: Any) -> Any:
    """Entries less that where the weight is largest."""
    return value - np.take_along_axis(value, np.argmax(weight, -1, keepdims=True), -1)


def _centred(value: Any, weight: Any) -> Any:
    """Entries less their mean by weights that sum to 1: exactly 0 where they are equal."""
    gaps = value - np.take_along_axis(value, np.argmax(weight, -1, keepdims=True), -1)
    return gaps - np.sum(np.where(weight == 0, 0.0, weight * gaps), -1, keepdims=True)


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


def _rest(value: Any) -> Any:
    """The sum of all entries but the (first) largest."""
    others = np.array(value)
    np.put_along_axis(others, np.argmax(value, -1, keepdims=True), 0.0, -1)
    return np.sum(others, -1, keepdims=True)


def _total(value: Any) -> Any:
    """The sum over the classes."""
    return np.sum(value, -1, keepdims=True)
