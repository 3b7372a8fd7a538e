# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of talwar (sha256 f0fecfb7f965) by: derive regenerate talwar --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Talwar loss (truncated quadratic).

    loss = min(c^2/2, x^2/2)

Domain: x real, c > 0. x^2/2 up to |x| = c and constant beyond.
Source: Hinich and Talwar, J. Amer. Statist. Assoc. 70(349), 1975.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

__all__ = ["TalwarLoss", "d2_c", "d2_x", "d2_x_c", "d_c", "d_x", "loss", "value_and_grad"]
__all__ += ["weight"]


_FORMULAS: dict[str, Callable[..., Tensor]] = {}


def _elementwise(_formula: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The formula of tensors, float32 at least; the dtype of x comes out."""

    @functools.wraps(_formula)
    def evaluate(x: Tensor, c: Any = 2.795) -> Tensor:
        return _evaluate(_formula, x, c)

    _FORMULAS[_formula.__name__] = _formula
    return evaluate


@_elementwise
def loss(x: Tensor, c: Any = 2.795) -> Tensor:
    """Talwar loss (truncated quadratic), elementwise."""
    return torch.clamp(c / 2 * c, max=0.5 * x * x)


@_elementwise
def d_x(x: Tensor, c: Any = 2.795) -> Tensor:
    """The derivative in x, the influence."""
    return torch.where(c == torch.abs(x), 0.5 * x, torch.where(torch.abs(x) > c, 0, x))


@_elementwise
def d_c(x: Tensor, c: Any = 2.795) -> Tensor:
    """The derivative in c."""
    return torch.where(
        torch.isnan(x),
        x,
        torch.where(c == torch.abs(x), c / 2, torch.where(torch.abs(x) > c, c, 0)),
    )


@_elementwise
def d2_x(x: Tensor, c: Any = 2.795) -> Tensor:
    """The second derivative in x."""
    return torch.where(torch.isnan(x), x, torch.where(torch.abs(x) > c, 0, 1))


@_elementwise
def d2_x_c(x: Tensor, c: Any = 2.795) -> Tensor:
    """The mixed second derivative in x and c."""
    return torch.where(torch.isnan(x), x, 0)


@_elementwise
def d2_c(x: Tensor, c: Any = 2.795) -> Tensor:
    """The second derivative in c."""
    return torch.where(torch.isnan(x), x, torch.where(torch.abs(x) > c, 1, 0))


@_elementwise
def weight(x: Tensor, c: Any = 2.795) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    return torch.where(
        torch.isnan(x), x, torch.where(c == torch.abs(x), 0.5, torch.where(torch.abs(x) > c, 0, 1))
    )


def value_and_grad(x: Tensor, c: Any = 2.795) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, c), d_x(x, c)


class TalwarLoss(torch.nn.Module):
    """Talwar loss (truncated quadratic) of input - target.

    Args:
        c: > 0 and finite; a number (checked), a Parameter, or a tensor (NaN where it is wrong).
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> TalwarLoss()(torch.tensor([2.0]), torch.tensor([2.0])).item()
        0.0
    """

    def __init__(self, c: Any = 2.795, reduction: Any = "mean", *, validate: bool = False) -> None:
        super().__init__()
        if isinstance(c, str):  # the order of torch.nn
            other = 2.795 if reduction == "mean" else reduction
            c, reduction = other, c
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        for value, (name, rule, valid) in zip((c,), _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss` each time")
            _beside(torch.zeros(()), value, name, rule, valid)
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)
        self.reduction, self.validate = reduction, validate

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of input - target, each element times its weight."""
        parameters = [self.c]
        for value, rule in zip(parameters, _RULES) if self.validate else ():
            if _beside(torch.zeros(()), value, *rule).isnan().any():
                raise ValueError(f"{rule[0]} must be {rule[1]}, got {value}")
        if weight is None and self.reduction != "none":
            total = _total(input, *parameters, target=target, mean=self.reduction == "mean")
            if total is not None:
                return total
        if input.shape != target.shape:
            sizes = f"the sizes {tuple(input.shape)} and {tuple(target.shape)} are broadcast"
            warnings.warn(sizes, stacklevel=4)  # of the caller
        dtype = torch.promote_types(input.dtype, target.dtype)
        wide = torch.promote_types(dtype, torch.float32 if dtype.is_floating_point else torch.int64)
        values = loss(input.to(wide) - target.to(wide), *parameters)
        values = values if weight is None else values * weight
        values = values if self.reduction == "none" else getattr(values, self.reduction)()
        cast = input.device.type != "meta" and torch.is_autocast_enabled(input.device.type)
        return values if cast or not dtype.is_floating_point else values.to(dtype)

    def extra_repr(self) -> str:
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("c", "reduction"))


_DENSE = {(Tensor, True, True), (torch.nn.Parameter, True, True)}
_RULES: tuple[Any, ...] = (("c", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),)


