"""A function of one variable with numbers for all others: corners, one-sided limits, ends."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

import sympy
from mpmath import mp
from sympy import Expr, Interval, Rational, S, Set, Symbol, count_ops, nan, oo, zoo

from derive.calculus import germs
from derive.calculus.confirm import near
from derive.calculus.evaluate import NotReal
from derive.calculus.expansion import Expansion
from derive.calculus.germs import Unknown
from derive.calculus.limits import one_sided
from derive.definitions.loss import Loss
from derive.verification.backend import NeedsPrecision, Undefined
from derive.verification.claims.ball import Number, enclose
from derive.verification.claims.derivative import derivative
from derive.verification.claims.expansion import approached
from derive.verification.claims.places import fraction
from derive.verification.claims.places import text as shown
from derive.verification.claims.samples import deciding, real_roots, short_root
from derive.verification.claims.values import compare

DEPTHS = (2, 4, 8)
LONGEST = 1_500  # operations of a derivative that is still expanded


@dataclass(frozen=True)
class Order:
    """The leading behaviour c t^k log(t)^m as t -> 0; grows: by an exponential on top (1, -1)."""

    k: Expr
    m: int
    grows: int
    zero: bool = False


@dataclass(frozen=True)
class Line:
    """expression: in `variable` alone. domain: an interval. extra: further points to look at.

    units: sizes on which the function changes (the values of scales).
    """

    expression: Expr
    variable: Symbol
    domain: Set
    extra: tuple[Expr, ...] = ()
    units: tuple[Expr, ...] = (S.One,)

    @cached_property
    def loss(self) -> Loss:
        return Loss(
            name="line", title="", source="", variables=(self.variable,), loss=self.expression,
            domains={self.variable: Interval(self.domain.inf, self.domain.sup)},
        )  # fmt: skip

    @cached_property
    def cuts(self) -> tuple[Expr, ...]:
        """Inner points where the formula changes or may be singular, in order."""
        v, found = self.variable, list(self.extra)
        for part in deciding([self.expression]):
            found += map(short_root, real_roots(part, v))
        inside = [p for p in dict.fromkeys(found) if self.domain.inf < p < self.domain.sup]
        return tuple(sorted(inside))

    @property
    def ends(self) -> tuple[tuple[Expr, str], ...]:
        """Every end of a piece with the direction from which it is approached."""
        inner = [(p, side) for p in self.cuts for side in ("-", "+")]
        return ((self.domain.inf, "+"), *inner, (self.domain.sup, "-"))

    def pieces(self) -> list[tuple[Expr, Expr]]:
        return list(pairwise((self.domain.inf, *self.cuts, self.domain.sup)))

    def at(self, point: Expr) -> Number | None:
        """The formula's own value, None where it has none."""
        try:
            if point.is_Rational:
                found = enclose(self.expression, {self.variable: fraction(point)}, 100)
            else:  # put in as it stands, so that ties are seen
                found = enclose(self.expression.subs(self.variable, point), {}, 100)
        except (Undefined, NeedsPrecision):
            return None
        return found if isinstance(found, Fraction) or found.is_finite() else None

    def side(self, point: Expr, direction: str) -> Expr:
        """A one-sided limit, ±oo included. Undefined where none was confirmed."""
        if point not in (oo, -oo):
            plain = self._plain(point, direction)
            if plain is not None:
                return plain
        try:
            found = one_sided(self.loss, "claim", self.expression, self.variable, point, direction)
        except (ValueError, KeyError, NotImplementedError, ArithmeticError, IndexError) as trouble:
            return self._gruntz(point, direction, type(trouble).__name__)
        if found.value.has(nan, zoo):
            return self._gruntz(point, direction, "no expansion")
        return found.value

    def _gruntz(self, point: Expr, direction: str, trouble: str) -> Expr:
        """SymPy's limit, such as of a quotient of logarithms, where numbers approach it too."""
        v, why = self.variable, f"no limit found at {self.variable} = {point}: {trouble}"
        try:
            value = sympy.limit(self.expression, v, point, direction)
        except (ValueError, NotImplementedError, ArithmeticError, TypeError, KeyError,
                AttributeError, RecursionError, sympy.PoleError):  # fmt: skip
            raise Undefined(why) from None
        finite = value.is_number and value.is_finite
        if not finite or not approached(self.expression, v, point, direction, value, [{}]):
            raise Undefined(why)
        return value

    def _plain(self, point: Expr, direction: str) -> Expr | None:
        """The value itself where the formula is continuous by its form near the point."""
        if point in self.cuts or not self.domain.inf < point < self.domain.sup:
            return None
        value = self.expression.subs(self.variable, point)
        return None if value.has(nan, zoo, oo, -oo) or value.free_symbols else value

    def order(self, point: Expr, direction: str) -> Order:
        """The leading behaviour at an end of a piece. Undefined where no expansion was found."""
        for depth in DEPTHS:
            try:
                with mp.workdps(germs.DIGITS):
                    beside = [{self.variable: near(point, direction, 9)}]
                    expansion = Expansion(self.variable, point, direction, beside, depth)
                    germ = expansion.germ(self.expression)
                    ring, series = expansion.germs, germ.series
                    if not series.terms and series.order is None:
                        return Order(S.Zero, 0, 0, zero=True)
                    grows = 0
                    if germ.growth.terms:
                        grows = 1 if ring.tends_up(germ.growth) else -1
                    k, m, _ = ring.leading(series)
                    return Order(k, m, grows)
            except (Unknown, NotReal, NotImplementedError, KeyError, IndexError):
                continue
        raise Undefined(f"no expansion in {self.variable} was found at {shown(point)}")

    def derivative(self, times: int = 1) -> Line:
        return Line(
            derivative(self.expression, self.variable, times), self.variable, self.domain,
            tuple(dict.fromkeys((*self.extra, *self.cuts))), self.units,
        )  # fmt: skip


