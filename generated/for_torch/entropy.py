# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of entropy (sha256 881105c01d75) by: derive regenerate entropy --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Entropy.

    loss = -sum(p*log(p))
    sum and max run over k, the classes

Domain: p probabilities over k. The slope at a probability of 0 is inf.
Probabilities are taken as they are, whatever they sum to; 0 log 0 = 0.
Source: Shannon, Bell System Technical Journal 27, 1948.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

__all__ = ["EntropyLoss", "d_p", "hessian_product", "loss", "value_and_grad"]


def loss(p: Any, axis: int = -1) -> Tensor:
    """Entropy, one number for each row of classes."""
    return _evaluate("loss", axis, [], p)


def d_p(p: Any, axis: int = -1) -> Tensor:
    """The gradient in p, one number a class."""
    return _evaluate("d_p", axis, [], p)


def hessian_product(p: Any, v: Any, axis: int = -1) -> Tensor:
    """The product of the Hessian in p with v."""
    return _evaluate("hessian_product", axis, [], p, v)


def value_and_grad(p: Any, axis: int = -1) -> tuple[Tensor, Tensor]:
    """(loss, d_p) in one pass."""
    given: Any = (p, axis)
    return loss(*given), d_p(*given)


def _loss(p: Any) -> Any:
    return -_total(torch.where(p == 0, 0, p * torch.log(p)))


def _d_p(p: Any) -> Any:
    top = _largest(p)
    return torch.where(torch.isnan(top), top, -1 - torch.log(p))


def _hessian_product(p: Any, v: Any) -> Any:
    top = _largest(p)
    return torch.where(torch.isnan(top), top, -v / p)


def _value_and_grad(p: Any) -> Any:
    L = torch.log(p)
    top = _largest(p)
    value = -_total(torch.where(p == 0, 0, p * L))
    slope = torch.where(torch.isnan(top), top, -1 - L)
    return value, slope


def _largest(value: Tensor) -> Tensor:
    """The largest entry."""
    return torch.amax(value, -1, keepdim=True)


def _total(value: Tensor) -> Tensor:
    """The sum over the classes."""
    return torch.sum(value, -1, keepdim=True)


class EntropyLoss(torch.nn.Module):
    """Entropy, with the classes along dimension 1, or the only one.

    Args:
        reduction: "mean" over what counts, "sum" or "none"; size_average and reduce as in torch.nn.
    Shape: input (K) or (N, K, ...);
        the output is a scalar, or has the shape of input without K.
    Examples:
        >>> input = torch.rand(3, 5, requires_grad=True)
        >>> EntropyLoss()(input).backward()
    """

    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = torch.nn._reduction.legacy_get_string(size_average, reduce)
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction = reduction

    def forward(self, input: Tensor) -> Tensor:
        """The loss of scores or probabilities alone."""
        axis = 1 if input.ndim > 1 else 0
        values = loss(input, axis=axis)
        return values if self.reduction == "none" else getattr(values, self.reduction)()

    def extra_repr(self) -> str:
        shown = ["reduction"]
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in shown)


_RULES: tuple[Any, ...] = ()
_MANY = ("d_p", "hessian_product")


def _evaluate(name: str, axis: int, parameters: list[Any], first: Any, *others: Any) -> Tensor:
    """A formula of tensors of one dtype, with the classes along the last axis."""
    z = first if isinstance(first, Tensor) else torch.as_tensor(first)
    if z.is_complex():
        raise TypeError(f"p must be real, got dtype {z.dtype}")
    dtype = z.dtype if z.is_floating_point() else torch.get_default_dtype()
    rows = z.to(torch.promote_types(dtype, torch.float32)).movedim(axis, -1)
    rows = rows + 0.0  # -0.0 is 0
    arrays = [rows]
    for value in others:
        value = torch.as_tensor(value, device=z.device)
        if value.shape != z.shape:
            raise ValueError(f"an array has the shape {tuple(value.shape)}, p {tuple(z.shape)}")
        arrays.append(value.to(rows.dtype).movedim(axis, -1))
    checked = [_checked(rows, p, *rule) for p, rule in zip(parameters, _RULES)]
    checked = [p.unsqueeze(-1) if p.ndim else p for p in checked]
    found = _tied(name, [*arrays, *checked]).to(dtype)
    if name in _MANY:
        return found.expand(rows.shape).movedim(-1, axis)
    return found.expand(*rows.shape[:-1], 1).squeeze(-1)


def _checked(x: Tensor, value: Any, name: str, rule: str, valid: Callable[[Any], Any]) -> Tensor:
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
    """A formula, with its derivatives where they are wanted."""
    wanted = any(v.requires_grad for v in values) or forward_ad._current_level >= 0
    if wanted or torch._C._are_functorch_transforms_active():
        once = torch.compiler.is_compiling()
        if name == "loss":
            return (_Loss if once else _LossBothWays).apply(*values)[0]
        return (_Closed if once else _ClosedBothWays).apply(name, *values)
    return _as_tensor(_FORMULAS[name](*values), values[0])


def _as_tensor(value: Any, like: Tensor) -> Tensor:
    """A result in the dtype of what it was computed from; what is the same everywhere, too."""
    return value.to(like.dtype) if isinstance(value, Tensor) else like.new_full((), value)


