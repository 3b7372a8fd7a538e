"""Integrals of exp(-loss) by quadrature: probabilities, quantiles, expectations, and exact draws.

On either side of the minimum the variable is u = log t, t the distance from it: a tail that falls
like a power is an exponential there, a cusp at the minimum is smooth, and no length needs to be
known. Panels of 16 Gauss-Legendre nodes are halved until a panel and its halves agree to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = Callable[..., Any]

_ROOTS, _GAUSS = np.polynomial.legendre.leggauss(16)
_NODES, _WEIGHTS = (_ROOTS + 1) / 2, _GAUSS / 2
_EPS, _LARGEST = 2.0**-52, 1.6e308
# Where panels begin, as multiples of the width; halving finds the rest.
_STARTS = np.array(
    [*range(-40, -4, 3), -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 10, 20, 40, 80, 160, 320, 600]
)
# The same, as multiples of the length.
_LENGTHS = np.array([0.125, 0.5, 1, 2, 4, 8, 16, 32])


class _Side:
    """One side of the minimum: panels between `edges` (distances t from it, outwards).

    nodes, weight (panels, 16): where t^(lift - 1) exp(-loss) is taken, and the parts of its
    integral, over exp(top). rest: the part beyond the last edge; from there on it falls like
    t^-power. settled: whether that power is known where anything is left.
    """

    def __init__(self, law: _Law, sign: float, ends: tuple[float, float], lift: float) -> None:
        self.law, self.sign, self.lift = law, sign, lift
        self.decay = law.decay[0 if sign < 0 else -1]
        low, high, self.nodes, part = self._halved(self._starts(*ends))
        top = float(part.max(initial=-np.inf))
        some = part.max(1) >= max(top - 800.0, -_LARGEST)
        count = int(np.max(np.flatnonzero(some), initial=-1)) + 1
        self.nodes, self.top = self.nodes[:count], top if top > -np.inf else 0.0
        self.weight = np.exp(part[:count] - self.top)
        self.edges = np.append(low[:count], high[:count][-1:] if count else ends[:1])
        self.mass = self.weight.sum(1)
        self.power, self.rest, self.settled = 1.0, 0.0, True
        last, order = self.edges[-1], self.decay
        reach = lift * np.log(last) - self.height(last) - self.top
        if order <= lift - 1 and not law.bounded:
            self.rest = np.inf
        elif reach > -700 and not law.bounded:
            self.settled = order < np.inf
            self.power = order - (lift - 1) if self.settled else float(self.steep(last)) - lift
            self.rest = float(np.exp(reach)) / self.power if self.power > 0 else np.inf
        self.total = float(self.mass.sum() + self.rest)

    def height(self, t: Floats) -> Floats:
        """The loss at distances t."""
        return self.law.call(self.law.density.loss, self.law.middle + self.sign * t)

    def steep(self, t: Floats) -> Floats:
        """How the loss rises with log t."""
        x = self.law.middle + self.sign * t
        return self.sign * t * self.law.call(self.law.density.d_x, x)

    def _starts(self, low: float, high: float) -> Floats:
        """The first edges: multiples of the width over which the loss rises by 1 and of the
        loss's own length, which what the mean is taken of may know alone, and the kinks."""
        law, (below, above) = self.law, (-1060, 1023)
        sizes = np.ldexp(1.0, np.arange(below, above + 1))
        rise = self.height(sizes) - self.height(np.zeros(1))
        width = sizes[np.argmax(rise >= 1)] if np.any(rise >= 1) else law.length
        kinks = [self.sign * (point - law.middle) for point in law.points]
        marks = [
            *(width * np.exp(_STARTS)),
            *(law.length * _LENGTHS),
            *kinks,
            high,
        ]
        if self.decay < np.inf and not law.bounded:  # no further than to where it is a power
            settled = np.abs(self.steep(sizes) / (self.decay + 1) - 1) < 2e-15
            high = min(high, float(sizes[np.argmax(settled)])) if settled.any() else high
        first = min(max(width * math.exp(-40.0), 1e-300, low), high)
        return np.append(low, np.unique(np.clip(marks, first, high)))

    def _parts(self, low: Floats, high: Floats) -> tuple[Floats, ...]:
        """Panels: the ends, the nodes, and the logarithms of their parts of the integral."""
        span = (high - low)[:, None]
        step = np.where(low[:, None] > 0, np.log1p(span / low[:, None]), 1.0)
        nodes = np.where(low[:, None] > 0, low[:, None] * np.exp(step * _NODES), span * _NODES)
        part = self.lift * np.log(nodes) - self.height(nodes) + np.log(step * _WEIGHTS)
        part = np.where(low[:, None] > 0, part, part - np.log(_NODES))
        return low, high, nodes, np.where(part > -np.inf, part, -np.inf)

    def _halved(self, edges: Floats) -> tuple[Floats, ...]:
        """Panels between the edges, halved until they hold."""
        wide = np.diff(edges) > 0
        whole = self._parts(edges[:-1][wide], edges[1:][wide])
        top, done = -np.inf, []
        for turn in range(60):
            low, high, _, part = whole
            middle = np.where(low > 0, np.sqrt(low) * np.sqrt(high), high / 2)
            left, right = self._parts(low, middle), self._parts(middle, high)
            halves = np.concatenate([left[3], right[3]], axis=1)
            best = np.maximum(part.max(1), halves.max(1))
            top = max(top, best.max(initial=-np.inf))
            base = np.where(best > -np.inf, best, 0.0)
            one, two = (np.exp(v - base[:, None]).sum(1) for v in (part, halves))
            # What rounding leaves undecided: of the height, and of t where the loss is steep.
            steep = np.clip(best - halves.min(1), 0.0, 100.0) / np.log1p((high - low) / low)
            wrong = np.abs(one - two) > _EPS * (8.0 + np.abs(base) + steep) * two
            wrong &= (best > top - 800.0) & (low > 0) & (low < middle) & (middle < high)
            if turn == 59 or np.count_nonzero(wrong) > 2000:
                wrong[:] = False
            done.append([v[~wrong] for v in whole])
            if not wrong.any():
                break
            whole = tuple(
                np.concatenate([a[wrong], b[wrong]]) for a, b in zip(left, right, strict=True)
            )
        joined = [np.concatenate(v) for v in zip(*done, strict=True)]
        return tuple(v[np.argsort(joined[0])] for v in joined)

    def expectation(self, function: Function) -> float:
        """The integral of a function of x over this side; beyond the last edge it is taken as
        a + b log t + c (log t)^2."""
        law, end = self.law, self.edges[-1]
        values = law.call(function, law.middle + self.sign * self.nodes)
        total = float(np.where(self.weight > 0, self.weight * values, 0.0).sum())
        if self.rest > 0:
            step = 2.0**32 if self.settled and end < 1e280 else 2.0**-32
            far = law.call(function, law.middle + self.sign * end * step ** np.arange(3))
            bend = (far[2] - 2 * far[1] + far[0]) / 2 if self.settled else 0.0
            rise = (far[1] - far[0] - bend) / math.log(step) / self.power
            total += self.rest * float(
                far[0] + rise + 2 * bend / (math.log(step) * self.power) ** 2
            )
        return total * self.share

    @property
    def share(self) -> float:
        """What turns parts of the integral into probabilities."""
        return math.exp(self.top - self.law.log_total)

    @cached_property
    def outer(self) -> Floats:
        """The probability beyond every edge."""
        return np.cumsum(np.append(self.rest, self.mass[::-1]))[::-1] * self.share

    @cached_property
    def inner(self) -> Floats:
        """The probability between the minimum and every edge."""
        return np.cumsum(np.append(0.0, self.mass)) * self.share

    def between(self, low: Floats, high: Floats) -> Floats:
        """The probability between two distances within a panel."""
        near = (high <= self.edges[1])[:, None]
        span, low = (high - low)[:, None], low[:, None]
        step = np.log1p(span / low)
        nodes = np.where(near, low + span * _NODES, low * np.exp(step * _NODES))
        size = np.where(near, span, step * nodes) * _WEIGHTS
        part = size * np.exp(-self.height(nodes) - self.law.log_total)
        return np.asarray(np.where(span <= 0, 0.0, part).sum(1))

    def beyond(self, t: Floats) -> Floats:
        """The probability beyond a distance."""
        place = np.clip(np.searchsorted(self.edges, t, side="right"), 1, len(self.edges) - 1)
        high = self.edges[place]
        out = self.outer[place] * np.where(t > high, t / high, 1.0) ** -self.power
        return out + self.between(np.where(t > high, high, t), high)

    def quantile(self, p: Floats, gap: Floats) -> Floats:
        """The distance beyond which a probability p lies, and up to which a probability gap."""
        place = np.clip(np.searchsorted(-self.outer, -p, side="right"), 1, len(self.edges) - 1)
        low, high, out = self.edges[place - 1], self.edges[place], self.outer[place]
        share = np.log(self.outer[place - 1] / p) / np.log(self.outer[place - 1] / out)
        t = low + (high - low) * np.clip(np.nan_to_num(share), 0.0, 1.0)
        for _ in range(60):
            rate = np.exp(-self.height(t) - self.law.log_total)
            upper = out + self.between(t, high)
            moved = t + np.log(upper / p) * upper / rate
            # Next to the minimum the probability below is the one that keeps its digits.
            nearer = t + (gap - self.inner[place - 1] - self.between(low, t)) / rate
            moved = np.clip(np.nan_to_num(np.where(gap < p, nearer, moved)), low, high)
            t, before = moved, t
            if np.all(np.abs(t - before) <= 1e-14 * t):
                break
        far = self.edges[-1] * (self.outer[-1] / p) ** (1 / self.power)
        return np.where(p < self.outer[-1], far, np.where(p > 0, t, np.inf))


