"""Rigorous normalizers: exp(-loss), from the raw definition, integrated with enclosures.

With x = unit e^y every loss of a power law is analytic in a strip about the real y, so that
`acb.integral` encloses the integral over a finite range of y. Near x = 0 the loss lies between 0
and its value at the end; far out x d_x >= k > 1 bounds the tail by a power (x d_x does not fall
there, which is so for every loss with a density in the catalogue). Shares nothing with the
coefficients that the emitted files carry. Derivatives in parameters are differences of enclosures
at small steps, and a singular or infinite parameter is approached to 2^-200: not rigorous.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import sympy

from derive.definitions.loss import Loss
from derive.errors import BadInput
from derive.verification.backend import Ball, Undefined, arb, ctx, flint
from derive.verification.oracle import Oracle

METHOD = "quadrature with enclosures (Arb) of the raw definition"
BY_DIFFERENCES = METHOD + ", differences at steps of 2^-36"

BITS = 136  # of relative accuracy
NEAR, FAR = -50.0, 400.0  # range of y
BESIDE = 200  # a singular parameter is replaced by its neighbour at 2^-BESIDE
STEP = 36
GUARD = 96

DISTANCES = (20, 70)  # x = 2^(2^20): the tail; 2^(2^70): that of an exponent near 0

KNOWN = (sympy.exp, sympy.log, sympy.Abs, sympy.Piecewise)

Point = Mapping[str, Ball]


class Normalizer:
    """log of the integral of exp(-loss) over all x, or over an interval, for one loss."""

    def __init__(self, loss: Loss) -> None:
        strangers = loss.expression.atoms(sympy.Function) - loss.expression.atoms(*KNOWN)
        if strangers:
            raise BadInput(f"the quadrature does not know {min(map(str, strangers))}")
        self.loss, self.oracle = loss, Oracle(loss)
        self.names = [p.name for p in loss.parameters]
        self.bits = BITS + GUARD
        size = sympy.Symbol("size", positive=True)
        self.size = size
        self.sides = [loss.expression.subs(loss.residual, sign * size) for sign in (1, -1)]

    def exists(self, parameters: Mapping[str, float]) -> bool:
        """Whether the integral over all x converges: x d_x > 1 far out, and farther out."""
        return all(
            self._falls(arb((sign, 1 << distance)), parameters)
            for sign in (1, -1)
            for distance in DISTANCES
        )

    def _falls(self, x: Ball, parameters: Mapping[str, float]) -> bool:
        point = [x, *(arb(parameters[n]) for n in self.names)]
        if not all(p.is_finite() for p in point) and abs(x) > arb((1, 1 << DISTANCES[0])):
            return True  # a limit in a parameter, whose order with that in x is not free
        slope = self.oracle.enclose(self.oracle.wanted("d_x"), point, 64)
        if slope.infinite or slope.ball is None:
            return bool(slope.infinite * x > 0)
        return bool(slope.ball * x > 1 + arb(0.001))

    def log_partition(self, parameters: Mapping[str, float]) -> Ball:
        """log Z over all x."""
        return self._log(self._moved(parameters), None)

    def log_partition_on(self, a: float, b: float, parameters: Mapping[str, float]) -> Ball:
        """log of the integral over [a, b]."""
        return self._log(self._moved(parameters), (arb(a), arb(b)))

    def slopes(self, name: str, parameters: Mapping[str, float]) -> tuple[Ball, Ball]:
        """First and second derivative of log Z in a parameter, by differences."""
        here = self._moved(parameters)
        ctx.prec = self.bits
        size = abs(here[name])
        for special in self.special(name):
            distance = abs(here[name] - arb(float(special)))
            if special.is_finite and not distance.is_zero():
                size = min(size, distance, key=float)
        step = arb(float(size)) * arb((1, -STEP))
        low, middle, high = (
            self._log({**here, name: here[name] + k * step}, None) for k in (-1, 0, 1)
        )
        return (high - low) / (2 * step), (high - 2 * middle + low) / step**2

    def special(self, name: str) -> Sequence[Any]:
        """The special points of a parameter."""
        for p in self.loss.parameters:
            if p.name == name:
                return tuple(self.loss.special.get(p, ()))
        return ()

    def _moved(self, parameters: Mapping[str, float]) -> dict[str, Ball]:
        """Parameters as balls, moved off the points where the definition has only a limit."""
        special = [
            parameters[p.name] in map(float, self.loss.special.get(p, ()))
            for p in self.loss.parameters
        ]
        self.bits = BITS + GUARD + 2 * BESIDE * any(special)
        ctx.prec = self.bits
        moved = {}
        for p in self.loss.parameters:
            value = parameters[p.name]
            ball = arb(value)
            if any(float(s) == value for s in self.loss.special.get(p, ())):
                if math.isinf(value):
                    ball = arb((1 if value > 0 else -1, BESIDE))
                else:
                    ball = ball + arb((1, -BESIDE))
            moved[p.name] = ball
        return moved

    def _log(self, point: Point, interval: tuple[Ball, Ball] | None) -> Ball:
        ctx.prec = self.bits
        total = arb(0)
        for side, expression in zip((1, -1), self.sides, strict=True):
            if side < 0 and interval is None and self.sides[0] == expression:
                total = 2 * total
                break
            low, high = self._range(side, interval)
            if high is None or high > low:
                total += self._half(expression, point, low, high)
        return total.log()

    def _range(self, side: int, interval: tuple[Ball, Ball] | None) -> tuple[Ball, Ball | None]:
        """The sizes |x| to integrate over on one side of 0; None for no end."""
        if interval is None:
            return arb(0), None
        a, b = interval if side > 0 else (-interval[1], -interval[0])
        zero = arb(0)
        return (a if a > 0 else zero), (b if b > 0 else zero)

    def _half(self, expression: Any, point: Point, low: Ball, high: Ball | None) -> Ball:
        unit = next((point[p.name] for p in self.loss.parameters if p.is_positive), arb(1))
        first = arb(NEAR) if low.is_zero() else (low / unit).log()
        last = self._far_enough(expression, point, unit) if high is None else (high / unit).log()
        total = arb(0)
        if low.is_zero():
            end = unit * first.exp()
            if high is not None and high < end:
                end = high
            top = self._real(expression, point, end)
            total += end * (-top).exp().union(arb(1))
        if last > first:
            cuts = [first, *self._kinks(expression, point, unit, first, last), last]
            for left, right in pairwise(cuts):
                total += self._piece(expression, point, unit, left, right)
        if high is None:
            total += self._tail(expression, point, unit * last.exp())
        return total

    def _far_enough(self, expression: Any, point: Point, unit: Ball) -> Ball:
        """The y beyond which nothing is left to BITS, at most FAR."""
        y = 1.0
        while y < FAR:
            if self._real(expression, point, unit * arb(y).exp()) > y + 0.7 * BITS:
                return arb(y)
            y += 1.0
        return arb(FAR)

    def _tail(self, expression: Any, point: Point, end: Ball) -> Ball:
        """Between 0 and end exp(-loss)/(k - 1), k = x d_x at the end, by a difference quotient.

        loss(e x) - loss(x) is at most k at e x: what is used is the quotient before the end.
        """
        value = self._real(expression, point, end)
        k = value - self._real(expression, point, end * arb(-1).exp())
        if not k > 1:
            raise Undefined("the integral does not converge")
        bound = end * (-value).exp() / (k - 1)
        return arb(0).union(bound)

    def _kinks(
        self, expression: Any, point: Point, unit: Ball, first: Ball, last: Ball
    ) -> list[Ball]:
        """Where a branch ends: places y inside, in order."""
        found = []
        for relation in expression.atoms(sympy.core.relational.Relational):
            gap = relation.lhs - relation.rhs
            if self.size not in gap.free_symbols:
                continue
            slope = gap.coeff(self.size)
            rest = sympy.expand(gap - slope * self.size)
            if self.size in rest.free_symbols or slope.free_symbols:
                raise BadInput(f"{self.loss.name}: a branch ends where {relation}; not linear in x")
            place = self._real(-rest / slope, point, arb(1))
            if place > 0:
                y = (place / unit).log()
                if y > first and y < last:
                    found.append(y)
        return sorted(found, key=float)

    def _piece(self, expression: Any, point: Point, unit: Ball, left: Ball, right: Ball) -> Ball:
        acb = flint.acb
        middle = unit * ((left + right) / 2).exp()
        smooth = self._branch(expression, point, middle)
        names = {n: acb(v) for n, v in point.items()}

        def integrand(y: Any, analytic: bool) -> Any:
            x = unit * y.exp()
            value = evaluate(smooth, {**names, "size": x}, analytic)
            return (y - value).exp() * unit

        tolerance = arb((1, -BITS))
        found = acb.integral(integrand, acb(left), acb(right), rel_tol=tolerance, abs_tol=tolerance)
        return found.real

    def _branch(self, expression: Any, point: Point, x: Ball) -> Any:
        """The expression with every piecewise part replaced by the one that holds at x."""

        def chosen(*pieces: Any) -> Any:
            for value, condition in pieces:
                if condition == True or self._holds(condition, point, x):  # noqa: E712
                    return value
            raise Undefined("no branch applies")

        return expression.replace(
            lambda node: isinstance(node, sympy.Piecewise), lambda node: chosen(*node.args)
        )

    def _holds(self, condition: Any, point: Point, x: Ball) -> bool:
        gap = self._real(condition.lhs - condition.rhs, point, x)
        return bool(gap < 0) if condition.rel_op in ("<", "<=") else bool(gap > 0)

    def _real(self, expression: Any, point: Point, x: Ball) -> Ball:
        names = {n: flint.acb(v) for n, v in point.items()}
        branch = self._branch(expression, point, x)
        return evaluate(branch, {**names, "size": flint.acb(x)}, False).real


def evaluate(node: Any, names: Mapping[str, Any], analytic: bool) -> Any:
    """An expression over complex balls; analytic: NaN where it is not analytic on the ball."""
    acb = flint.acb
    if isinstance(node, sympy.Symbol):
        return names[node.name]
    if isinstance(node, sympy.Rational):
        return acb(int(node.p)) / int(node.q)
    parts = [evaluate(part, names, analytic) for part in node.args]
    if isinstance(node, sympy.Add):
        return sum(parts[1:], parts[0])
    if isinstance(node, sympy.Mul):
        return math.prod(parts[1:], start=parts[0])
    if isinstance(node, sympy.Pow):
        exponent = node.args[1]
        if exponent.is_Integer:
            return parts[0] ** int(exponent)
        return parts[0].pow(parts[1], analytic=analytic)
    if isinstance(node, sympy.exp):
        return parts[0].exp()
    if isinstance(node, sympy.log):
        return parts[0].log(analytic=analytic)
    if isinstance(node, sympy.Abs) and parts[0].imag.is_zero():
        return acb(abs(parts[0].real))
    if isinstance(node, sympy.Abs) and not node.args[0].has(sympy.Symbol("size", positive=True)):
        return acb(abs(parts[0].real))
    raise BadInput(f"the normalizer cannot evaluate {type(node).__name__}")
