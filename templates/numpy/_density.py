"""Densities exp(-loss)/Z: normalizer, probabilities, quantiles, draws, moments, SciPy's interface.

A density knows its loss as a function and a few facts about it: where the minimum and the kinks
are, how the tails fall, log Z where it is closed. The rest is quadrature. On either side of the
minimum the variable is u = log t, t the distance from it: a tail that falls like a power is an
exponential there, a cusp at the minimum is smooth, and no length needs to be known. Panels of
16 Gauss-Legendre nodes are halved until a panel and its two halves agree to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache, partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Function = Callable[..., Any]

_ROOTS, _GAUSS = np.polynomial.legendre.leggauss(16)
_NODES, _WEIGHTS = (_ROOTS + 1) / 2, _GAUSS / 2
_EPS, _LARGEST = 2.0**-52, 1.6e308
# Where panels begin, as multiples of the width; halving finds the rest.
_STARTS = np.array(
    [-40.0, -20, -10, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 10, 20, 40, 80, 160, 320, 600]
)


class _Side:
    """One side of the minimum: panels between `edges` (distances t from it, outwards).

    nodes, weight (panels, 16): where t^(lift - 1) exp(-loss) is taken, and the parts of its
    integral, over exp(top). rest: the part beyond the last edge; from there on it falls like
    t^-power. settled: whether that power is known where anything is left.
    """

    def __init__(self, law: _Law, sign: float, ends: tuple[float, float], lift: float) -> None:
        self.law, self.sign, self.lift = law, sign, lift
        low, high, self.nodes, part = self._halved(self._starts(*ends))
        top = float(part.max(initial=-np.inf))
        count = int(np.max(np.flatnonzero(part.max(1) > top - 800.0), initial=-1)) + 1
        self.nodes, self.top = self.nodes[:count], top if top > -np.inf else 0.0
        self.weight = np.exp(part[:count] - self.top)
        self.edges = np.append(low[:count], high[:count][-1:] if count else ends[:1])
        self.mass = self.weight.sum(1)
        self.power, self.rest, self.settled = 1.0, 0.0, True
        last, order = self.edges[-1], law.tails[0 if sign < 0 else -1]
        reach = lift * np.log(last) - self.height(last) - self.top
        if order <= lift and not law.bounded:
            self.rest = np.inf
        elif reach > -700 and not law.bounded:
            slope = sign * last * law.call(law.density.d_x, law.middle + sign * last)
            self.settled = order < np.inf
            self.power = (order if self.settled else float(slope)) - lift
            self.rest = float(np.exp(reach)) / self.power if self.power > 0 else np.inf
        self.total = float(self.mass.sum() + self.rest)

    def height(self, t: Floats) -> Floats:
        """The loss at distances t."""
        return self.law.call(self.law.density.loss, self.law.middle + self.sign * t)

    def _starts(self, low: float, high: float) -> Floats:
        """The first edges: multiples of the width over which the loss rises by 1 and of the
        loss's own length, and the kinks."""
        law, (below, above) = self.law, (-1060, 1023)
        sizes = np.ldexp(1.0, np.arange(below, above + 1))
        rise = self.height(sizes) - self.height(np.zeros(1))
        width = sizes[np.argmax(rise >= 1)] if np.any(rise >= 1) else law.length
        kinks = [self.sign * (point - law.middle) for point in law.points]
        marks = [*(width * np.exp(_STARTS)), law.length / 8, law.length, law.length * 8, *kinks, high]
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
            whole = tuple(np.concatenate([a[wrong], b[wrong]]) for a, b in zip(left, right))
        joined = [np.concatenate(v) for v in zip(*done)]
        return tuple(v[np.argsort(joined[0])] for v in joined)

    def expectation(self, function: Function) -> float:
        """The integral of a function of x over this side; beyond the last edge it is taken as
        a + b log t."""
        law, end = self.law, self.edges[-1]
        values = law.call(function, law.middle + self.sign * self.nodes)
        total = float(np.where(self.weight > 0, self.weight * values, 0.0).sum())
        if self.rest > 0:
            far = law.call(function, law.middle + self.sign * end * np.array([1.0, 2.0**-64]))
            total += self.rest * float(far[0] + (far[0] - far[1]) / (64 * math.log(2.0)) / self.power)
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
        return np.where(span > 0, size * np.exp(-self.height(nodes) - self.law.log_total), 0.0).sum(1)

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
        self, density: Density, values: tuple[float, ...], lift: float = 1.0,
        ends: tuple[float, float] = (-np.inf, np.inf),
    ) -> None:  # fmt: skip
        self.density, self.values, self.bounded = density, values, ends[1] < np.inf
        self.tails, (self.length, *_) = self._fact(density.tails), self._fact(density.length)
        self.middle, *self.points = self._fact(density.points)
        if self.middle != self.middle:
            self.middle = self._lowest()
        self.mirrored = density.even and not self.bounded
        self.sides = []
        for sign in (1.0,) if self.mirrored else (1.0, -1.0):
            near, far = sorted(sign * (end - self.middle) for end in ends)
            self.sides.append(_Side(self, sign, (max(near, 0.0), max(min(far, _LARGEST), 0.0)), lift))
        logs = [side.top + np.log(side.total) for side in self.sides]
        self.log_total = float(logs[0] + math.log(2.0) if self.mirrored else np.logaddexp(*logs))

    def _fact(self, fact: Any) -> list[float]:
        """A fact, which may be a function of the parameters."""
        found = fact(*self.values) if callable(fact) else fact
        return [float(v) for v in (found if isinstance(found, tuple) else (found,))]

    def call(self, function: Function, x: Floats) -> Floats:
        return np.asarray(function(x, *self.values))

    def _lowest(self) -> float:
        """The minimum, by the sign of the slope."""
        slope = lambda x: self.call(self.density.d_x, np.float64(x))
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
        if not self.mirrored:
            small = np.where(away < 0, left.beyond(np.maximum(-away, 0.0)), small)
        return np.where((away < 0) != flip, small, 1 - small)

    def quantile(self, p: Floats, flip: bool = False) -> Floats:
        """The x below which (with flip: above which) a probability p lies."""
        left, inside = 0.5 if self.mirrored else float(self.sides[1].outer[0]), (p >= 0) & (p <= 1)
        p = np.where(inside, p, 0.5)
        low, high = (1 - p, p) if flip else (p, 1 - p)
        found = []
        for side, tail, gap in zip((0, -1), (high, low), (low - left, left - low)):
            used = gap >= 0
            t = self.sides[side].quantile(np.where(used, tail, 0.5 * left), np.where(used, gap, 1.0))
            found.append(np.where(gap == 0, 0.0, t))
        away = np.where(low < left, -found[1], found[0])
        return np.where(inside, self.middle + away, np.nan)

    @cached_property
    def envelope(self) -> list[Floats]:
        """Pieces on which the density lies between two numbers: the share of the pieces before
        them, the side, both ends, and the loss there; the last ones are the tails' powers."""
        loss = lambda sign, t: self.call(self.density.loss, self.middle + sign * t)
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
            done.append([np.array([v]) for v in (s.rest * s.share, s.sign, s.edges[-1], np.inf, s.power, 0)])
        weight, *pieces = (np.concatenate(v) for v in zip(*done))
        return [np.cumsum(weight) / weight.sum(), *pieces]

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        """Draws by rejection: a candidate is even on its piece."""
        upto, sign, near, far, low, high = self.envelope
        draws, left = np.empty(count), np.arange(count)
        while left.size:
            place = np.minimum(np.searchsorted(upto, rng.random(left.size), side="right"), len(upto) - 1)
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


