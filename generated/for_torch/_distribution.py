"""Distributions of densities exp(-loss)/Z in PyTorch, as in torch.distributions."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.autograd.forward_ad import unpack_dual
from torch.distributions import constraints, kl
from torch.distributions.utils import broadcast_all

from ._density import Density, alike
from ._quadrature import Function, Table, lifted, nodes

_INF, _CHUNK = math.inf, 1 << 14
_shape: Any = torch.broadcast_shapes
_unpacked: Any = unpack_dual
_register: Any = kl.register_kl


class DensityDistribution(torch.distributions.Distribution):
    """The density exp(-loss(x - loc))/Z, as in torch.distributions.

    rsample and icdf have the derivatives of a quantile in every parameter, up to the third. cdf,
    icdf, mean, variance and entropy come from quadrature; the lower tail keeps its relative
    accuracy. A parameter whose name has another meaning here ends in an underscore.

    Args:
        loc: where the residual is 0; the parameters of the loss follow, under their names.
        validate_args: whether parameters and values are checked, as in torch.distributions.
    Shape: loc and the parameters broadcast to the batch shape; every event is a number.
    Examples:
        >>> law = Name(loc=0.5)  # of the density's name
        >>> law.log_prob(torch.tensor([0.0, 1.0])), law.rsample((1000,)).mean()
    """

    law: ClassVar[Density]
    signature: ClassVar[inspect.Signature]
    arg_constraints: ClassVar[dict[str, constraints.Constraint]]
    support = constraints.real
    has_rsample = True
    loc: Tensor

    def __init_subclass__(cls, law: Density | None = None, **more: Any) -> None:
        super().__init_subclass__(**more)
        if law is not None:
            cls.law = law
            taken = ("loc", "validate_args")
            own = {apart(n, DensityDistribution, taken): p for n, p in law.parameters.items()}
            cls.arg_constraints = {"loc": constraints.real, **{n: p.domain for n, p in own.items()}}
            defaults = {n: p.default for n, p in own.items()}
            cls.signature = signature_of({"loc": 0.0, **defaults, "validate_args": None})
            _register(cls, cls)(_divergence)

    def __init__(self, *given: Any, **named: Any) -> None:
        bound = self.signature.bind(*given, **named)
        bound.apply_defaults()
        *values, validate_args = bound.arguments.values()
        for name, value in zip(self.arg_constraints, broadcast_all(*values), strict=True):
            setattr(self, name, value)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> DensityDistribution:
        checked: Any = self._get_checked_instance
        new: DensityDistribution = checked(type(self), _instance)
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
        return self.loc + self.law.moments(alike(self.parameters))[0].to(self.loc.dtype)

    @property
    def variance(self) -> Tensor:
        return self.law.moments(alike(self.parameters))[1].to(self.loc.dtype)

    @property
    def mode(self) -> Tensor:
        return self.loc + self.law.center(alike(self.parameters)).to(self.loc.dtype)

    def entropy(self) -> Tensor:
        known = alike(self.parameters)
        return (self.law.log_z(known) + self.law.mean_loss(known)).to(self.loc.dtype)

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
        def place(table: Table, p: Tensor, known: list[Tensor]) -> Tensor:
            left = p < (0.5 if self.law.even else table.outer[..., 0, :1].detach())
            x = self.law.quantile(table, left, torch.where(left, p, 1 - p), known, True)
            return self._followed(table, x, p, known)

        return self.loc + self._by_rows(value, place)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        def draw(table: Table, like: Tensor, known: list[Tensor]) -> Tensor:
            whole = torch.full_like(like, 0.5) if self.law.even else table.outer[..., 0, :1]
            left = torch.rand_like(like) < whole
            # An exponential variable made of normal ones: uniform ones are coarse in the tails.
            fall = (torch.randn_like(like) ** 2 + torch.randn_like(like) ** 2) / 2
            part = whole if self.law.even else torch.where(left, whole, 1 - whole)
            x = self.law.quantile(table, left, part * torch.exp(-fall), known, False)
            return self._followed(table, x, None, known)

        shape = self._extended_shape(torch.Size(sample_shape))
        return self.loc + self._by_rows(self.loc.detach().expand(shape), draw)

    def _followed(self, table: Table, x: Tensor, p: Tensor | None, known: list[Tensor]) -> Tensor:
        """x with the derivatives of a quantile: two steps of Newton's method from x itself."""
        given = [*known, *([] if p is None else [p])]
        asked = torch.is_grad_enabled() and any(v.requires_grad for v in given)
        forward = any(_unpacked(v).tangent is not None for v in given)
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
        """compute(table, x, parameters), what has the same parameters along the last axis."""
        known, shape = alike(self.parameters), _shape(x.shape, self.loc.shape)
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
        split: Any = rows.split
        parts = [compute(table, part, known) for part in split(size, -1)]
        return torch.cat(parts, -1).movedim(-1, 0).reshape(shape).to(self.loc.dtype)


