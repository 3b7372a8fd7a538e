"""All quantities of a loss at one point, from a single power series to order 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from derive.definitions.loss import Loss
from derive.verification.backend import Ball, NeedsPrecision, Undefined, arb, ctx
from derive.verification.enclosure import Enclosure
from derive.verification.evaluator import Evaluator
from derive.verification.jets import Jet
from derive.verification.quantities import Quantity

TRIES = 6  # how often the precision is raised


class Series:
    """Evaluates the definition once for every quantity."""

    def __init__(self, loss: Loss, quantities: Mapping[str, Quantity]) -> None:
        self.loss, self.quantities = loss, quantities

    @cached_property
    def _evaluator(self) -> Evaluator:
        most = max(q.order for q in self.quantities.values())
        count = len(self.loss.variables)
        return Evaluator(
            self.loss.expression, self.loss.variables, (most,) * count, (0,) * count, most
        )

    def at(
        self, point: Sequence[Ball], bits: int, below: int | None, precision: int
    ) -> dict[str, Enclosure]:
        """What is told to `bits` (or to be less than 2^below); nothing where a limit is wanted."""
        found: dict[str, Enclosure] = {}
        for _ in range(TRIES):
            ctx.prec = precision
            try:
                lacking = self._read(self._evaluator(point), point, bits, below, found)
            except NeedsPrecision:
                lacking = precision
            except Undefined:
                break
            if lacking == 0:
                break
            precision = max(precision + min(lacking, precision), 192)
        return found

    def _read(
        self,
        jet: Jet,
        point: Sequence[Ball],
        bits: int,
        below: int | None,
        found: dict[str, Enclosure],
    ) -> int:
        """The quantities that a series tells well enough; how many bits the others lack."""
        shape, lacking = self._evaluator.shape, 0
        for name, wanted in self.quantities.items():
            if name in found or (wanted.over_x and point[0].is_zero()):
                continue
            ball = jet[shape.index[wanted.orders]]
            if ball is None or ball.is_zero():
                found[name] = Enclosure(arb(0))
                continue
            ball = ball * shape.factor(wanted.orders)
            if wanted.over_x:
                ball = ball / point[0]
            accuracy = ball.rel_accuracy_bits() if ball.is_finite() else -bits
            if accuracy >= bits or (ball.is_finite() and is_below(ball, below)):
                found[name] = Enclosure(ball)
            else:
                lacking = max(lacking, bits - accuracy)
        return lacking


def is_below(ball: Ball, exponent: int | None) -> bool:
    """Whether a value is less than 2^exponent; None: never."""
    return exponent is not None and bool(abs(ball) < arb((1, exponent)))
