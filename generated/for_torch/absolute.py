# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of absolute (sha256 ef841ed75886) by: derive regenerate absolute --target torch
"""Absolute loss (L1).

    loss = |x|/scale

Domain: x real, scale > 0. The magnitude of the residual; its minimizer is the median.
Source: Laplace, Mémoire sur la probabilité des causes par les évènements, 1774.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.forward_ad import unpack_dual

__all__ = [
    "AbsoluteLoss",
    "d2_scale",
    "d2_x",
    "d2_x_scale",
    "d_scale",
    "d_x",
    "loss",
    "value_and_grad",
    "weight",
]


def _elementwise(_formula: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The formula of tensors, float32 at least; the dtype of x comes out."""

    @functools.wraps(_formula)
    def evaluate(x: Any, scale: Any = 1.0) -> Tensor:
        return _evaluate(_formula, x, scale)

    return evaluate


@_elementwise
def loss(x: Any, scale: Any = 1.0) -> Tensor:
    """Absolute loss (L1), elementwise."""
    return torch.abs(x) / scale


@_elementwise
def d_x(x: Any, scale: Any = 1.0) -> Tensor:
    """The derivative in x, the influence."""
    return torch.where(x != x, x, torch.sign(x) / scale)


@_elementwise
def d_scale(x: Any, scale: Any = 1.0) -> Tensor:
    """The derivative in scale."""
    return -x / scale * d_x(x, scale)


@_elementwise
def d2_x(x: Any, scale: Any = 1.0) -> Tensor:
    """The second derivative in x."""
    return torch.where(x != x, x, 0)


@_elementwise
def d2_x_scale(x: Any, scale: Any = 1.0) -> Tensor:
    """The mixed second derivative in x and scale."""
    return torch.where(x != x, x, -torch.sign(x) / scale / scale)


@_elementwise
def d2_scale(x: Any, scale: Any = 1.0) -> Tensor:
    """The second derivative in scale."""
    return torch.abs(x) / scale / scale * (2 / scale)


@_elementwise
def weight(x: Any, scale: Any = 1.0) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    return 1 / scale / torch.abs(x)


def value_and_grad(x: Any, scale: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, scale), d_x(x, scale)