def number(value: Expr) -> Number:
    """A constant expression as a number, ±oo included."""
    return fraction(value)


def same(a: Expr, b: Expr) -> bool:
    """Whether two constants are equal: exactly, or to hundreds of digits."""
    if a == b:
        return True
    if oo in (a, b) or -oo in (a, b):
        return False
    order = compare(number(a), number(b))
    return order is None or order == 0


def continuous_at(line: Line, point: Expr) -> tuple[bool, str]:
    """Whether the line is continuous at a point of its domain, and what the sides do."""
    inner = line.domain.inf < point < line.domain.sup
    directions = [d for d in ("-", "+") if inner or (d == "+") == (point == line.domain.inf)]
    values = [line.side(point, d) for d in directions]
    shown = _sides(values, directions)
    if any(v in (oo, -oo) for v in values) or not all(same(values[0], v) for v in values):
        return False, shown
    own = line.at(point)
    if own is not None:
        gap = compare(own, number(values[0]))
        if gap is not None and gap != 0:
            return False, f"{shown}, value {short(own)}"
    return True, shown


def jump(line: Line, point: Expr, order: int) -> str:
    """What a derivative (0: the function) does on both sides of a point where it jumps, else ""."""
    if order == 0:
        fine, shown = continuous_at(line, point)
        return "" if fine else shown
    here = line.derivative(order)
    if count_ops(here.expression) > LONGEST:
        raise Undefined(f"derivative {order} is too long")
    values = [here.side(point, d) for d in ("-", "+")]
    infinite = any(v in (oo, -oo) for v in values)
    return _sides(values, ["-", "+"]) if infinite or not same(values[0], values[1]) else ""


def _sides(values: list[Expr], directions: list[str]) -> str:
    words = {"-": "from below", "+": "from above"}
    if len(values) == 2 and same(values[0], values[1]):
        return f"{shown_value(values[0])} from both sides"
    return ", ".join(
        f"{shown_value(v)} {words[d]}" for v, d in zip(values, directions, strict=True)
    )


def shown_value(value: Expr) -> str:
    """A constant as a short exact text, or as 15 digits."""
    text = str(value)
    if len(text) <= 24:
        return text
    return short(number(value))


def short(value: Any, digits: int = 15) -> str:
    """A number as text: exact where that is short."""
    if isinstance(value, Fraction):
        exact = str(Rational(value.numerator, value.denominator))
        if len(exact) <= digits + 2:
            return exact
        value = enclose(Rational(value.numerator, value.denominator) + 0, {}, 64)
    if isinstance(value, Fraction):
        return _decimal(value, digits)
    if not value.is_finite():
        return "oo" if value > 0 else "-oo" if value < 0 else "undefined"
    return str(value.mid().str(digits, radius=False))


def _decimal(value: Fraction, digits: int) -> str:
    from derive.verification.claims.ball import ball

    return str(ball(value).mid().str(digits, radius=False))