class _Law:
    """A density at one set of parameters; or, between two ends, its integral there."""

    def __init__(
        self, density: Any, values: tuple[float, ...], lift: float = 1.0,
        ends: tuple[float, float] = (-np.inf, np.inf),
    ) -> None:  # fmt: skip
        self.density, self.values, self.bounded = density, values, ends[1] < np.inf
        self.decay, (self.length, *_) = self._fact(density.decay), self._fact(density.length)
        self.middle, *self.points = self._fact(density.points)
        if self.middle != self.middle:
            self.middle = self._lowest()
        self.middle = min(max(self.middle, ends[0]), ends[1])
        self.mirrored = density.even and not self.bounded
        self.sides = []
        for sign in (1.0,) if self.mirrored else (1.0, -1.0):
            near, far = sorted(sign * (end - self.middle) for end in ends)
            self.sides.append(
                _Side(self, sign, (max(near, 0.0), max(min(far, _LARGEST), 0.0)), lift)
            )
        logs = [side.top + np.log(side.total) for side in self.sides]
        self.log_total = float(logs[0] + math.log(2.0) if self.mirrored else np.logaddexp(*logs))

    def _fact(self, fact: Any) -> list[float]:
        """A fact, which may be a function of the parameters."""
        with np.errstate(all="ignore"):  # of two cases, both are evaluated
            found = fact(*map(np.float64, self.values)) if callable(fact) else fact
        return [float(v) for v in (found if isinstance(found, tuple) else (found,))]

    def call(self, function: Function, x: Floats) -> Floats:
        return np.asarray(function(x, *self.values))

    def _lowest(self) -> float:
        """The minimum, by the sign of the slope."""

        def slope(x: float) -> float:
            return float(self.call(self.density.d_x, np.array(x)))

        low, high = -self.length, self.length
        while slope(low) > 0 and low > -_LARGEST / 2:
            low *= 2
        while slope(high) < 0 and high < _LARGEST / 2:
            high *= 2
        for _ in range(1100):
            middle = low / 2 + high / 2
            low, high = (middle, high) if slope(middle) < 0 else (low, middle)
        return middle

    def expectation(self, function: Function) -> float:
        """The expectation of a function of x and the parameters."""
        found = [side.expectation(function) for side in self.sides]
        if self.mirrored:
            found.append(self.sides[0].expectation(lambda x, *values: function(-x, *values)))
        return sum(found)

    def below(self, x: Floats, flip: bool = False) -> Floats:
        """The probability below x; with flip, that above."""
        away, left = x - self.middle, self.sides[-1]
        small = self.sides[0].beyond(np.abs(away) if self.mirrored else np.maximum(away, 0.0))
        if self.mirrored:
            small = np.where(away == 0, 0.5, small)
        else:
            small = np.where(away < 0, left.beyond(np.maximum(-away, 0.0)), small)
        return np.where((away < 0) != flip, small, 1 - small)

    def quantile(self, p: Floats, flip: bool = False) -> Floats:
        """The x below which (with flip: above which) a probability p lies."""
        left, inside = 0.5 if self.mirrored else float(self.sides[1].outer[0]), (p >= 0) & (p <= 1)
        p = np.where(inside, p, 0.5)
        low, high = (1 - p, p) if flip else (p, 1 - p)
        found = []
        for side, tail, gap in ((0, high, low - left), (-1, low, left - low)):
            used = gap >= 0
            t = self.sides[side].quantile(
                np.where(used, tail, 0.5 * left), np.where(used, gap, 1.0)
            )
            found.append(np.where(gap == 0, 0.0, t))
        away = np.where(low < left, -found[1], found[0])
        return np.where(inside, self.middle + away, np.nan)

    @cached_property
    def envelope(self) -> list[Floats]:
        """Pieces on which the density lies between two numbers: the share of the pieces before
        them, the side, both ends, and the loss there; the last ones are the tails' powers."""

        def loss(sign: Floats, t: Floats) -> Floats:
            return self.call(self.density.loss, self.middle + sign * t)

        sign = np.concatenate([np.full(len(s.mass), s.sign) for s in self.sides])
        near = np.concatenate([s.edges[:-1] for s in self.sides])
        far = np.concatenate([s.edges[1:] for s in self.sides])
        done = []
        for _ in range(40):
            low, high, size = loss(sign, near), loss(sign, far), np.log(far - near) - self.log_total
            weight = np.exp(size - low)
            split = weight - np.exp(size - high) > 2.0**-13
            done.append([v[~split] for v in (weight, sign, near, far, low, high)])
            if not split.any():
                break
            sign, near, far = sign[split], near[split], far[split]
            middle = np.where(near < far / 4, np.sqrt(near) * np.sqrt(far), near / 2 + far / 2)
            middle = np.where(near > 0, middle, far / 2)
            sign, near, far = np.tile(sign, 2), np.append(near, middle), np.append(middle, far)
        for s in self.sides:
            done.append(
                [np.array([v]) for v in (s.rest * s.share, s.sign, s.edges[-1], np.inf, s.power, 0)]
            )
        weight, *pieces = (np.concatenate(v) for v in zip(*done, strict=True))
        return [np.cumsum(weight) / weight.sum(), *pieces]

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        """Draws by rejection: a candidate is even on its piece."""
        upto, sign, near, far, low, high = self.envelope
        draws, left = np.empty(count), np.arange(count)
        while left.size:
            place = np.minimum(
                np.searchsorted(upto, rng.random(left.size), side="right"), len(upto) - 1
            )
            share, level = rng.random(left.size), rng.standard_exponential(left.size)
            start, stop, least = near[place], far[place], low[place]
            power = stop == np.inf
            t = start + np.where(power, 0.0, stop - start) * share
            if power.any():
                t = np.where(power, start * (1 - share) ** (-1 / least), t)
            flip = rng.random(left.size) < 0.5 if self.mirrored else False
            x = self.middle + np.where(flip, -1.0, sign[place]) * t
            sure = power | (level >= high[place] - least)
            open_ = np.flatnonzero(~sure)
            sure[open_] = level[open_] >= self.call(self.density.loss, x[open_]) - least[open_]
            draws[left[sure]] = x[sure]
            left = left[~sure]
        return draws