def _divergence(p: DensityDistribution, q: DensityDistribution) -> Tensor:
    """The divergence of Kullback and Leibler of q from p, on the panels of both.

    The integral of p log(p/q) - p + q, which is never negative. inf where it does not end.
    """
    law, count = p.law, len(p.parameters) + 1
    values = alike([p.loc, *p.parameters, q.loc, *q.parameters])
    (a, *known), (b, *other) = values[:count], values[count:]
    constants = law.log_z(known), law.log_z(other)

    def logs(x: Tensor, axes: int) -> tuple[Tensor, Tensor]:
        """The logarithms of both densities."""
        found = []
        for (shift, *at), log_z in zip((values[:count], values[count:]), constants, strict=True):
            shift, log_z, *at = lifted([shift, log_z, *at], axes)
            found.append(-law.loss(x - shift, *at) - log_z)
        return found[0], found[1]

    x = torch.cat([loc.unsqueeze(-1) + law.places(at) for loc, at in ((a, known), (b, other))], -1)
    x = x.sort(-1).values
    away = x - (a + law.center(known)).unsqueeze(-1)
    size, left = torch.abs(away), (away[..., 1:] + away[..., :-1] < 0).unsqueeze(-1)
    low = torch.minimum(size[..., 1:], size[..., :-1])
    distance, weights = nodes(low, torch.maximum(size[..., 1:], size[..., :-1]))
    middle = (a + law.center(known))[..., None, None]
    first, second = logs(middle + torch.where(left, -distance, distance), 2)
    some = first > math.log(torch.finfo(x.dtype).tiny)
    ratio = torch.where(some, first - second, 0.0)
    small = torch.abs(ratio) < 1
    near = torch.where(small, ratio, 0.0)
    mass, rest = torch.exp(first), torch.exp(second)
    terms = torch.where(small, mass * (near + torch.expm1(-near)), mass * ratio - mass + rest)
    total = (torch.where(some, terms, rest) * weights).sum((-2, -1))

    # Beyond the panels: powers of x, or a loss of q that grows like |x|^k.
    ends = torch.stack([x[..., 0], x[..., -1]], -1)
    f, g = logs(ends, 1)
    m, n = (torch.stack(law.decays(at), -1) for at in (known, other))
    heavy, slow = m < _INF, n < _INF
    m, n = torch.where(heavy, m, 1.0), torch.where(slow, n, 1.0)
    k = torch.log2((logs(2 * ends, 1)[1] / g).clamp(min=1.0)).detach()
    growth = torch.where(k < 0.999 * m, m / (m - k), torch.where(heavy, _INF, 1.0))
    far = torch.where(slow, g - (n + 1) / m, g * growth)
    reach = torch.abs(ends - a.unsqueeze(-1))
    out = torch.where(heavy, torch.exp(f) * reach / m, 0.0)
    back = torch.where(slow, torch.exp(g) * torch.abs(ends - b.unsqueeze(-1)) / n, 0.0)
    gain = torch.where(heavy, out * (f - (m + 1) / m - torch.where(heavy, far, 0.0) - 1), 0.0)
    least = torch.finfo(x.dtype).eps ** 0.6 * total.unsqueeze(-1)
    gain = torch.where(~heavy & (torch.exp(f) * (f - g) * reach > least), _INF, gain)
    return (total + (gain + back).sum(-1)).to(p.loc.dtype)


def apart(name: str, owner: type, taken: Sequence[str]) -> str:
    """The name of a parameter as an attribute, where the owner has another use for it."""
    return f"{name}_" if name in taken or hasattr(owner, name) else name


def signature_of(defaults: Mapping[str, Any]) -> inspect.Signature:
    """A signature with these names and defaults."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature([inspect.Parameter(n, kind, default=d) for n, d in defaults.items()])
