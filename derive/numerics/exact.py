"""Exact values of an expression at floating-point inputs, by ball arithmetic.

An expression is compiled once to a list of operations on columns of balls, one ball a point; every
value is enclosed at growing precision until its ball is much smaller than one unit in the last
place.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import flint
import sympy
from flint import arb, ctx
from sympy import Expr, Symbol

from derive.numerics.columns import Ball, Column, Points

# What an operation makes of all columns before it; a point without a value has NaN there.
Operation = Callable[[list[Column], Points], Column]
# Whether a condition holds at each point, None where that is not told.
Condition = Callable[[Points], list[bool | None]]
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


_NAN = arb("nan")
# What has a value at exact numbers at the first precision, or none.
_ANYWHERE = (sympy.Add, sympy.Mul, sympy.Pow, sympy.log)


def _sign(value: Ball) -> int | None:
    """None where it is not told."""
    if value > 0:
        return 1
    if value < 0:
        return -1
    return 0 if value.is_zero() else None


def _sign_ball(value: Ball) -> Ball:
    sign = _sign(value)
    return _NAN if sign is None else arb(sign)


def _larger(values: Sequence[Ball]) -> Ball:
    best = values[0]
    for other in values[1:]:
        sign = _sign(other - best)
        if sign is None:
            return _NAN
        best = other if sign > 0 else best
    return best


def _power(base: Ball, exponent: Ball) -> Ball:
    return base if base.is_nan() else base**exponent  # NaN**0 would be 1


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
        self.program: list[tuple[Expr, Operation, tuple[int, ...]]] = []
        self._operands: list[int] = []
        self.arity = len(variables)
        self.result = self._compile(expression)

    def enclosed(self, inputs: Sequence[Ball], bits: int = WANTED) -> Ball:
        """The value, known to `bits` bits. Raises NoValue where there is none."""
        (value,) = self.column(Points([[v] for v in inputs]), bits)
        if value is None:
            raise NoValue("no sharp enclosure")
        return value

    def column(self, points: Points, bits: int = WANTED, most: int = PRECISIONS[-1]) -> Column:
        """The values at many points, None where there is none, or none at `most` bits."""
        found: Column = [None] * points.count
        rows: Sequence[int] = range(points.count)
        saved = ctx.prec
        try:
            for precision in PRECISIONS:
                if not bits + 32 <= precision <= most or not rows:
                    continue
                ctx.prec = precision
                here = points if len(rows) == points.count else points.unkept(rows)
                values = self._run(here)
                left: list[int] = []
                for k, (row, value) in enumerate(zip(rows, values[self.result], strict=True)):
                    if value.is_zero() or (value.is_finite() and value.rel_accuracy_bits() >= bits):
                        found[row] = value
                    elif self.vanishes and abs(value) < arb((1, _NOTHING)):
                        found[row] = arb(0)
                    elif not (value.is_nan() and self._is_lost(values, k)):
                        left.append(row)
                rows = left
        finally:
            ctx.prec = saved
        return found

    def _is_lost(self, values: Sequence[Column], k: int) -> bool:
        """Whether no precision will give a value: an operation has none at exact numbers."""
        for place, (expression, _, operands) in enumerate(self.program, self.arity):
            if values[place][k].is_nan():
                exact = all(values[o][k].is_exact() for o in operands)
                return exact and isinstance(expression, _ANYWHERE)
        return False

    def _run(self, points: Points) -> list[Column]:
        """The values of all operations, after the inputs."""
        values = list(points.columns)
        known = points.known(ctx.prec)
        for expression, operation, _ in self.program:
            if known is None:
                values.append(operation(values, points))
                continue
            if expression not in known:
                known[expression] = operation(values, points)
            values.append(known[expression])
        return values

    def _compile(self, expression: Any) -> int:
        if expression not in self.places:
            others, self._operands = self._operands, []
            operation = self._operation(expression)
            self.program.append((expression, operation, tuple(self._operands)))
            self.places[expression] = self.arity + len(self.program) - 1
            self._operands = others
        self._operands.append(self.places[expression])
        return self.places[expression]

    def _operation(self, e: Any) -> Operation:
        if e.is_Rational:
            return _rational(e)
        if isinstance(e, sympy.Piecewise):
            return self._branches(e)
        if e.is_number and e.is_Atom:
            return _constant(e)
        if e.is_Add or e.is_Mul or e.is_Pow:
            return self._arithmetic(e)
        function, args = _function(e), e.args
        if e.func is sympy.log and e.args[0].is_Add and sympy.S.One in e.args[0].args:
            function, args = arb.log1p, (e.args[0] - 1,)  # which keeps a small sum
        places = [self._compile(a) for a in args]
        if len(places) == 1:
            (place,) = places
            return lambda v, _: [function(a) for a in v[place]]
        return lambda v, _: [function(*row) for row in zip(*(v[k] for k in places), strict=True)]

    def _arithmetic(self, e: Any) -> Operation:
        if e.is_Pow:
            base, exponent = e.as_base_exp()
            if base is sympy.E:
                place = self._compile(exponent)
                return lambda v, _: [a.exp() for a in v[place]]
            one = self._compile(base)
            if exponent.is_Integer:
                whole = int(exponent)
                return lambda v, _: [a**whole for a in v[one]]
            if exponent == sympy.Rational(1, 2):
                return lambda v, _: [a.sqrt() for a in v[one]]
            other = self._compile(exponent)
            return lambda v, _: list(map(_power, v[one], v[other]))
        places = [self._compile(a) for a in e.args]
        first, rest = places[0], places[1:]
        fold = operator.add if e.is_Add else operator.mul

        def run(v: list[Column], _: Points) -> Column:
            total = v[first]
            for k in rest:
                total = list(map(fold, total, v[k]))
            return total

        return run

    def _branches(self, e: Any) -> Operation:
        """Only the branch that holds is evaluated: another may have no value."""
        pieces = [
            (Exact(value, self.variables), self._condition(condition))
            for value, condition in e.args
        ]

        def run(_: list[Column], points: Points) -> Column:
            found = [_NAN] * points.count
            left = list(range(points.count))
            for inner, condition in pieces:
                if not left:
                    break
                holds = condition(points.part(left))
                rows = [row for row, told in zip(left, holds, strict=True) if told]
                if rows:
                    values = inner._run(points.part(rows))[inner.result]
                    for row, value in zip(rows, values, strict=True):
                        found[row] = value
                left = [row for row, told in zip(left, holds, strict=True) if told is False]
            return found

        return run

    def _condition(self, c: Any) -> Condition:
        if c in (sympy.true, sympy.false):
            truth = bool(c)
            return lambda points: [truth] * points.count
        if isinstance(c, sympy.core.relational.Relational):
            gap = Exact(c.lhs - c.rhs, self.variables)
            wanted = _SIGNS[c.rel_op]
            return lambda points: [
                None if sign is None else sign in wanted
                for sign in map(_sign, gap._run(points)[gap.result])
            ]
        parts = [self._condition(a) for a in c.args]
        if isinstance(c, sympy.And | sympy.Or):
            going = isinstance(c, sympy.And)
            return lambda points: [
                next((told for told in row if told is not going), going)
                for row in zip(*(part(points) for part in parts), strict=True)
            ]
        if isinstance(c, sympy.Not):
            return lambda points: [None if told is None else not told for told in parts[0](points)]
        raise NotImplementedError(f"a condition of the form {c} is not known")


_SIGNS: Mapping[str, tuple[int, ...]] = {
    "<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0), "==": (0,), "!=": (-1, 1),
}  # fmt: skip


def limit(
    exact: Exact, inputs: Sequence[Ball], at: Ball, place: int = 0, end: Ball | None = None
) -> Ball:
    """The limit as one variable, the first by default, tends to `end`, 0 by default (from the side
    of `at`), or to infinity, read off at three distances, each the square of the one before;
    infinite where it diverges. As far out, or in, as there are values: a power with a tiny exponent
    grows late.

    at: ±1 towards the end, ±inf outwards."""
    if end is None:
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
            with ctx.workprec(2 * bits):
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


def _function(e: Any) -> Callable[..., Ball]:
    if isinstance(e, sympy.Max):
        return lambda *values: _larger(values)
    if isinstance(e, sympy.Min):
        return lambda *values: -_larger([-v for v in values])
    if isinstance(e, sympy.sign):
        return _sign_ball
    if e.func not in _FUNCTIONS:
        raise NotImplementedError(f"no exact value of {e.func.__name__} is known")
    return _FUNCTIONS[e.func]


def _rational(e: Any) -> Operation:
    above, below = int(e.p), int(e.q)
    return lambda _, points: [arb(above) / below] * points.count


def _constant(e: Any) -> Operation:
    value = _constant_ball(e)
    return lambda _, points: [value()] * points.count


def _constant_ball(e: Any) -> Callable[[], Ball]:
    if e is sympy.pi:
        return arb.pi
    if e is sympy.E:
        return arb.const_e
    if e is sympy.oo:
        return lambda: arb("inf")
    if e is -sympy.oo:
        return lambda: arb("-inf")
    if e.is_Float:
        mantissa = sympy.Rational(e)
        return lambda: arb(int(mantissa.p)) / int(mantissa.q)
    return lambda: _NAN
