"""Somebody else's convention, from the values of a function: a factor, an offset, other lengths.

Candidates for the length are tried on values at a few settings of the parameters; factor and
offset follow from the values, and have to be numbers that a person would write down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np

from derive.definitions.floats import Floats
from derive.definitions.relations import satisfied
from derive.verification.backend import Ball, arb
from derive.verification.callables.nice import CLOSE, ZERO, Nice, lengths, named
from derive.verification.callables.truth import LOG_DENSITY, Truth


@dataclass(frozen=True)
class Room:
    """How far values may be from a convention, at which share of the points, and its numbers."""

    fits: float
    share: float  # a fault in one corner must not hide the convention
    close: float


EXACT = Room(3e-7, 0.8, CLOSE)
ROUGH = Room(2e-3, 0.6, 2e-3)  # what a function with a fault, or in single precision, is meant as
OFFSETS = ("loss",)

Settings = Mapping[str, float]


@dataclass(frozen=True)
class Convention:
    """theirs = factor * ours(parameters) + offset, in their letters."""

    factor: Nice
    offset: Nice
    parameters: Mapping[str, Nice]

    @property
    def letters(self) -> set[str]:
        """The parameters of theirs that matter."""
        values = [self.factor, self.offset, *self.parameters.values()]
        return {name for v in values for name in (v.of, *(letter for letter, _ in v.exponents))}

    @property
    def is_equal(self) -> bool:
        """The same but for the letters."""
        return self.factor.is_one and self.offset.is_zero and all(
            value.letter for value in self.parameters.values()
        )  # fmt: skip

    def ours(self, settings: Settings) -> dict[str, Ball]:
        return {name: value.ball(settings) for name, value in self.parameters.items()}

    def as_data(self) -> dict[str, object]:
        return {
            "factor": str(self.factor),
            "offset": str(self.offset),
            "parameters": {name: str(value) for name, value in self.parameters.items()},
        }

    def text(self) -> str:
        """In words, such as '0.5 times ours, delta = beta'."""
        parts = [] if self.factor.is_one else [f"{self.factor} times ours"]
        if not self.offset.is_zero:
            parts.append(f"plus {self.offset}")
        parts += [f"{n} = {v}" for n, v in self.parameters.items() if v.letter != n]
        return ", ".join(parts) or "ours"


class Fit:
    """Finds the convention of a function that is asked at GRID for a few settings."""

    def __init__(self, truth: Truth, room: Room = EXACT) -> None:
        self.truth, self.room = truth, room

    @cached_property
    def length(self) -> str | None:
        """The parameter that has the unit of x: d_x keeps its shape where both grow alike."""
        if self.truth.loss.predictions:
            return None
        oracle = self.truth.oracle
        for p in reversed(oracle.names[1:]):
            symbol = next(s for s in oracle.loss.parameters if s.name == p)
            if symbol.is_positive and self._scales(p):
                return str(p)
        return None

    def _scales(self, name: str) -> bool:
        oracle, ratios = self.truth.oracle, []
        base = {s.name: float(oracle.loss.default(s)) * 1.25 for s in oracle.loss.parameters}
        for x in (0.37, -0.9, 1.9, 4.1):
            here = oracle.value("d_x", {oracle.names[0]: x, **base}).float64()
            moved = {**base, name: 3 * base[name]}
            there = oracle.value("d_x", {oracle.names[0]: 3 * x, **moved}).float64()
            if here:
                ratios.append(there / here)
        return len(ratios) > 1 and max(ratios) - min(ratios) < 1e-9 * abs(max(ratios))

    def convention(
        self, theirs: Sequence[str], settings: Sequence[Settings], values: Sequence[Floats]
    ) -> Convention | None:
        """The first that fits at every setting."""
        for parameters in self._parameters(theirs):
            found = self._fitted(theirs, parameters, settings, values)
            if found is not None:
                return found
        return None

    def _parameters(self, theirs: Sequence[str]) -> Iterator[dict[str, Nice]]:
        mine = self.truth.names[1:]
        shapes = [name for name in mine if name != self.length]
        for shaped in self._shapes(shapes, theirs):
            if self.length is None:
                yield shaped
                continue
            used = {value.letter for value in shaped.values()}
            rest = [name for name in theirs if name not in used]
            if self.length in rest:
                yield {**shaped, self.length: Nice(exponents=((self.length, 1),))}
            for length in lengths(rest):
                yield {**shaped, self.length: length}

    def _shapes(self, shapes: Sequence[str], theirs: Sequence[str]) -> Iterator[dict[str, Nice]]:
        same = {name: Nice(exponents=((name, 1),)) for name in shapes if name in theirs}
        missing = [name for name in shapes if name not in theirs]
        others = [name for name in theirs if name not in shapes]
        if not missing:
            yield same
            return
        for chosen in permutations(others, min(len(missing), len(others))):
            pairs = zip(missing, chosen, strict=False)
            yield {**same, **{mine: Nice(exponents=((name, 1),)) for mine, name in pairs},
                   **{mine: Nice() for mine in missing[len(chosen) :]}}  # fmt: skip

    def _fitted(
        self,
        theirs: Sequence[str],
        parameters: Mapping[str, Nice],
        settings: Sequence[Settings],
        values: Sequence[Floats],
    ) -> Convention | None:
        factors, offsets = [], []
        for at, got in zip(settings, values, strict=True):
            mine = {name: float(value.ball(at)) for name, value in parameters.items()}
            if not self._inside(mine):
                return None
            ours = self.truth.floats(mine)
            pair = _line(ours, got, self.truth.quantity in (*OFFSETS, LOG_DENSITY), self.room)
            if pair is None:
                return None
            factors.append(pair[0])
            offsets.append(pair[1])
        factor = named(factors, settings, theirs, self.room.close)
        if self.truth.quantity == LOG_DENSITY:
            right = [self._log_z(parameters, at) for at in settings]
            close = np.allclose(offsets, right, rtol=1e-6, atol=1e-6)
            return Convention(Nice(), ZERO, parameters) if close and factor == Nice() else None
        offset = named(offsets, settings, theirs, self.room.close)
        return None if factor is None or offset is None else Convention(factor, offset, parameters)

    def _log_z(self, parameters: Mapping[str, Nice], at: Settings) -> float:
        balls = {name: arb(float(value.ball(at))) for name, value in parameters.items()}
        return -float(self.truth.log_z(balls))

    def _inside(self, mine: Settings) -> bool:
        loss = self.truth.loss
        held = [v for v in loss.held if v.name in mine]
        inside = all(loss.domain(v).contains(mine[v.name]) == True for v in held)  # noqa: E712
        return inside and satisfied(loss, {v: mine[v.name] for v in held})


def _line(ours: Floats, got: Floats, has_offset: bool, room: Room) -> tuple[float, float] | None:
    """factor and offset of got = factor * ours + offset at most of the points, or None."""
    if got.shape != ours.shape:
        return None
    finite = np.isfinite(ours) & np.isfinite(got)
    if np.count_nonzero(finite) < room.share * ours.size:
        return None
    ours, got = ours[finite], got[finite]
    tries = [] if np.any(ours) or np.any(got) else [(1.0, 0.0)]
    nonzero = ours != 0
    if np.any(nonzero):
        tries.append((float(np.median(got[nonzero] / ours[nonzero])), 0.0))
    if has_offset and np.ptp(ours) > 0:
        low, high = int(np.argmin(ours)), int(np.argmax(ours))
        factor = float((got[high] - got[low]) / (ours[high] - ours[low]))
        tries.append((factor, float(np.median(got - factor * ours))))
    for factor, offset in tries:
        expected = factor * ours + offset
        close = np.abs(got - expected) <= room.fits * (np.abs(got) + abs(offset)) + 1e-300
        if factor != 0 and np.count_nonzero(close) >= room.share * ours.size:
            return factor, offset
    return None
