"""The location that a loss of residuals estimates: where the sum of its slopes is 0.

A residual is prediction minus target, so the estimate t of data y solves sum d_x(t - y_i) = 0.
Slopes are evaluated from the definition at high precision, so the answer is right to the last
digit of a float64; where the minimum is an interval (the median of an even number of data), both
ends are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpmath import mp
from sympy import Expr, Symbol

from derive.calculus.derivation import Derivation
from derive.calculus.evaluate import NotReal, along, evaluate
from derive.definitions.relations import refuse
from derive.errors import BadInput
from derive.numerics.evaluate import evaluate as rough
from derive.numerics.lower import lower

DIGITS = 50
MOST_DATA = 100_000
# Steps within the loss's own length: a redescending slope may change its sign that often.
STEPS = 8


@dataclass(frozen=True)
class Root:
    """A stationary value: low = high but where the total loss is flat. kind: minimum or maximum."""

    low: float
    high: float
    kind: str
    loss: float


@dataclass(frozen=True)
class Estimate:
    """low, high: the least total loss is reached on all of [low, high]. roots: every stationary
    value that was found, in order. inner, outer: how many residuals lie strictly inside and
    strictly outside of the outermost kinks of the loss at the estimate (all are inside where
    it has none): where the slope is clipped, what is averaged and what is trimmed."""

    low: float
    high: float
    roots: tuple[Root, ...]
    inner: int
    outer: int

    @property
    def value(self) -> float:
        """The estimate; the middle where it is an interval."""
        return self.low + (self.high - self.low) / 2

    @property
    def unique(self) -> bool:
        return self.low == self.high


def location(derivation: Derivation, data: Iterable[float], **settings: float) -> Estimate:
    """The location that minimises the total loss of the residuals t - y, from any data.

    settings: parameters by name, the loss's defaults otherwise. Raises BadInput for empty data,
    data or parameters that are no finite numbers.
    """
    values = sorted(_number(y, "data") for y in data)
    if not values or len(values) > MOST_DATA:
        raise BadInput(f"data: {len(values)} numbers; 1 to {MOST_DATA} are wanted")
    with mp.workdps(DIGITS):
        at = _parameters(derivation, settings)
        total = _Total(derivation, [mp.mpf(y) for y in values], at)
        roots = total.roots()
        least = min(r.loss for r in roots if r.kind == "minimum")
        best = [r for r in roots if r.kind == "minimum" and r.loss == least]
        inner, outer = total.sides(mp.mpf(best[0].low))
    return Estimate(best[0].low, best[-1].high, tuple(roots), inner, outer)


def _number(value: Any, what: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise BadInput(f"{what}: {value!r} is no number") from None
    if not abs(number) < float("inf"):
        raise BadInput(f"{what}: {number} is not finite")
    return number


def _parameters(derivation: Derivation, settings: Mapping[str, float]) -> dict[Symbol, Any]:
    loss = derivation.loss
    known = {p.name: p for p in loss.parameters}
    for name in settings:
        if name not in known:
            raise BadInput(f"{loss.name} has no parameter {name!r}; it has {', '.join(known)}")
    found = {
        p: mp.mpf(_number(settings.get(p.name, loss.default(p)), p.name)) for p in loss.parameters
    }
    refuse(loss, found)
    return found


class _Total:
    """The slope of the total loss of sorted data, at fixed parameters."""

    def __init__(self, derivation: Derivation, data: Sequence[Any], at: dict[Symbol, Any]) -> None:
        loss = derivation.loss
        x = loss.residual
        slope = derivation.quantities[f"d_{x.name}"]
        self.data = data
        self._loss, self._slope = (along(e, x, at) for e in (loss.expression, slope))
        self._rough = lower(slope)
        self._x, self._numbers = x.name, {p.name: np.float64(v) for p, v in at.items()}
        self._column = np.array([float(y) for y in data])
        self.breaks = [evaluate(b.place, at) for b in derivation.facts.breaks if b.order < 3]
        self.length = _length(derivation.facts.length, at)

    def loss(self, t: Any) -> Any:
        return mp.fsum(self._loss(t - y) for y in self.data)

    def slope(self, t: Any) -> Any:
        total = mp.fsum(self._slope(t - y) for y in self.data)
        return total if abs(total) > mp.mpf(10) ** (10 - DIGITS) * len(self.data) else mp.mpf(0)

    def sides(self, t: Any) -> tuple[int, int]:
        if not self.breaks:
            return len(self.data), 0
        low, high = min(self.breaks), max(self.breaks)
        residuals = [t - y for y in self.data]
        inner = sum(low < r < high for r in residuals)
        return inner, sum(r < low or r > high for r in residuals)

    def roots(self) -> list[Root]:
        """Every place where the slope of the total passes through 0, or is 0."""
        places = self._interesting()
        slopes = [self.slope(t) for t in places]
        found: list[Root] = []
        for k, here in enumerate(slopes):
            if here == 0 and (k == 0 or slopes[k - 1] != 0):
                found.append(self._flat(places, slopes, k))
            if k + 1 < len(slopes) and here * slopes[k + 1] < 0:
                t = self._crossing(places[k], places[k + 1], here)
                kind = "minimum" if here < 0 else "maximum"
                found.append(Root(float(t), float(t), kind, float(self.loss(t))))
        return found

    def _flat(self, places: Sequence[Any], slopes: Sequence[Any], first: int) -> Root:
        """The stretch of places from `first` on at which the slope is exactly 0."""
        last = first
        while last + 1 < len(slopes) and slopes[last + 1] == 0:
            last += 1
        low, high = places[first], places[last]
        before = slopes[first - 1] if first else mp.mpf(-1)
        after = slopes[last + 1] if last + 1 < len(slopes) else mp.mpf(1)
        low = self._edge(low, places[first - 1]) if first and first != last else low
        high = (
            self._edge(high, places[last + 1])
            if last + 1 < len(places) > 1 and first != last
            else high
        )
        kind = "minimum" if before < 0 < after else "maximum" if before > 0 > after else "flat"
        return Root(float(low), float(high), kind, float(self.loss(low)))

    def _edge(self, flat: Any, other: Any) -> Any:
        """The end of a flat stretch between a place on it and one beyond."""
        while abs(other - flat) > _resolution(flat):
            middle = (flat + other) / 2
            flat, other = (middle, other) if self.slope(middle) == 0 else (flat, middle)
        return flat

    def _crossing(self, low: Any, high: Any, slope_low: Any) -> Any:
        while high - low > _resolution(high):
            middle = (low + high) / 2
            slope = self.slope(middle)
            if slope == 0:
                return middle
            low, high = (middle, high) if slope * slope_low > 0 else (low, middle)
        return (low + high) / 2

    def _interesting(self) -> list[Any]:
        """The neighbours, among all places that are looked at, of every change of sign.

        Floats decide where to look; what is found there is decided at high precision.
        """
        places = self._places()
        rough = self._rough_slopes(np.array([float(t) for t in places]))
        near = np.abs(rough) < 1e-9 * len(self.data) * max(
            np.max(np.abs(rough), initial=0.0), 1e-300
        )
        signs = np.where(near, 0.0, np.sign(rough))
        change = np.flatnonzero(
            (signs[1:] != signs[:-1]) | (signs[1:] == 0) | ~np.isfinite(rough[1:])
        )
        chosen = sorted({0, len(places) - 1, *change.tolist(), *(change + 1).tolist()})
        return [places[k] for k in chosen]

    def _rough_slopes(self, places: np.ndarray) -> np.ndarray:
        found = np.empty(len(places))
        size = max(1, 2_000_000 // len(self._column))
        for start in range(0, len(places), size):
            part = places[start : start + size]
            residuals = part[:, None] - self._column[None, :]
            slopes = rough(self._rough, {self._x: residuals, **self._numbers})
            found[start : start + size] = np.sum(np.broadcast_to(slopes, residuals.shape), axis=1)
        return found

    def _places(self) -> list[Any]:
        """Where slopes change their formula, and steps between. (No estimate lies outside of the
        data: beyond them all slopes have one sign.)"""
        low, high = min(self.data), max(self.data)
        if low == high:
            return [low - self.length, low, low + self.length]
        marks = {y + b for y in self.data for b in [*self.breaks, mp.mpf(0)]}
        inside = {m for m in marks if low <= m <= high}
        step = max(min((high - low) / 200, self.length / STEPS), (high - low) / 20_000)
        inside.update(low + k * step for k in range(int((high - low) / step) + 1))
        beside = (high - low) / 1000
        return sorted({*inside, low - beside, high + beside})


def _resolution(value: Any) -> Any:
    """A small part of a unit in the last place of a float64."""
    return abs(value) * mp.mpf(2) ** -60 + mp.mpf(2) ** -1080


def _length(length: Expr | None, at: Mapping[Symbol, Any]) -> Any:
    try:
        return abs(evaluate(length, at)) if length is not None else mp.mpf(1)
    except NotReal:
        return mp.mpf(1)