class Density:
    """The density of a loss. Its functions take the parameters after their own arguments, by place
    or by name; their own arguments only by place, so that a parameter may be called anything.

    parameters: names and defaults. domains: (low, high, low belongs, high belongs) by name.
    closed: log Z (under ()) and its derivatives by the names of the parameters, where it is
    closed. slopes: derivatives of the loss by name. length, points (minimum, kinks, jumps; NaN for
    a minimum that is not known), tails (q of |x|^-q at -inf and inf): numbers, tuples, or
    functions of the parameters. scale: the parameter that only stretches x. exists: a condition
    and what to say where it fails; vectors: what to say where there is none for vectors.
    """

    def __init__(
        self, module: str, name: str, loss: Function, d_x: Function, parameters: Mapping[str, float],
        *, domains: Mapping[str, tuple[float, float, bool, bool]] | None = None,
        closed: Mapping[tuple[str, ...], Function] | None = None,
        slopes: Mapping[str, Function] | None = None, length: Any = 1.0, scale: str = "",
        points: Any = 0.0, tails: Any = np.inf, even: bool = False, rises: bool = True,
        exists: tuple[Function, str] | None = None, vectors: str = "",
    ) -> None:  # fmt: skip
        self.__module__, self.name, self.loss, self.d_x = module, name, loss, d_x
        self.defaults, self.domains = dict(parameters), domains or {}
        self.closed, self.slopes = closed or {}, slopes or {}
        self.length, self.points, self.tails, self.scale = length, points, tails, scale
        self.even, self.rises, self.exists, self.vectors = even, rises, exists, vectors
        self._law = lru_cache(64)(partial(_Law, self))

    def __reduce__(self) -> str:
        return "_DENSITY"

    def log_partition(self, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """log Z, Z the integral of exp(-loss)."""
        return self._of_parameters(self._log_z, parameters, named)

    def d_log_partition(self, /, *by: str) -> Function:
        """The derivative of log Z by some of the parameters, as a function of all of them."""
        mean = self._by_set(lambda law: -law.expectation(self.slopes[by[0]]))
        compute = self.closed.get(by, mean)
        return lambda *parameters, **named: self._of_parameters(compute, parameters, named)

    def log_density(self, x: ArrayLike, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """-loss - log Z."""
        arrays, x = self._checked(self._values(parameters, named)), np.asarray(x)
        with np.errstate(all="ignore"):
            wide = -self.loss(x.astype(np.float64), *arrays) - self._log_z(*arrays)
            return np.asarray(wide).astype(_result_dtype(x))[()]

    def density(self, x: ArrayLike, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """exp(-loss)/Z."""
        wide = self.log_density(np.asarray(x).astype(np.float64), *parameters, **named)
        with np.errstate(all="ignore"):
            return np.asarray(np.exp(wide)).astype(_result_dtype(np.asarray(x)))[()]

    def log_partition_on(
        self, a: ArrayLike, b: ArrayLike, /, *parameters: ArrayLike, **named: ArrayLike
    ) -> Any:
        """log of the integral of exp(-loss) over [a, b], which exists for every loss."""
        values, ends = self._values(parameters, named), [np.asarray(v, np.float64) for v in (a, b)]
        if not np.all((ends[0] < ends[1]) & np.isfinite(ends[0]) & np.isfinite(ends[1])):
            raise ValueError("a and b must be finite, a < b")
        total = lambda a, b, *at: _Law(self, at, 1.0, (a, b)).log_total
        with np.errstate(all="ignore"):
            arrays = self._checked(values, density=False)
            found = np.vectorize(total, otypes=[np.float64])(*ends, *arrays)
        return _in_their_dtype(found, a, b, *values)

    def log_partition_norm(self, dimension: int, /, *parameters: Any, **named: Any) -> Any:
        """log Z of vectors: of the integral of exp(-loss(|x|)) over all x of `dimension` numbers."""
        if dimension != int(dimension) or dimension < 1:
            raise ValueError(f"dimension must be a whole number >= 1, got {dimension}")
        d = int(dimension)

        def total(law: _Law) -> float:
            if law.tails[0] <= d:
                raise ValueError(self.vectors)
            if not law.sides[0].settled:
                raise ValueError("the density of vectors reaches beyond the range of float64")
            return law.log_total + d / 2 * math.log(math.pi) - math.lgamma(d / 2)

        compute = self._log_z if d == 1 else self._by_set(total, float(d))
        return self._of_parameters(compute, parameters, named)

    def log_density_norm(self, x: ArrayLike, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """-loss(|x|) - log Z of vectors along the last axis; parameters broadcast with the others."""
        x, arrays = np.asarray(x), self._checked(self._values(parameters, named))
        if x.ndim == 0:
            raise ValueError("x must hold vectors along its last axis")
        with np.errstate(all="ignore"):
            big = np.max(np.abs(x), axis=-1, initial=0.0).astype(np.float64)
            safe = np.where((big > 0) & (big < np.inf), big, 1.0)
            size = safe * np.sqrt(np.sum((x / safe[..., None]) ** 2, axis=-1))
            wide = -self.loss(size, *arrays) - self.log_partition_norm(x.shape[-1], *arrays)
            return np.asarray(wide).astype(_result_dtype(x))[()]

    def cdf(self, x: ArrayLike, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """The probability of a draw below x; relative error about 1e-13, also where it is small."""
        return self._at_places(_Law.below, x, parameters, named)

    def sf(self, x: ArrayLike, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """The probability of a draw above x."""
        return self._at_places(partial(_Law.below, flip=True), x, parameters, named)

    def ppf(self, probability: ArrayLike, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """The inverse of `cdf`, relative error about 1e-13; NaN outside [0, 1]."""
        return self._at_places(_Law.quantile, probability, parameters, named)

    def isf(self, probability: ArrayLike, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """The inverse of `sf`."""
        return self._at_places(partial(_Law.quantile, flip=True), probability, parameters, named)

    def moment(self, order: int, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """The expectation of x^order for order = 0, 1, 2, …: inf where it diverges, NaN where it
        does to both sides; inf also where numbers beyond the largest one would decide it."""
        if order < 0 or order != int(order):
            raise ValueError(f"order must be a whole number >= 0, got {order}")
        k = int(order)

        def mean(law: _Law) -> float:
            log_z, total = self._law(law.values).log_total, 0.0
            for side in law.sides:
                shifted = law.middle / side.nodes + side.sign if law.middle else side.sign
                inside = np.where(side.weight > 0, side.weight * shifted**k, 0.0).sum()
                known = side.settled or side.rest <= 1e-16 * side.total
                rest = side.sign**k * (side.rest if known else np.inf) if side.rest else 0.0
                part = np.exp(side.top - log_z) * (inside + rest)
                total += part + (-1) ** k * part if law.mirrored else part
            return total

        compute = self._by_set(mean, k + 1.0) if k else lambda *_: 1.0
        return self._of_parameters(compute, parameters, named)

    def entropy(self, /, *parameters: ArrayLike, **named: ArrayLike) -> Any:
        """The expectation of -log_density."""
        mean = self._by_set(lambda law: law.expectation(self.loss))
        compute = lambda *values: self._log_z(*values) + mean(*values)
        return self._of_parameters(compute, parameters, named)

    def sample(
        self, rng: np.random.Generator, size: Any = None, /, *parameters: ArrayLike, **named: Any
    ) -> Any:
        """Independent draws in float64, exact: by rejection from pieces on which the density lies
        between two numbers. size: a number or a shape that the parameters broadcast to; None for
        the shape of the parameters."""
        arrays = self._checked(self._values(parameters, named))
        wanted = np.broadcast_shapes(*(v.shape for v in arrays))
        shape = wanted if size is None else tuple(np.atleast_1d(np.asarray(size, int)).tolist())
        if np.broadcast_shapes(shape, wanted) != shape:
            raise ValueError(f"size {shape} does not fit parameters of shape {wanted}")
        by_pieces = lambda law, x: law.draw(rng, x.size)
        by_inversion = lambda law, x: law.quantile(rng.random(x.size))
        draw = by_pieces if self.rises else by_inversion
        return self._at_places(draw, np.broadcast_to(0.0, shape), arrays, {})

    def distribution(self, base: type) -> Any:
        """The density for SciPy: distribution(scipy.stats.rv_continuous) makes an instance of
        `base`. loc and scale are SciPy's; the other parameters are its shapes."""
        return _for_scipy(self, base)

    def _values(self, parameters: Any, named: Mapping[str, Any]) -> list[Any]:
        """The parameters in the order of the signature."""
        if len(parameters) > len(self.defaults):
            raise TypeError(f"{self.name} has {len(self.defaults)} parameters, got {len(parameters)}")
        values = dict(zip(self.defaults, parameters))
        for name in named:
            if name not in self.defaults or name in values:
                raise TypeError(f"{self.name}: unexpected argument {name!r}")
        return list((self.defaults | values | dict(named)).values())

    def _checked(self, values: list[Any], density: bool = True) -> list[Floats]:
        """The parameters as float64; ValueError outside of their domains."""
        with np.errstate(all="ignore"):
            self.loss(0.0, *values)
            arrays = [np.asarray(v, dtype=np.float64) for v in values]
            if density and self.exists is not None and not np.all(self.exists[0](*arrays)):
                raise ValueError(self.exists[1])
        return arrays

    def _log_z(self, *arrays: Floats) -> Any:
        return self.closed.get((), self._by_set(lambda law: law.log_total))(*arrays)

    def _by_set(self, compute: Callable[[_Law], float], lift: float = 1.0) -> Function:
        """compute(law) as a function of parameters that broadcast."""
        one = lambda *values: compute(self._law(tuple(map(np.float64, values)), lift))
        return np.vectorize(one, otypes=[np.float64]) if self.defaults else one

    def _of_parameters(self, compute: Function, parameters: Any, named: Mapping[str, Any]) -> Any:
        """A function of float64 parameters, in the dtype of the parameters."""
        values = self._values(parameters, named)
        arrays = self._checked(values)
        with np.errstate(all="ignore"):
            shape = np.broadcast_shapes(*(v.shape for v in arrays))
            found = np.array(np.broadcast_to(compute(*arrays), shape), dtype=np.float64)
        return _in_their_dtype(found, *values)

    def _at_places(self, compute: Function, x: Any, parameters: Any, named: Mapping[str, Any]) -> Any:
        """compute(law, x), in the dtype of x, for every set of parameters that occurs."""
        x, arrays = np.asarray(x), self._checked(self._values(parameters, named))
        shape = np.broadcast_shapes(x.shape, *(v.shape for v in arrays))
        wide = np.broadcast_to(x, shape).reshape(-1).astype(np.float64)
        result, sets, index = np.empty(wide.shape), [tuple(v.flat[0] for v in arrays if v.size)], None
        if any(v.size > 1 for v in arrays) and wide.size:
            rows = np.stack([np.broadcast_to(v, shape).reshape(-1) for v in arrays], axis=1)
            unique, index = np.unique(rows, axis=0, return_inverse=True)
            sets = [tuple(row) for row in unique]
        with np.errstate(all="ignore"):
            for k, values in enumerate(sets if wide.size else ()):
                law = self._law(tuple(map(np.float64, values)))
                here = np.arange(wide.size) if index is None else np.flatnonzero(index.ravel() == k)
                for start in range(0, here.size, 8192):
                    at = here[start : start + 8192]
                    result[at] = compute(law, wide[at])
            return result.reshape(shape).astype(_result_dtype(x))[()]


def _for_scipy(density: Density, base: type) -> Any:
    """An instance of a class that has what rv_continuous asks for, at loc 0 and scale 1."""
    names = [name for name in density.defaults if name != density.scale]
    # SciPy has its own loc and scale.
    taken = ("loc", "scale", "x", "q", "size", "moments", "random_state", "args", "kwds")
    called = [name + "_" * (name in taken) for name in names]
    standard = {density.scale: 1.0} if density.scale else {}

    def method(function: Function, own: int) -> Function:
        return lambda self, *given: function(
            *given[:own], **standard, **dict(zip(names, given[own:]))
        )

    def inside(self: Any, *shapes: Any) -> Any:
        found: Any = True
        for name, value in zip(names, shapes):
            low, high, has_low, has_high = density.domains[name]
            found = found & ((value > low) | has_low & (value == low))
            found = found & ((value < high) | has_high & (value == high))
        return found

    def shape_info(self: Any) -> list[Any]:
        ends = [density.domains[name] for name in names]
        return [
            SimpleNamespace(name=n, integrality=False, domain=e[:2], endpoints=e[:2], inclusive=e[2:])
            for n, e in zip(called, ends)
        ]

    def start(self: Any, data: Any, args: Any = None) -> Any:
        data = data._uncensor() if hasattr(data, "_uncensor") else data
        shapes = tuple(density.defaults[name] for name in names) if args is None else args
        low, middle, high = np.percentile(data, [25, 50, 75])
        unit = self._ppf(np.array([0.25, 0.5, 0.75]), *shapes)
        scale = (high - low) / (unit[2] - unit[0]) or 1.0
        return *shapes, middle - scale * unit[1], scale

    def rvs(self: Any, *shapes: Any, size: Any = None, random_state: Any = None) -> Any:
        return density.sample(random_state, size, **standard, **dict(zip(names, shapes)))

    functions = {"logpdf": "log_density", "munp": "moment", "pdf": "density"}
    functions |= {name: name for name in ("cdf", "sf", "ppf", "isf", "entropy")}
    methods = {f"_{k}": method(getattr(density, v), v != "entropy") for k, v in functions.items()}
    special = {
        "_argcheck": inside, "_shape_info": shape_info, "_fitstart": start, "_rvs": rvs,
        "__reduce__": lambda self: (density.distribution, (base,), self.__getstate__()),
    }  # fmt: skip
    title = "".join(part.capitalize() for part in density.name.split("_"))
    made = type(title, (base,), methods | special | {"__module__": density.__module__})
    return made(name=density.name, shapes=", ".join(called) or None)


def _result_dtype(x: NDArray[Any]) -> Any:
    """The dtype of x, or float64 for integers."""
    if x.dtype.kind in "cOSUmM":
        raise TypeError(f"x must be real numbers, got dtype {x.dtype}")
    return np.dtype(np.float64) if x.dtype.kind in "biu" else x.dtype


def _in_their_dtype(value: Floats, *parameters: Any) -> Any:
    """A value in the dtype of the parameters that are floating arrays, else in float64."""
    dtypes = [np.asarray(p).dtype for p in parameters if isinstance(p, (np.ndarray, np.floating))]
    floats = [d for d in dtypes if d.kind == "f"]
    with np.errstate(all="ignore"):
        return value.astype(np.result_type(*floats) if floats else np.float64)[()]
