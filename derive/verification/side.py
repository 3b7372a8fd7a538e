"""exp(-loss) on one side of 0, integrated with enclosures; x = unit e^y.

Every loss is analytic between its kinks, so that `acb.integral` encloses the integral over a
finite range. Near 0 the loss is bounded over [0, end]. Far out it is proved convex in y, and its
slope there lies between the difference quotients on either side; or its slope in x is bounded
from below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import sympy

from derive.errors import BadInput
from derive.verification.backend import Ball, Undefined, arb, flint
from derive.verification.bounds import SIZE, Interval, Names, bounds, compiled, evaluate, is_convex
from derive.verification.far import least_slope, most

GRID = range(-40, 41, 2)  # where the largest value of the integrand is looked for
NEAREST, FARTHEST = -(1 << 12), 1 << 12  # in y
BEYOND = 1 << 10  # e-folds of the tail that its lower bound covers
OUT = (2, 6, 18, 40)  # beyond the last kink, in y: where it is asked whether the integral is finite


@dataclass(frozen=True)
class Side:
    """The integrand at given parameters for sizes of x from low to high (None: no end)."""

    expression: Any
    names: Names
    unit: Ball
    low: Ball
    high: Ball | None

    def integral(self, bits: int) -> Ball:
        """Enclosed to about 2^-bits of the largest value of the integrand in y."""
        tolerance = self.peak.exp() * arb((1, -bits))
        first = self._near_enough(tolerance)
        last = self._far_enough(tolerance, bits)
        total = arb(0)
        if self.low.is_zero():
            total += self._head(self._size(first))
        if last > first:
            cuts = [first, *(y for y in self.kinks if y > first and y < last), last]
            for left, right in pairwise(cuts):
                total += self._piece(left, right, tolerance)
        if self.high is None:
            total += self._tail(last)
        return total

    @cached_property
    def peak(self) -> Ball:
        """The logarithm of about the largest value of exp(-loss) dx/dy."""
        places = [arb(y) for y in GRID] + self.kinks
        if not self.low.is_zero():
            places = [self._y(self.low), *(y for y in places if y > self._y(self.low))]
        if self.high is not None:
            places = [*(y for y in places if y < self._y(self.high)), self._y(self.high)]
        sizes = map(self._size, places)
        return max((x.log() - self.loss(x)).mid() for x in sizes)

    def range(self, part: int = 0) -> Interval:
        """Bounds of the loss over [low, high], or over its first 2^-part."""
        if self.high is None:
            raise Undefined("no bounds over all sizes")
        return self._range(self.low, self.low + (self.high - self.low) * arb((1, -part)))

    def loss(self, x: Ball) -> Ball:
        return self._function(self._branch(x), False)(flint.acb(x)).real

    def _function(self, branch: Any, analytic: bool) -> Callable[[Any], Any]:
        """A branch of the loss over complex balls, walked once."""
        key = branch, analytic
        if key not in self._functions:
            self._functions[key] = compiled(branch, self.names, analytic)
        return self._functions[key]

    @cached_property
    def _functions(self) -> dict[tuple[Any, bool], Callable[[Any], Any]]:
        return {}

    def _size(self, y: Ball) -> Ball:
        return self.unit * y.exp()

    def _y(self, x: Ball) -> Ball:
        return (x / self.unit).log()

    def _near_enough(self, tolerance: Ball) -> Ball:
        """Where y begins: what is nearer to 0 is known to the tolerance."""
        if not self.low.is_zero():
            return self._y(self.low)
        for y in range(-8, NEAREST, -8):
            end = self._size(arb(y))
            if self.high is not None and not end < self.high:
                continue
            if self._head(end).rad() < tolerance:
                return arb(y)
        raise Undefined("the integral near 0 is not enclosed")

    def _far_enough(self, tolerance: Ball, bits: int) -> Ball:
        """Where y ends: what lies farther out is known to the tolerance, or to 2^-bits of it."""
        if self.high is not None:
            return self._y(self.high)
        y = self._last + OUT[0]
        while y < FARTHEST:
            tail = self._tail(y)
            if tail.rad() < tolerance or tail.rad() < tail * arb((1, -bits)):
                return y
            y = (y * arb(1.25)).mid()
        raise Undefined("the tail of the integral is not enclosed")

    def _head(self, end: Ball) -> Ball:
        """The integral over sizes from 0 to end."""
        least, most = self._range(arb(0), end)
        return end * (-least).exp().union((-most).exp())

    def _range(self, low: Ball, high: Ball) -> Interval:
        inside = [x for x in map(self._size, self.kinks) if x > low and x < high]
        cuts = [low, *inside, high]
        found = [
            bounds(self._branch((a + b) / 2), self.names, (a.lower(), b.upper()))
            for a, b in pairwise(cuts)
        ]
        return min(least for least, _ in found), max(most for _, most in found)

    @cached_property
    def converges(self) -> bool | None:
        """Whether the integral without an end is proved to be finite, or to be infinite."""
        for distance in OUT:
            x = self._size(self._last + distance)
            branch = self._branch(x)
            if most(branch, self.names, x) is not None:
                return False
            least = least_slope(branch, self.names, x)
            if least is not None and least > 0:
                return True
        return None

    @property
    def _last(self) -> Ball:
        """The farthest kink, in y."""
        return max([arb(0), *self.kinks], key=float)

    def _tail(self, y: Ball) -> Ball:
        """The integral beyond y, where no branch ends; NaN where nothing is known of it."""
        branch = self._branch(self._size(y))
        if is_convex(branch, self.names):
            return self._convex_tail(y)
        x = self._size(y)
        least = least_slope(branch, self.names, x)
        if least is None or not least > 0:
            return arb("nan")
        return arb(0).union((-self.loss(x)).exp() / least)

    def _convex_tail(self, y: Ball) -> Ball:
        """Where the loss is convex in y."""
        before, here = (self.loss(self._size(y + k)) for k in (-1, 0))
        least = here - before - 1
        if not least > 0:
            return arb("nan")  # nothing is known of it
        value = self._size(y) * (-here).exp()
        span = (BEYOND / least).mid()
        far, farther = (self.loss(self._size(y + span + k)) for k in (0, 1))
        most = farther - far - 1
        if not most.is_finite() or not most > 0:
            return arb(0).union(value / least)
        return (value / least).union(value * (1 - (-most * span).exp()) / most)

    @cached_property
    def kinks(self) -> list[Ball]:
        """Where a branch ends: places y, in order."""
        found = []
        for relation in self.expression.atoms(sympy.core.relational.Relational):
            gap = relation.lhs - relation.rhs
            if SIZE in gap.free_symbols:
                found += [self._y(place) for place in self._zeros(gap) if place > 0]
        return sorted(found, key=float)

    def _zeros(self, gap: Any) -> list[Ball]:
        """Where a polynomial of degree 1 or 2 in the size is 0."""
        poly = gap.as_poly(SIZE) if gap.is_polynomial(SIZE) else None
        if poly is None or poly.degree() > 2:
            raise BadInput(f"a branch ends where {gap} is 0; not quadratic in x")
        c, b, a = (evaluate(poly.coeff_monomial(SIZE**k), self.names, False).real for k in range(3))
        if a.is_zero():
            return [] if b.is_zero() else [-c / b]
        square = b * b - 4 * a * c
        if square < 0:
            return []
        half = square.sqrt() / (2 * a)
        return [-b / (2 * a) - half, -b / (2 * a) + half]

    def _piece(self, left: Ball, right: Ball, tolerance: Ball) -> Ball:
        acb = flint.acb
        smooth = self._branch(self._size((left + right) / 2))
        loss = [self._function(smooth, analytic) for analytic in (False, True)]
        unit = self.unit

        def integrand(y: Any, analytic: bool) -> Any:
            return (y - loss[analytic](unit * y.exp())).exp() * unit

        relative = arb((1, -flint.ctx.prec))
        found = acb.integral(integrand, acb(left), acb(right), rel_tol=relative, abs_tol=tolerance)
        return found.real

    @cached_property
    def _piecewise(self) -> bool:
        return bool(self.expression.has(sympy.Piecewise))

    def _branch(self, x: Ball) -> Any:
        """The expression with every piecewise part replaced by the one that holds at x."""
        if not self._piecewise:
            return self.expression

        def chosen(*pieces: Any) -> Any:
            for value, condition in pieces:
                if condition == True or self._holds(condition, x):  # noqa: E712
                    return value
            raise Undefined("no branch applies")

        return self.expression.replace(
            lambda node: isinstance(node, sympy.Piecewise), lambda node: chosen(*node.args)
        )

    def _holds(self, condition: Any, x: Ball) -> bool:
        if isinstance(condition, sympy.And | sympy.Or):
            found = (self._holds(part, x) for part in condition.args)
            return all(found) if isinstance(condition, sympy.And) else any(found)
        names = {**self.names, "size": flint.acb(x)}
        gap = evaluate(condition.lhs - condition.rhs, names, False).real
        return bool(gap < 0) if condition.rel_op in ("<", "<=") else bool(gap > 0)
