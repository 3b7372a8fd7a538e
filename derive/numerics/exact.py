"""Exact values of an expression at floating-point inputs, by ball arithmetic.

An expression is compiled once to a list of operations; every value is enclosed at growing
precision until the ball is much smaller than one unit in the last place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any

import flint
import sympy
from flint import arb, ctx
from sympy import Expr, Symbol

Ball = Any
Operation = Callable[[list[Any]], Any]
# Bits of one evaluation; inputs from 1e-300 to 1e300 may cancel over thousands of bits.
PRECISIONS = (128, 256, 512, 2200, 9000)
# Exponents of the distances at which a limit is read.
_DISTANCES, _FARTHER = (1 << 7, 1 << 8, 1 << 9), (1 << 1100, 1 << 1101, 1 << 1102)
_NEARER = (1 << 11, 1 << 12, 1 << 13)
# How far a ball has to tell its value, in bits.
WANTED = 72
_NOTHING = -1200  # below 2^_NOTHING every dtype rounds to 0


class NoValue(ArithmeticError):
    """The expression has no real value here, or none that these precisions tell."""


_FUNCTIONS: dict[Any, Callable[..., Ball]] = {
    sympy.exp: arb.exp, sympy.log: arb.log, sympy.sin: arb.sin, sympy.cos: arb.cos,
    sympy.tan: arb.tan, sympy.asin: arb.asin, sympy.acos: arb.acos, sympy.atan: arb.atan,
    sympy.sinh: arb.sinh, sympy.cosh: arb.cosh, sympy.tanh: arb.tanh, sympy.sech: arb.sech,
    sympy.csch: arb.csch, sympy.coth: arb.coth, sympy.asinh: arb.asinh, sympy.acosh: arb.acosh,
    sympy.atanh: arb.atanh, sympy.erf: arb.erf, sympy.erfc: arb.erfc, sympy.erfi: arb.erfi,
    sympy.gamma: arb.gamma, sympy.loggamma: arb.lgamma, sympy.digamma: arb.digamma,
    sympy.polygamma: lambda n, z: flint.acb(z).polygamma(flint.acb(n)).real,
    sympy.besselk: lambda n, z: arb(z).bessel_k(n), sympy.besseli: lambda n, z: arb(z).bessel_i(n),
    sympy.Abs: abs,
}  # fmt: skip


def _sign(value: Ball) -> int:
    if value > 0:
        return 1
    if value < 0:
        return -1
    if value.is_zero():
        return 0
    raise NoValue("the sign is not told")


def _larger(values: Sequence[Ball]) -> Ball:
    best = values[0]
    for other in values[1:]:
        best = other if _sign(other - best) > 0 else best
    return best


class Exact:
    """An expression of the given variables, ready to be evaluated at many points.

    vanishes: a value below every number counts as 0, though its own digits are not told.
    """

    def __init__(
        self, expression: Expr, variables: Sequence[Symbol], vanishes: bool = False
    ) -> None:
        self.vanishes = vanishes
        self.variables = tuple(variables)
        self.places: dict[Any, int] = {v: k for k, v in enumerate(variables)}
        self.program: list[Operation] = []
        self.arity = len(variables)
        self.result = self._compile(expression)

    def enclosed(self, inputs: Sequence[Ball], bits: int = WANTED) -> Ball:
        """The value, known to `bits` bits. Raises NoValue where there is none."""
        saved = ctx.prec
        try:
            for precision in PRECISIONS:
                if precision < bits + 32:
                    continue
                ctx.prec = precision
                try:
                    value = self._run(list(inputs))
                except NoValue:
                    continue
                if value.is_zero() or (value.is_finite() and value.rel_accuracy_bits() >= bits):
                    return value
                if self.vanishes and abs(value) < arb((1, _NOTHING)):
                    return arb(0)
            raise NoValue("no sharp enclosure")
        finally:
            ctx.prec = saved

    def _run(self, values: list[Any]) -> Ball:
        for operation in self.program:
            values.append(operation(values))
        return values[self.result]

    def _compile(self, expression: Any) -> int:
        if expression in self.places:
            return self.places[expression]
        operation = self._operation(expression)
        self.program.append(operation)
        self.places[expression] = self.arity + len(self.program) - 1
        return self.places[expression]

    def _operation(self, e: Any) -> Operation:
        if e.is_Rational:
            value = Fraction(int(e.p), int(e.q))
            return lambda _: arb(value.numerator) / value.denominator
        if isinstance(e, sympy.Piecewise):
            return self._branches(e)
        if e.is_number and e.is_Atom:
            return _constant(e)
        if e.is_Add or e.is_Mul or e.is_Pow:
            return self._arithmetic(e)
        places = [self._compile(a) for a in e.args]
        if isinstance(e, sympy.Max):
            return lambda v: _larger([v[k] for k in places])
        if isinstance(e, sympy.Min):
            return lambda v: -_larger([-v[k] for k in places])
        if isinstance(e, sympy.sign):
            return lambda v: arb(_sign(v[places[0]]))
        function = _FUNCTIONS.get(e.func)
        if function is None:
            raise NotImplementedError(f"no exact value of {e.func.__name__} is known")
        if len(places) == 1:
            return lambda v: function(v[places[0]])
        return lambda v: function(*(v[k] for k in places))

    def _arithmetic(self, e: Any) -> Operation:
        if e.is_Pow:
            base, exponent = e.as_base_exp()
            if base is sympy.E:
                place = self._compile(exponent)
                return lambda v: v[place].exp()
            one = self._compile(base)
            if exponent.is_Integer:
                whole = int(exponent)
                return lambda v: v[one] ** whole
            if exponent == sympy.Rational(1, 2):
                return lambda v: v[one].sqrt()
            other = self._compile(exponent)
            return lambda v: v[one] ** v[other]
        places = [self._compile(a) for a in e.args]
        first, rest = places[0], places[1:]
        adds = e.is_Add

        def fold(v: list[Any]) -> Ball:
            total = v[first]
            for k in rest:
                total = total + v[k] if adds else total * v[k]
            return total

        return fold

    def _branches(self, e: Any) -> Operation:
        """Only the branch that holds is evaluated: another may have no value."""
        pieces = []
        for value, condition in e.args:
            inner = Exact(value, self.variables)
            pieces.append((inner, self._condition(condition)))
        arity = self.arity

        def run(v: list[Any]) -> Ball:
            for inner, holds in pieces:
                if holds(v):
                    return inner._run(v[:arity])
            raise NoValue("no branch applies")

        return run

    def _condition(self, c: Any) -> Callable[[list[Any]], bool]:
        if c in (sympy.true, sympy.false):
            truth = bool(c)
            return lambda _: truth
        if isinstance(c, sympy.core.relational.Relational):
            gap = Exact(c.lhs - c.rhs, self.variables)
            wanted = _SIGNS[c.rel_op]
            arity = self.arity
            return lambda v: _sign(gap._run(v[:arity])) in wanted
        parts = [self._condition(a) for a in c.args]
        if isinstance(c, sympy.And):
            return lambda v: all(part(v) for part in parts)
        if isinstance(c, sympy.Or):
            return lambda v: any(part(v) for part in parts)
        if isinstance(c, sympy.Not):
            return lambda v: not parts[0](v)
        raise NotImplementedError(f"a condition of the form {c} is not known")


_SIGNS: Mapping[str, tuple[int, ...]] = {
    "<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0), "==": (0,), "!=": (-1, 1),
}  # fmt: skip


def limit(
    exact: Exact, inputs: Sequence[Ball], at: Ball, place: int = 0, end: Ball | None = None
) -> Ball:
    """The limit as one variable, the first by default, tends to `end`, 0 by default (from the side
    of `at`), or to infinity, read off at three distances, each the square of the one before;
    infinite where it diverges. Outwards as far as there are values: a power with a tiny exponent
    grows late.

    at: ±1 towards the end, ±inf outwards."""
    if not at.is_finite():
        with suppress(NoValue, ZeroDivisionError):
            return _read(exact, inputs, at, _FARTHER, place, end)
    near = _DISTANCES if end is None else _NEARER
    return _read(exact, inputs, at, near, place, end)


def _read(
    exact: Exact,
    inputs: Sequence[Ball],
    at: Ball,
    distances: Sequence[int],
    place: int,
    end: Ball | None,
) -> Ball:
    outwards = not at.is_finite()
    side = 1 if at > 0 else -1
    found = []
    for bits in distances:
        distance = arb((side, bits if outwards else -bits))
        if end is not None:
            ctx.prec = 2 * bits
            distance = end + distance
        found.append(exact.enclosed([*inputs[:place], distance, *inputs[place + 1 :]]))
    first, second, third = found
    if abs(third - second) <= abs(third) * arb((1, -60)):
        return third
    sizes = [abs(value) for value in found]
    if sizes[2] > sizes[1] * 1.5 and sizes[1] > sizes[0] * 1.2:
        return arb("inf") if third > 0 else arb("-inf")
    if sizes[2] * 1.5 < sizes[1] and sizes[1] * 1.2 < sizes[0]:
        return arb(0)
    if abs(third - second) <= abs(second - first) * arb((1, -40)):
        return third
    raise NoValue("no limit is told")


def _constant(e: Any) -> Operation:
    if e is sympy.pi:
        return lambda _: arb.pi()
    if e is sympy.E:
        return lambda _: arb.const_e()
    if e is sympy.oo:
        return lambda _: arb("inf")
    if e is -sympy.oo:
        return lambda _: arb("-inf")
    if e.is_Float:
        mantissa = sympy.Rational(e)
        return lambda _: arb(int(mantissa.p)) / int(mantissa.q)

    def no_value(_: list[Any]) -> Ball:
        raise NoValue(str(e))

    return no_value
