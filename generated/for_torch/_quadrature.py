"""Quadrature for densities exp(-loss)/Z in PyTorch: panels, probabilities, quantiles.

Integrals are sums over panels between distances from the minimum of the loss. The rise of the loss
alone places them, always equally many, so nothing waits for a device; the places where the loss has
kinks are edges that move with the parameters, so derivatives of every order are those of the
integral. All is in the dtype of the parameters, tensors of one dtype and shape: integrals are good
to about 1e-12 in float64, 1e-5 in float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ._special import constant

Function = Callable[..., Any]
# Gauss-Legendre quadrature on [0, 1]: half of the nodes and of the weights, then all.
_HALF = (
    0.006858095651593831, 0.03578255816821324, 0.0863993424651175, 0.15635354759415726,
    0.24237568182092295, 0.3404438155360551, 0.44597252564632817,
)  # fmt: skip
_HALF_WEIGHTS = (
    0.01755973016587593, 0.040079043579880104, 0.06075928534395159, 0.07860158357909677,
    0.09276919873896891, 0.1025992318606478, 0.1076319267315789,
)  # fmt: skip
_NODES = (*_HALF, *(1 - node for node in reversed(_HALF)))
_WEIGHTS = (*_HALF_WEIGHTS, *reversed(_HALF_WEIGHTS))
_INF, _CHUNK = math.inf, 1 << 14


class _Place(NamedTuple):
    """Where distances are measured from, their sign, and the integrand
    distance^order exp(shift - loss)."""

    center: Tensor
    sign: Tensor
    shift: Tensor
    order: int = 0


class _Panels(NamedTuple):
    """Panels of both sides of the minimum; of one, which counts twice, where the loss is even.

    With S sides: edges are distances (…, S, E), masses (…, S, E - 1) the integrals between them,
    rest (…, S, 1) that beyond the last one, which falls like distance^-power.
    """

    place: _Place
    edges: Tensor
    masses: Tensor
    rest: Tensor
    power: Tensor


class Table(NamedTuple):
    """Panels with the probabilities between the center and each edge, and beyond each edge."""

    panels: _Panels
    total: Tensor
    inner: Tensor
    outer: Tensor


class Law:
    """A loss and the facts by which exp(-loss) is integrated: numbers, or functions of parameters.

    loss: a function of x and the parameters; slope: its derivative in x. length: a unit of x.
    points: the minimum (NaN if it is not known), then kinks and jumps, a kink that moves even where
    it is the minimum. decay: q of |x|^-q, as the integral beyond x falls at -inf and inf, or one
    for both; inf where faster than any power.
    even: loss(-x) = loss(x).
    """

    def __init__(
        self, loss: Function, slope: Function, length: Any, points: Any, decay: Any, even: bool
    ) -> None:
        self.loss, self.slope, self.even = loss, slope, even
        self.length, self.points, self.decay = length, points, decay

    def fact(self, fact: Any, parameters: Sequence[Tensor]) -> list[Tensor]:
        found = fact(*parameters) if callable(fact) else fact
        zero = torch.zeros_like(parameters[0])
        return [zero + v for v in (found if isinstance(found, tuple) else (found,))]

    def center(self, parameters: Sequence[Tensor]) -> Tensor:
        """The place of the minimum; by the sign of the slope where it is not known."""
        return self._points(parameters)[0]

    def decays(self, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The powers of both tails."""
        found = self.fact(self.decay, parameters)
        return found[0], found[-1]

    def _points(self, parameters: Sequence[Tensor]) -> list[Tensor]:
        found = self.points(*parameters) if callable(self.points) else self.points
        first = found[0] if isinstance(found, tuple) else found
        points = self.fact(self.points, parameters)
        if isinstance(first, Tensor) or first == first:
            return points
        with torch.no_grad():
            (unit,) = self.fact(self.length, parameters)
            low = torch.full_like(unit, -0.98 * math.log(torch.finfo(unit.dtype).max))
            high = -low
            for _ in range(80):
                middle = (low + high) / 2
                falls = self.slope(unit * torch.sinh(middle), *parameters) < 0
                low, high = torch.where(falls, middle, low), torch.where(falls, high, middle)
            return [(unit * torch.sinh(low)).detach(), *points[1:]]

    def log_integral(
        self, parameters: Sequence[Tensor], ends: Sequence[Tensor] | None = None
    ) -> Tensor:
        """log of the integral of exp(-loss), of one side where the loss is even; the sides are
        added before what they have in common, which may be large, is taken off."""
        panels = self.panels(parameters, ends=ends)
        total = (panels.masses.sum(-1) + panels.rest.squeeze(-1)).sum(-1)
        log = torch.log(torch.where(total > 0, total, 1.0)) - panels.place.shift[..., 0, 0]
        return torch.where(total > 0, log, torch.where(total == 0, -_INF, total))

    def log_integrals(
        self,
        parameters: Sequence[Tensor],
        order: int = 0,
        ends: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """log of the integral of distance^order exp(-loss), the sides along a last axis."""
        panels = self.panels(parameters, order, ends)
        total = panels.masses.sum(-1) + panels.rest.squeeze(-1)
        log = torch.log(torch.where(total > 0, total, 1.0)) - panels.place.shift.squeeze(-1)
        return torch.where(total > 0, log, torch.where(total == 0, -_INF, total))

    def panels(
        self,
        parameters: Sequence[Tensor],
        order: int = 0,
        ends: Sequence[Tensor] | None = None,
        deep: bool = False,
    ) -> _Panels:
        """The panels, out to where nothing of the integral is left (`deep`: of its tails)."""
        zero, known = torch.zeros_like(parameters[0]), lifted(parameters, 2)
        center, *kinks = self._points(parameters)
        center = center.detach()  # no integral depends on it
        tails = [q.unsqueeze(-1) for q in self.decays(parameters)]
        sides = (1.0,) if self.even and ends is None else (-1.0, 1.0)
        power, far = torch.stack(tails[-len(sides) :], -2), None
        if ends is not None:
            center = torch.minimum(torch.maximum(center, ends[0]), ends[1])
            far = torch.stack([center - ends[0], ends[1] - center], -1).unsqueeze(-1)
        sign, origin = constant(sides, zero).unsqueeze(-1), center[..., None, None]
        knots = [((kink[..., None, None] - origin) * sign).clamp(min=0.0) for kink in kinks]
        with torch.no_grad():
            place = _Place(origin, sign, self.loss(origin, *known), order)
            found = self._edges(parameters, place, power, far, knots, deep)
            edges, shift, ended = (v.detach() for v in found)  # of forward mode, too
            shift = torch.where(shift == _INF, 0.0, shift)  # nothing is left, of which to take it
        last = edges[..., -1:]
        if far is not None:  # the ends themselves, so that the integral follows them
            last = torch.where(far <= last * (1 + 1e-4), far, last)
        edges = torch.cat([torch.zeros_like(last), edges[..., :-1], last, *knots], -1)
        edges = torch.minimum(edges, last).sort(-1).values
        place = place._replace(center=origin, shift=shift)
        masses = self._mass(known, place, edges[..., :-1], edges[..., 1:])
        rest = torch.zeros_like(last)
        if far is None:
            log = shift - self.loss(origin + sign * last, *known) + (order + 1) * last.log()
            falls = (power > order) & (power < _INF)
            over = torch.exp(log) / torch.where(falls, power - order, 1.0)
            rest = torch.where(falls, over, torch.where((power == _INF) & ended, 0.0, _INF))
        return _Panels(place, edges, masses, rest, power)

    def _edges(
        self,
        parameters: Sequence[Tensor],
        place: _Place,
        power: Tensor,
        far: Tensor | None,
        knots: Sequence[Tensor],
        deep: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The edges, the smallest loss - order log(distance), and whether the integral ends there.

        In s = log(distance), at first coarsely: `unit` is where the loss has risen by 1. From edge
        to edge, s grows by at most 0.7 around the unit, and the integrand falls by about e^3.
        """
        kind, known = torch.finfo(power.dtype), lifted(parameters, 2)
        digits, top = -math.log(kind.eps), 0.98 * math.log(kind.max)
        reach = -math.log(kind.tiny) if deep else 1.25 * digits
        limit = torch.full_like(power, top) if far is None else far.clamp(min=kind.tiny).log()

        def risen(s: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            """How far loss and integrand have risen and fallen; whether nothing is left of it."""
            rise = self.loss(place.center + place.sign * s.exp(), *known) - place.shift
            rise = rise.nan_to_num(nan=_INF, posinf=_INF)
            fall = rise - (place.order + 1) * s
            over = fall > torch.cummin(fall, -1).values + reach
            return rise, fall, over.cumsum(-1) > 0

        def behind(row: Tensor, before: Tensor) -> Tensor:
            """The first entry behind those for which something holds."""
            return row.gather(-1, before.sum(-1, keepdim=True).clamp(max=row.shape[-1] - 1))

        length = self.fact(self.length, parameters)[0][..., None, None].log()
        s = (length + _steps(int(top) + 1, length) * 2 - top).clamp(-top, top)
        s = torch.minimum(s, limit) + torch.zeros_like(place.sign)
        rise, fall, over = risen(s)
        unit, stop = behind(s, (rise < 1).cumprod(-1)), behind(s, ~over)
        ended = (fall > torch.cummin(fall, -1).values + 1.25 * digits).any(-1, keepdim=True)
        first = (unit - 0.78 * digits).clamp(min=-top)
        stop = torch.where(power < _INF, torch.minimum(stop, unit + 0.78 * digits), stop)
        stop = torch.maximum(torch.minimum(stop, limit), first + 1e-3)
        s, near = first + (stop - first) * (_steps(257, s) / 256), 2.0 ** (_steps(39, s) - 40)
        near = 1 + torch.cat([-near, near])  # a steep rise may begin at a kink
        s = torch.cat([s, *(torch.log(knot.clamp(min=kind.tiny) * near) for knot in knots)], -1)
        s, count = torch.clamp(s, first, stop).sort(-1).values, 49 + int(reach / 3)
        least = torch.zeros_like(place.shift)
        for _ in range(2):
            rise, fall, over = risen(s)
            low = fall.amin(-1, keepdim=True)
            least = low if place.order else least
            step, middle = s.diff(dim=-1), s[..., 1:]
            close = (torch.abs(middle - unit) < 8) | (torch.abs(middle - length) < 4)
            parts = fall.diff(dim=-1).abs().nan_to_num(nan=reach).clamp(max=reach) / 3
            parts = parts + rise.clamp(1e-7, 1.0).log().diff(dim=-1).abs() / 1.4
            parts = parts + step * torch.where(close, 1 / 0.7, 0.2)
            nothing = fall > low + reach
            parts = torch.where(nothing[..., :-1] & nothing[..., 1:], 0.0, parts)
            sums = parts.cumsum(-1).contiguous()
            goal = sums[..., -1:] * (_steps(count, s) / (count - 1))
            index = torch.searchsorted(sums, goal.contiguous()).clamp(max=s.shape[-1] - 2)
            share = 1 + (goal - sums.gather(-1, index)) / parts.gather(-1, index)
            share = share.nan_to_num(1.0).clamp(0.0, 1.0)
            s = s.gather(-1, index) + step.gather(-1, index) * share
        return s.exp(), place.shift + least, ended

    def _mass(
        self,
        parameters: Sequence[Tensor],
        place: _Place,
        low: Tensor,
        high: Tensor,
    ) -> Tensor:
        """The integral of the integrand over each panel."""
        distance, weight = nodes(low, high)
        center, sign, shift = (v.unsqueeze(-1) for v in place[:3])
        value = self.loss(center + sign * distance, *lifted(parameters, 1))
        log = shift - value
        if place.order:
            log = log + place.order * torch.log(torch.where(distance > 0, distance, 1.0))
        total: Tensor = (torch.exp(log) * weight).sum(-1)
        return total

    # Probabilities. x and p have a last axis more than the parameters.

    def table(self, parameters: Sequence[Tensor]) -> Table:
        panels = self.panels(parameters, deep=True)
        masses, rest = panels.masses, panels.rest
        total = (masses.sum(-1, keepdim=True) + rest).sum(-2, keepdim=True)
        total = 2 * total if self.even else total
        inner = torch.cat([torch.zeros_like(rest), masses], -1).cumsum(-1) / total
        outer = torch.cat([masses, rest], -1).flip(-1).cumsum(-1).flip(-1) / total
        return Table(panels, total, inner, outer)

    def _between(
        self, table: Table, known: Sequence[Tensor], left: Tensor, low: Tensor, high: Tensor
    ) -> Tensor:
        """The probability between two distances of one panel."""
        center, _, shift, _ = table.panels.place
        sign = torch.where(left, -1.0, 1.0).to(low.dtype)
        place = _Place(center.squeeze(-1), sign, shift[..., 0])
        return self._mass(known, place, low, high) / table.total.squeeze(-1)

    def _height(
        self, table: Table, known: Sequence[Tensor], left: Tensor, distance: Tensor
    ) -> Tensor:
        """The logarithm of the density."""
        center, _, shift, _ = table.panels.place
        at = center.squeeze(-1) + torch.where(left, -distance, distance)
        log: Tensor = shift[..., 0] - self.loss(at, *known) - table.total.squeeze(-1).log()
        return log

    def cdf(self, table: Table, x: Tensor, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The probability below x, and the density there."""
        panels, known = table.panels, lifted(parameters, 1)
        y = x - panels.place.center.squeeze(-1)
        left = y < 0
        y = torch.where(left, -y, y)
        row = torch.zeros_like(left, dtype=torch.long) if self.even else (~left).long()
        place = _place(panels.edges, y, row)
        high, last, power = _entry(panels.edges, place, row), *_ends(panels, row)
        part = self._between(table, known, left, torch.minimum(y, high), high)
        density = torch.exp(self._height(table, known, left, torch.minimum(y, high)))
        rest, out = _entry(table.outer[..., -1:], 0, row), y > last
        power = torch.where(rest > 0, power, 1.0)
        fall = torch.where(out, y / last, 1.0) ** -power
        beyond = torch.where(out, rest * fall, _entry(table.outer, place, row) + part)
        over = power * rest / torch.where(out, y, 1.0) * fall
        other = 0.5 if self.even else _entry(table.outer[..., :1], 0, 1 - row)
        below = other + _entry(table.inner, place, row) - part
        above = torch.where(below < 0.5, below, 1 - beyond)
        return torch.where(left, beyond, above), torch.where(out, over, density)

    @torch.no_grad()
    def quantile(
        self, table: Table, left: Tensor, p: Tensor, parameters: Sequence[Tensor], exact: bool
    ) -> Tensor:
        """x, left or right of the center, with the probability p beyond it: by Newton's method for
        the logarithm."""
        panels, known = table.panels, lifted(parameters, 1)
        row = torch.zeros_like(left, dtype=torch.long) if self.even else (~left).long()
        place = _place(-table.outer, -p, row)
        low, above = _entry(panels.edges, place - 1, row), _entry(table.outer, place - 1, row)
        high, beyond = _entry(panels.edges, place, row), _entry(table.outer, place, row)
        # In equal steps t of a panel the density falls about like exp(-bend t).
        apart = low > 0
        rate = torch.log(torch.where(apart, high / low, 1.0))

        def place_of(t: Tensor) -> Tensor:
            return torch.where(apart, low * torch.exp(rate * t), high * t)

        first, last = (self._height(table, known, left, y) for y in (low, high))
        bend = (first - last - rate).nan_to_num(0.0).clamp(-30.0, 30.0)
        share = ((above - p) / (above - beyond)).nan_to_num(0.5).clamp(0.0, 1.0)
        t = -torch.log1p(share * torch.expm1(-bend)) / bend
        t = torch.where(torch.abs(bend) < 1e-6, share, t).clamp(0.0, 1.0)
        for _ in range(4 if exact else 2):
            y = place_of(t)
            density = torch.exp(self._height(table, known, left, y))
            move = beyond + self._between(table, known, left, y, high) - p
            move = move / (density * torch.where(apart, y * rate, high))
            t = (t + (move + bend / 2 * move * move).nan_to_num(0.0, 0.0, 0.0)).clamp(0.0, 1.0)
        y, whole = place_of(t), 0.5 if self.even else _entry(table.outer[..., :1], 0, row)
        if exact:  # next to the center the probability between it and y keeps its digits
            gap = _entry(table.inner, place, row) - self._between(table, known, left, y, high)
            gap = (gap - (whole - p)) / torch.exp(self._height(table, known, left, y))
            y = torch.where((p > whole / 2) & (p < whole), torch.clamp(y - gap, min=0.0), y)
        end, power = _ends(panels, row)
        rest = _entry(table.outer[..., -1:], 0, row)
        y = torch.where(p < rest, end * (rest / p) ** (1 / power), y)
        y = torch.where(p < whole, torch.where(p > 0, y, _INF), 0.0)
        y = torch.where((p >= 0) & (p <= 1), y, math.nan)
        return panels.place.center.squeeze(-1) + torch.where(left, -y, y)

    def places(self, parameters: Sequence[Tensor]) -> Tensor:
        """The edges of the panels on both sides, along a last axis."""
        panels = self.panels(parameters)
        apart = panels.place.sign * panels.edges
        apart = torch.cat([-apart, apart], -2) if self.even else apart
        return (panels.place.center + apart).flatten(-2)

    def moments(self, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The mean and the variance: NaN and inf where they do not exist."""
        log_z = torch.logsumexp(self.log_integrals(parameters), -1, keepdim=True)
        first, second = (torch.exp(self.log_integrals(parameters, k) - log_z) for k in (1, 2))
        left, right = self.decays(parameters)
        exists, square = (left > 1) & (right > 1), second.sum(-1)
        shift = torch.zeros_like(square)
        if not self.even:
            shift = torch.where(exists, first[..., 1] - first[..., 0], 0.0)
        variance = torch.where(square < _INF, square - shift * shift, square)
        center = self.center(parameters).detach()  # as the panels have it
        return torch.where(exists, center + shift, math.nan), variance

    def mean_loss(self, parameters: Sequence[Tensor]) -> Tensor:
        """The expectation of the loss."""
        return self.expectation(self.loss, parameters, self.panels(parameters))

    def expectation(
        self, function: Function, parameters: Sequence[Tensor], panels: _Panels
    ) -> Tensor:
        """The expectation of a function of x and the parameters, even where the loss is; beyond
        the last edge it is taken as a + b log(distance) + c log(distance)^2."""
        place, edges, masses, rest, power = panels
        distance, weight = nodes(edges[..., :-1], edges[..., 1:])
        center, sign, shift = (v.unsqueeze(-1) for v in place[:3])
        x, known = center + sign * distance, lifted(parameters, 3)
        parts = torch.exp(shift - self.loss(x, *known)) * weight
        values = torch.where(parts > 0, parts * function(x, *known), 0.0).sum((-2, -1))
        step = math.log(2.0) * (32 if rest.dtype == torch.float64 else 12)
        far = edges[..., -1:] * torch.exp(torch.where(rest > 0, _steps(3, rest) * step, 0.0))
        found: Tensor = function(place.center + place.sign * far, *lifted(parameters, 2))
        (one, two, three), rest = found.unbind(-1), rest.squeeze(-1)
        bend = (three - 2 * two + one) / 2
        fall = torch.where(rest > 0, power.squeeze(-1), 1.0) * step
        beyond = one + (two - one - bend) / fall + 2 * bend / (fall * fall)
        values = values + torch.where(rest > 0, rest * beyond, 0.0)
        return values.sum(-1) / (masses.sum(-1) + rest).sum(-1)


def _steps(count: int, like: Tensor) -> Tensor:
    """0, 1, 2, …"""
    return torch.arange(count, dtype=like.dtype, device=like.device)


def lifted(values: Sequence[Tensor], axes: int) -> list[Tensor]:
    """With so many axes of 1 at the end."""
    return [v.reshape(v.shape + (1,) * axes) for v in values]


def nodes(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Nodes and weights on panels 0 <= low <= high, along a last axis: equal steps of the
    logarithm, but from 0 of the distance."""
    low, high = low.unsqueeze(-1), high.unsqueeze(-1)
    nodes, weights, apart = constant(_NODES, low), constant(_WEIGHTS, low), low > 0
    start = torch.where(apart, low, 1.0)
    rate = torch.log(torch.where(apart, high, 1.0) / start)
    distance = torch.where(apart, start * torch.exp(rate * nodes), low + (high - low) * nodes)
    return distance, torch.where(apart, distance * rate, high - low) * weights


def _place(rows: Tensor, x: Tensor, row: Tensor) -> Tensor:
    """For each x the place in its row, among rows that rise along the last axis."""
    wanted = x.detach().unsqueeze(-2) + torch.zeros_like(rows[..., :1]).detach()
    found = torch.searchsorted(rows.detach().contiguous(), wanted.contiguous(), right=True)
    return found.gather(-2, row.unsqueeze(-2)).squeeze(-2).clamp(1, rows.shape[-1] - 1)


def _entry(rows: Tensor, place: Tensor | int, row: Tensor) -> Tensor:
    """For each of (…, n) an entry of a row of (…, rows, entries)."""
    return rows.flatten(-2).gather(-1, row * rows.shape[-1] + place)


def _ends(panels: _Panels, row: Tensor) -> tuple[Tensor, Tensor]:
    """The last edges and the powers beyond them."""
    return _entry(panels.edges[..., -1:], 0, row), _entry(panels.power, 0, row)