def _by_rows(*values: Tensor) -> tuple[Tensor, Tensor]:
    """The loss and its gradient, a few rows at a time where that stays in the cache of a CPU."""
    z = values[0]
    if not _is_plain(z) or any(v.ndim and v.shape[:-1] != z.shape[:-1] for v in values):
        return _value_and_grad(*values)
    step = (torch.get_num_threads() << 17) // z.shape[-1] + 1
    if z.numel() <= step * z.shape[-1]:
        return _value_and_grad(*values)
    flat = [v.reshape(-1, v.shape[-1]) if v.ndim else v for v in values]
    value, slope = z.new_empty(len(flat[0]), 1), torch.empty_like(flat[0])
    for i in range(0, len(value), step):
        part = slice(i, i + step)
        value[part], slope[part] = _value_and_grad(*(v[part] if v.ndim else v for v in flat))
    return value.view(*z.shape[:-1], 1), slope.view(z.shape)


class _Loss(torch.autograd.Function):
    """The loss; its gradient is had in the same pass, and kept for backward."""

    generate_vmap_rule = True

    @staticmethod
    def forward(*values: Tensor) -> tuple[Tensor, Tensor]:
        value, slope = (_as_tensor(found, values[0]) for found in _by_rows(*values))
        return value, slope.expand(values[0].shape)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        ctx.mark_non_differentiable(output[1])
        ctx.set_materialize_grads(False)  # else backward fills zeros for the second output
        ctx.save_for_backward(*inputs, output[1])
        if not torch.compiler.is_compiling():
            ctx.save_for_forward(*inputs, output[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, _: Any) -> tuple[Tensor | None, ...]:
        if grad is None:
            return (None,) * len(ctx.needs_input_grad)
        *values, slope = ctx.saved_tensors
        slope = _tied("d_p", values) if torch.is_grad_enabled() else slope
        slopes = [lambda: slope, *(lambda n=n: _slope(n, values) for n in _OTHERS)]
        found = zip(slopes, values, ctx.needs_input_grad)
        return tuple(_led_back(grad, s()).sum_to_size(v.shape) if n else None for s, v, n in found)


class _LossBothWays(_Loss):
    """With forward mode, which torch.compile does not trace."""

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> tuple[Tensor, None]:
        *values, _ = ctx.saved_tensors
        names = ["d_p", *_OTHERS]
        moves = [_slope(n, values) * d for n, d in zip(names, tangents) if d is not None]
        rows = [m.sum(-1, keepdim=True) for m in moves]
        return sum(rows[1:], rows[0]), None


def _led_back(grad: Tensor, slope: Tensor) -> Tensor:
    """grad times slope; rows that do not count, with grad 0, may hold anything."""
    if _is_plain(grad) and bool(torch.all(grad != 0)):
        return grad * slope
    return torch.where(grad == 0, 0.0, grad * slope)


def _is_plain(value: Tensor) -> bool:
    """Whether it lies in the memory of the CPU, and nobody traces what is done with it."""
    traced = torch.compiler.is_compiling() or is_in_torch_dispatch_mode()
    traced = traced or torch._C._are_functorch_transforms_active()
    return value.is_cpu and not traced and not torch.is_grad_enabled()


_OTHERS: tuple[str, ...] = ()


def _slope(name: str, values: list[Tensor]) -> Tensor:
    if name not in _FORMULAS:
        raise NotImplementedError("this file has no derivative of the loss in its target")
    return _tied(name, values)


class _Closed(torch.autograd.Function):
    """A formula that is differentiated no further, but for the gradient: its derivative is the
    product with the Hessian."""

    generate_vmap_rule = True

    @staticmethod
    def forward(name: str, *values: Tensor) -> Tensor:
        return _as_tensor(_FORMULAS[name](*values), values[0])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.name, *values = inputs
        ctx.set_materialize_grads(False)  # what does not move has no tangent
        ctx.save_for_backward(*values)
        if not torch.compiler.is_compiling():
            ctx.save_for_forward(*values)

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None) -> tuple[Tensor | None, ...]:
        if grad is None:
            return (None,) * len(ctx.needs_input_grad)
        needs = ctx.needs_input_grad[1:]
        if ctx.name != "d_p" or any(needs[1:]):
            raise NotImplementedError(f"this file has no derivative of {ctx.name} there")
        return None, _product(ctx.saved_tensors, grad), *[None] * (len(needs) - 1)


class _ClosedBothWays(_Closed):
    """With forward mode, which torch.compile does not trace."""

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: Tensor | None) -> Tensor:
        if ctx.name != "d_p" or any(d is not None for d in tangents[1:]):
            raise NotImplementedError(f"this file has no derivative of {ctx.name} there")
        return _product(ctx.saved_tensors, tangents[0])


def _product(values: Any, v: Any) -> Tensor:
    """The product of the Hessian with v."""
    arrays, rest = values[:1], values[1:]
    found = _tied("hessian_product", [*arrays, v.expand(values[0].shape), *rest])
    return found.expand(v.shape)


_FORMULAS: dict[str, Callable[..., Any]] = {
    "loss": _loss,
    "d_p": _d_p,
    "hessian_product": _hessian_product,
}
