"""The errors of a form, in ULP of its own exact value, at given points.

What is allowed beyond the promise is kappa, the sum of |v/f df/dv| over the residual and every
parameter: what one rounding of each input does to the value. A prediction and a target count by
their distance from what they lie close to (`definitions.labels.share`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
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
from derive.numerics.columns import Ball, Column, Points
from derive.numerics.evaluate import BY_LOG, USUAL, Values
from derive.numerics.exact import Exact, NoValue, limit
from derive.numerics.nodes import Node

_KINDS: Mapping[str, Any] = {"float64": np.float64, "float32": np.float32}
_MOST = np.finfo(np.float64).max
_STEEP = 50  # ULP
_JUMP = arb((1, -8))  # what moves by more in one step jumps: no rounding excuses the wrong side
_BLOCK = 16384  # points that are evaluated at a time: arrays of them stay close to the processor
_ALL = slice(None)
_STEP = 64  # inputs are moved by a relative 2^-_STEP for kappa: by less than to the next number


def values(form: Node, sample: Sample, cheap: bool = False) -> Floats:
    """The form at every point, each operation rounded to the dtype of the sample; in float32 as
    targets compute it that have no shortcuts, unless `cheap`."""
    blocks = range(0, len(sample), _BLOCK)
    return np.concatenate([_at(sample, cheap, slice(k, k + _BLOCK))(form) for k in blocks])


def _at(sample: Sample, cheap: bool, rows: slice = _ALL) -> Callable[[Node], Floats]:
    """The values of forms at the points of a sample."""
    kind = _KINDS[sample.dtype]
    columns = {name: np.asarray(v[rows], dtype=kind) for name, v in sample.columns.items()}
    wide = cheap or kind is np.float64
    known = Values(columns, kind, wide, BY_LOG if cheap else USUAL)
    shape = columns[sample.names[0]].shape
    return lambda form: np.broadcast_to(np.asarray(known.of(form), dtype=np.float64), shape)


def errors_in_ulp(got: Floats, high: Floats, low: Floats, dtype: str) -> Floats:
    """|got - exact| in ULP of the exact value; 0 where there is none (NaN in high).

    The exact value is high + low ULP of float64. Beyond the range it counts as the number that
    would follow the largest one, and so does an infinity.
    """
    return _Ulps(high, low, dtype).errors(got)


class _Ulps:
    """Exact values, counted in ULP of themselves."""

    def __init__(self, high: Floats, low: Floats, dtype: str) -> None:
        form = FORMATS[dtype]
        self.beyond, self.missing = 2.0**form.precision, np.isnan(high)
        with np.errstate(all="ignore"):
            self.unit = unit_exponent(np.clip(high, -_MOST, _MOST), form).astype(np.intc)
            own = unit_exponent(high, FORMATS["float64"]).astype(np.intc)
            inside = np.abs(high) < 2.0**form.largest_exponent * 2
            self.high = self._scaled(high)
            self.rest = np.where(inside, np.ldexp(low, own - self.unit), 0.0)

    def errors(self, got: Floats) -> Floats:
        with np.errstate(all="ignore"):
            error = np.abs(self._scaled(got) - self.high - self.rest)
        error = np.where(np.isnan(error), np.inf, error)
        return np.asarray(np.where(self.missing, 0.0, error))

    def _scaled(self, value: Floats) -> Floats:
        units = np.ldexp(value, -self.unit)
        return np.asarray(np.minimum(np.maximum(units, -self.beyond), self.beyond))


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
    is at an end of an interval. steep: how often kappa counts close beside a zero. cheap:
    forms are evaluated with the shortcuts of NumPy's files, whatever the dtype.
    """

    def __init__(self, wanted: Target, sample: Sample, steep: int = 2, cheap: bool = False) -> None:
        self.wanted, self.sample, self._steep, self.cheap = wanted, sample, steep, cheap
        loss = self._loss = wanted.derivation.loss
        self._labels = {float(v): v for v in labels(loss)}
        self._settled: dict[tuple[Expr, Expr], Expr] = {}
        self.variables: Sequence[Symbol] = loss.variables
        columns = [sample.columns[name] for name in sample.names]
        self.points = Points([[arb(v) for v in column.tolist()] for column in columns])
        # a weight with two limits at 0 is the middle of them, as a slope at a kink
        zero = wanted.derivation.weight_at_zero
        self.sides_disagree = wanted.quantity == "weight" and zero == zoo
        self._compiled: dict[Expr, Exact] = {}
        self._kappa: dict[int, float] = {}
        self.special = np.zeros(len(sample), dtype=bool)
        for (name, point), _ in wanted.limits.items():
            self.special |= sample.columns[name] == point
        self.settled = settled(loss, sample)
        self.expressions = [self._expression(k) for k in range(len(sample))]
        self.high, self.low = _split(self._values())
        self._ulps = _Ulps(self.high, self.low, sample.dtype)
        self._at = _at(sample, cheap)

    def errors_of(self, form: Node, within: float) -> Floats:
        """The errors of a form; what other forms are made of is evaluated once."""
        return self.errors(self._at(form), within)

    def errors(self, got: Floats, within: float) -> Floats:
        """ULP beyond kappa at every point; kappa is left out where the error is `within` it. Close
        beside a zero it counts `steep` times: there no form keeps to it at every point. (A
        subnormal number is small for another reason.)"""
        raw = self._ulps.errors(got)
        rows = np.flatnonzero((raw > within) & np.isfinite(raw))
        kappa = self._conditions(rows)
        least = 2.0 ** FORMATS[self.sample.dtype].smallest_exponent
        steep = (kappa > _STEEP) & (np.abs(self.high[rows]) >= least)
        raw[rows] = np.maximum(raw[rows] - kappa * np.where(steep, self._steep, 1), 0.0)
        return raw

    def kappa(self, k: int) -> float:
        """In ULP of the value."""
        return float(self._conditions(np.array([k]))[0])

    def _conditions(self, rows: np.ndarray) -> Floats:
        missing = [k for k in rows.tolist() if k not in self._kappa]
        for expression, some in self._by_expression(missing).items():
            with ctx.workprec(4 * _STEP):
                found = self._relative_slopes(self._program(expression), some)
            self._kappa.update(zip(some, found, strict=True))
        return np.array([self._kappa[k] for k in rows.tolist()])

    def _by_expression(self, rows: Iterable[int]) -> dict[Expr, list[int]]:
        found: dict[Expr, list[int]] = {}
        for k in rows:
            found.setdefault(self.expressions[k], []).append(k)
        return found

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
            self._compiled[expression] = Exact(expression, self.variables, vanishes=True)
        return self._compiled[expression]

    def _values(self) -> Column:
        """The exact value at every point, None where there is none."""
        found: Column = [None] * self.points.count
        x = self.points.columns[0]
        inside = [
            k for k, v in enumerate(x)
            if v.is_finite() and not (v.is_zero() and self.sides_disagree)
        ]  # fmt: skip
        for expression, rows in self._by_expression(inside).items():
            values = self._program(expression).column(self.points.part(rows))
            for k, value in zip(rows, values, strict=True):
                found[k] = value
        for k, value in enumerate(found):
            if value is None:
                with suppress(NoValue, ZeroDivisionError):
                    found[k] = self._limit(k)
        return found

    def _limit(self, k: int) -> Ball:
        """What the quantity tends to where its expression has no value."""
        exact = self._program(self.expressions[k])
        inputs = [column[k] for column in self.points.columns]
        x = inputs[0]
        if not x.is_finite():
            return limit(exact, inputs, x)
        if self._loss.kind != "residual" and not (x.is_zero() and self.sides_disagree):
            return self._at_an_end(exact, inputs)
        if not x.is_zero():
            raise NoValue("no sharp enclosure")
        right, left = (limit(exact, inputs, arb(side)) for side in (1, -1))
        if self.sides_disagree and not (right + left).is_nan():
            return (right + left) / 2
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

    def _relative_slopes(self, exact: Exact, rows: Sequence[int]) -> list[float]:
        """Kappa at some points; 0 where there is no value."""
        points = self.points.part(rows)
        here = exact.column(points, 2 * _STEP)
        # A zero of a residual loss is a number to be met exactly.
        met = [self._loss.kind == "residual" and v is not None and v.is_zero() for v in here]
        total = [0.0] * len(rows)
        for place, column in enumerate(points.columns):
            meant = self._meant(place)
            varied = [
                k for k, v in enumerate(column)
                if here[k] is not None and not met[k] and not v.is_zero() and v.is_finite()
                and float(v) not in meant
            ]  # fmt: skip
            for k, moved in self._moved(exact, points, place, here, varied).items():
                if not here[k].is_zero() and moved > abs(here[k]) * _JUMP:
                    continue
                slope = moved * arb((1, _STEP)) / _unit(here[k], self.sample.dtype)
                total[k] += self._share(place, rows[k]) * float(slope)
        return total

    def _meant(self, place: int) -> set[float]:
        """A parameter at its default or at a special point is meant exactly: nothing is excused."""
        loss, p = self._loss, self.variables[place]
        if p not in loss.parameters:
            return set()
        return {loss.default(p), *map(float, loss.special.get(p, ()))}

    @cached_property
    def _met(self) -> Meeting:
        return meeting(self._loss)

    def _share(self, place: int, k: int) -> float:
        if self._loss.kind == "residual":
            return 1.0
        return share(self._loss, self.variables[place], self.sample.point(k), self._met)

    @staticmethod
    def _moved(
        exact: Exact,
        points: Points,
        place: int,
        here: Column,
        rows: Sequence[int],
    ) -> dict[int, Ball]:
        """How far the value moves with one input: at an edge between cases on the calmer side."""
        found: dict[int, Ball] = {}
        for side in (1, -1):
            if not rows:
                break
            step = arb((side, -_STEP))
            columns = [[column[k] for k in rows] for column in points.columns]
            columns[place] = [v + v * step for v in columns[place]]
            for k, value in zip(rows, exact.column(Points(columns), 2 * _STEP), strict=True):
                if value is not None:
                    moved = abs(value - here[k])
                    found[k] = moved if k not in found or moved < found[k] else found[k]
            calm = arb((1, 20 - _STEP))
            rows = [k for k in rows if k not in found or not found[k] <= abs(here[k]) * calm]
        return found


