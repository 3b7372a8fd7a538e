# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 e73f7ad3ad66) by: derive regenerate poisson_with_log_input --target
# torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Poisson loss of the log of the mean.

    loss = exp(f) - f*y

Domain: f real, y >= 0. f predicts the logarithm of the mean of a count y.
Source: Nelder and Wedderburn, J. R. Statist. Soc. A 135(3), 1972.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["PoissonWithLogInputLoss", "d2_f", "d2_f_y", "d_f", "d_y", "loss", "value_and_grad"]


_FORMULAS: dict[str, Callable[..., Tensor]] = {}


def _elementwise(_formula: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The formula of tensors, float32 at least; the dtype of f and y comes out. NaN for NaN."""

    def formula(*values: Tensor) -> Tensor:
        result, empty = _formula(*values), torch.isnan(values[0])
        for other in values[1:2]:
            empty = empty | torch.isnan(other)
        return torch.where(empty, math.nan, result)

    @functools.wraps(_formula)
    def evaluate(f: Tensor, y: Tensor) -> Tensor:
        return _evaluate(_formula.__name__, (f, y))

    _FORMULAS[_formula.__name__] = formula
    return evaluate


@_elementwise
def loss(f: Tensor, y: Tensor) -> Any:
    """Poisson loss of the log of the mean, elementwise."""
    p = torch.exp(f)
    return torch.where(y == 0, p, torch.where(p == math.inf, math.inf, p - f * y))


@_elementwise
def d_f(f: Tensor, y: Tensor) -> Any:
    """The derivative in f."""
    return torch.where(abs(f) < 1.5, 1 - y + torch.expm1(f), torch.exp(f) - y)


@_elementwise
def d_y(f: Tensor, y: Tensor) -> Any:
    """The derivative in y."""
    return -f


@_elementwise
def d2_f(f: Tensor, y: Tensor) -> Any:
    """The second derivative in f."""
    return torch.exp(f)


@_elementwise
def d2_f_y(f: Tensor, y: Tensor) -> Any:
    """The mixed second derivative in f and y."""
    return torch.where(torch.isnan(f), f, -1)


def value_and_grad(f: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    """(loss, d_f)."""
    return loss(f, y), d_f(f, y)


class PoissonWithLogInputLoss(torch.nn.Module):
    """Poisson loss of the log of the mean of input (a tensor of f) and target (y).

    Args:
        weight: of each element, if any.
        reduction: "mean" over all elements (with a weight, too), "sum", "none", or "weighted_mean":
            divided by the sum of the weights.
        validate: check all tensors, too, at every call, which waits for the device.
        size_average, reduce: instead of reduction, as torch.nn once had them.
    Shape: input and target of one shape; the output is a scalar, or has that shape.
    Examples:
        >>> input, target = torch.full((3, 5), 0.5, requires_grad=True), torch.ones(3, 5)
        >>> PoissonWithLogInputLoss()(input, target).backward()
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        validate: bool = False,
    ) -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            whole = "none" if reduce is False else "sum"
            reduction = "mean" if reduce is not False and size_average is not False else whole
        if reduction not in _REDUCTIONS:
            raise ValueError(f"reduction must be one of {_REDUCTIONS}, got {reduction!r}")
        self.weight = torch.nn.Buffer(weight) if isinstance(weight, Tensor) else weight
        self.reduction, self.validate = reduction, validate

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of each pair, times its weight, reduced."""
        if input.shape != target.shape:
            sizes = f"{tuple(input.shape)} and {tuple(target.shape)}"
            raise ValueError(f"input and target must have one size, got {sizes}")
        if self.validate:
            for value, (name, rule, valid) in zip((input, target), _DOMAINS):
                if not (valid(value) | torch.isnan(value)).all():
                    raise ValueError(f"{name} must be {rule}, got {value}")
        values = _evaluate("loss", (input, target), narrow=False)
        dtype = torch.promote_types(input.dtype, target.dtype)
        dtype = dtype if dtype.is_floating_point else values.dtype
        weight = self.weight if weight is None else weight
        values = values if weight is None else values * weight
        if self.reduction == "weighted_mean":
            count = values.new_ones(()) if weight is None else torch.as_tensor(weight).to(values)
            values = values.sum() / count.expand(values.shape).sum()
        elif self.reduction != "none":
            values = getattr(values, self.reduction)()
        kind = input.device.type
        cast = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
        return values if cast else values.to(dtype)

    def extra_repr(self) -> str:
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("reduction",))


_REDUCTIONS = ("none", "mean", "sum", "weighted_mean")
_DOMAINS: tuple[Any, ...] = (
    ("input", "real", lambda p: p == p),
    ("target", ">= 0", lambda p: p >= 0),
)
_RULES: tuple[Any, ...] = ()


def _evaluate(name: str, given: tuple[Any, ...], *parameters: Any, narrow: bool = True) -> Tensor:
    """The formula of tensors of one dtype and device."""
    tensors = [v for v in given if isinstance(v, Tensor)]
    dtype, floats = torch.get_default_dtype(), [t.dtype for t in tensors if t.is_floating_point()]
    dtype = functools.reduce(torch.promote_types, floats) if floats else dtype
    if any(t.is_complex() for t in tensors):
        raise TypeError("predictions and targets must be real")
    wide, like = torch.promote_types(dtype, torch.float32), tensors[0] if tensors else None
    device = None if like is None else like.device
    values = [
        v.to(wide) if isinstance(v, Tensor) else torch.as_tensor(v, dtype=wide, device=device)
        for v in given
    ]
    values[1] = values[1] + 0.0  # -0.0 is 0
    values += [_beside(values[0], p, *rule) for p, rule in zip(parameters, _RULES)]
    result = _tied(name, values)
    result = result.broadcast_to(torch.broadcast_shapes(*(v.shape for v in values)))
    return result.to(dtype) if narrow else result


def _beside(x: Tensor, value: Any, name: str, rule: str, valid: Callable[[Any], Any]) -> Tensor:
    """A parameter beside x. A number outside its domain is an error; a tensor there becomes NaN,
    so that nothing waits for a device."""
    if isinstance(value, Tensor):
        # a product, so that its slope is NaN too
        return (value * torch.where(valid(value), 1.0, math.nan)).to(x.dtype)
    if not isinstance(value, (float, int)) or not valid(value):
        raise ValueError(f"{name} must be {rule}, got {value!r}")
    least = torch.finfo(x.dtype).tiny
    if abs(value) < least and not valid(0.0):  # nor rounded to 0
        value = math.copysign(least, value)
    return torch.full((), value, dtype=x.dtype, device=x.device)


def _tied(name: str, values: list[Tensor]) -> Tensor:
    """A formula and its derivatives; the compiler itself decides what to keep for them."""
    if not torch.compiler.is_compiling():
        return _ClosedBothWays.apply(name, *values)
    wanted = torch.is_grad_enabled() and any(v.requires_grad for v in values)
    wanted = wanted and not torch._C._are_functorch_transforms_active()
    return _Closed.apply(name, *values) if wanted else _FORMULAS[name](*values)


class _Closed(torch.autograd.Function):
    """A formula whose derivatives are functions of this file."""

    generate_vmap_rule = True

    @staticmethod
    def forward(name: str, *values: Tensor) -> Tensor:
        return _FORMULAS[name](*values)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.name, *values = inputs
        ctx.save_for_backward(*values)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        values, needs = ctx.saved_tensors, ctx.needs_input_grad[1:]
        once = torch.compiler.is_compiling() or not torch.is_grad_enabled()
        names = [_slope(ctx.name, k) if n else "" for k, n in enumerate(needs)]
        slopes = [_FORMULAS[n] if once else _Recorded(n) for n in names if n]
        found = iter([grad * d(*values) for d in slopes])
        pairs = zip(values, needs)
        return None, *(next(found).sum_to_size(v.shape) if n else None for v, n in pairs)


class _ClosedBothWays(_Closed):
    """With forward mode, which torch.compile does not trace."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _Closed.setup_context(ctx, inputs, output)
        ctx.save_for_forward(*inputs[1:])

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: Tensor | None) -> Tensor:
        with forward_ad._set_fwd_grad_enabled(True):  # of an outer forward mode
            values = [forward_ad.unpack_dual(v).primal for v in ctx.saved_tensors]
            moves = [
                _Recorded(_slope(ctx.name, k))(*values) * t
                for k, t in enumerate(tangents)
                if t is not None
            ]
            return sum(moves[1:], moves[0])


class _Recorded:
    """A formula by its name, with its own derivatives."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *values: Tensor) -> Tensor:
        return _tied(self.name, list(values))


def _slope(name: str, place: int) -> str:
    """Which function is the derivative in a variable."""
    found = _SLOPES[name][place] if name in _SLOPES else ""
    if not found:
        raise NotImplementedError(f"this file has no derivative of {name} in {_VARIABLES[place]}")
    return found


_VARIABLES = ("f", "y")
_SLOPES = {
    "loss": ("d_f", "d_y"),
    "d_f": ("d2_f", "d2_f_y"),
    "d_y": ("d2_f_y", ""),
}
