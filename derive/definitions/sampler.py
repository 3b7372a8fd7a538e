"""Numbers drawn by bit pattern within strata: parameters, and residuals beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from sympy import Interval, Set, Symbol, true

from derive.definitions.floats import FORMATS, Floats, from_ordered, neighbours, ordered
from derive.definitions.loss import Loss
from derive.definitions.relations import in_order, satisfied

SIMPLE = (1.0, 2.0, 0.5, 1.5, 3.0, -1.0, -2.0, -0.5)


@dataclass(frozen=True)
class Ranges:
    """What a sample covers: |x/unit|, positive parameters, and the size of the other ones."""

    ratio: tuple[float, float]
    positive: tuple[float, float]
    real: float
    nearest: float  # how near to a special point (0: one unit in the last place, subnormals)


SAMPLES: Mapping[str, Ranges] = {
    "everyday": Ranges((1e-12, 1e6), (1e-3, 1e3), 20.0, 1e-16),
    "whole": Ranges((1e-300, 1e300), (1e-30, 1e30), 2.0**20, 0.0),
}


def to_dtype(values: Floats, dtype: str) -> Floats:
    """To the dtype and back; what leaves its range becomes its largest number."""
    form = FORMATS[dtype]
    most = (2.0 - 2.0 ** (1 - form.precision)) * 2.0**form.largest_exponent
    finite = np.where(np.isfinite(values), np.clip(values, -most, most), values)
    if dtype == "float64":
        return np.asarray(finite, dtype=np.float64)
    if dtype == "bfloat16":
        bits = finite.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
        return np.asarray(bits.view(np.float32), dtype=np.float64)
    kind = np.float32 if dtype == "float32" else np.float16
    return np.asarray(finite.astype(kind), dtype=np.float64)


def _marked(loss: Loss, p: Symbol) -> tuple[list[float], list[float], list[float]]:
    domain, points = loss.domain(p), loss.special.get(p, ())
    inside = [float(s) for s in points if domain.contains(s) is true]
    finite = [float(s) for s in points if s.is_finite]
    return inside, finite, [v for v in SIMPLE if domain.contains(v) is true]


@cache
def _ends(domain: Set) -> tuple[float, float]:
    return float(domain.inf), float(domain.sup)


class Sampler:
    """Draws parameters, and residuals for a choice of them.

    group: residuals for one choice of parameters.
    """

    group = 40

    def __init__(self, loss: Loss, ranges: Ranges, dtype: str, rng: np.random.Generator) -> None:
        self.loss, self.rng, self.dtype = loss, rng, dtype
        self.names = tuple(p.name for p in loss.held)
        # narrower types are drawn in float32 and rounded at the end
        self.wide = "float64" if dtype == "float64" else "float32"
        form = FORMATS[dtype]
        least, most = 2.0**form.least, 2.0**form.largest_exponent
        self.ratio = max(ranges.ratio[0], least), min(ranges.ratio[1], most)
        if dtype != "float64" and ranges.nearest == 0.0:  # x/unit is no subnormal number
            self.ratio = 2.0**form.smallest_exponent, most
        # float16 has no room for the units of the other types
        room = 1e30 if form.largest_exponent > 100 else 16.0
        self.positive = max(ranges.positive[0], 1 / room), min(ranges.positive[1], room)
        self.real = min(ranges.real, room)
        self.nearest = max(ranges.nearest, least)
        self.epsilon = 2.0 ** (1 - form.precision)
        # per parameter: special points inside the domain, finite ones, small whole numbers
        self.marked = {p: _marked(loss, p) for p in loss.held}
        self.domains = {p: loss.domain(p) for p in loss.variables}
        self.ends_of = {p: self.ends(p) for p in loss.variables}

    def between(self, low: float, high: float, count: int = 1) -> Floats:
        """Numbers between two positive ones, every bit pattern as likely as any other."""
        kind = np.float64 if self.wide == "float64" else np.float32
        first, last = ordered(np.array([low, high], dtype=kind))
        patterns = self.rng.integers(int(first), int(last) + 1, size=count)
        return np.asarray(from_ordered(patterns, self.wide), dtype=np.float64)

    def signs(self, count: int) -> Floats:
        return np.where(self.rng.integers(0, 2, size=count) == 0, -1.0, 1.0)

    def rounded(self, values: Floats) -> Floats:
        return to_dtype(values, self.dtype)

    def parameters(self, number: int) -> tuple[float, ...]:
        """One value for each parameter; `number` walks through the kinds of choice."""
        if number % 8 == 0:
            chosen = [self.loss.default(p) for p in self.loss.held]
        else:
            kind = ("generic", "near", "simple", "at", "generic", "near", "at")[number % 8 - 1]
            chosen = [self.parameter(p, kind) for p in self.loss.held]
        rounded = self.rounded(np.array(chosen, dtype=np.float64))
        pairs = zip(self.loss.held, rounded, strict=True)
        found = in_order(self.loss, {p: self.kept_inside(p, float(v)) for p, v in pairs})
        if number % 8 and not satisfied(self.loss, found):  # two are equal that must not be
            return self.parameters(number + 1)
        return tuple(found.values())

    def kept_inside(self, p: Symbol, value: float) -> float:
        """A rounded value that fell on an open end of the domain, moved in by one unit."""
        domain = self.domains[p]
        if not isinstance(domain, Interval) or not math.isfinite(value):
            return value
        low, high = self.ends(p)
        if value <= low and bool(domain.left_open):
            return float(self.rounded(np.array([low + max(abs(low), 1.0) * self.epsilon]))[0])
        if value >= high and bool(domain.right_open):
            return float(self.rounded(np.array([high - abs(high) * self.epsilon]))[0])
        return value

    def parameter(self, p: Symbol, kind: str) -> float:
        inside, finite, simple = self.marked[p]
        if kind == "at" and inside:
            return inside[int(self.rng.integers(len(inside)))]
        if kind == "near" and finite:
            return self.inside(p, self.near(finite[int(self.rng.integers(len(finite)))]))
        if kind == "simple" and simple:
            return simple[int(self.rng.integers(len(simple)))]
        return self.inside(p, self.generic(p))

    def near(self, special: float) -> float:
        """A special point plus or minus about a power of two, down to one unit."""
        least = max(self.nearest, abs(special) * self.epsilon)
        exponent = int(self.rng.integers(math.ceil(math.log2(least)), 1))
        jitter = float(self.rng.choice([1.0, 1.0, 1.25, 1.6180339887]))
        return special + float(self.signs(1)[0]) * math.ldexp(jitter, exponent)

    def generic(self, p: Symbol) -> float:
        low, high = self.ends(p)
        if math.isfinite(low) and math.isfinite(high):
            return float(low + (high - low) * self.rng.random())
        if low >= 0:
            least, most = self.positive
            if self.loss.special.get(p):  # a shape has no unit: its size is that of real ones
                least, most = max(least, 1 / self.real), min(most, self.real)
            return low + float(self.between(least, most)[0])
        if self.rng.random() < 0.5:
            return float(self.rng.uniform(-min(self.real, 20.0), min(self.real, 20.0)))
        return float((self.signs(1) * self.between(1e-3, self.real))[0])

    def ends(self, p: Symbol) -> tuple[float, float]:
        return _ends(self.domains[p])

    def inside(self, p: Symbol, value: float) -> float:
        """Moved into the domain if it fell outside."""
        low, high = self.ends(p)
        domain = self.domains[p]
        open_ends = isinstance(domain, Interval)
        if value < low or (value == low and open_ends and bool(domain.left_open)):
            value = low + abs(low - value) if value != low else math.nextafter(low, math.inf)
        if value > high or (value == high and open_ends and bool(domain.right_open)):
            value = math.nextafter(high, -math.inf)
        return value

    def unit(self, parameters: Sequence[float]) -> float:
        scales = [v for p, v in zip(self.loss.held, parameters, strict=True) if p.is_positive]
        return scales[int(self.rng.integers(len(scales)))] if scales else 1.0

    def residuals(self, parameters: Sequence[float], count: int, edges: Sequence[float]) -> Floats:
        unit = self.unit(parameters)
        low, high = self.ratio
        share = max(1, count // 5)
        parts = [
            unit * self.between(max(low, 1e-4), min(high, 1e4), share),
            unit * self.between(low, high, share),
            unit * np.exp2(self.rng.uniform(-3, 3, size=share)),
        ]
        inner = [abs(v) for v in parameters if low * unit <= abs(v) <= high * unit]
        ties = [n for v in (unit, *inner) for n in neighbours(v, self.wide, 3)]
        parts.append(np.abs(self.rng.choice(ties, size=max(1, share // 2))))
        if edges:
            centre = self.rng.choice(np.asarray(edges), size=share)
            steps = self.rng.integers(-3, 4, size=share) * self.epsilon
            wide = self.rng.uniform(-0.05, 0.05, size=share)
            mix = np.where(self.rng.integers(0, 2, size=share) == 0, steps, wide)
            parts.append(centre * (1 + mix))
        used = sum(map(len, parts))
        parts.append(unit * self.between(low, high, max(1, count - used)))
        # x/scale itself has to be a number of the dtype, also at the edges.
        values = np.minimum(np.concatenate(parts)[:count], unit * high)
        if self.nearest <= 1e-30:
            values[: max(1, count // 20)] = self.between(self.nearest, 1e-30, max(1, count // 20))
            values[-1] = 0.0
        # x over any length is inside the ratio, so that it is no subnormal number itself
        others = [v for p, v in zip(self.loss.held, parameters, strict=True) if p.is_positive]
        values = np.where(values > 0, np.maximum(values, low * max([unit, *others])), values)
        # what overflowed becomes the largest number; infinities are for the special values
        return self.rounded(self.signs(len(values)) * np.minimum(values, np.finfo(float).max))
