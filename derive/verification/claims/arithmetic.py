"""Arithmetic on exact fractions while they stay short, on Arb balls else."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy

from derive.verification.backend import Ball, NeedsPrecision, Undefined, arb, flint, raised

Number = Any  # a Fraction or a ball

LONGEST = 4_096  # bits of an exact fraction; longer ones become balls


def ball(value: Number) -> Ball:
    """A number as a ball."""
    if isinstance(value, Fraction):
        return arb(value.numerator) / value.denominator
    return value


def short(value: Fraction) -> Number:
    if value.numerator.bit_length() + value.denominator.bit_length() > LONGEST:
        return ball(value)
    return value


def total_of(parts: list[Number]) -> Number:
    fractions = [p for p in parts if isinstance(p, Fraction)]
    total: Number = short(sum(fractions, Fraction(0)))
    others = [p for p in parts if not isinstance(p, Fraction)]
    if others:
        total = sum(others, ball(total))
    return total


def product(parts: list[Number]) -> Number:
    fractions = [p for p in parts if isinstance(p, Fraction)]
    total: Number = short(math.prod(fractions, start=Fraction(1)))
    if isinstance(total, Fraction) and total == 0:
        return total
    others = [p for p in parts if not isinstance(p, Fraction)]
    return math.prod(others, start=ball(total)) if others else total


def whole_power(base: Number, n: int) -> Number:
    if isinstance(base, Fraction):
        if base == 0 and n < 0:
            raise Undefined("division by zero")
        size = (base.numerator.bit_length() + base.denominator.bit_length()) * abs(n)
        if size <= LONGEST:
            return base**n
        if size > 1 << 60:
            raise Undefined("a power out of reach")
        return ball(base) ** n
    if n < 0 and base.contains(0):
        if base.is_zero():
            raise Undefined("division by zero")
        raise NeedsPrecision("a divisor is not decided")
    return raised(base, n)


def root(base: Fraction, exponent: Fraction) -> Fraction | None:
    """base**exponent where it is a short fraction."""
    if base <= 0 or exponent.denominator > 6 or abs(exponent.numerator) > 64:
        return None
    parts = []
    for whole in (base.numerator, base.denominator):
        if whole.bit_length() > LONGEST // 64:
            return None
        root, is_exact = sympy.integer_nthroot(whole, exponent.denominator)
        if not is_exact:
            return None
        parts.append(int(root))
    return Fraction(parts[0], parts[1]) ** exponent.numerator


def extreme(parts: list[Number], largest: bool) -> Number:
    best = parts[0]
    for other in parts[1:]:
        if isinstance(best, Fraction) and isinstance(other, Fraction):
            best = max(best, other) if largest else min(best, other)
            continue
        a, b = ball(best), ball(other)
        best = a.max(b) if largest else a.min(b)
    return best


def constant(e: Any) -> Number:
    if e is sympy.pi:
        return arb.pi()
    if e is sympy.E:
        return arb.const_e()
    if e is sympy.EulerGamma:
        return arb.const_euler()
    if e is sympy.Catalan:
        return arb.const_catalan()
    raise Undefined(f"{e} is not a number")


def _polygamma(order: Ball, x: Ball) -> Ball:
    return flint.acb(x).polygamma(flint.acb(order)).real


FUNCTIONS: Mapping[Any, Callable[..., Ball]] = {
    sympy.exp: lambda u: u.exp(), sympy.sin: lambda u: u.sin(), sympy.cos: lambda u: u.cos(),
    sympy.tan: lambda u: u.tan(), sympy.asin: lambda u: u.asin(),
    sympy.acos: lambda u: u.acos(), sympy.atan: lambda u: u.atan(),
    sympy.sinh: lambda u: u.sinh(), sympy.cosh: lambda u: u.cosh(),
    sympy.tanh: lambda u: u.tanh(), sympy.asinh: lambda u: u.asinh(),
    sympy.acosh: lambda u: u.acosh(), sympy.atanh: lambda u: u.atanh(),
    sympy.coth: lambda u: u.coth(), sympy.sech: lambda u: u.sech(),
    sympy.csch: lambda u: u.csch(), sympy.erf: lambda u: u.erf(),
    sympy.erfc: lambda u: u.erfc(), sympy.erfi: lambda u: u.erfi(),
    sympy.gamma: lambda u: u.gamma(), sympy.loggamma: lambda u: u.lgamma(),
    sympy.digamma: lambda u: u.digamma(), sympy.polygamma: _polygamma,
    sympy.besselk: lambda n, u: u.bessel_k(n), sympy.besseli: lambda n, u: u.bessel_i(n),
}  # fmt: skip
ODD = (sympy.sin, sympy.tan, sympy.asin, sympy.atan, sympy.sinh, sympy.tanh, sympy.asinh,
       sympy.atanh, sympy.erf, sympy.erfi)  # fmt: skip
