"""Predicates at points: a line through one variable, numbers for all others."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction

import sympy
from sympy import Expr, Interval, Rational, Set, Symbol, oo, true

from derive.verification.backend import NeedsPrecision, Undefined
from derive.verification.claims.ball import Number, ball
from derive.verification.claims.extrema import grid
from derive.verification.claims.line import (
    Line,
    continuous_at,
    jump,
    number,
    same,
    short,
    shown_value,
)
from derive.verification.claims.operators import Numeric
from derive.verification.claims.places import fraction, infinite, text
from derive.verification.claims.quadrature import converges
from derive.verification.claims.refute import Finding, Place
from derive.verification.claims.samples import deciding, domain_of, real_roots
from derive.verification.claims.terms import Predicate
from derive.verification.claims.values import Values, compare

PLAIN = ("1", "2", "-1", "1/2", "3", "-2", "0", "-1/2", "3/2", "5", "-3", "10", "-5", "-10")
FEW = ("-3", "-1", "0", "1/4", "1", "7/4", "9/4", "5", "20")
NEAR = Rational(1, 16)  # how far around a named point monotony and convexity are looked at


def plain(root: Expr) -> Expr:
    """A zero of a condition: an exact short number, or one with 20 digits."""
    return root.evalf(20) if root.has(sympy.CRootOf) else root


def _moved_inside(low: Expr, high: Expr) -> tuple[Expr, Expr]:
    """The ends of an interval; those that are only near the true ones are moved inside."""
    beside = Rational(1, 10**12)
    if low.is_Float:
        low = Rational(str(low)) + abs(Rational(str(low))) * beside
    if high.is_Float:
        high = Rational(str(high)) - abs(Rational(str(high))) * beside
    return low, high


class Lines:
    """Predicates of one loss, decided on lines."""

    def __init__(self, values: Values, numeric: Numeric, where: object) -> None:
        self.values, self.numeric, self.where = values, numeric, where

    def checked(self, predicate: Predicate, at: Place) -> Finding | None:
        """A finding where the predicate fails on the line through `at`."""
        check: Callable[[Predicate, Place], Finding | None] = getattr(self, predicate.kind)
        rest = {v: value for v, value in at.items() if v != predicate.variable}
        return check(predicate, rest)

    def line(self, p: Predicate, at: Place) -> Line:
        """The body on the part of the variable's domain that the condition leaves."""
        domain = self.part(p.variable, at)
        point = self.point(p, at)
        extra = () if point is None else (point,)
        return self.numeric.line(p.body, p.variable, at, domain, extra)

    def point(self, p: Predicate, at: Place) -> Expr | None:
        return None if p.point is None else self.numeric.point(p.point, at)

    def part(self, v: Symbol, at: Place) -> Set:
        """Where the condition holds on the line, as one interval of the domain."""
        domain = domain_of(self.values.loss, v)
        where = self.where
        if where is true or v not in where.free_symbols:  # type: ignore[attr-defined]
            return domain
        fixed = where.subs(at)  # type: ignore[attr-defined]
        ends = [domain.inf, domain.sup]
        for part in deciding([fixed]):
            ends += map(plain, real_roots(part, v))
        ends = sorted(e for e in dict.fromkeys(ends) if domain.inf <= e <= domain.sup)
        for low, high in itertools.pairwise(ends):
            middle = grid(low, high, 3)[1]
            if self.values.holds(fixed, {v: middle}):
                opened = [
                    e in (oo, -oo) or not self.values.holds(fixed, {v: e})
                    or domain.contains(e) is not true for e in (low, high)
                ]  # fmt: skip
                return Interval(*_moved_inside(low, high), *opened)
        raise Undefined("the condition leaves nothing of the line")

    # Points

    def _each_point(self, p: Predicate, at: Place, line: Line) -> list[Expr]:
        point = self.point(p, at)
        if point is not None:
            return [point]
        inner = list(line.cuts)
        ends = [e for e in (line.domain.inf, line.domain.sup)
                if e not in (oo, -oo) and line.domain.contains(e) is true]  # fmt: skip
        return [*inner, *ends]

    def continuous(self, p: Predicate, at: Place) -> Finding | None:
        line = self.line(p, at)
        for point in self._each_point(p, at, line):
            fine, sides = continuous_at(line, point)
            if not fine:
                return self._at(p, at, point, "continuous", sides, False)
        return None

    def differentiable(self, p: Predicate, at: Place) -> Finding | None:
        return self._jumps(p, at, 1, "a derivative")

    def smooth(self, p: Predicate, at: Place) -> Finding | None:
        return self._jumps(p, at, 8, "derivatives of every order")

    def _jumps(self, p: Predicate, at: Place, orders: int, expected: str) -> Finding | None:
        line = self.line(p, at)
        inner = [c for c in self._each_point(p, at, line)
                 if line.domain.inf < c < line.domain.sup]  # fmt: skip
        for order in range(orders + 1):
            for point in inner:
                sides = jump(line, point, order)
                if sides:
                    what = "value" if order == 0 else f"derivative {order}"
                    return self._at(p, at, point, expected, f"{what}: {sides}", False)
        return None

    def _at(
        self, p: Predicate, at: Place, point: Expr, expected: str, got: str, rigorous: bool = True
    ) -> Finding:
        """rigorous: shown by disjoint enclosures, not by limits read off expansions."""
        plain = rigorous and not p.body.operators
        return Finding({**at, p.variable: point}, expected, got, plain)

    # Growth

    def bounded(self, p: Predicate, at: Place) -> Finding | None:
        line = self.line(p, at)
        for end, direction in self._ends(p, at, line):
            value = line.side(end, direction)
            if value in (oo, -oo):
                here = f"{p.variable} -> {text(end)}"
                return Finding(at, "bounded", f"tends to {value} as {here}", False)
        return None

    def integrable(self, p: Predicate, at: Place) -> Finding | None:
        line = self.line(p, at)
        for end, direction in self._ends(p, at, line):
            order = line.order(end, direction)
            if not converges(order, end):
                shown = "an exponential" if order.grows else f"power {-order.k}"
                distance = f"1/|{p.variable}|" if end in (oo, -oo) else "distance"
                got = f"behaves like {shown} of the {distance} at {p.variable} = {text(end)}"
                if not order.grows:
                    power = -order.k if end in (oo, -oo) else order.k
                    base = f"|{p.variable}|" if end in (oo, -oo) else "distance"
                    logs = f" log^{order.m}" if order.m else ""
                    got = f"behaves like {base}^({power}){logs} at {p.variable} = {text(end)}"
                return Finding(at, "integrable", got, False)
        return None

    def _ends(self, p: Predicate, at: Place, line: Line) -> list[tuple[Expr, str]]:
        point = self.point(p, at)
        return [(e, d) for e, d in line.ends if point is None or e == point]

    # Symmetry

    def even(self, p: Predicate, at: Place) -> Finding | None:
        return self._mirrored(p, at, 1)

    def odd(self, p: Predicate, at: Place) -> Finding | None:
        return self._mirrored(p, at, -1)

    def _mirrored(self, p: Predicate, at: Place, sign: int) -> Finding | None:
        domain = domain_of(self.values.loss, p.variable)
        for point in self._simple(p, at):
            mirror = -point
            if domain.contains(mirror) is not true:
                if domain.contains(point) is true:
                    return self._at(p, at, point, "a domain on both sides", f"no value at {mirror}")
                continue
            here, there = (self._value(p, at, value) for value in (point, mirror))
            if here is None or there is None:
                continue
            wanted = here if sign == 1 else -here
            if compare(there, wanted) in (-1, 1):
                expected = f"{short(wanted)} at {p.variable} = {text(mirror)}"
                return self._at(p, at, mirror, expected, short(there))
        return None

    def _simple(self, p: Predicate, at: Place) -> list[Expr]:
        """Plain numbers of the variable first, then the grid."""
        if p.point is not None or p.body.operators:
            return self._looked_at(p, at)
        domain = self.part(p.variable, at)
        plain = [Rational(t) for t in PLAIN if domain.contains(Rational(t)) is true]
        return list(dict.fromkeys([*plain, *self._looked_at(p, at)]))

    def _value(self, p: Predicate, at: Place, point: Expr) -> Number | None:
        try:
            return self.values.term(p.body, {**at, p.variable: point})
        except (Undefined, NeedsPrecision):
            return None

    def _looked_at(self, p: Predicate, at: Place) -> list[Expr]:
        """Points of the variable: around corners, and a grid over the part that counts."""
        domain = self.part(p.variable, at)
        point = self.point(p, at)
        if p.kind in ("even", "odd") and point is not None:
            return [point]
        cuts: tuple[Expr, ...] = tuple(self.values.loss.special.get(p.variable, ()))
        if not p.body.operators:
            cuts = (*cuts, *self.line(p, at).cuts)
        inner = [c for c in cuts if c not in (oo, -oo) and domain.contains(c) is true]
        if point is not None:
            near = [point + k * NEAR / 8 for k in range(-8, 9)]
            return [q for q in near if domain.contains(q) is true]
        if p.body.operators:  # each value is an integral or a limit
            found = [*inner, *map(Rational, FEW)]
            return [q for q in sorted(dict.fromkeys(found)) if domain.contains(q) is true]
        found = [*inner, *grid(domain.inf, domain.sup, 20)]
        for c in inner:
            found += [c + s * d for d in (Rational(1, 100), Rational(1, 10**6)) for s in (1, -1)]
        found += [e for e in (domain.inf, domain.sup) if e not in (oo, -oo)]
        return [q for q in sorted(dict.fromkeys(found)) if domain.contains(q) is true]

    # Monotony and convexity

    def increasing(self, p: Predicate, at: Place) -> Finding | None:
        return self._monotone(p, at, 1)

    def decreasing(self, p: Predicate, at: Place) -> Finding | None:
        return self._monotone(p, at, -1)

    def _monotone(self, p: Predicate, at: Place, sign: int) -> Finding | None:
        simple = [q for q in self._simple(p, at)[: len(PLAIN)] if q.is_Rational and q.q <= 2]
        found = 0
        for points in (sorted(simple), self._looked_at(p, at)):
            pairs = [(q, self._value(p, at, q)) for q in points]
            known = [(q, value) for q, value in pairs if value is not None]
            found += len(known)
            for (a, fa), (b, fb) in itertools.pairwise(known):
                if compare(fb, fa) == -sign:
                    word = ">=" if sign == 1 else "<="
                    expected = f"{word} {short(fa)}, the value at {p.variable} = {text(a)}"
                    return self._at(p, at, b, expected, short(fb))
        if found < 2:
            raise Undefined("no values on the line")
        return None

    def convex(self, p: Predicate, at: Place) -> Finding | None:
        if not p.body.operators:
            found = self._curved(p, at)
            if found is not None:
                return found
        points = self._looked_at(p, at)
        known = [(q, value) for q in points if (value := self._value(p, at, q)) is not None]
        finite = [(q, ball(value)) for q, value in known if not infinite(value)]
        if len(finite) < 3:
            raise Undefined("no values on the line")
        for (a, fa), (b, fb), (c, fc) in zip(finite, finite[1:], finite[2:], strict=False):
            part = ball(fraction((b - a) / (c - a)))
            chord = fa + (fc - fa) * part
            if fb > chord:
                expected = f"<= {short(chord)}, the chord from {text(a)} to {text(c)}"
                return self._at(p, at, b, expected, short(fb))
        return None

    def _curved(self, p: Predicate, at: Place) -> Finding | None:
        """A point where the second derivative is negative, or the slope falls at a corner."""
        line = self.line(p, at)
        second, slope = line.derivative(2), line.derivative()
        tried = [q for q in self._simple(p, at) if q not in line.cuts]
        for point in tried:
            value = second.at(point)
            if value is not None and compare(value, Fraction(0)) == -1:
                return self._at(p, at, point, "second derivative >= 0", short(value))
        for cut in line.cuts:
            try:
                below, above = (slope.side(cut, d) for d in ("-", "+"))
            except Undefined:
                continue
            if not same(below, above) and compare(number(above), number(below)) == -1:
                got = f"slope {shown_value(below)} before, {shown_value(above)} behind"
                return self._at(p, at, cut, "a slope that does not fall", got, False)
        return None
