"""The oracle: rigorous values of a loss and its derivatives, from the raw definition alone.

Ball arithmetic encloses the exact value at the given floating-point inputs, at a precision that is
raised until the ball is much smaller than one unit in the last place. Derivatives are coefficients
of power series. It shares no code with what generates: no symbolic derivative, no stable form.
Where the definition has no value of its own (alpha = 2 or ±inf, a kink) the policies of the
project decide which limit is meant, and the limit is read off at tiny distances (`limits`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from sympy import nan

from derive.definitions.labels import Meeting, at_label, labels, meeting
from derive.definitions.loss import Loss
from derive.errors import BadInput
from derive.verification import limits
from derive.verification.backend import (
    Ball,
    NeedsPrecision,
    Tie,
    Undefined,
    ZeroDivisor,
    arb,
    ctx,
    require,
)
from derive.verification.enclosure import Enclosure, undefined
from derive.verification.evaluator import Evaluator
from derive.verification.precision import MOST_BITS, SPARE, Precision, is_hopeless, more, reach
from derive.verification.quantities import Quantity, quantities
from derive.verification.series import EXTRA_ORDERS, Series, is_below

DOUBLE_BITS = 64  # leaves 11 bits behind the last one of a float64
FEW_BITS = 64  # tell on which side of a level a value lies
UNDERFLOW = -1200  # below 2^UNDERFLOW every dtype rounds to 0
REMEMBERED = 500  # points beside one that has only a limit

Point = Sequence[Ball]


class Oracle:
    """Exact values of one loss. Variables are given by name; x, then the parameters.

    joint: beside a point that has only a limit, every quantity is had at once.
    """

    def __init__(self, loss: Loss, settled: bool = False, joint: bool = True) -> None:
        require()
        self.loss, self._joint = loss, joint
        self._labels = {} if settled else {float(v): v for v in labels(loss)}
        self._target = loss.variables.index(loss.target) if loss.target is not None else 0
        self._settled: dict[float, Oracle | None] = {}
        self.names = tuple(v.name for v in loss.variables)
        self.quantities: Mapping[str, Quantity] = quantities(loss)
        self._expression = loss.expression
        self._evaluators: dict[tuple[tuple[int, ...], tuple[int, ...]], Evaluator] = {}
        self._precision = Precision()
        self._series = Series(loss, self.quantities, self._precision)
        self._moving: dict[tuple[Any, ...], Series] = {}
        self._near: dict[tuple[Any, ...], dict[str, Enclosure]] = {}
        self._limits: set[int] = set()  # the variables of limits that are being taken
        self._no_spare = (0,) * len(self.names)

    @cached_property
    def met(self) -> Meeting:
        return meeting(self.loss)

    def value(self, name: str, point: Mapping[str, float], bits: int = DOUBLE_BITS) -> Enclosure:
        """The enclosure of a quantity at floating-point inputs (NaN in, nothing out)."""
        wanted = self.wanted(name)
        if set(self.names) != set(point):
            raise BadInput(
                f"{self.loss.name}: a point gives {', '.join(self.names)}, not {', '.join(point)}"
            )
        if any(math.isnan(v) for v in point.values()):
            return undefined("an input is NaN")
        inputs = [arb(float(point[n])) for n in self.names]
        answer = self.enclose(wanted, inputs, bits, below=UNDERFLOW)
        # a ball across the middle between two floats: more bits, unless it is the very middle
        for finer in (2 * bits, 4 * bits):
            ball = answer.ball
            if ball is None or not answer.rigorous or _same_float(ball):
                break
            answer = self.enclose(wanted, inputs, finer, below=UNDERFLOW)
        return answer

    def everything(self, point: Point, bits: int = DOUBLE_BITS) -> dict[str, Enclosure]:
        """Every quantity at a point: from one series where that is possible, else one by one."""
        settled = self._at_a_label(point)
        if settled is not None:
            there = settled.everything(point, bits)
            moved = {n for n, q in self.quantities.items() if q.orders[self._target]}
            return {
                name: self.enclose(wanted, point, bits, UNDERFLOW) if name in moved else there[name]
                for name, wanted in self.quantities.items()
            }
        found = {}
        if all(v.is_finite() for v in point):
            found = self._series.at(point, bits, UNDERFLOW)
        return {
            name: found.get(name) or self.enclose(wanted, point, bits, UNDERFLOW)
            for name, wanted in self.quantities.items()
        }

    def height(self, name: str, point: Mapping[str, float], level: float) -> float:
        """log(|value| / level), infinite where the value is 0 or infinite."""
        few = self.enclose(self.wanted(name), [arb(float(point[n])) for n in self.names], FEW_BITS)
        if few.ball is None:
            return math.inf if few.infinite else -math.inf
        if few.ball.is_zero():
            return -math.inf
        return float((abs(few.ball) / level).log().mid())

    def slopes(
        self, wanted: Quantity, point: Point, places: Sequence[int], bits: int, below: int
    ) -> list[Enclosure]:
        """The derivatives of a quantity in the variables at some places."""
        key = wanted, *places
        if key not in self._moving:
            orders = [tuple(n + (m == k) for m, n in enumerate(wanted.orders)) for k in places]
            several = [Quantity(wanted.name, o, wanted.over_x) for o in orders]
            named = {str(q.orders): q for q in several}
            self._moving[key] = Series(self.loss, named, self._precision)
        series = self._moving[key]
        at_once = all(v.is_finite() for v in point) and self._at_a_label(point) is None
        found = series.at(point, bits, below) if at_once else {}
        return [
            found.get(name) or self.enclose(q, point, bits, below)
            for name, q in series.quantities.items()
        ]

    def _beside(self, wanted: Quantity, point: Point, below: int) -> Enclosure:
        """A value beside a point that has only a limit; every quantity is asked for there. What is
        known to be less than 2^below is known well enough."""
        joint = self._joint and wanted == self.quantities.get(wanted.name)
        if not joint or not all(v.is_finite() for v in point):
            return self.enclose(wanted, point, limits.BITS, below)
        key = tuple((*v.mid().man_exp(), *v.rad().man_exp()) for v in point)
        if key not in self._near:
            if len(self._near) > REMEMBERED:
                self._near.clear()
            self._near[key] = self._series.at(point, limits.BITS, below)
        found = self._near[key].get(wanted.name)
        return found or self.enclose(wanted, point, limits.BITS, below)

    def wanted(self, name: str) -> Quantity:
        if name not in self.quantities:
            raise BadInput(
                f"{self.loss.name} has no quantity {name!r}; it has {', '.join(self.quantities)}"
            )
        return self.quantities[name]

    def enclose(
        self, wanted: Quantity, point: Point, bits: int, below: int | None = None
    ) -> Enclosure:
        """As `value`, at exact inputs of any exponent."""
        settled = self._at_a_label(point)
        if settled is not None and not wanted.orders[self._target]:
            return settled.enclose(wanted, point, bits, below)
        endless = [k for k, v in enumerate(point) if not v.is_finite()]
        if endless:
            return self._at_infinity(wanted, point, endless)
        try:
            return self._direct(wanted, point, bits, below)
        except Undefined as trouble:
            return self._approach(wanted, point, bits, trouble)

    def _at_a_label(self, point: Point) -> Oracle | None:
        """The oracle of what the loss is at a label or an end of the target's domain: 0 log 0 = 0.
        None elsewhere."""
        if not self._labels:
            return None
        here = float(point[self._target])
        if here not in self._labels or point[self._target] != arb(here):
            return None
        if here not in self._settled:
            made = at_label(self._expression, self.loss.target, self._labels[here])
            lacking = made is nan or not made.has(self.loss.residual)
            loss = replace(self.loss, loss=made, where=()) if not lacking else None
            self._settled[here] = None if loss is None else Oracle(loss, settled=True)
        return self._settled[here]

    def _evaluator(self, orders: tuple[int, ...], spare: tuple[int, ...]) -> Evaluator:
        key = orders, spare
        if key not in self._evaluators:
            total = tuple(map(sum, zip(orders, spare, strict=True)))
            made = Evaluator(self._expression, self.loss.variables, total, spare)
            self._evaluators[key] = made
        return self._evaluators[key]

    def _direct(self, wanted: Quantity, point: Point, bits: int, below: int | None) -> Enclosure:
        if wanted.over_x and point[0].is_zero():
            return self._weight_at_zero(wanted, point, bits)
        try:
            ball = self._decided(wanted, point, self._no_spare, bits, below)
        except ZeroDivisor as trouble:
            ball = self._divided_out(wanted, point, bits, below, trouble)
        return Enclosure(ball)

    def _divided_out(
        self, wanted: Quantity, point: Point, bits: int, below: int | None, trouble: ZeroDivisor
    ) -> Ball:
        """Series in a vanishing variable with more orders, so that 0/0 can be divided out."""
        for extra in range(1, EXTRA_ORDERS + 1):
            for k, name in enumerate(self.names):
                if name not in trouble.names:
                    continue
                spare = tuple(extra * (i == k) for i in range(len(self.names)))
                try:
                    return self._decided(wanted, point, spare, bits, below)
                except Tie:
                    raise
                except (Undefined, NeedsPrecision):
                    continue
        raise Undefined(str(trouble), trouble.names)

    def _decided(
        self,
        wanted: Quantity,
        point: Point,
        spare: tuple[int, ...],
        bits: int,
        below: int | None,
    ) -> Ball:
        """Raise the precision until the ball is small beside the value."""
        evaluator = self._evaluator(wanted.orders, spare)
        position = evaluator.shape.index[wanted.orders]
        factor = evaluator.shape.factor(wanted.orders)
        reached = reach(point)
        precision = self._precision.start(reached, bits)
        while precision <= MOST_BITS:
            ctx.prec = precision
            try:
                ball = evaluator(point)[position]
            except NeedsPrecision:
                precision *= 2
                continue
            if ball is None or ball.is_zero():
                return arb(0)
            if factor != 1:
                ball = ball * factor
            if wanted.over_x:
                ball = ball / point[0]
            if is_hopeless(ball, point):
                raise Undefined("beyond the range of ball arithmetic")
            accuracy = ball.rel_accuracy_bits()
            if accuracy >= bits or (ball.is_finite() and is_below(ball, below)):
                self._precision.enough(reached, bits, precision, max(accuracy - bits, 0))
                return ball
            precision = more(precision, bits, accuracy)
        raise Undefined("the precision that would decide is out of reach")

    def _weight_at_zero(self, wanted: Quantity, point: Point, bits: int) -> Enclosure:
        """d_x/x at 0: the second derivative there if the first one vanishes."""
        slope = self._direct(Quantity("d_x", wanted.orders), point, bits, None)
        if not slope.is_zero:
            return undefined("d_x does not vanish at 0, so the weight has no limit there")
        twice = tuple(2 * n for n in wanted.orders)
        return self._direct(Quantity("d2_x", twice), point, bits, UNDERFLOW)

    def _at_infinity(self, wanted: Quantity, point: Point, endless: Sequence[int]) -> Enclosure:
        """The limit at ±inf; a derivative in a parameter is 0 there, as the loss has a limit.

        Parameters go ahead of x: it is the loss at its parameters whose limit in x is meant.
        """
        if any(k and wanted.orders[k] for k in endless):
            return Enclosure(arb(0))

        def values(n: int) -> Enclosure:
            far = list(point)
            for k in endless:
                ahead = 4 if k and endless[0] == 0 else 1
                far[k] = arb((1 if point[k] > 0 else -1, ahead * n))
            return self._beside(wanted, far, limits.VANISHED)

        if any(0 < abs(v) < limits.TINY for k, v in enumerate(point) if k and k not in endless):
            found = limits.toward(values, limits.REMOTE, limits.VANISHED)
            if found.defined:
                return found
        return limits.toward(values, limits.DISTANT, limits.VANISHED)

    def _approach(self, wanted: Quantity, point: Point, bits: int, trouble: Undefined) -> Enclosure:
        """Limits from both sides of the point, in the first variable that brings an answer."""
        candidates = [k for k, name in enumerate(self.names) if name in trouble.names]
        if self.loss.predictions:  # one after the other leaves the end of its domain
            ends = [k for k in candidates if self._edge(point, k)]
            settled = any(k != self._target for k in ends) and self._edge(point, self._target)
            if settled and wanted.orders[self._target]:
                return undefined("the limit depends on which variable comes first")
            candidates = ends[:1] or candidates
        for k in candidates:
            if k in self._limits:  # beside its point there is no value either
                continue
            self._limits.add(k)
            try:
                answer = self._from_both_sides(wanted, point, k)
            finally:
                self._limits.remove(k)
            if answer is not None:
                return answer
        return undefined(str(trouble))

    def _from_both_sides(self, wanted: Quantity, point: Point, k: int) -> Enclosure | None:
        edge = self._edge(point, k) if self.loss.predictions else 0
        if edge:  # beyond the end of its domain, a prediction or a target means nothing
            inside = self._one_side(wanted, point, k, -edge)
            return inside if inside.defined else None
        left, right = (self._one_side(wanted, point, k, side) for side in (-1, 1))
        if not left.defined or not right.defined:
            edge = self._edge(point, k)
            return None if edge == 0 else left if edge > 0 else right
        common = limits.both(left, right)
        if common is not None:
            return common
        if k:
            return None
        if wanted.order == 2:  # policy: the inner side
            if not point[0].is_zero():
                return left if point[0] > 0 else right
            if self.loss.predictions:
                return undefined("the second derivative differs on the two sides")
            if wanted.orders[0] != 1:  # a mixed one is the derivative of the middle slope
                return undefined("the second derivative differs on the two sides of 0")
        if left.ball is None or right.ball is None:
            return None
        ctx.prec = 4 * limits.BITS
        total = left.ball.mid() + right.ball.mid()
        if abs(total) <= abs(left.ball.mid()) * arb((1, SPARE - limits.BITS)):  # no digit of it
            return Enclosure(arb(0), rigorous=False)
        return Enclosure((left.ball + right.ball) / 2, rigorous=False)

    def _edge(self, point: Point, k: int) -> int:
        """1 at the upper end of the variable's domain, -1 at the lower one, 0 inside."""
        domain = self.loss.domain(self.loss.variables[k])
        here = float(point[k])
        if self.loss.predictions and not point[k] == arb(here):  # noqa: SIM201
            return 0  # nearer to an end than any float
        if float(domain.sup) == here:
            return 1
        return -1 if float(domain.inf) == here else 0

    def _one_side(self, wanted: Quantity, point: Point, k: int, side: int) -> Enclosure:
        at = point[k]
        unit = 0 if at.is_zero() else int(at.man_exp()[1]) + int(at.man_exp()[0]).bit_length()

        def values(n: int) -> Enclosure:
            ctx.prec = MOST_BITS  # the sum is exact
            beside = at + arb((side, unit - n))
            return self._beside(wanted, moved(point, k, beside), 2 * limits.UNDER)

        distances = limits.BESIDE_ZERO if at.is_zero() else limits.NEAR
        if at.is_zero() and any(0 < abs(v) < limits.TINY for v in point[1:]):
            distances = (*distances, *limits.REMOTE)
        return limits.toward(values, distances, limits.UNDER)


def moved(point: Point, k: int, value: Ball) -> list[Ball]:
    """The point with its k-th coordinate replaced."""
    out = list(point)
    out[k] = value
    return out


def _same_float(ball: Ball) -> bool:
    return bool(ball.is_exact()) or float(ball.lower()) == float(ball.upper())