class Batch:
    """References whose forms are evaluated together: of one dtype, all cheap or none."""

    def __init__(self, references: Sequence[Reference]) -> None:
        self.references = references
        samples = [r.sample for r in references]
        together = replace(samples[0], groups=sum((s.groups for s in samples), ()))
        self._at = _at(together, references[0].cheap)
        self._ends = np.cumsum([len(s) for s in samples])[:-1]
        self._errors: dict[tuple[int, float], list[tuple[Reference, Floats]]] = {}

    @staticmethod
    def of(references: Iterable[Reference]) -> tuple[Batch, ...]:
        alike: dict[tuple[str, bool], list[Reference]] = {}
        for r in references:
            alike.setdefault((r.sample.dtype, r.cheap), []).append(r)
        return tuple(map(Batch, alike.values()))

    def errors_of(self, form: Node, within: float) -> list[tuple[Reference, Floats]]:
        """As `Reference.errors_of`, of each; found once for a form."""
        if (id(form), within) not in self._errors:  # which the values keep from being used again
            got = np.split(self._at(form), self._ends)
            found = [(r, r.errors(v, within)) for r, v in zip(self.references, got, strict=True)]
            self._errors[id(form), within] = found
        return self._errors[id(form), within]


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


def _split(values: Column) -> tuple[Floats, Floats]:
    """Each value as a float64 and the rest in ULP of it; NaN where there is none."""
    high = np.array([np.nan if value is None else _nearest(value) for value in values])
    low = np.zeros(len(high))
    finite = np.flatnonzero(np.isfinite(high))
    units = unit_exponent(high[finite], FORMATS["float64"])
    for k, unit in zip(finite.tolist(), units.tolist(), strict=True):
        middle: Ball = values[k].mid()
        low[k] = float((middle - arb(high[k])) * arb((1, -unit)))
    return high, low


def _nearest(value: Ball) -> float:
    if not value.is_finite():
        return float("inf") if value > 0 else float("-inf")
    return float(value.mid())