class AbsoluteLoss(torch.nn.Module):
    """Absolute loss (L1) of input - target.

    Args:
        scale: > 0 and finite; a number (checked), a Parameter, or a tensor (NaN where wrong).
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> AbsoluteLoss()(torch.tensor([2.0]), torch.tensor([2.0])).item()
        0.0
    """

    def __init__(
        self, scale: Any = 1.0, reduction: Any = "mean", *, validate: bool = False
    ) -> None:
        super().__init__()
        if isinstance(scale, str):  # the order of torch.nn
            scale, reduction = 1.0 if isinstance(reduction, str) else reduction, scale
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction, self.validate = reduction, validate
        self.scale = _kept(scale, _RULES[0])

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of input - target, each element times its weight."""
        parameters = [self.scale]
        if self.validate:
            _validate(parameters)
        if weight is None and self.reduction != "none":
            total = _total(input, *parameters, target=target, mean=self.reduction == "mean")
            if total is not None:
                return total
        if input.shape != target.shape:
            text = f"input of shape {tuple(input.shape)} and target of {tuple(target.shape)}"
            warnings.warn(f"{text} are broadcast", stacklevel=4)
        dtype = torch.promote_types(input.dtype, target.dtype)
        wide = torch.promote_types(dtype, torch.float32 if dtype.is_floating_point else torch.int64)
        values = loss(input.to(wide) - target.to(wide), *parameters)
        values = values if weight is None else values * weight
        values = values if self.reduction == "none" else getattr(values, self.reduction)()
        narrow = dtype.is_floating_point and not torch.is_autocast_enabled(input.device.type)
        return values.to(dtype) if narrow else values

    def extra_repr(self) -> str:
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("scale", "reduction"))


_RULES: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("scale", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),
)


def _evaluate(formula: Callable[..., Tensor], x: Any, *parameters: Any) -> Tensor:
    """The formula of tensors of one dtype and device."""
    x = x if isinstance(x, Tensor) else torch.as_tensor(x)
    dtype = x.dtype if x.is_floating_point() else torch.get_default_dtype()
    if x.is_complex():
        raise TypeError(f"x must be real, got dtype {dtype}")
    x = x.to(torch.promote_types(dtype, torch.float32))
    values = [x, *(_beside(x, p, *rule) for p, rule in zip(parameters, _RULES))]
    result = formula(*values)
    return result.to(dtype).broadcast_to(torch.broadcast_shapes(*(v.shape for v in values)))


def _beside(x: Tensor, value: Any, name: str, rule: str, valid: Callable[[Any], Any]) -> Tensor:
    """A parameter beside x. A number outside its domain is an error; a tensor there becomes NaN,
    so that nothing waits for a device."""
    if isinstance(value, Tensor):
        return torch.where(valid(value), value, math.nan).to(x.dtype)
    if not hasattr(value, "__float__") or not valid(value):
        raise ValueError(f"{name} must be {rule}, got {value!r}")
    return torch.full((), value, dtype=x.dtype, device=x.device)


def _kept(value: Any, rule: tuple[str, str, Callable[[Any], Any]]) -> Any:
    """A parameter of a module: a number, a Parameter, or a tensor as a buffer."""
    if isinstance(value, Tensor) and not value.is_floating_point():
        raise TypeError(f"{rule[0]} must be a floating tensor, got dtype {value.dtype}")
    if isinstance(value, Tensor) and value.grad_fn is not None:
        raise TypeError(f"{rule[0]} is computed: give a Parameter, or call `loss` in every step")
    _beside(torch.zeros(()), value.detach() if isinstance(value, Tensor) else value, *rule)
    return torch.nn.Buffer(value) if type(value) is Tensor else value


def _validate(parameters: list[Any]) -> None:
    """ValueError for a tensor outside its domain; waits for the device."""
    for value, (name, rule, valid) in zip(parameters, _RULES):
        if not torch.as_tensor(valid(value)).all():
            raise ValueError(f"{name} must be {rule}, got {value}")


def _total(x: Tensor, *parameters: Any, target: Tensor | None = None, mean: bool = True) -> Any:
    """The mean or the sum of the loss in one pass, for ordinary tensors on the CPU, alike, outside
    of every transform; None for others."""
    tensors = [v for v in (x, target, *parameters) if isinstance(v, Tensor)]
    target = x.new_zeros(()).expand_as(x) if target is None else target
    alike = x.shape == target.shape and x.dtype == target.dtype
    if torch.compiler.is_compiling() or not alike or any(v.numel() != 1 for v in parameters if isinstance(v, Tensor)):
        return None
    try:  # inside a transform there are no data to point at
        dense = x.dtype in (torch.float32, torch.float64) and all(
            type(t) in (Tensor, torch.nn.Parameter) and t.is_cpu and t.is_contiguous()
            and t.data_ptr() != 0 and unpack_dual(t).tangent is None
            for t in tensors
        ) and all(1e-9 < abs(p) < 1e9 for p in parameters)
    except RuntimeError:
        return None
    return _Total.apply(x, target, mean, *parameters) if dense else None


class _Total(torch.autograd.Function):
    """Block by block, in memory that stays in the cache; the slope is kept for the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, target: Tensor, mean: bool, *parameters: Any) -> Tensor:
        size, step = x.numel(), torch.get_num_threads() << 17
        ctx.share, ctx.parameters, sums = 1 / size if mean else 1.0, parameters, []
        slope = torch.empty_like(x)
        rows = [t.detach().view(-1) for t in (x, target, slope)]
        room = x.new_empty(2, min(size, step))
        numbers = [float(p) for p in parameters]
        for a, b, s in zip(*(r.split(step) for r in rows)) if size > step else [rows]:
            d, *spare = room[:, : len(a)].unbind()
            found = _block(torch.sub(a, b, out=d), s, spare, ctx, *numbers)
            sums.append(found)
        value, *ctx.sums = (math.fsum(v) * ctx.share for v in zip(*sums))
        ctx.save_for_backward(x, target, slope)
        return x.new_full((), value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (x, target, slope), sums, needs = ctx.saved_tensors, ctx.sums, ctx.needs_input_grad
        again = torch.is_grad_enabled()
        if again:  # double backward: elementwise
            slope, *sums = (ctx.share * f(x - target, *ctx.parameters) for f in (d_x, d_scale))
        slope = slope * grad if again or grad.item() != 1 else slope
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None
              for v, p, n in zip(sums, ctx.parameters, needs[3:]))
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by


def _block(
    d: Tensor, s: Tensor, spare: list[Tensor], ctx: Any, scale: float
) -> list[float]:
    """The sums of loss, d_scale over d, which is used up; s becomes the share of d_x."""
    u, = spare
    torch.abs(d, out=u)
    sums = [u.sum().item() / scale, 0.0]
    torch.sign(d, out=s)
    if ctx.needs_input_grad[3]:
        d.mul_(s)
        sums[1] = -(d.sum().item() / (scale * scale))
    s.mul_(ctx.share / scale)
    return sums
