"""Densities exp(-loss)/Z in PyTorch: one module for the density of every loss.

A file of densities/ states facts about one loss (`Density`); everything else is here: the
normalizer, a distribution, a loss whose parameters are learned, the divergence of two densities.

Integrals are sums over panels between distances from the minimum of the loss. The rise of the loss
alone places them, always equally many, so nothing waits for a device; the places where the loss has
kinks are edges that move with the parameters, so derivatives of every order are those of the
integral. Parameters that are tensors are used in their own dtype (half precision: float32).
Integrals are good to about 1e-12 in float64, 1e-5 in float32.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.autograd.forward_ad import unpack_dual
from torch.distributions import constraints
from torch.distributions.kl import register_kl
from torch.distributions.utils import broadcast_all
from torch.nn.functional import softplus

__all__ = ["AdaptiveLoss", "Density", "DensityDistribution", "Parameter"]

Value = Tensor | float
Function = Callable[..., Any]
# Gauss-Legendre quadrature on [0, 1]: half of the nodes and of the weights, then all.
_HALF = (0.01304673574141414, 0.06746831665550775, 0.1602952158504878, 0.2833023029353764,
         0.4255628305091844)  # fmt: skip
_HALF_WEIGHTS = (0.03333567215434407, 0.0747256745752903, 0.10954318125799102,
                 0.13463335965499817, 0.14776211235737644)  # fmt: skip
_NODES = (*_HALF, *(1 - node for node in reversed(_HALF)))
_WEIGHTS = (*_HALF_WEIGHTS, *reversed(_HALF_WEIGHTS))
_INF, _CHUNK = math.inf, 1 << 14


class Parameter(NamedTuple):
    """A parameter: its default, its domain in the density, and the range in which it is learned."""

    default: float
    domain: constraints.Constraint
    learned: tuple[float, float]


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


class _Table(NamedTuple):
    """Panels with the probabilities between the center and each edge, and beyond each edge."""

    panels: _Panels
    total: Tensor
    inner: Tensor
    outer: Tensor


class Density:
    """The density exp(-loss)/Z, from facts about the loss.

    name: for messages. loss: a function of x and the parameters; parameters: in its order.
    The others are functions of the parameters as tensors. length: a unit of x. points: the minimum
    of the loss, then its kinks and jumps. tails: the orders q of |x|^-q, like which the density
    falls at -inf and inf; inf where faster than any power. even: loss(-x) = loss(x).
    log_partition: log Z in closed form. norm: likewise over vectors, of the dimension and the
    parameters. divergence: of Kullback and Leibler, of the distance p.loc - q.loc, the parameters
    of p and of q. All by quadrature where None.
    exists: a condition (of numbers or tensors) for Z to be finite, and what to say otherwise.
    """

    def __init__(
        self,
        name: str,
        loss: Function,
        parameters: Mapping[str, Parameter],
        *,
        length: Function = lambda *parameters: 1.0,
        points: Function = lambda *parameters: (0.0,),
        tails: Function = lambda *parameters: (_INF, _INF),
        even: bool = True,
        log_partition: Function | None = None,
        norm: Function | None = None,
        divergence: Function | None = None,
        exists: tuple[Function, str] | None = None,
    ) -> None:
        self.name, self.loss, self.parameters = name, loss, dict(parameters)
        self.length, self.points, self.tails, self.even = length, points, tails, even
        self.closed, self.norm, self.divergence = log_partition, norm, divergence
        self.exists = exists

    # What a file offers. Arguments before the slash share no namespace with the parameters.

    def log_partition(self, /, *given: Value, **named: Value) -> Tensor:
        """log of Z, the integral of exp(-loss) over all x; differentiable in tensor parameters."""
        values = self._checked(given, named)
        return self._log_z(_alike(values)).to(_dtype(values))

    def log_density(self, x: Value, /, *given: Value, **named: Value) -> Tensor:
        """-loss(x) - log Z, elementwise; differentiable in x and in tensor parameters."""
        values, (x, wide) = self.bind(given, named), _floating(x)
        self._require(values)
        value: Tensor = -self.loss(wide, *values) - self._log_z(_alike(values)).to(wide.dtype)
        return value.to(x.dtype)

    def density(self, x: Value, /, *given: Value, **named: Value) -> Tensor:
        """exp(-loss(x))/Z, elementwise; differentiable in x and in tensor parameters."""
        x, wide = _floating(x)
        return torch.exp(self.log_density(wide, *given, **named)).to(x.dtype)

    def log_partition_on(self, a: Value, b: Value, /, *given: Value, **named: Value) -> Tensor:
        """log of the integral of exp(-loss) over [a, b], which exists for every loss.

        Differentiable in tensors, a and b too. ValueError unless a < b, both finite (tensors: NaN).
        """
        values = self._checked(given, named, exists=False)
        numbers = [v for v in (a, b) if not isinstance(v, Tensor)]
        if not all(map(math.isfinite, numbers)) or (len(numbers) == 2 and not a < b):
            raise ValueError(f"a and b must be finite, a < b, got {a} and {b}")
        low, high, *parameters = _alike([a, b, *values])
        sides = self._log_integral(parameters, ends=(low, high))
        value = torch.where(low < high, torch.logsumexp(sides, -1), math.nan)
        return value.to(_dtype([a, b, *values]))

    def log_partition_norm(self, dimension: int, /, *given: Value, **named: Value) -> Tensor:
        """log Z of vectors: of the integral of exp(-loss(|x|)) over all x of `dimension` numbers.

        Differentiable in tensor parameters. ValueError where it diverges (tensors: inf).
        """
        if not self.even:
            raise ValueError(f"{self.name} is not even: it is no loss of a norm")
        if dimension != int(dimension) or dimension < 1:
            raise ValueError(f"dimension must be a whole number >= 1, got {dimension}")
        values = self._checked(given, named)
        parameters, half = _alike(values), dimension / 2
        if dimension == 1:
            return self._log_z(parameters).to(_dtype(values))
        if self.norm is not None:
            total = self.norm(dimension, *parameters)
        else:
            sphere = math.log(2.0) + half * math.log(math.pi) - math.lgamma(half)
            total = sphere + self._log_integral(parameters, dimension - 1).squeeze(-1)
        power = torch.zeros_like(total) + self.tails(*parameters)[1]
        total = torch.where(power > dimension, total, _INF)
        numbers = not any(isinstance(v, Tensor) for v in values)
        if numbers and not torch.compiler.is_compiling() and float(total) == _INF:
            raise ValueError(f"the integral over vectors of {dimension} numbers diverges")
        return total.to(_dtype(values))

    def log_density_norm(self, x: Value, /, *given: Value, **named: Value) -> Tensor:
        """-loss(|x|) - log Z of vectors along the last axis; parameters broadcast with the rest."""
        values, (x, wide) = self.bind(given, named), _floating(x)
        if x.dim() == 0:
            raise ValueError("x must hold vectors along its last axis")
        log_z = self.log_partition_norm(x.shape[-1], *values).to(wide.dtype)
        value: Tensor = -self.loss(torch.linalg.vector_norm(wide, dim=-1), *values) - log_z
        return value.to(x.dtype)

    # Parameters.

    def bind(self, given: Sequence[Value], named: Mapping[str, Value]) -> list[Value]:
        """The parameters in their order, with the defaults for those that are not given."""
        values: dict[str, Value] = dict(zip(self.parameters, given, strict=False))
        wrong = [n for n in named if n not in self.parameters or n in values]
        if wrong or len(given) > len(self.parameters):
            told = f"{self.name} takes {', '.join(self.parameters)}, each once"
            raise TypeError(f"{told}, got {len(given)} by place and {list(named)} by name")
        values |= named
        return [values.get(name, p.default) for name, p in self.parameters.items()]

    def _checked(
        self, given: Sequence[Value], named: Mapping[str, Value], exists: bool = True
    ) -> list[Value]:
        """The parameters; ValueError for numbers outside their domains."""
        values = self.bind(given, named)
        if not all(isinstance(v, Tensor) for v in values):
            like = next((v for v in values if isinstance(v, Tensor)), torch.ones(()))
            self.loss(_floating(like)[1].new_zeros(()), *values)
        if exists:
            self._require(values)
        return values

    def _require(self, values: Sequence[Value]) -> None:
        """ValueError where the integral diverges for parameters that are numbers."""
        if self.exists is not None and not any(isinstance(v, Tensor) for v in values):
            holds, rule = self.exists
            if not holds(*values):
                raise ValueError(f"{rule}, got {', '.join(map(str, values))}")

    # Quadrature. Parameters are tensors of one dtype and shape from here on.

    def _log_z(self, parameters: Sequence[Tensor]) -> Tensor:
        if self.closed is not None:
            value: Tensor = self.closed(*parameters)
        else:
            value = torch.logsumexp(self._log_integral(parameters), -1)
            value = value + math.log(2.0) if self.even else value
        if self.exists is not None:
            holds = torch.as_tensor(self.exists[0](*parameters), device=value.device)
            value = torch.where(holds, value, math.nan)
        return value.expand(parameters[0].shape)

    def _log_integral(
        self, parameters: Sequence[Tensor], order: int = 0, ends: Sequence[Tensor] | None = None
    ) -> Tensor:
        """log of the integral of distance^order exp(-loss), the sides along a last axis."""
        panels = self._panels(parameters, order, ends=ends)
        total = panels.masses.sum(-1) + panels.rest.squeeze(-1)
        log = torch.log(torch.where(total > 0, total, 1.0)) - panels.place.shift.squeeze(-1)
        return torch.where(total > 0, log, torch.where(total == 0, -_INF, total))

    def _panels(
        self,
        parameters: Sequence[Tensor],
        order: int = 0,
        ends: Sequence[Tensor] | None = None,
        deep: bool = False,
    ) -> _Panels:
        """The panels, out to where nothing of the integral is left (`deep`: of its tails)."""
        zero, known = torch.zeros_like(parameters[0]), _lifted(parameters, 2)
        center, *kinks = (zero + point for point in self.points(*parameters))
        tails = [(zero + q - 1).unsqueeze(-1) for q in self.tails(*parameters)]
        sides = [1.0] if self.even and ends is None else [-1.0, 1.0]
        power, far = torch.stack(tails[-len(sides) :], -2), None
        if ends is not None:
            center = torch.minimum(torch.maximum(center, ends[0]), ends[1])
            far = torch.stack([center - ends[0], ends[1] - center], -1).unsqueeze(-1)
        sign, origin = zero.new_tensor(sides).unsqueeze(-1), center[..., None, None]
        knots = [((kink[..., None, None] - origin) * sign).clamp(min=0.0) for kink in kinks]
        with torch.no_grad():
            place = _Place(origin, sign, self.loss(origin, *known), order)
            edges, shift, ended = self._edges(parameters, place, power, far, knots, deep)
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
        kind, known = torch.finfo(power.dtype), _lifted(parameters, 2)
        digits, top = -math.log(kind.eps), 0.98 * math.log(kind.max)
        reach = -math.log(kind.tiny) if deep else 1.25 * digits
        limit = power.new_tensor(top) if far is None else far.clamp(min=kind.tiny).log()
        number = {"dtype": power.dtype, "device": power.device}

        def risen(s: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            """How far loss and integrand have risen and fallen; whether the latter is nothing."""
            rise = self.loss(place.center + place.sign * s.exp(), *known) - place.shift
            rise = rise.nan_to_num(nan=_INF, posinf=_INF)
            fall = rise - (place.order + 1) * s
            over = fall > torch.cummin(fall, -1).values + reach
            return rise, fall, over.cumsum(-1) > 0

        def at(row: Tensor, before: Tensor) -> Tensor:
            """The first entry behind those for which something holds."""
            return row.gather(-1, before.sum(-1, keepdim=True).clamp(max=row.shape[-1] - 1))

        length = (torch.zeros_like(parameters[0]) + self.length(*parameters))[..., None, None]
        s = torch.minimum(
            (length.log() + torch.arange(-top, top, 2.0, **number)).clamp(-top, top), limit
        )
        s = s + torch.zeros_like(place.sign)
        rise, _, over = risen(s)
        unit, stop, ended = at(s, (rise < 1).cumprod(-1)), at(s, ~over), over[..., -1:]
        first = (unit.amin(-2, keepdim=True) - 0.78 * digits).clamp(min=-top).expand_as(unit)
        stop = torch.where(power < _INF, torch.minimum(stop, unit + 0.78 * digits), stop)
        stop = torch.maximum(torch.minimum(stop, limit), first + 1e-3)
        s = first + (stop - first) * torch.linspace(0, 1, 257, **number)
        # A steep rise may begin at a kink.
        apart = 1 + torch.cat([v * 2.0 ** torch.arange(-40, -1, **number) for v in (-1, 1)])
        s = torch.cat([s, *(torch.log(knot.clamp(min=kind.tiny) * apart) for knot in knots)], -1)
        s, many = torch.clamp(s, first, stop).sort(-1).values, 48 + int(reach / 3)
        least = torch.zeros_like(place.shift)
        for _ in range(2):
            rise, fall, over = risen(s)
            least = fall.amin(-1, keepdim=True) if place.order else least
            step, near = s.diff(dim=-1), torch.abs(s[..., 1:] - unit) < 8
            parts = fall.diff(dim=-1).abs().nan_to_num(nan=reach).clamp(max=reach) / 3
            parts = parts + rise.clamp(1e-7, 1.0).log().diff(dim=-1).abs() / 1.4
            parts = parts + step * torch.where(near, 1 / 0.7, 0.2)
            parts = torch.where(over[..., :-1], 0.0, parts)
            sums = parts.cumsum(-1).contiguous()
            goal = sums[..., -1:] * torch.linspace(0, 1, many + 1, **number)
            index = torch.searchsorted(sums, goal).clamp(max=s.shape[-1] - 2)
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
        factor: Function | None = None,
    ) -> Tensor:
        """The integral of the integrand, times a factor of the loss, over each panel."""
        distance, weight = _nodes(low, high)
        center, sign, shift = (v.unsqueeze(-1) for v in place[:3])
        value = self.loss(center + sign * distance, *_lifted(parameters, 1))
        log = shift - value
        if place.order:
            log = log + place.order * torch.log(torch.where(distance > 0, distance, 1.0))
        terms = torch.exp(log) * weight
        return (terms if factor is None else terms * factor(value)).sum(-1)

    # Probabilities. x and p have a last axis more than the parameters.

    def table(self, parameters: Sequence[Tensor]) -> _Table:
        panels = self._panels(parameters, deep=True)
        masses, rest = panels.masses, panels.rest
        total = (masses.sum(-1, keepdim=True) + rest).sum(-2, keepdim=True)
        total = 2 * total if self.even else total
        inner = torch.cat([torch.zeros_like(rest), masses], -1).cumsum(-1) / total
        outer = torch.cat([masses, rest], -1).flip(-1).cumsum(-1).flip(-1) / total
        return _Table(panels, total, inner, outer)

    def _between(
        self, table: _Table, known: Sequence[Tensor], left: Tensor, low: Tensor, high: Tensor
    ) -> Tensor:
        """The probability between two distances of one panel."""
        center, _, shift, _ = table.panels.place
        sign = torch.where(left, -1.0, 1.0).to(low.dtype)
        place = _Place(center.squeeze(-1), sign, shift[..., 0])
        return self._mass(known, place, low, high) / table.total.squeeze(-1)

    def _height(
        self, table: _Table, known: Sequence[Tensor], left: Tensor, distance: Tensor
    ) -> Tensor:
        """The logarithm of the density."""
        center, _, shift, _ = table.panels.place
        at = center.squeeze(-1) + torch.where(left, -distance, distance)
        return shift[..., 0] - self.loss(at, *known) - table.total.squeeze(-1).log()

    def cdf(self, table: _Table, x: Tensor, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The probability below x, and the density there."""
        panels, known = table.panels, _lifted(parameters, 1)
        y = x - panels.place.center.squeeze(-1)
        left, y = y < 0, torch.abs(y)
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
        self, table: _Table, left: Tensor, p: Tensor, parameters: Sequence[Tensor], exact: bool
    ) -> Tensor:
        """x, left or right of the center, with the probability p beyond it: by Newton's method for
        the logarithm."""
        panels, known = table.panels, _lifted(parameters, 1)
        row = torch.zeros_like(left, dtype=torch.long) if self.even else (~left).long()
        place = _place(-table.outer, -p, row)
        low, above = _entry(panels.edges, place - 1, row), _entry(table.outer, place - 1, row)
        high, beyond = _entry(panels.edges, place, row), _entry(table.outer, place, row)
        # In equal steps t of a panel the density falls about like exp(-bend t).
        apart = low > 0
        rate = torch.log(torch.where(apart, high / low, 1.0))
        place_of = lambda t: torch.where(apart, low * torch.exp(rate * t), high * t)  # noqa: E731
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

    def moments(self, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The mean and the variance: NaN and inf where they do not exist."""
        log_z, center = self._log_z(parameters), self.points(*parameters)[0]
        first, second = (
            torch.exp(self._log_integral(parameters, k) - log_z.unsqueeze(-1)) for k in (1, 2)
        )
        left, right = (torch.zeros_like(log_z) + q for q in self.tails(*parameters))
        exists = (left > 2) & (right > 2)
        shift = torch.zeros_like(log_z)
        square = second.sum(-1) * (2 if self.even else 1)
        if not self.even:
            shift = torch.where(exists, first[..., 1] - first[..., 0], 0.0)
        variance = torch.where(square < _INF, square - shift * shift, square)
        return torch.where(exists, center + shift, math.nan), variance

    def entropy(self, parameters: Sequence[Tensor]) -> Tensor:
        """log Z and the expectation of the loss."""
        panels, known = self._panels(parameters), _lifted(parameters, 2)
        place, edges, masses, rest, power = panels
        losses = self._mass(known, place, edges[..., :-1], edges[..., 1:], lambda value: value)
        at = self.loss(place.center + place.sign * edges[..., -1:], *known)
        beyond = torch.where(rest > 0, at + 1 + 1 / power, 0.0) * rest
        expected = losses.sum((-2, -1)) + beyond.sum((-2, -1))
        return self._log_z(parameters) + expected / (masses.sum((-2, -1)) + rest.sum((-2, -1)))


def _floating(x: Value) -> tuple[Tensor, Tensor]:
    """A tensor of a floating dtype (the default one for integers and numbers), and not half."""
    dtype = torch.get_default_dtype()
    if not isinstance(x, Tensor):
        x = torch.as_tensor(x, dtype=dtype)
    elif not x.is_floating_point() and not x.is_complex():
        x = x.to(dtype)
    return x, x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _dtype(values: Sequence[Value]) -> torch.dtype:
    """The dtype in which a function of these comes out."""
    found = [v.dtype for v in values if isinstance(v, Tensor) and v.is_floating_point()]
    dtype = found[0] if found else torch.get_default_dtype()
    for other in found[1:]:
        dtype = torch.promote_types(dtype, other)
    return dtype


def _alike(values: Sequence[Value]) -> list[Tensor]:
    """Tensors of one dtype, device and shape; numbers alone become float64 on the CPU."""
    tensors = [v for v in values if isinstance(v, Tensor)]
    dtype = torch.promote_types(_dtype(tensors), torch.float32) if tensors else torch.float64
    device = next((v.device for v in tensors if v.device.type != "cpu"), torch.device("cpu"))
    kind = {"dtype": dtype, "device": device}
    made = [v.to(**kind) if isinstance(v, Tensor) else torch.tensor(v, **kind) for v in values]
    return list(torch.broadcast_tensors(*made))


def _lifted(values: Sequence[Tensor], axes: int) -> list[Tensor]:
    """With so many axes of 1 at the end."""
    return [v.reshape(v.shape + (1,) * axes) for v in values]


def _nodes(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Nodes and weights on panels 0 <= low <= high, along a last axis: equal steps of the
    logarithm, but from 0 of the distance."""
    low, high = low.unsqueeze(-1), high.unsqueeze(-1)
    nodes, weights, apart = low.new_tensor(_NODES), low.new_tensor(_WEIGHTS), low > 0
    start = torch.where(apart, low, 1.0)
    rate = torch.log(torch.where(apart, high, 1.0) / start)
    distance = torch.where(apart, start * torch.exp(rate * nodes), high * nodes)
    return distance, torch.where(apart, distance * rate, high) * weights


def _place(rows: Tensor, x: Tensor, row: Tensor) -> Tensor:
    """For each x the place in its row, among rows that rise along the last axis."""
    wanted = x.detach().unsqueeze(-2).expand(*x.shape[:-1], rows.shape[-2], x.shape[-1])
    found = torch.searchsorted(rows.detach().contiguous(), wanted.contiguous(), right=True)
    return found.gather(-2, row.unsqueeze(-2)).squeeze(-2).clamp(1, rows.shape[-1] - 1)


def _entry(rows: Tensor, place: Tensor | int, row: Tensor) -> Tensor:
    """For each of (…, n) an entry of a row of (…, rows, entries)."""
    return rows.flatten(-2).gather(-1, row * rows.shape[-1] + place)


def _ends(panels: _Panels, row: Tensor) -> tuple[Tensor, Tensor]:
    """The last edges and the powers beyond them."""
    return _entry(panels.edges[..., -1:], 0, row), _entry(panels.power, 0, row)


class DensityDistribution(torch.distributions.Distribution):
    """The density exp(-loss(x - loc))/Z, as in torch.distributions.

    rsample and icdf have the derivatives of a quantile in every parameter (once; a second one is an
    error). cdf, icdf, mean, variance and entropy come from quadrature; the lower tail keeps its
    relative accuracy. A parameter whose name has another meaning here ends in an underscore.
    """

    law: ClassVar[Density]
    signature: ClassVar[inspect.Signature]
    arg_constraints: ClassVar[dict[str, constraints.Constraint]]
    support = constraints.real
    has_rsample = True
    loc: Tensor

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if "law" in cls.__dict__:
            taken = ("loc", "validate_args")
            own = {_apart(n, cls, taken): p for n, p in cls.law.parameters.items()}
            cls.arg_constraints = {"loc": constraints.real, **{n: p.domain for n, p in own.items()}}
            defaults = {n: p.default for n, p in own.items()}
            cls.signature = _signature({"loc": 0.0, **defaults, "validate_args": None})
            register_kl(cls, cls)(_divergence)

    def __init__(self, *given: Any, **named: Any) -> None:
        bound = self.signature.bind(*given, **named)
        bound.apply_defaults()
        *values, validate_args = bound.arguments.values()
        for name, value in zip(self.arg_constraints, broadcast_all(*values), strict=True):
            setattr(self, name, value)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> DensityDistribution:
        new: DensityDistribution = self._get_checked_instance(type(self), _instance)
        for name in self.arg_constraints:
            setattr(new, name, getattr(self, name).expand(batch_shape))
        super(DensityDistribution, new).__init__(torch.Size(batch_shape), validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def parameters(self) -> list[Tensor]:
        """The parameters beside loc."""
        return [getattr(self, name) for name in list(self.arg_constraints)[1:]]

    @property
    def mean(self) -> Tensor:
        return self.loc + self.law.moments(_alike(self.parameters))[0].to(self.loc.dtype)

    @property
    def variance(self) -> Tensor:
        return self.law.moments(_alike(self.parameters))[1].to(self.loc.dtype)

    @property
    def mode(self) -> Tensor:
        return self.loc + self.law.points(*self.parameters)[0]

    def entropy(self) -> Tensor:
        return self.law.entropy(_alike(self.parameters)).to(self.loc.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return self.law.log_density(value - self.loc, *self.parameters)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return self._by_rows(
            value - self.loc, lambda table, x, known: self.law.cdf(table, x, known)[0]
        )

    def icdf(self, value: Tensor) -> Tensor:
        def place(table: _Table, p: Tensor, known: list[Tensor]) -> Tensor:
            left = p < (0.5 if self.law.even else table.outer[..., 0, :1].detach())
            x = self.law.quantile(table, left, torch.where(left, p, 1 - p), known, True)
            return self._followed(table, x, p, known)

        return self.loc + self._by_rows(value, place)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        def draw(table: _Table, like: Tensor, known: list[Tensor]) -> Tensor:
            whole = torch.full_like(like, 0.5) if self.law.even else table.outer[..., 0, :1]
            left = torch.rand_like(like) < whole
            # An exponential variable made of normal ones: uniform ones are coarse in the tails.
            fall = (torch.randn_like(like) ** 2 + torch.randn_like(like) ** 2) / 2
            part = whole if self.law.even else torch.where(left, whole, 1 - whole)
            x = self.law.quantile(table, left, part * torch.exp(-fall), known, False)
            return self._followed(table, x, None, known)

        shape = self._extended_shape(torch.Size(sample_shape))
        return self.loc + self._by_rows(self.loc.detach().expand(shape), draw)

    def _followed(self, table: _Table, x: Tensor, p: Tensor | None, known: list[Tensor]) -> Tensor:
        """x with the derivatives of a quantile: two steps of Newton's method from x itself."""
        given = [*known, *([] if p is None else [p])]
        asked = torch.is_grad_enabled() and any(v.requires_grad for v in given)
        forward = any(unpack_dual(v).tangent is not None for v in given)
        if not (asked or forward or torch.compiler.is_compiling()):
            return x
        inside = torch.isfinite(x)
        moved = torch.where(inside, x, 0.0).detach()
        for _ in range(2):
            below, density = self.law.cdf(table, moved, known)
            gap = below if p is None else below - p
            moved = moved - (gap - gap.detach()) / torch.where(inside, density, _INF)
        return torch.where(inside, moved, x)

    def _by_rows(self, x: Tensor, compute: Function) -> Tensor:
        """compute(table, x, parameters), the values of one set of parameters along the last axis."""
        known, shape = _alike(self.parameters), torch.broadcast_shapes(x.shape, self.loc.shape)
        dtype, axes = known[0].dtype, self.loc.dim()
        if all(
            n == 1 or step == 0 for p in known for n, step in zip(p.shape, p.stride(), strict=True)
        ):
            known, axes = [p[(0,) * axes] for p in known], 0  # one set of parameters
        batch = shape[len(shape) - axes :]
        known = [p.expand(batch) for p in known]
        rows = x.to(dtype).expand(shape).reshape(-1, *batch).movedim(0, -1)
        table = self.law.table(known)
        size = max(1, _CHUNK // max(1, math.prod(batch)))
        parts = [compute(table, part, known) for part in rows.split(size, -1)]
        return torch.cat(parts, -1).movedim(-1, 0).reshape(shape).to(self.loc.dtype)


def _apart(name: str, owner: type, taken: Sequence[str]) -> str:
    """The name of a parameter as an attribute, where the owner has another use for it."""
    return f"{name}_" if name in taken or hasattr(owner, name) else name


def _signature(defaults: Mapping[str, Any]) -> inspect.Signature:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature([inspect.Parameter(n, kind, default=d) for n, d in defaults.items()])


def _divergence(p: DensityDistribution, q: DensityDistribution) -> Tensor:
    """The divergence of Kullback and Leibler of q from p: closed, or on the panels of both.

    The integral of p log(p/q) - p + q, which is never negative. inf where it does not end.
    """
    law, count = p.law, len(p.parameters)
    a, *known = _alike([p.loc, *p.parameters, q.loc, *q.parameters])
    known, b, other = known[:count], known[count], known[count + 1 :]
    if law.divergence is not None:
        closed: Tensor = law.divergence(a - b, *known, *other)
        return closed.to(p.loc.dtype)
    edges = []
    for loc, values in ((a, known), (b, other)):
        panels = law._panels(values)
        apart = panels.place.sign * panels.edges
        apart = torch.cat([-apart, apart], -2) if law.even else apart
        edges.append((loc[..., None, None] + panels.place.center + apart).flatten(-2))
    x = torch.cat(edges, -1).sort(-1).values
    y = x - (a + known[0] * 0 + law.points(*known)[0]).unsqueeze(-1)
    size, sign = torch.abs(y), torch.where(y[..., 1:] + y[..., :-1] < 0, -1.0, 1.0).unsqueeze(-1)
    low, high = (
        torch.minimum(size[..., 1:], size[..., :-1]),
        torch.maximum(size[..., 1:], size[..., :-1]),
    )
    distance, weights = _nodes(low, high)
    nodes = (x - y)[..., :1, None] + sign.to(x.dtype) * distance

    def density(at: Tensor, axes: int, loc: Tensor, values: list[Tensor]) -> Tensor:
        shift, *lifted = _lifted([loc + law._log_z(values) * 0, *values], axes)
        return -law.loss(at - shift, *lifted) - _lifted([law._log_z(values)], axes)[0]

    first, second = density(nodes, 2, a, known), density(nodes, 2, b, other)
    some = first > math.log(torch.finfo(x.dtype).tiny)
    ratio = torch.where(some, first - second, 0.0)
    small = torch.abs(ratio) < 1
    near = torch.where(small, ratio, 0.0)
    mass, rest = torch.exp(first), torch.exp(second)
    terms = torch.where(small, mass * (near + torch.expm1(-near)), mass * ratio - mass + rest)
    total = (torch.where(some, terms, rest) * weights).sum((-2, -1))
    # Beyond the panels: powers, or a loss of q that grows like |x|^k.
    ends = torch.stack([x[..., 0], x[..., -1]], -1)
    f, g = density(ends, 1, a, known), density(ends, 1, b, other)
    m, n = (torch.stack([x[..., 0] * 0 + t - 1 for t in law.tails(*v)], -1) for v in (known, other))
    heavy, slow = m < _INF, n < _INF
    m, n = torch.where(heavy, m, 1.0), torch.where(slow, n, 1.0)
    k = torch.log2((density(2 * ends, 1, b, other) / g).clamp(min=1.0)).detach()
    far = torch.where(
        slow,
        g - (n + 1) / m,
        g * torch.where(k < 0.999 * m, m / (m - k), torch.where(heavy, _INF, 1.0)),
    )
    out = torch.where(heavy, torch.exp(f) * torch.abs(ends - a.unsqueeze(-1)) / m, 0.0)
    back = torch.where(slow, torch.exp(g) * torch.abs(ends - b.unsqueeze(-1)) / n, 0.0)
    gain = torch.where(heavy, out * (f - (m + 1) / m - torch.where(heavy, far, 0.0) - 1), 0.0)
    open_end = torch.exp(f) * (f - g) * torch.abs(ends - a.unsqueeze(-1))
    endless = ~heavy & (open_end > torch.finfo(x.dtype).eps ** 0.6 * total.unsqueeze(-1))
    gain = torch.where(endless, _INF, gain)
    return (total + (gain + back).sum(-1)).to(p.loc.dtype)


class AdaptiveLoss(torch.nn.Module):
    """The mean of -log_density(residual), its parameters learned from the residuals.

    Every channel (entry along `channel_dim`) has its own parameters, or all share one (share_…).
    A parameter that is learned stays between its bounds (…_bounds), through a sigmoid, or above its
    floor (…_floor), through a softplus; one that is not (learn_…=False) stays at its first value.
    dimension: the residuals are vectors of so many numbers along the last axis, and the density is
    that of their norm; `channel_dim` counts the axes before it. reduction: "mean", "sum", "none".
    """

    law: ClassVar[Density]
    signature: ClassVar[inspect.Signature]
    channel_dim, dimension, reduction = -1, None, "mean"

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        taken = ("num_channels", "device", "dtype", "training")
        cls.own = {_apart(n, AdaptiveLoss, taken): p for n, p in cls.law.parameters.items()}
        options: dict[str, Any] = {"num_channels": 1, "channel_dim": -1, "dimension": None}
        for name, p in cls.own.items():
            options |= {name: None, f"learn_{name}": True, f"share_{name}": False}
            low, high = p.learned
            if high < _INF:
                options[f"{name}_bounds"] = p.learned
            elif low > -_INF:
                options[f"{name}_floor"] = low
            setattr(cls, name, property(lambda self, name=name: self.value(name)))
        cls.signature = _signature({**options, "reduction": "mean", "device": None, "dtype": None})

    own: ClassVar[dict[str, Parameter]]

    def __init__(self, num_channels: int = 1, **options: Any) -> None:
        super().__init__()
        bound = self.signature.bind(num_channels, **options)
        bound.apply_defaults()
        given = bound.arguments
        if num_channels < 1:
            raise ValueError(f"num_channels must be >= 1, got {num_channels}")
        if given["reduction"] not in ("mean", "sum", "none"):
            told = f"got {given['reduction']!r}"
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', {told}")
        self.num_channels, self.channel_dim = num_channels, given["channel_dim"]
        self.dimension, self.reduction = given["dimension"], given["reduction"]
        kind = {"device": given["device"], "dtype": given["dtype"] or torch.get_default_dtype()}
        self.first: dict[str, tuple[list[float], tuple[float, float]]] = {}
        for name, p in self.own.items():
            low, high = given.get(
                f"{name}_bounds", (given.get(f"{name}_floor", p.learned[0]), _INF)
            )
            size = 1 if given[f"share_{name}"] else num_channels
            values = _numbers(p.default if given[name] is None else given[name])
            if given[name] is None and not low < p.default < high:
                values = [(low + high) / 2 if high < _INF else low + 1.0]
            if len(values) not in (1, size):
                raise ValueError(f"{name} must hold 1 or {size} numbers, got {len(values)}")
            self.first[name] = values * (size // len(values)), (low, high)
            if given[f"learn_{name}"]:
                self._check_range(name, p, low, high, values)
                setattr(self, f"latent_{name}", torch.nn.Parameter(torch.empty(size, **kind)))
                self.register_buffer(f"range_{name}", torch.empty(2, **kind))
            else:
                self.register_buffer(f"fixed_{name}", torch.empty(size, **kind))
        for k in range(num_channels):
            at = [values[k % len(values)] for values, _ in self.first.values()]
            self.law._checked(at, {})
            if self.dimension is not None:
                self.law.log_partition_norm(self.dimension, *at)
        self.reset_parameters()

    @staticmethod
    def _check_range(name: str, p: Parameter, low: float, high: float, values: list[float]) -> None:
        two, edge = (
            p.learned[1] < _INF,
            torch.tensor([low, high], dtype=torch.float64, device="cpu"),
        )
        inside = [bool(b) for b in p.domain.check(edge)] if p.learned[0] > -_INF else [True, True]
        word = f"{name}_bounds" if two else f"{name}_floor"
        if not (inside[0] and low < high) or (two and not (inside[1] and high < _INF)):
            got = (low, high) if two else low
            raise ValueError(f"{word} must lie in the domain of {name}, {p.domain}, got {got}")
        if not all(low < v < high for v in values):
            where = f"inside the bounds {low, high}" if two else f"> {word} = {low} and finite"
            raise ValueError(f"{name} must be {where}, got {values}")

    def reset_parameters(self) -> None:
        """The first values again; also after construction on the meta device."""
        for name, (values, (low, high)) in self.first.items():
            made = [(f"fixed_{name}", values)]
            if hasattr(self, f"latent_{name}"):
                latent = [_unbounded(v, low, high) for v in values]
                made = [(f"latent_{name}", latent), (f"range_{name}", [low, high])]
            with torch.no_grad():
                for place, numbers in made:
                    tensor = getattr(self, place)
                    tensor.copy_(torch.tensor(numbers, dtype=tensor.dtype, device=tensor.device))

    def value(self, name: str) -> Tensor:
        """The present value of a parameter: one a channel, or one for all."""
        if hasattr(self, f"fixed_{name}"):
            fixed: Tensor = getattr(self, f"fixed_{name}")
            return fixed
        latent: Tensor = getattr(self, f"latent_{name}")
        low, high = getattr(self, f"range_{name}")
        if self.own[name].learned[1] < _INF:
            return low + (high - low) * torch.sigmoid(latent)
        return latent if self.own[name].learned[0] == -_INF else low + softplus(latent)

    def forward(self, residual: Tensor) -> Tensor:
        law, size = self.law, self.dimension
        if size is not None and residual.shape[-1:] != (size,):
            told = f"got shape {tuple(residual.shape)}"
            raise ValueError(f"residual must hold vectors of {size} numbers, {told}")
        places = residual if size is None else residual[..., 0]
        values = [self._along(name, places) for name in self.own]
        density = law.log_density if size is None else law.log_density_norm
        found = -density(residual, *values)
        return found if self.reduction == "none" else getattr(found, self.reduction)()

    def _along(self, name: str, places: Tensor) -> Tensor:
        """The value of a parameter in a shape that broadcasts with the residuals."""
        value, dim = self.value(name), self.channel_dim
        if value.numel() == 1:
            return value.reshape(())
        if not -places.dim() <= dim < places.dim() or places.shape[dim] != value.numel():
            told = f"{value.numel()} channels along dim {dim}, got shape {tuple(places.shape)}"
            raise ValueError(f"residual must have {told}")
        shape = [1] * places.dim()
        shape[dim] = value.numel()
        return value.reshape(shape)

    def extra_repr(self) -> str:
        return f"{self.num_channels}, channel_dim={self.channel_dim}, reduction={self.reduction!r}"


def _numbers(value: Any) -> list[float]:
    """Numbers, or a tensor of them, as a list."""
    if isinstance(value, Tensor):
        value = value.detach().cpu().double().flatten().tolist()
    return [float(v) for v in value] if isinstance(value, Sequence) else [float(value)]


def _unbounded(value: float, low: float, high: float) -> float:
    """The latent value: by logit between two bounds, by the inverse of softplus above a floor."""
    if high < _INF:
        return math.log((value - low) / (high - value))
    return value if low == -_INF else value - low + math.log(-math.expm1(low - value))
