"""The errors of a form, in ULP of its own exact value, at given points.

What is allowed beyond the promise is kappa, the sum of |v/f df/dv| over the residual and every
parameter: what one rounding of each input does to the value. A prediction and a target count by
their distance from what they lie close to (`definitions.labels.share`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb, ctx
from sympy import Expr, FiniteSet, Symbol, nan, zoo

from derive.calculus.derivation import Derivation
from derive.definitions.floats import FORMATS, Floats, unit_exponent
from derive.definitions.labels import Meeting, at_label, labels, meeting, share
from derive.definitions.loss import Loss
from derive.definitions.samples import Sample
from derive.numerics.evaluate import evaluate
from derive.numerics.exact import Ball, Exact, NoValue, limit
from derive.numerics.nodes import Node

_KINDS: Mapping[str, Any] = {"float64": np.float64, "float32": np.float32}
_MOST = np.finfo(np.float64).max
_STEP = 40  # inputs are moved by a relative 2^-_STEP for kappa


def values(form: Node, sample: Sample) -> Floats:
    """The form at every point, each operation rounded to the dtype of the sample; in float32 as
    targets compute it that have no shortcuts."""
    kind = _KINDS[sample.dtype]
    columns = {name: np.asarray(v, dtype=kind) for name, v in sample.columns.items()}
    found = evaluate(form, columns, kind, shortcuts=kind is np.float64)
    found = np.asarray(found, dtype=np.float64)
    return np.broadcast_to(found, len(sample))


def errors_in_ulp(got: Floats, high: Floats, low: Floats, dtype: str) -> Floats:
    """|got - exact| in ULP of the exact value; 0 where there is none (NaN in high).

    The exact value is high + low ULP of float64. Beyond the range it counts as the number that
    would follow the largest one, and so does an infinity.
    """
    form = FORMATS[dtype]
    beyond = 2.0**form.precision
    with np.errstate(all="ignore"):
        unit = unit_exponent(np.clip(high, -_MOST, _MOST), form).astype(np.intc)
        own = unit_exponent(high, FORMATS["float64"]).astype(np.intc)

        def scaled(value: Floats) -> Floats:
            units = np.ldexp(value, -unit)
            return np.where(np.isnan(value), np.nan, np.clip(units, -beyond, beyond))

        inside = np.abs(high) < 2.0**form.largest_exponent * 2
        rest = np.where(inside, np.ldexp(low, own - unit), 0.0)
        error = np.abs(scaled(got) - scaled(high) - rest)
    error = np.where(np.isnan(error), np.inf, error)
    return np.asarray(np.where(np.isnan(high), 0.0, error))


@dataclass(frozen=True)
class Target:
    """A quantity as expressions: its own, and its limits at special points of parameters."""

    derivation: Derivation
    quantity: str
    expression: Expr
    limits: Mapping[tuple[str, float], Expr] = field(default_factory=dict)

    def moves(self, variable: Symbol) -> bool:
        """Whether it is a derivative in the variable."""
        name = next((n for n in self.derivation.quantities if n == self.quantity), None)
        return variable in getattr(name, "by", ())


def target(derivation: Derivation, quantity: str) -> Target:
    """The raw quantity, with those of its limits that are the same from both sides."""
    found: dict[tuple[str, float], Expr] = {}
    for item in derivation.limits:
        if item.quantity == quantity:
            key = item.variable.name, float(item.point)
            found[key] = nan if found.get(key, item.value) != item.value else item.value
    return Target(derivation, quantity, derivation.quantities[quantity], found)


class Reference:
    """The exact values of a quantity at the points of a sample, and kappa where it is asked for.

    special: the rows at which a parameter has a special value. settled: those at which the target
    is at an end of an interval.
    """

    def __init__(self, wanted: Target, sample: Sample) -> None:
        self.wanted, self.sample = wanted, sample
        loss = self._loss = wanted.derivation.loss
        self._labels = {float(v): v for v in labels(loss)}
        self._settled: dict[tuple[Expr, Expr], Expr] = {}
        self.variables: Sequence[Symbol] = loss.variables
        columns = [sample.columns[name] for name in sample.names]
        self.rows = np.stack(columns, axis=1)
        # a weight with two limits at 0 is the middle of them, as a slope at a kink
        zero = wanted.derivation.weight_at_zero
        self.sides_disagree = wanted.quantity == "weight" and zero == zoo
        self._compiled: dict[Expr, Exact] = {}
        self._kappa: dict[int, float] = {}
        self.special = np.zeros(len(sample), dtype=bool)
        for (name, point), _ in wanted.limits.items():
            self.special |= sample.columns[name] == point
        self.settled = settled(loss, sample)
        self.high, self.low = np.full(len(sample), np.nan), np.zeros(len(sample))
        for k in range(len(sample)):
            try:
                self.high[k], self.low[k] = _split(self._exact(k))
            except (NoValue, ZeroDivisionError):
                continue

    def errors(self, got: Floats, within: float) -> Floats:
        """ULP beyond kappa at every point; kappa is left out where the error is `within` it."""
        raw = errors_in_ulp(got, self.high, self.low, self.sample.dtype)
        for k in np.flatnonzero((raw > within) & np.isfinite(raw)):
            raw[k] = max(raw[k] - self.kappa(int(k)), 0.0)
        return raw

    def kappa(self, k: int) -> float:
        """In ULP of the value."""
        if k not in self._kappa:
            try:
                self._kappa[k] = self._condition(k)
            except (NoValue, ZeroDivisionError):
                self._kappa[k] = 0.0
        return self._kappa[k]

    def _expression(self, k: int) -> Expr:
        found = self.wanted.expression
        for (name, point), value in self.wanted.limits.items():
            if self.sample.columns[name][k] == point:
                found = value
        target = self._loss.target
        if target is not None and not self.wanted.moves(target):
            value = self.sample.columns[target.name][k]
            label = self._labels.get(float(value))
            found = found if label is None else self._at_label(found, label)
        return found

    def _at_label(self, expression: Expr, label: Expr) -> Expr:
        key = expression, label
        if key not in self._settled:
            self._settled[key] = at_label(expression, self._loss.target, label)
        return self._settled[key]

    def _program(self, expression: Expr) -> Exact:
        if expression not in self._compiled:
            far = bool(self._loss.predictions)  # where a score may be large and all is decided
            self._compiled[expression] = Exact(expression, self.variables, vanishes=far)
        return self._compiled[expression]

    def _exact(self, k: int) -> Ball:
        exact = self._program(self._expression(k))
        inputs = [arb(float(v)) for v in self.rows[k]]
        x = inputs[0]
        if not x.is_finite():
            return limit(exact, inputs, x)
        if x.is_zero() and self.sides_disagree:
            right, left = (limit(exact, inputs, arb(side)) for side in (1, -1))
            return (right + left) / 2
        try:
            return exact.enclosed(inputs)
        except (NoValue, ZeroDivisionError):
            if self._loss.kind != "residual":
                return self._at_an_end(exact, inputs)
            if not x.is_zero():
                raise
        right, left = (limit(exact, inputs, arb(side)) for side in (1, -1))
        if right.is_finite() and abs(right - left) <= abs(right) * arb((1, -50)):
            return right
        if right == left:
            return right
        raise NoValue("the two sides of 0 disagree")

    def _at_an_end(self, exact: Exact, inputs: Sequence[Ball]) -> Ball:
        """Where a prediction or the target is at an end of its domain: the limit from inside."""
        for place, v in enumerate(
            self.variables[: len(self.variables) - len(self._loss.parameters)]
        ):
            domain = self._loss.domain(v)
            for end, side in ((domain.inf, 1), (domain.sup, -1)):
                if end.is_finite and float(inputs[place]) == float(end):
                    return limit(exact, inputs, arb(side), place, inputs[place])
        raise NoValue("no limit is known")

    def _condition(self, k: int) -> float:
        with ctx.workprec(4 * _STEP):
            return self._relative_slopes(k)

    def _is_meant(self, place: int, value: float) -> bool:
        """A parameter at its default or at a special point is meant exactly: nothing is excused."""
        loss, p = self._loss, self.variables[place]
        if p not in loss.parameters:
            return False
        return value == loss.default(p) or value in map(float, loss.special.get(p, ()))

    def _relative_slopes(self, k: int) -> float:
        exact = self._program(self._expression(k))
        inputs = [arb(float(v)) for v in self.rows[k]]
        bits = 2 * _STEP
        here = exact.enclosed(inputs, bits)
        total = 0.0
        for place, v in enumerate(inputs):
            if v.is_zero() or not v.is_finite() or self._is_meant(place, float(v)):
                continue
            moved = self._moved(exact, inputs, place, here)
            if moved is not None:
                total += self._share(place, k) * float(
                    moved * arb((1, _STEP)) / _unit(here, self.sample.dtype)
                )
        return total

    @cached_property
    def _met(self) -> Meeting:
        return meeting(self._loss)

    def _share(self, place: int, k: int) -> float:
        if self._loss.kind == "residual":
            return 1.0
        return share(self._loss, self.variables[place], self.sample.point(k), self._met)

    @staticmethod
    def _moved(exact: Exact, inputs: Sequence[Ball], place: int, here: Ball) -> Ball | None:
        """How far the value moves with one input: at an edge between cases on the calmer side."""
        found: Ball | None = None
        for side in (1, -1):
            step = arb((side, -_STEP))
            v = inputs[place]
            beside = [*inputs[:place], v + v * step, *inputs[place + 1 :]]
            try:
                moved = abs(exact.enclosed(beside, 2 * _STEP) - here)
            except (NoValue, ZeroDivisionError):
                continue
            found = moved if found is None or moved < found else found
            if found <= abs(here) * arb((1, 20 - _STEP)):
                break
        return found


def settled(loss: Loss, sample: Sample) -> np.ndarray:
    """The rows of a sample at which the target is at an end of an interval."""
    y = loss.target
    if y is None or isinstance(loss.domain(y), FiniteSet):
        return np.zeros(len(sample), dtype=bool)
    return np.isin(sample.columns[y.name], [float(v) for v in labels(loss)])


def _unit(value: Ball, dtype: str) -> Ball:
    """The size of a value for kappa: its own, or where it is 0 what 1 ULP of it is worth."""
    if not value.is_zero():
        return abs(value)
    form = FORMATS[dtype]
    return arb((1, form.least + form.precision))


def _split(value: Ball) -> tuple[float, float]:
    if not value.is_finite():
        return (float("inf") if value > 0 else float("-inf")), 0.0
    middle = value.mid()
    high = float(middle)
    if not np.isfinite(high):
        return high, 0.0
    unit = int(unit_exponent(np.array([high]), FORMATS["float64"])[0])
    return high, float((middle - arb(high)) * arb((1, -unit)))
