"""Exact values of losses of a prediction and a target, and over classes, for what asks strangers.

The target goes in beside the prediction, in each form that people give it: labels as 0 and 1 or as
-1 and 1, a class by its number or as a row with one 1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sympy import FiniteSet, Set

from derive.definitions.classes import over
from derive.definitions.floats import Floats
from derive.definitions.loss import Along, Loss
from derive.definitions.samples import draw
from derive.errors import BadInput
from derive.verification.backend import Ball, arb, ctx
from derive.verification.callables.session import Given
from derive.verification.callables.truth import BITS, Batch, Truth
from derive.verification.classwise import PRODUCT, Table, kappa_of, orders
from derive.verification.condition import kappa
from derive.verification.enclosure import Enclosure, undefined
from derive.verification.oracle import UNDERFLOW, Oracle
from derive.verification.quantities import Quantity
from derive.verification.series import Series
from derive.verification.special import has_place, special_sample

CLASSES = 4
WEIGHTS = np.array([1.0, 0.0, -0.25, 0.5])  # a row of classes from one number
SIGNS, HOT = "signs", "hot"  # forms of a target, behind its name
POINTS = {"everyday": 240, "whole": 240}
COUNTS, ROWS = (2, 3, 5), 8
FAR = (1e3, -1e3, 2e4)  # scores whose exponentials leave every range
NONE = -2000  # a probability of 2^NONE is 0 to all who look


def truth_of(loss: Loss, quantity: str) -> Truth:
    kinds = {"residual": Truth, "pointwise": Pairs, "classwise": Rows}
    return kinds[loss.kind](loss, quantity)


class Roles(Truth):
    """What both kinds share: the grid goes in with what stands beside it."""

    def floats(self, parameters: Mapping[str, float]) -> Floats:
        balls = {name: arb(value) for name, value in parameters.items()}
        batch = Batch(self.grid, parameters, self.beside(self.grid))
        found = self.exact(batch, balls, arb(1), arb(0))
        values = [math.nan if value is None else value.float64() for value in found]
        return np.array(values).reshape(self.shape(self.grid))


@dataclass
class Pairs(Roles):
    """A quantity of a loss of a prediction and a target. A second prediction is a parameter."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.target = str(self.loss.target)
        labels = isinstance(self.loss.domain(self.loss.target), FiniteSet)
        self.forms = (self.target, f"{self.target}_{SIGNS}") if labels else (self.target,)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(n for n in self.oracle.names if n != self.target)

    def inside(self, x: Floats) -> Floats:
        return _into(self.loss.domain(self.loss.residual), x)

    def beside(self, x: Floats) -> Mapping[str, Floats]:
        chosen = np.array(_plain_targets(self.loss.domain(self.loss.target)))
        return self._formed(chosen[_number(x) % len(chosen)])

    def _formed(self, y: Floats) -> dict[str, Floats]:
        """The target in each of its forms; signs are of the larger of two labels."""
        found = {self.target: y}
        if len(self.forms) > 1:
            low, high = sorted(float(v) for v in self.loss.domain(self.loss.target))
            found[self.forms[1]] = (y - low if low < 0 else 2 * y - high - low) / (high - low)
        return found

    def has_place(self, x: float) -> bool:
        return math.isnan(x) or has_place(self.loss, x)

    def value(self, x: float, parameters: Mapping[str, Ball]) -> Enclosure:
        point = [arb(x), *(parameters[n] for n in self.oracle.names[1:])]
        return self.oracle.enclose(self.oracle.wanted(self.quantity), point, BITS, -1200)

    def exact(
        self, batch: Batch, ours: Mapping[str, Ball], factor: Ball, offset: Ball
    ) -> list[Enclosure | None]:
        targets = np.broadcast_to(batch.beside[self.target], batch.x.shape)
        return [
            None if math.isnan(x) else self.under(x, {**ours, self.target: arb(y)}, factor, offset)
            for x, y in zip(batch.x.ravel().tolist(), targets.ravel().tolist(), strict=True)
        ]

    def told(self, batch: Batch, k: int) -> dict[str, Any]:
        y = float(batch.beside[self.target][k])
        return {self.names[0]: float(batch.x[k]), self.target: y, **batch.settings}

    def arguments(self, told: Mapping[str, Any]) -> dict[str, Any]:
        if isinstance(told.get(self.target, []), list):
            return dict(told)
        y = np.atleast_1d(told[self.target]).astype(float)
        return {**told, **{n: v.tolist() for n, v in self._formed(y).items()}}

    def batches(self, dtype: str, seed: int, fixed: Mapping[str, float] | None) -> Iterator[Batch]:
        """Samples of the judge of emitted files, those of one choice of the parameters together;
        settings are ours. fixed: where these are not free."""
        groups: dict[tuple[float, ...], list[tuple[Floats, float]]] = {}
        place = self.loss.held.index(self.loss.target)
        samples = [special_sample(self.loss, dtype)]
        samples += [draw(self.loss, kind, dtype, n, seed=seed) for kind, n in POINTS.items()]
        for group in itertools.chain(*(s.groups for s in samples)):
            held = list(group.parameters)
            y = held.pop(place)
            held = held if fixed is None else list(fixed.values())
            groups.setdefault(tuple(held), []).append((group.x, y))
        for held_, parts in groups.items():
            x = np.concatenate([part for part, _ in parts])
            y_ = np.concatenate([np.full(len(part), y) for part, y in parts])
            settings = dict(zip(self.names[1:], held_, strict=True))
            yield Batch(x, settings, self._formed(y_))

    def kappa(
        self, told: Mapping[str, Any], place: int, parameters: Mapping[str, Ball], value: float,
        factor: float,
    ) -> float:  # fmt: skip
        point = {n: float(v) for n, v in parameters.items()}
        point |= {n: float(told[n]) for n in (self.names[0], self.target)}
        return kappa(self.oracle, self.quantity, point, "float64")


