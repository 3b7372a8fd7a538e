"""Several derivatives of a loss at one point, from a single power series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from derive.definitions.loss import Loss
from derive.verification.backend import Ball, NeedsPrecision, Undefined, ZeroDivisor, arb, ctx
from derive.verification.enclosure import Enclosure, undefined
from derive.verification.evaluator import Evaluator
from derive.verification.jets import Jet
from derive.verification.precision import Precision, is_hopeless, more, reach
from derive.verification.quantities import Quantity

TRIES = 6  # how often the precision is raised
EXTRA_ORDERS = 3  # how high a common zero of numerator and denominator is divided out

Found = dict[str, Enclosure]


class Series:
    """Evaluates the definition once for every quantity."""

    def __init__(
        self, loss: Loss, quantities: Mapping[str, Quantity], precision: Precision | None = None
    ) -> None:
        self.loss, self.quantities = loss, quantities
        self._precision = precision or Precision()
        self._spared: dict[tuple[int, ...], Evaluator] = {}

    def _evaluator(self, spare: tuple[int, ...]) -> Evaluator:
        if spare not in self._spared:
            orders = map(max, zip(*(q.orders for q in self.quantities.values()), strict=True))
            box = tuple(map(sum, zip(orders, spare, strict=True)))
            most = max(q.order for q in self.quantities.values()) + sum(spare)
            made = Evaluator(self.loss.expression, self.loss.variables, box, spare, most)
            self._spared[spare] = made
        return self._spared[spare]

    @cached_property
    def _no_spare(self) -> tuple[int, ...]:
        return (0,) * len(self.loss.variables)

    def at(self, point: Sequence[Ball], bits: int, below: int | None) -> Found:
        """What is told to `bits` (or to be less than 2^below); nothing where a limit is wanted."""
        found: Found = {}
        try:
            self._told(found, self._no_spare, point, bits, below)
        except ZeroDivisor as trouble:
            self._divided_out(found, trouble, point, bits, below)
        except Undefined:
            pass
        return found

    def _divided_out(
        self,
        found: Found,
        trouble: ZeroDivisor,
        point: Sequence[Ball],
        bits: int,
        below: int | None,
    ) -> None:
        """With more orders in a variable that vanishes, so that 0/0 can be divided out."""
        for extra in range(1, EXTRA_ORDERS + 1):
            for k, variable in enumerate(self.loss.variables):
                if variable.name not in trouble.names:
                    continue
                spare = tuple(extra * (i == k) for i in range(len(point)))
                try:
                    self._told(found, spare, point, bits, below)
                except ZeroDivisor:
                    continue
                except Undefined:
                    return
                if found:
                    return

    def _told(
        self,
        found: Found,
        spare: tuple[int, ...],
        point: Sequence[Ball],
        bits: int,
        below: int | None,
    ) -> None:
        evaluator = self._evaluator(spare)
        reached = reach(point)
        precision = self._precision.start(reached, bits)
        for _ in range(TRIES):
            ctx.prec = precision
            try:
                lacking = self._read(evaluator, evaluator(point), point, bits, below, found)
            except NeedsPrecision:
                lacking = bits
            if lacking <= 0:
                self._precision.enough(reached, bits, precision, -lacking)
                return
            precision = more(precision, bits, bits - lacking)

    def _read(
        self,
        evaluator: Evaluator,
        jet: Jet,
        point: Sequence[Ball],
        bits: int,
        below: int | None,
        found: Found,
    ) -> int:
        """The quantities that a series tells well enough; how many bits the others lack, or how
        many all of them have to spare (less than 0)."""
        shape, lacking = evaluator.shape, -int(ctx.prec)
        for name, wanted in self.quantities.items():
            if name in found or (wanted.over_x and point[0].is_zero()):
                continue
            ball = jet[shape.index[wanted.orders]]
            if ball is None or ball.is_zero():
                found[name] = Enclosure(arb(0))
                continue
            factor = shape.factor(wanted.orders)
            if factor != 1:
                ball = ball * factor
            if wanted.over_x:
                ball = ball / point[0]
            accuracy = int(ball.rel_accuracy_bits()) if ball.is_finite() else -bits
            if accuracy >= bits or (ball.is_finite() and is_below(ball, below)):
                found[name] = Enclosure(ball)
            elif is_hopeless(ball, point):
                found[name] = undefined("beyond the range of ball arithmetic")
                continue
            lacking = max(lacking, bits - accuracy)
        return lacking


def is_below(ball: Ball, exponent: int | None) -> bool:
    """Whether a value is less than 2^exponent; None: never."""
    return exponent is not None and bool(abs(ball) < arb((1, exponent)))
