# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 ef841ed75886) by: derive regenerate absolute --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Absolute loss (L1).

    loss = |x|/scale

Domain: x real, scale > 0. The magnitude of the residual; its minimizer is the median.
Source: Laplace, Mémoire sur la probabilité des causes par les évènements, 1774.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import math
import warnings
from typing import Any

import torch
from torch import Tensor

__all__ = ["AbsoluteLoss", "d2_scale", "d2_x", "d2_x_scale", "d_scale", "d_x", "loss"]
__all__ += ["value_and_grad", "weight"]
_RULES: Any = [("scale", "> 0 and finite", lambda p: (p > 0) & (p < math.inf))]


def _op(_formula: Any, _name: str = "") -> Any:
    # an operation: the formula of each element, in float32 at least; the dtype of x comes out
    def function(x: Tensor, scale: Any = 1.0) -> Tensor:
        return _evaluate(_formula, x, scale)

    function.__name__ = function.__qualname__ = _name or _formula.__name__
    function.__doc__ = _formula.__doc__ or f"{_name}: d2_a_b is d^2 loss/d a d b, weight is d_x/x."
    return function


@_op
def loss(x: Tensor, scale: Tensor) -> Tensor:
    """Absolute loss (L1), elementwise."""
    return abs(x) / scale


d_x = _op(lambda x, scale: torch.sign(x) / scale, "d_x")
d_scale = _op(lambda x, scale: -x / scale * d_x(x, scale), "d_scale")
d2_x = _op(lambda x, scale: 0, "d2_x")
d2_x_scale = _op(lambda x, scale: -torch.sign(x) / scale / scale, "d2_x_scale")
d2_scale = _op(lambda x, scale: abs(x) / scale / scale * (2 / scale), "d2_scale")
weight = _op(lambda x, scale: 1 / scale / abs(x), "weight")


def value_and_grad(x: Tensor, scale: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, scale), d_x(x, scale)


class AbsoluteLoss(torch.nn.Module):
    """Absolute loss (L1) of input - target, as in torch.nn.

    Args:
        scale: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> AbsoluteLoss()(torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)).backward()
    """

    def __init__(self, scale: Any = 1.0, reduction: Any = "mean", *, validate: bool = False):
        super().__init__()
        if isinstance(scale, str):  # the order of torch.nn
            scale, reduction = 1.0 if reduction == "mean" else reduction, scale
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction, self.validate = reduction, validate
        loss(torch.zeros((), device="cpu"), scale)  # checks the numbers
        if isinstance(scale, Tensor) and scale.grad_fn is not None:
            raise TypeError("scale is computed: give a Parameter, or call `loss`")
        self.scale = torch.nn.Buffer(scale) if type(scale) is Tensor else scale

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        if self.validate and not torch.as_tensor(_RULES[0][2](self.scale)).all():
            raise ValueError(f"scale must be > 0 and finite, got {self.scale}")
        if weight is None and self.reduction != "none" and _is_plain(input, target, self.scale):
            return _Total.apply(input, target, self.reduction == "mean", self.scale)
        if input.shape != target.shape:
            warnings.warn(f"sizes are broadcast: {input.shape}, {target.shape}", stacklevel=4)
        dtype = torch.promote_types(input.dtype, target.dtype)
        wide = torch.promote_types(dtype, torch.float32 if dtype.is_floating_point else torch.int64)
        values = loss(input.to(wide) - target.to(wide), self.scale)
        values = values if weight is None else values * weight
        values = values if self.reduction == "none" else getattr(values, self.reduction)()
        cast = input.device.type != "meta" and torch.is_autocast_enabled(input.device.type)
        return values if cast or not dtype.is_floating_point else values.to(dtype)

    def extra_repr(self) -> str:
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("scale", "reduction"))


def _evaluate(formula: Any, x: Any, *parameters: Any) -> Tensor:
    """The formula of tensors of one dtype and device."""
    x = x if isinstance(x, Tensor) else torch.as_tensor(x)
    if x.is_complex():
        raise TypeError(f"x must be real, got dtype {x.dtype}")
    dtype = x.dtype if x.is_floating_point() else torch.get_default_dtype()
    x = x.to(torch.promote_types(dtype, torch.float32)).contiguous()  # views round as it does
    values, least = [x], torch.finfo(x.dtype).tiny
    for p, (name, rule, valid) in zip(parameters, _RULES):
        if isinstance(p, Tensor):  # NaN where it is wrong (no waiting); its slope, too: a product
            values.append((p * torch.where(valid(p), 1.0, math.nan)).to(x.dtype))
        elif isinstance(p, (float, int)) and valid(p):
            p = p if abs(p) >= least or valid(0.0) else math.copysign(least, p)  # not rounded to 0
            values.append(torch.full((), p, dtype=x.dtype, device=x.device))
        else:
            raise ValueError(f"{name} must be {rule}, got {p!r}")
    lost = torch.where(torch.isnan(x), math.nan, 1.0).to(x.dtype)  # spoils the slopes, too
    result = formula(*(v * lost if v.requires_grad else v for v in values)) * lost
    return result.to(dtype).broadcast_to(torch.broadcast_shapes(*(v.shape for v in values)))


def _is_plain(x: Tensor, target: Tensor, *given: Any) -> bool:
    """Whether all of it lies in the CPU's memory in one piece, untraced, outside of transforms."""
    traced = torch.compiler.is_compiling() or torch._C._len_torch_dispatch_stack()
    plain = not traced and not torch._C._are_functorch_transforms_active()
    plain = plain and torch.autograd.forward_ad._current_level < 0 and x.shape == target.shape
    plain = plain and x.dtype == target.dtype in (torch.float32, torch.float64) and x.numel() > 0
    given = tuple(torch.as_tensor(p).detach() for p in given if plain)
    dense = (type(t.data) is Tensor and t.is_cpu and t.is_contiguous() for t in (x, target, *given))
    plain = plain and all(dense) and all(t.numel() == 1 for t in given)
    return plain and all(1e-9 < abs(p) < 1e9 and r[2](p) for p, r in zip(map(float, given), _RULES))


class _Total(torch.autograd.Function):
    """Block by block, in memory that stays in the cache; the slope is kept for backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, target: Tensor, mean: bool, scale: Any) -> Tensor:
        ctx.share, ctx.parameters, scale = 1 / x.numel() if mean else 1.0, (scale,), float(scale)
        slope, size, sums = torch.empty_like(x), torch.get_num_threads() << 16, []
        split = (t.detach().view(-1).split(size) for t in (x, target, slope))
        for one, other, s in zip(*split) if x.numel() > size else [(x, target, slope)]:
            d = one - other
            by = d_scale(d, scale).sum().item() if ctx.needs_input_grad[3] else 0.0
            u = torch.abs(d)
            torch.sign(d, out=s)
            sums.append([u.sum().item() / scale, by])
            s.mul_(ctx.share / scale)
            if math.isnan(sums[-1][0]):
                s.masked_fill_(torch.isnan(one - other), math.nan)
        value, *ctx.sums = (math.fsum(v) * ctx.share for v in zip(*sums))
        ctx.save_for_backward(x, target, slope)
        return x.new_full((), value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        (x, target, slope), sums, needs = ctx.saved_tensors, ctx.sums, ctx.needs_input_grad
        if torch.is_grad_enabled():  # double backward: elementwise
            slope, *sums = (ctx.share * f(x - target, *ctx.parameters) for f in (d_x, d_scale))
        slope = slope if not torch.is_grad_enabled() and grad.item() == 1 else slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by
