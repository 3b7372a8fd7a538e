"""Densities exp(-loss)/Z in PyTorch: normalizer, logarithm, what a file of densities/ offers.

A density knows its loss as a function and a few facts about it: where the minimum and the kinks
are, how the tails fall, log Z where it is closed. Everything else is quadrature. Parameters that
are tensors are used in their own dtype (half precision: float32) and are not checked (NaN comes out
where they are wrong), so that nothing waits for a device; numbers are checked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.distributions import constraints

from ._quadrature import Function, Law, lifted

Value = Tensor | float
_broadcast: Any = torch.broadcast_tensors


class Parameter(NamedTuple):
    """A parameter: its default, its domain in the density, and the range in which it is learned."""

    default: float
    domain: constraints.Constraint
    learned: tuple[float, float]


class Density(Law):
    """The density of a loss. Its functions take the parameters after their own arguments, by place
    or by name; their own arguments only by place, so that a parameter may be called anything.

    The facts of `Law`, and: name, for messages. parameters: in the order of the loss. closed: log Z
    (under ()) and its derivatives by the names of the parameters, functions of tensors, where they
    are closed. slopes: derivatives of the loss, likewise: of them the others are expectations.
    scale: the parameter that only stretches x. exists: a condition of numbers or tensors, and what
    to say where it fails; vectors: what to say where there is no density of vectors by their norm.
    """

    def __init__(
        self,
        name: str,
        loss: Function,
        slope: Function,
        parameters: Mapping[str, Parameter],
        *,
        closed: Mapping[tuple[str, ...], Function] | None = None,
        slopes: Mapping[tuple[str, ...], Function] | None = None,
        length: Any = 1.0,
        scale: str = "",
        points: Any = 0.0,
        decay: Any = math.inf,
        even: bool = False,
        exists: tuple[Function, str] | None = None,
        vectors: str = "",
    ) -> None:
        super().__init__(loss, slope, length, points, decay, even)
        self.name, self.parameters = name, dict(parameters)
        self.closed, self.slopes = closed or {}, slopes or {}
        self.scale, self.exists, self.vectors = scale, exists, vectors

    def log_partition(self, /, *given: Value, **named: Value) -> Tensor:
        """log of Z, the integral of exp(-loss) over all x; differentiable in tensor parameters."""
        values = self.checked(given, named)
        return self.log_z(alike(values)).to(_dtype(values))

    def d_log_partition(self, /, *by: str) -> Function:
        """The derivative of log Z by one parameter or two, as a function of all of them."""
        places = [list(self.parameters).index(name) for name in by]

        def of_scale(*parameters: Tensor) -> Tensor:
            inverse = 1 / parameters[places[0]]
            return inverse if len(by) == 1 else -inverse * inverse

        def mean(*parameters: Tensor) -> Tensor:
            """As an expectation of slopes of the loss, which does not cancel."""
            panels = self.panels(parameters, deep=True)
            slopes = [self.slopes[name,] for name in by]
            means = [self.expectation(f, parameters, panels) for f in slopes]
            if len(by) == 1:
                return self._where_it_exists(-means[0], parameters)

            def spread(x: Tensor, *at: Tensor) -> Tensor:
                axes = at[0].dim() - parameters[0].dim()
                one, two = (f(x, *at) - m for f, m in zip(slopes, lifted(means, axes), strict=True))
                found: Tensor = one * two - self.slopes[by](x, *at)
                return found

            return self._where_it_exists(self.expectation(spread, parameters, panels), parameters)

        stretched = set(by) == {self.scale}
        compute = self.closed.get(by, of_scale if stretched else mean)

        def derivative(*given: Value, **named: Value) -> Tensor:
            values = self.checked(given, named)
            parameters = alike(values)
            found: Tensor = compute(*parameters)
            return found.expand(parameters[0].shape).to(_dtype(values))

        return derivative

    def log_density(self, x: Value, /, *given: Value, **named: Value) -> Tensor:
        """-loss(x) - log Z, elementwise; differentiable in x and in tensor parameters."""
        values, (x, wide) = self.bind(given, named), _floating(x)
        self.require(values)
        value: Tensor = -self.loss(wide, *values) - self.log_z(alike(values)).to(wide.dtype)
        return value.to(x.dtype)

    def density(self, x: Value, /, *given: Value, **named: Value) -> Tensor:
        """exp(-loss(x))/Z, elementwise; differentiable in x and in tensor parameters."""
        x, wide = _floating(x)
        return torch.exp(self.log_density(wide, *given, **named)).to(x.dtype)

    def log_partition_on(self, a: Value, b: Value, /, *given: Value, **named: Value) -> Tensor:
        """log of the integral of exp(-loss) over [a, b], which exists for every loss.

        Differentiable in tensors, a and b too. ValueError unless a < b, both finite (tensors: NaN).
        """
        values, numbers = self.checked(given, named, False), not isinstance(a, Tensor)
        ends = [v for v in (a, b) if not isinstance(v, Tensor)]
        if not all(map(math.isfinite, ends)) or (len(ends) == 2 and numbers and not a < b):
            raise ValueError(f"a and b must be finite, a < b, got {a} and {b}")
        low, high, *parameters = alike([a, b, *values])
        value = self.log_integral(parameters, ends=(low, high))
        inside = (low < high) & torch.isfinite(low) & torch.isfinite(high)
        return torch.where(inside, value, math.nan).to(_dtype([a, b, *values]))

    def log_partition_norm(self, dimension: int, /, *given: Value, **named: Value) -> Tensor:
        """log Z of vectors: of the integral of exp(-loss(|x|)) over all x of `dimension` numbers.

        Differentiable in tensor parameters. ValueError where it diverges (tensors: inf).
        """
        if dimension != int(dimension) or dimension < 1:
            raise ValueError(f"dimension must be a whole number >= 1, got {dimension}")
        values = self.checked(given, named)
        return self._log_z_norm(int(dimension), values).to(_dtype(values))

    def _log_z_norm(self, dimension: int, values: Sequence[Value]) -> Tensor:
        parameters, half = alike(values), dimension / 2
        if dimension == 1:
            return self.log_z(parameters)
        sphere = math.log(2.0) + half * math.log(math.pi) - math.lgamma(half)
        total = sphere + self.log_integrals(parameters, dimension - 1).squeeze(-1)
        exists = self.decays(parameters)[1] > dimension - 1
        total = torch.where(exists, total, math.inf)
        numbers = not any(isinstance(v, Tensor) for v in values)
        if numbers and not torch.compiler.is_compiling() and float(total) == math.inf:
            far = "the density of vectors reaches beyond the range of float64"
            raise ValueError(far if bool(exists) else self.vectors)
        return total

    def log_density_norm(self, x: Value, /, *given: Value, **named: Value) -> Tensor:
        """-loss(|x|) - log Z of vectors along the last axis; parameters broadcast with the rest."""
        values, (x, wide) = self.checked(given, named), _floating(x)
        if x.dim() == 0 or not x.shape[-1]:
            raise ValueError("x must hold vectors along its last axis")
        log_z = self._log_z_norm(x.shape[-1], values).to(wide.dtype)
        value: Tensor = -self.loss(torch.linalg.vector_norm(wide, dim=-1), *values) - log_z
        return value.to(x.dtype)

    def log_z(self, parameters: Sequence[Tensor]) -> Tensor:
        """log Z of tensors of one dtype and shape; NaN where it does not exist."""
        if () not in self.closed:
            value = self.log_integral(parameters)
            return self._where_it_exists(value + math.log(2.0) if self.even else value, parameters)
        return self._where_it_exists(self.closed[()](*parameters), parameters)

    def _where_it_exists(self, value: Tensor, parameters: Sequence[Tensor]) -> Tensor:
        if self.exists is not None:
            holds = torch.as_tensor(self.exists[0](*parameters), device=value.device)
            value = torch.where(holds, value, math.nan)
        return value.expand(parameters[0].shape)

    def bind(self, given: Sequence[Value], named: Mapping[str, Value]) -> list[Value]:
        """The parameters in their order, with the defaults for those that are not given."""
        values: dict[str, Value] = dict(zip(self.parameters, given, strict=False))
        wrong = [n for n in named if n not in self.parameters or n in values]
        if wrong or len(given) > len(self.parameters):
            told = f"{self.name} takes {', '.join(self.parameters)}, each once"
            raise TypeError(f"{told}, got {len(given)} by place and {list(named)} by name")
        values |= named
        return [values.get(name, p.default) for name, p in self.parameters.items()]

    def checked(
        self, given: Sequence[Value], named: Mapping[str, Value], exists: bool = True
    ) -> list[Value]:
        """The parameters; ValueError for numbers outside their domains."""
        values = self.bind(given, named)
        if not all(isinstance(v, Tensor) for v in values):
            like = next((v for v in values if isinstance(v, Tensor)), torch.ones(()))
            self.loss(_floating(like)[1].new_zeros(()), *values)
        if exists:
            self.require(values)
        return values

    def require(self, values: Sequence[Value]) -> None:
        """ValueError where the integral diverges for parameters that are numbers."""
        if self.exists is not None and not any(isinstance(v, Tensor) for v in values):
            holds, rule = self.exists
            if not holds(*values):
                raise ValueError(f"{rule}, got {', '.join(map(str, values))}")


def alike(values: Sequence[Value]) -> list[Tensor]:
    """Tensors of one dtype, device and shape; numbers alone become float64 on the CPU."""
    tensors = [v for v in values if isinstance(v, Tensor)]
    dtype = torch.promote_types(_dtype(tensors), torch.float32) if tensors else torch.float64
    device = next((v.device for v in tensors if v.device.type != "cpu"), torch.device("cpu"))
    made = [
        v.to(device, dtype)
        if isinstance(v, Tensor)
        else torch.full((), v, dtype=dtype, device=device)
        for v in values
    ]
    return list(_broadcast(*made))


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
