"""Rigorous values of expressions: exact fractions where they stay short, Arb balls elsewhere.

A comparison is decided exactly, or by disjoint balls; what more digits could decide raises
NeedsPrecision. Over boxes (`hull`) a choice that is open gives the union of its branches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy
from sympy.core.relational import Relational

from derive.verification.backend import NeedsPrecision, NotReal, Undefined, arb, ctx
from derive.verification.claims.arithmetic import (
    FUNCTIONS,
    ODD,
    Number,
    ball,
    constant,
    extreme,
    product,
    root,
    total_of,
    whole_power,
)

Point = Mapping[sympy.Symbol, Number]

PRECISIONS = (96, 192, 384, 1_024, 2_048)
LARGEST = 1 << 62  # arguments of exponentials beyond this are not evaluated


def exact(value: Any) -> Number:
    """A SymPy number as a fraction where it is one, else as a ball at the present precision."""
    if value.is_Rational:
        return Fraction(int(value.p), int(value.q))
    return Balls({}).value(value)


def enclose(expression: sympy.Expr, at: Point, bits: int = 64) -> Number:
    """The value at a point, as a fraction or as a ball of `bits` accurate bits (0 in it: fewer).

    Raises Undefined where there is no real value, NeedsPrecision where a choice stays open.
    """
    found: Number = None
    for precision in PRECISIONS:
        ctx.prec = precision
        last = precision == PRECISIONS[-1]
        try:
            found = Balls(at, ties=last).value(expression)
        except NeedsPrecision:
            if last:
                raise
            continue
        if isinstance(found, Fraction):
            return found
        if found.is_nan():
            if last:
                raise Undefined("no value")
            continue
        if found.rel_accuracy_bits() >= bits or not found.is_finite():
            return found
    return found


class Balls:
    """The values of sub-expressions at one point or over one box."""

    def __init__(self, at: Point, *, hull: bool = False, ties: bool = False) -> None:
        self.at, self.hull, self.ties = at, hull, ties
        self.known: dict[Any, Number] = {}

    def value(self, e: Any) -> Number:
        if e not in self.known:
            self.known[e] = self._value(e)
        return self.known[e]

    def _value(self, e: Any) -> Number:
        if e.is_Symbol:
            return self.at[e]
        if e.is_Rational:
            return Fraction(int(e.p), int(e.q))
        if isinstance(e, sympy.Piecewise):
            return self._cases(e)
        if e in (sympy.oo, -sympy.oo):
            return arb.pos_inf() if e is sympy.oo else arb.neg_inf()
        if e.is_number and e.is_Atom:
            return constant(e)
        parts = [self.value(a) for a in e.args]
        if e.is_Add:
            return total_of(parts)
        if e.is_Mul:
            return product(parts)
        if e.is_Pow:
            return self._power(parts[0], parts[1])
        return self._function(e, parts)

    def _function(self, e: Any, parts: list[Number]) -> Number:
        if isinstance(e, sympy.Abs | sympy.sign):
            return self._signed(parts[0], isinstance(e, sympy.Abs))
        if isinstance(e, sympy.Max | sympy.Min):
            return extreme(parts, isinstance(e, sympy.Max))
        if isinstance(e, sympy.exp) and parts[0] == 0:
            return Fraction(1)
        if isinstance(e, sympy.log):
            return self._log(parts[0])
        if e.func not in FUNCTIONS:
            raise Undefined(f"no enclosure of {e.func.__name__}")
        if e.func in ODD and parts[0] == 0:
            return Fraction(0)
        result = FUNCTIONS[e.func](*map(ball, parts))
        if result.is_nan():
            raise NeedsPrecision(f"{e.func.__name__} is not decided")
        return result

    def _log(self, inner: Number) -> Number:
        if isinstance(inner, Fraction):
            if inner < 0:
                raise NotReal("the logarithm of a negative number")
            if inner == 0:
                raise Undefined("the logarithm of zero")
            return Fraction(0) if inner == 1 else ball(inner).log()
        if inner < 0:
            raise NotReal("the logarithm of a negative number")
        if inner.is_zero():
            raise Undefined("the logarithm of zero")
        if not inner > 0:
            raise NeedsPrecision("the argument of a logarithm is not decided")
        return inner.log()

    def _signed(self, inner: Number, magnitude: bool) -> Number:
        if magnitude:
            return abs(inner)
        if isinstance(inner, Fraction):
            return Fraction((inner > 0) - (inner < 0))
        side = self.sign(inner)
        return arb(0, 1) if side is None else Fraction(side)

    def sign(self, value: Number) -> int | None:
        """-1, 0 or 1; None over a box where it is open."""
        if value > 0:
            return 1
        if value < 0:
            return -1
        if isinstance(value, Fraction) or value.is_zero():
            return 0
        if self.hull:
            return None
        if self.ties and value.rad() < arb((1, -1_000)):
            return 0
        raise NeedsPrecision("a sign is not decided")

    def _power(self, base: Number, exponent: Number) -> Number:
        if isinstance(exponent, Fraction):
            if exponent.denominator == 1:
                return whole_power(base, exponent.numerator)
            if isinstance(base, Fraction):
                found = root(base, exponent)
                if found is not None:
                    return found
        if isinstance(base, Fraction) and base == 0:
            if exponent > 0:
                return Fraction(0)
            raise Undefined("zero to a power that is not positive")
        if base < 0:
            raise NotReal("a fractional power of a negative number")
        if isinstance(base, Fraction) and base == 1:
            return Fraction(1)
        below = ball(base)
        if not below > 0:
            if self.hull and below.upper() > 0 and exponent > 0:
                top = arb(below.upper()) ** ball(exponent)
                return top.union(arb(0))
            raise NeedsPrecision("the base of a power is not decided")
        grown = ball(exponent) * below.log()
        if not abs(grown) < LARGEST:
            raise Undefined("a power out of reach")
        return below ** ball(exponent)

    def _cases(self, e: sympy.Piecewise) -> Number:
        open_branches: list[Number] = []
        for value, condition in e.args:
            truth = self.truth(condition)
            if truth is False:
                continue
            found = self.value(value)
            if truth is True and not open_branches:
                return found
            open_branches.append(found)
            if truth is True:
                break
        if not open_branches:
            raise Undefined("no branch of the formula applies")
        total = ball(open_branches[0])
        for other in open_branches[1:]:
            total = total.union(ball(other))
        return total

    def truth(self, c: Any) -> bool | None:
        """Whether a condition holds; None over a box where it is open."""
        if c in (sympy.true, True):
            return True
        if c in (sympy.false, False):
            return False
        if isinstance(c, Relational):
            return self._compare(c)
        parts = [self.truth(a) for a in c.args]
        if isinstance(c, sympy.Not):
            return None if parts[0] is None else not parts[0]
        absorbing = isinstance(c, sympy.Or)
        if absorbing in parts:
            return absorbing
        return None if None in parts else not absorbing

    def _compare(self, c: Relational) -> bool | None:
        for side, sign in ((c.lhs, 1), (c.rhs, -1)):
            if side in (sympy.oo, -sympy.oo):  # the other side is finite here
                gap: int | None = sign if side is sympy.oo else -sign
                return _RELATION[c.rel_op](gap)
        gap = self.sign(total_of([self.value(c.lhs), -self.value(c.rhs)]))
        return None if gap is None else _RELATION[c.rel_op](gap)


_RELATION: Mapping[str, Callable[[Any], bool]] = {
    "<": lambda s: s < 0, "<=": lambda s: s <= 0, ">": lambda s: s > 0,
    ">=": lambda s: s >= 0, "==": lambda s: s == 0, "!=": lambda s: s != 0,
}  # fmt: skip

__all__ = ["Balls", "Number", "ball", "enclose", "exact"]
