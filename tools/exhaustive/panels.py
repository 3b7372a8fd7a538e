"""Polynomials that stand for a quantity over all float32 residuals, with a proved bound.

The bit patterns of |x| are cut into panels. On each one the quantity is a Taylor polynomial about
the middle, its coefficients from ball arithmetic on the raw definition, and the rest is bounded
by the next coefficient over the whole panel (Lagrange). Panels are halved until rest, rounding of
the coefficients and of Horner's rule in float64 stay below BOUND; a kink ends as a few inputs of
their own, which the oracle is asked about.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from derive.errors import Undecided
from derive.verification.backend import Ball, NeedsPrecision, Undefined, arb, ctx
from tools.exhaustive.series import Series
from tools.exhaustive.task import Task

BOUND = 2.0**-20  # of the whole error of a panel's value, in ULP of float32
DEGREE = 10
ACCURACY = 72  # bits of a coefficient beside the largest one
FEWEST = 16  # inputs: a smaller panel is asked about one by one
MOST_PANELS = 60_000
INFINITY = 0x7F800000
OVER, UNDER = 130, -152  # beyond these powers of two a float32 is infinite, or 0
POLYNOMIAL, HUGE, TINY, ASKED = 0, 1, 2, 3

Numbers = NDArray[Any]


@dataclass(frozen=True)
class Table:
    """Panels over the patterns of |x|, in order and without gaps; one table for each sign of x.

    start, stop: patterns. kind: POLYNOMIAL; HUGE (infinite in float32, of the sign of
    coefficients[:, 0]); TINY (0 in float32); ASKED. middle, scale: t = (|x| - middle) * scale.
    used: degree of the polynomial; bound: of its error, in ULP of float32.
    """

    start: Numbers
    stop: Numbers
    kind: Numbers
    middle: Numbers
    scale: Numbers
    used: Numbers
    coefficients: Numbers
    bound: Numbers

    def __len__(self) -> int:
        return len(self.start)

    def overlapping(self, first: int, last: int) -> Iterator[int]:
        """The panels that hold patterns in [first, last)."""
        low = int(np.searchsorted(self.stop, first, side="right"))
        high = int(np.searchsorted(self.start, last, side="left"))
        yield from range(low, high)


@dataclass(frozen=True)
class Panels:
    """Tables for x > 0 and x < 0, which are the same where the definition is even.

    odd: the quantity changes sign with x (only where even). rigorous: no limit was read off.
    """

    positive: Table
    negative: Table
    even: bool
    odd: bool
    rigorous: bool

    @property
    def bound(self) -> float:
        return float(max(self.positive.bound.max(), self.negative.bound.max()))

    def of(self, negative: bool) -> tuple[Table, float]:
        """The table for a sign of x, and what its values are multiplied by."""
        factor = -1.0 if negative and self.odd else 1.0
        return (self.negative if negative else self.positive), factor


def values_of(patterns: Numbers) -> Numbers:
    return np.asarray(patterns, dtype=np.uint32).view(np.float32).astype(np.float64)


def build(task: Task) -> Panels:
    """The panels of a task; Undecided where the definition needs too many of them."""
    series = Series(task, DEGREE)
    loss = task.loss
    even = bool(loss.expression.subs(loss.residual, -loss.residual) == loss.expression)
    turns = (series.wanted.orders[0] + series.wanted.over_x) % 2 == 1
    builders = [_Builder(series, sign) for sign in ((1,) if even else (1, -1))]
    tables = [builder.table() for builder in builders]
    rigorous = series.rigorous and not any(builder.grows for builder in builders)
    return Panels(tables[0], tables[-1], even, even and turns, rigorous)


class Unbounded(Exception):
    """A coefficient over the whole panel has no finite bound."""


class _Builder:
    def __init__(self, series: Series, sign: int) -> None:
        self.series, self.sign = series, sign
        self.rows: list[tuple[Any, ...]] = []
        self.grows = False

    def table(self) -> Table:
        self.rows = [_asked(0, 1)]
        if self.series.zero:
            self.rows.append(_constant(1, INFINITY, TINY, 0.0))
        else:
            depth = 0
            for start, stop in binades():
                depth = self._cut(start, stop, max(depth - 1, 0))
        self.rows.append(_asked(INFINITY, INFINITY + 1))
        columns = list(zip(*self.rows, strict=True))
        kinds = (np.int64, np.int64, np.int64, float, float, np.int64, float, float)
        return Table(*(np.array(c, dtype=k) for c, k in zip(columns, kinds, strict=True)))

    def _cut(self, start: int, stop: int, depth: int) -> int:
        """Panels over a binade, from 2^depth pieces on; gives the least depth that was needed."""
        pieces = min(1 << depth, max((stop - start) // FEWEST, 1))
        size = (stop - start) // pieces
        stack = [(start + k * size, start + (k + 1) * size) for k in reversed(range(pieces))]
        largest = 0
        while stack:
            low, high = stack.pop()
            row = self._panel(low, high)
            if row is None:
                middle = (low + high) // 2
                stack += [(middle, high), (low, middle)]
                continue
            self.rows.append(row)
            largest = max(largest, high - low)
            if len(self.rows) > MOST_PANELS:
                raise Undecided(f"{self.series.task.quantity}: more than {MOST_PANELS} panels")
        return int(math.log2((stop - start) / largest))

    def _panel(self, start: int, stop: int) -> tuple[Any, ...] | None:
        """A panel over [start, stop), or None where it has to be halved."""
        if stop - start <= FEWEST:
            return self._polynomial(start, stop) or _asked(start, stop)
        return self._polynomial(start, stop)

    def _polynomial(self, start: int, stop: int) -> tuple[Any, ...] | None:
        low, high = values_of(np.array([start, stop - 1])).tolist()
        middle = (low + high) / 2
        half = 2.0 ** math.ceil(math.log2((high - low) / 2)) if high > low else 2.0**-149
        try:
            ctx.prec = 2 * 64
            whole = arb(middle, (high - low) / 2)
            return self._enclosed(start, stop, middle, half, whole)
        except (NeedsPrecision, Undefined):
            return None
        except Unbounded:
            return self._beyond(start, stop, low, high)

    def _beyond(self, start: int, stop: int, low: float, high: float) -> tuple[Any, ...] | None:
        """Infinite, if what lies before and both ends are, where ball arithmetic gives no bound.

        Not proved between the ends, and marked so.
        """
        before = self.rows[-1]
        if before[2] != HUGE:
            return None
        ends = [self.series.value(self.sign * x) for x in (low, high)]
        if any(v.ball is not None and not abs(v.ball) > arb((1, OVER)) for v in ends):
            return None
        if any(v.ball is None and not v.infinite for v in ends):
            return None
        self.grows = True
        return _constant(start, stop, HUGE, before[6][0])

    def _enclosed(
        self, start: int, stop: int, middle: float, half: float, whole: Ball
    ) -> tuple[Any, ...] | None:
        series = self.series
        over = series.at(self.sign * whole, 0, series.bits)
        if not all(c.is_finite() for c in over):
            raise Unbounded
        constant = _settled(over[0])
        if constant is not None:
            sign = -1.0 if over[0] < 0 else 1.0
            return _constant(start, stop, constant, sign if constant == HUGE else 0.0)
        if over[0].contains(0) and self.rows[-1][2] == HUGE:
            raise Unbounded
        scaled, bits = series.centred(arb(self.sign * middle), 0, self.sign * half, ACCURACY)
        rest = abs(over[-1]).upper() * arb(half) ** DEGREE
        for other in range(1, len(series.ways)):
            twin = series.at(arb(self.sign * middle), other, bits)
            for k, c in enumerate(twin[:DEGREE]):
                rest += abs(c * arb(self.sign * half) ** k - scaled[k]).upper()
        return _row(start, stop, middle, half, scaled[:DEGREE], rest)


def _settled(value: Ball) -> int | None:
    if abs(value) > arb((1, OVER)):
        return HUGE
    return TINY if abs(value) < arb((1, UNDER)) else None


def _row(
    start: int, stop: int, middle: float, half: float, scaled: list[Ball], rest: Ball
) -> tuple[Any, ...] | None:
    """The panel, if the proved error is below BOUND everywhere on it."""
    sizes = [float(abs(c).upper()) for c in scaled]
    total = sum(sizes)
    least = sizes[0] - sum(sizes[1:]) - float(rest)
    if not math.isfinite(total):
        return None
    unit = 2.0 ** (max(math.frexp(least)[1] - 1, -126) - 23) if least > 0 else 2.0**-149
    if unit == 2.0**-149 and not total < 2.0**-125:
        return None
    left = float(rest) + sum(float(c.rad()) for c in scaled)
    used = len(scaled) - 1
    while used and (left + sizes[used]) < 0.25 * BOUND * unit:
        left += sizes[used]
        used -= 1
    # Horner's rule: two roundings a step, and one for each coefficient
    rounding = (2 * used + 3) * 2.0**-53 * total * (1 + 2.0**-40)
    bound = (left + rounding) / unit
    if bound > BOUND:
        return None
    numbers = [float(c.mid()) if k <= used else 0.0 for k, c in enumerate(scaled)]
    return start, stop, POLYNOMIAL, middle, 1 / half, used, numbers, bound


def _constant(start: int, stop: int, kind: int, value: float) -> tuple[Any, ...]:
    return start, stop, kind, 0.0, 0.0, 0, [value] + [0.0] * (DEGREE - 1), 0.0


def _asked(start: int, stop: int) -> tuple[Any, ...]:
    return _constant(start, stop, ASKED, 0.0)


def binades() -> Iterator[tuple[int, int]]:
    """Ranges of patterns over which x doubles, from the smallest subnormal on."""
    for k in range(23):
        yield 1 << k, 2 << k
    for exponent in range(1, 255):
        yield exponent << 23, (exponent + 1) << 23


def save(panels: Panels, path: Path) -> None:
    fields: dict[str, Any] = {}
    for sign in ("positive", "negative"):
        table = getattr(panels, sign)
        if sign == "negative" and panels.even:
            continue
        fields |= {f"{sign}_{name}": value for name, value in vars(table).items()}
    flags = np.array([panels.even, panels.odd, panels.rigorous])
    staged = path.with_suffix(".part.npz")
    np.savez_compressed(staged, flags=flags, **fields)
    staged.replace(path)


def load(path: Path) -> Panels | None:
    """The panels that were saved there; None where there are none, or only a part of them."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            even, odd, rigorous = (bool(v) for v in stored["flags"])
            names = list(Table.__dataclass_fields__)
            positive = Table(*(stored[f"positive_{n}"] for n in names))
            negative = positive if even else Table(*(stored[f"negative_{n}"] for n in names))
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
    return Panels(positive, negative, even, odd, rigorous)
