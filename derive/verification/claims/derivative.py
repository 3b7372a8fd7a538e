"""Derivatives as functions: off the corners of a formula, with the project's policies on them.

|u|' is sign(u) u', with 0 at a corner; sign is flat, so nothing here has mass at a point.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy
from sympy import Add, Expr, Mul, Piecewise, S, Symbol, log, sign

from derive.errors import BadInput


def without_extremes(e: Any) -> Any:
    """Max and Min written as cases, innermost first."""
    if not e.has(sympy.Max, sympy.Min):
        return e
    args = [without_extremes(a) for a in e.args]
    if isinstance(e, sympy.Max | sympy.Min):
        largest = isinstance(e, sympy.Max)
        best = args[0]
        for other in args[1:]:
            wins = best >= other if largest else best <= other
            best = Piecewise((best, wins), (other, True))
        return best
    return e.func(*args)


@lru_cache(maxsize=4_096)
def derivative(e: Expr, v: Symbol, times: int = 1) -> Expr:
    """The derivative of an expression in v."""
    for _ in range(times):
        e = _continued(without_extremes(_derivative(e, v)))
    return e


def _continued(e: Expr) -> Expr:
    """Even powers of a sign are 1 on both sides of a corner, and so at it."""

    def is_power(p: Expr) -> bool:
        return bool(p.is_Pow and isinstance(p.base, sign) and p.exp.is_Integer and p.exp > 1)

    return e.replace(is_power, lambda p: p.base if p.exp % 2 else S.One)


@lru_cache(maxsize=16_384)
def _derivative(e: Expr, v: Symbol) -> Expr:
    if e == v:
        return S.One
    if not e.has(v):
        return S.Zero
    if e.is_Add:
        return Add(*(_derivative(a, v) for a in e.args))
    if e.is_Mul:
        terms = []
        for k, a in enumerate(e.args):
            inner = _derivative(a, v)
            if inner != 0:
                terms.append(Mul(*e.args[:k], inner, *e.args[k + 1 :]))
        return Add(*terms)
    if isinstance(e, sympy.exp):
        return e * _derivative(e.args[0], v)
    if e.is_Pow:
        return _of_power(e.base, e.exp, v)
    if isinstance(e, Piecewise):
        return Piecewise(*((_derivative(value, v), when) for value, when in e.args))
    if isinstance(e, sympy.Abs):
        return sign(e.args[0]) * _derivative(e.args[0], v)
    if isinstance(e, sympy.sign):
        return S.Zero
    if isinstance(e, sympy.Max | sympy.Min):
        return _of_extreme(e, v)
    return _of_function(e, v)


def _of_extreme(e: Expr, v: Symbol) -> Expr:
    """The slope of what wins, the middle where two meet."""
    best, *others = e.args
    slope = _derivative(best, v)
    for other in others:
        rival = _derivative(other, v)
        if rival != slope:
            wins, loses = (best > other, best < other)
            if isinstance(e, sympy.Min):
                wins, loses = loses, wins
            slope = Piecewise((slope, wins), (rival, loses), ((slope + rival) / 2, True))
        best = e.func(best, other)
    return slope


def _of_power(base: Expr, exponent: Expr, v: Symbol) -> Expr:
    slope = _derivative(base, v)
    total = exponent * base ** (exponent - 1) * slope if slope != 0 else S.Zero
    slope = _derivative(exponent, v)
    if slope != 0:
        total += base**exponent * log(base) * slope
    return total


def _of_function(e: Expr, v: Symbol) -> Expr:
    total = S.Zero
    for k, argument in enumerate(e.args, 1):
        inner = _derivative(argument, v)
        if inner == 0:
            continue
        try:
            total += e.fdiff(k) * inner
        except (sympy.core.function.ArgumentIndexError, NotImplementedError):
            raise BadInput(f"no derivative of {e.func.__name__} in that argument") from None
    return total