@dataclass
class Rows(Roles):
    """A quantity of a loss over classes: each row of numbers, and its target, is one input."""

    _tables: dict[tuple[int, int], tuple[Series, Series]] = field(default_factory=dict)
    over_classes = True

    def __post_init__(self) -> None:
        known = [q for q in Table(self.loss, "float64", 2, 0, 1, 0).quantities if q != PRODUCT]
        if self.quantity not in known:
            raise BadInput(
                f"{self.loss.name} has no quantity {self.quantity!r} that is judged; it has "
                + ", ".join(known)
            )
        if self.loss.target is not None:
            name = self.loss.target.name
            self.forms = (name, f"{name}_{HOT}") if self.is_index else (name,)

    @property
    def names(self) -> tuple[str, ...]:
        return self.loss.residual.name, *(p.name for p in self.loss.parameters)

    @property
    def is_index(self) -> bool:
        return isinstance(self.loss.target, Along) and self.loss.target.sort == "index"

    def inside(self, x: Floats) -> Floats:
        spread = x[..., None] * np.where(np.isfinite(x)[..., None], WEIGHTS, 1.0)
        return self._of_sort(self.loss.residual, spread)

    def _of_sort(self, v: Any, values: Floats) -> Floats:
        if v.sort != "probability":
            return values
        powers = np.exp(np.clip(values, -20, 20))
        return np.asarray(powers / powers.sum(-1, keepdims=True))

    def beside(self, x: Floats) -> Mapping[str, Floats]:
        if self.loss.target is None:
            return {}
        number, count = _number(x.sum(-1)), x.shape[-1]
        if not self.is_index:
            turned = np.sin(number[..., None] * (1.0 + np.arange(count)))
            return {self.forms[0]: self._of_sort(self.loss.target, turned)}
        return self._formed(number % count, count)

    def _formed(self, t: Any, count: int) -> dict[str, Floats]:
        return {self.forms[0]: t, self.forms[1]: np.eye(count)[t]}

    def special(self, x: Floats, settings: Mapping[str, float]) -> Given:
        return self.question(x, settings)

    def shape(self, x: Floats) -> tuple[int, ...]:
        return x.shape if len(self._places(2)) > 1 else x.shape[:-1]

    def arguments(self, told: Mapping[str, Any]) -> dict[str, Any]:
        found, row = dict(told), told.get(self.names[0])
        if not isinstance(row, list) or isinstance(row[0], list):
            return found
        x = np.atleast_2d(row)
        found[self.names[0]] = x.tolist()
        if self.forms and self.forms[0] in told:
            t = told[self.forms[0]]
            formed = self._formed(np.atleast_1d(t), x.shape[1]) if self.is_index else {
                self.forms[0]: np.atleast_2d(t)}  # fmt: skip
            found |= {n: v.tolist() for n, v in formed.items()}
        return found

    def told_of(self, batch: Batch, k: int) -> dict[str, Any]:
        return self.told(batch, k * len(self._places(batch.x.shape[-1])))

    def has_place(self, x: float) -> bool:
        return self.loss.residual.sort == "real" or math.isnan(x)

    def exact(
        self, batch: Batch, ours: Mapping[str, Ball], factor: Ball, offset: Ball
    ) -> list[Enclosure | None]:
        count = batch.x.shape[-1]
        found: list[Enclosure | None] = []
        for k in range(batch.x.size // count):
            rows = self._row(batch, k)
            values = self._values(rows, ours)
            ctx.prec = 4 * BITS
            for value in values:
                lone = len(values) == 1  # of a slope, some entries may depend on no NaN
                told = None if lone and math.isnan(sum(rows[0])) else value
                found.append(told if told is None or told.ball is None else
                             Enclosure(factor * told.ball + offset))  # fmt: skip
        return found

    def _row(self, batch: Batch, k: int) -> tuple[list[float], Any]:
        x = batch.x.reshape(-1, batch.x.shape[-1])[k].tolist()
        if self.loss.target is None:
            return x, None
        t = batch.beside[self.forms[0]]
        return x, int(t.ravel()[k]) if self.is_index else t.reshape(-1, t.shape[-1])[k].tolist()

    def _values(self, row: tuple[list[float], Any], ours: Mapping[str, Ball]) -> list[Enclosure]:
        """The values that come out of one row."""
        places, point = self._places(len(row[0])), self._point(row, ours)
        if not all(map(math.isfinite, row[0])):
            return [undefined("no limit is taken here")] * len(places)
        missing = undefined("a kink, or no value")
        known = self._known(row, point, False)
        found = [known.get(orders(place, len(point)), missing) for place in places]
        if not self._has_zero(row):
            return found
        known = self._known(row, self._point(row, ours, 2 * NONE), False)
        nearer = [known.get(orders(place, len(point)), missing) for place in places]
        return [a if _is_limit(a, b) else missing for a, b in zip(found, nearer, strict=True)]

    def _has_zero(self, row: tuple[list[float], Any]) -> bool:
        return any(0.0 in numbers for numbers, sort in self._of_row(row) if sort == "probability")

    def _of_row(self, row: tuple[list[float], Any]) -> list[tuple[list[float], str]]:
        """The vectors of a row, each with its sort."""
        vectors = [v for v in self.loss.variables if isinstance(v, Along) and v.sort != "index"]
        numbers = [part for part in row if isinstance(part, list)]
        return [(part, v.sort) for part, v in zip(numbers, vectors, strict=True)]

    def _known(
        self, row: tuple[list[float], Any], point: Sequence[Ball], moved: bool
    ) -> dict[tuple[int, ...], Enclosure]:
        """The values and, where asked, how they move with each number, by their orders."""
        series = self._series(len(row[0]), row[1] if self.is_index else 0)[moved]
        found = series.at(point, BITS, UNDERFLOW)
        return {series.quantities[n].orders: e for n, e in found.items()}

    def _point(
        self, row: tuple[list[float], Any], ours: Mapping[str, Ball], none: int = NONE
    ) -> list[Ball]:
        """The numbers that go in; a probability of 0 is approached: 0 log 0 is a limit."""
        numbers = [
            arb((1, none)) if v == 0 and sort == "probability" else arb(v)
            for vector, sort in self._of_row(row) for v in vector
        ]  # fmt: skip
        return [*numbers, *(ours[n] for n in self.names[1:])]

    def _places(self, count: int) -> list[tuple[int, ...]]:
        """The derivatives that the quantity has, by the places of their variables."""
        vectors = [v for v in self.loss.variables if isinstance(v, Along) and v.sort != "index"]
        wanted = self.quantity.removeprefix("d_")
        if self.quantity == "loss":
            return [()]
        for k, v in enumerate(vectors):
            if v.name == wanted:
                return [(k * count + i,) for i in range(count)]
        names = [p.name for p in self.loss.parameters]
        return [(len(vectors) * count + names.index(wanted),)]

    def _series(self, count: int, target: int) -> tuple[Series, Series]:
        """What gives the values, and what gives how they move, too."""
        if (count, target) not in self._tables:
            oracle = Oracle(over(self.loss, count, target))
            size = len(oracle.names)
            places = self._places(count)
            more = [(*p, i) for p in places for i in range(size)]
            few, all_ = (
                {str(o): Quantity(str(o), o) for o in (orders(p, size) for p in which)}
                for which in (places, [*places, *more])
            )
            self._tables[count, target] = Series(oracle.loss, few), Series(oracle.loss, all_)
        return self._tables[count, target]

    def told(self, batch: Batch, k: int) -> dict[str, Any]:
        each = len(self._places(batch.x.shape[-1]))
        x, target = self._row(batch, k // each)
        beside = {} if target is None else {self.forms[0]: target}
        return {self.names[0]: x, **beside, **batch.settings}

    def batches(self, dtype: str, seed: int, fixed: Mapping[str, float] | None) -> Iterator[Batch]:
        parameters = fixed or {p.name: self.loss.default(p) for p in self.loss.parameters}
        for turn, count in enumerate(COUNTS):
            if fixed is None and turn:
                drawn = Table(self.loss, dtype, 2, 0, 2, seed + turn).inputs
                parameters = {p.name: float(drawn[p.name][1]) for p in self.loss.parameters}
            parts = [
                Table(self.loss, dtype, count, t, ROWS, seed + 10 * count + t)
                for t in ((0, count - 1) if self.is_index else (0,))
            ]
            x = np.concatenate([part.inputs[self.names[0]] for part in parts])
            beside: dict[str, Floats] = {}
            if self.is_index:
                t_ = np.repeat([part.target for part in parts], ROWS)
                beside = self._formed(t_, count)
            elif self.loss.target is not None:
                beside = {self.forms[0]: parts[0].inputs[self.forms[0]]}
            yield Batch(x, parameters, beside)
            if self.loss.residual.sort == "real":
                far = np.outer(np.resize(FAR, len(x)), np.resize(WEIGHTS, count))
                yield Batch(far, parameters, beside)
            yield from self._without_a_class(x, parameters, beside)
            yield Batch(x[:1] * np.nan, parameters, {n: v[:1] for n, v in beside.items()})

    def _without_a_class(
        self, x: Floats, parameters: Mapping[str, float], beside: Mapping[str, Floats]
    ) -> Iterator[Batch]:
        """Probabilities of which one is 0: in the prediction, then in the target."""
        if self.loss.residual.sort == "probability":
            yield Batch(_emptied(x), parameters, beside)
        target = self.loss.target
        if isinstance(target, Along) and target.sort == "probability":
            yield Batch(x, parameters, {self.forms[0]: _emptied(beside[self.forms[0]])})

    def kappa(
        self, told: Mapping[str, Any], place: int, parameters: Mapping[str, Ball], value: float,
        factor: float,
    ) -> float:  # fmt: skip
        row = told[self.names[0]], told.get(self.forms[0]) if self.forms else None
        point = self._point(row, parameters)
        size, known = len(point), self._known(row, point, True)
        at = self._places(len(row[0]))[place]
        moved = [known.get(orders((*at, i), size)) for i in range(size)]
        here = known.get(orders(at, size))
        return kappa_of(here, moved, [float(v) for v in point], "float64")


def _emptied(rows: Floats) -> Floats:
    """The rows, each without one of its classes in turn."""
    kept = rows * (np.arange(rows.shape[1]) != np.arange(len(rows))[:, None] % rows.shape[1])
    return np.asarray(kept / kept.sum(-1, keepdims=True))


def _is_limit(a: Enclosure, b: Enclosure) -> bool:
    """Whether values at two tiny probabilities are one number in every dtype."""
    return a.ball is not None and b.ball is not None and bool(a.ball.overlaps(b.ball))


def _number(x: Floats) -> Any:
    """A whole number that belongs to each x, so that what stands beside it can be chosen."""
    sizes = np.minimum(np.abs(np.nan_to_num(x, posinf=1.0, neginf=2.0)), 1e9)
    return np.floor(1000 * sizes).astype(np.int64)


def _into(domain: Set, x: Floats) -> Floats:
    """Numbers of any size and sign into a domain: as they are, their sizes, or a share."""
    low, high = float(domain.inf), float(domain.sup)
    if math.isinf(low):
        return x
    if math.isinf(high):
        return np.where(x == 0, 1.0, np.abs(x)) + (low if low > 0 else 0.0)
    share = 1 / (1 + np.exp(-np.clip(x, -30, 30)))
    return np.where(np.isnan(x), x, low + (high - low) * share)


def _plain_targets(domain: Set) -> Sequence[float]:
    if isinstance(domain, FiniteSet):
        return sorted(float(v) for v in domain)
    inside = (0.0, 1.0, 0.3, 0.8, 2.5, 4.0, -1.3)
    return [v for v in inside if domain.contains(v) == True]  # noqa: E712