def _evaluate(formula: Callable[..., Tensor], x: Any, *parameters: Any) -> Tensor:
    """The formula of tensors of one dtype and device."""
    x = x if isinstance(x, Tensor) else torch.as_tensor(x)
    dtype = x.dtype if x.is_floating_point() else torch.get_default_dtype()
    if x.is_complex():
        raise TypeError(f"x must be real, got dtype {x.dtype}")
    x = x.to(torch.promote_types(dtype, torch.float32)).contiguous()  # views round as it does
    values = [x, *(_beside(x, p, *rule) for p, rule in zip(parameters, _RULES))]
    result = _tied(formula.__name__, values)
    return result.to(dtype).broadcast_to(torch.broadcast_shapes(*(v.shape for v in values)))


def _beside(x: Tensor, value: Any, name: str, rule: str, valid: Callable[[Any], Any]) -> Tensor:
    """A parameter beside x. A number outside its domain is an error; a tensor there becomes NaN,
    so that nothing waits for a device."""
    if isinstance(value, Tensor):
        return torch.where(valid(value), value, math.nan).to(x.dtype)
    if not isinstance(value, (float, int)) or not valid(value):
        raise ValueError(f"{name} must be {rule}, got {value!r}")
    least = torch.finfo(x.dtype).tiny
    value = math.copysign(least, value) if 0 < abs(value) < least else value  # and not 0
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
        slopes = [_FORMULAS[n] if once else globals()[n] for n in _slopes(ctx.name)]
        found = zip(slopes, values, needs)
        return None, *((grad * d(*values)).sum_to_size(v.shape) if n else None for d, v, n in found)


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
            slopes = [globals()[n] for n in _slopes(ctx.name)]
            moves = [d(*values) * t for d, t in zip(slopes, tangents) if t is not None]
            return sum(moves[1:], moves[0])


def _slopes(name: str) -> tuple[str, ...]:
    if name not in _SLOPES:
        raise NotImplementedError(f"this file has no derivative of {name}")
    return _SLOPES[name]


_SLOPES = {
    "loss": ("d_x", "d_c"),
    "d_x": ("d2_x", "d2_x_c"),
    "d_c": ("d2_x_c", "d2_c"),
}


def _total(x: Tensor, *parameters: Any, target: Tensor | None = None, mean: bool = True) -> Any:
    """The mean or the sum of the loss in one pass over the memory of the CPU; None for what does
    not lie there in one piece, is traced, or is in a transform."""
    if torch.compiler.is_compiling() or is_in_torch_dispatch_mode():
        return None
    tensors = [v for v in (x, target, *parameters) if isinstance(v, Tensor)]
    target = x.new_zeros(()).expand(x.shape) if target is None else target
    alike = x.shape == target.shape and x.dtype == target.dtype in (torch.float32, torch.float64)
    alone = all(p.numel() == 1 for p in parameters if isinstance(p, Tensor))
    kinds = {(type(t), t.is_cpu, t.is_contiguous()) for t in tensors}
    transformed = torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0
    if transformed or not alike or not alone or not x.numel() or kinds - _DENSE:
        return None
    if not all(rule[2](p) and 1e-9 < abs(p) < 1e9 for p, rule in zip(parameters, _RULES)):
        return None
    return _Total.apply(x, target, mean, *parameters)


class _Total(torch.autograd.Function):
    """Block by block, in memory that stays in the cache; the slope is kept for backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, target: Tensor, mean: bool, *parameters: Any) -> Tensor:
        size, step, sums = x.numel(), torch.get_num_threads() << 16, []
        ctx.share, ctx.parameters = 1 / size if mean else 1.0, parameters
        slope = torch.empty_like(x)
        parts = [(x, target, slope)]
        if size > step:
            parts = list(zip(*(t.detach().view(-1).split(step) for t in parts[0])))
        room = [torch.empty_like(parts[0][0]) for _ in range(3)]
        numbers = [float(p) for p in parameters]
        for a, b, s in parts:
            d, *spare = room if a.shape == room[0].shape else [r[: len(a)] for r in room]
            torch.sub(a, b, out=d)
            sums.append(_block(d, s, spare, ctx, *numbers))
        value, *ctx.sums = (math.fsum(v) * ctx.share for v in zip(*sums))
        ctx.save_for_backward(x, target, slope)
        return x.new_full((), value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (x, target, slope), sums, needs = ctx.saved_tensors, ctx.sums, ctx.needs_input_grad
        if torch.is_grad_enabled():  # double backward: elementwise
            d, parameters = x - target, ctx.parameters
            slope, *sums = (ctx.share * f(d, *parameters) for f in (d_x, d_c))
        if torch.is_grad_enabled() or grad.item() != 1:
            slope = slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by


def _block(d: Tensor, s: Tensor, spare: list[Tensor], ctx: Any, c: float) -> list[float]:
    """The sums of loss, d_c; s becomes the share of d_x. d is used up."""
    u, v = spare
    torch.mul(d, d, out=u).mul_(0.5).clamp_(max=c / 2 * c)
    sums = [u.sum().item(), 0.0]
    torch.abs(d, out=u)
    c1 = c < u
    torch.where(c1, d.new_full((), 0), d, out=v)
    c2 = u == c
    d.mul_(0.5)
    torch.where(c2, d, v, out=s)
    if ctx.needs_input_grad[3]:
        torch.where(c1, d.new_full((), c), d.new_full((), 0), out=u)
        torch.where(c2, d.new_full((), c / 2), u, out=u)
        sums[1] = u.sum().item()
    s.mul_(ctx.share)
    return sums
