# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of multi_margin (sha256 bd1e1a206cb7) by: derive regenerate multi_margin
# --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Multiclass hinge loss (Weston and Watkins).

    loss = sum([k != t]*max(0, f + margin - f[t])^power)/sum(1)
    sum and max run over k, the classes

Domain: f real over k, t one of the classes k, margin > 0, power in [1, inf). At a kink the slope is
the middle one.
loss(f + c) = loss(f): the entries of d_f sum to 0.
Source: Weston and Watkins, ESANN 1999; torch.nn.MultiMarginLoss.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

__all__ = [
    "MultiMarginLoss",
    "d_f",
    "d_margin",
    "d_power",
    "hessian_product",
    "loss",
    "value_and_grad",
]


def loss(f: Any, t: Any, margin: Any = 1.0, power: Any = 1.0, axis: int = -1) -> Tensor:
    """Multiclass hinge loss (Weston and Watkins), one number for each row of classes."""
    return _evaluate("loss", axis, [margin, power], f, t)


def d_f(f: Any, t: Any, margin: Any = 1.0, power: Any = 1.0, axis: int = -1) -> Tensor:
    """The gradient in f, one number a class."""
    return _evaluate("d_f", axis, [margin, power], f, t)


def d_margin(f: Any, t: Any, margin: Any = 1.0, power: Any = 1.0, axis: int = -1) -> Tensor:
    """The derivative in margin."""
    return _evaluate("d_margin", axis, [margin, power], f, t)


def d_power(f: Any, t: Any, margin: Any = 1.0, power: Any = 1.0, axis: int = -1) -> Tensor:
    """The derivative in power."""
    return _evaluate("d_power", axis, [margin, power], f, t)


def hessian_product(
    f: Any, t: Any, v: Any, margin: Any = 1.0, power: Any = 1.0, axis: int = -1
) -> Tensor:
    """The product of the Hessian in f with v."""
    return _evaluate("hessian_product", axis, [margin, power], f, t, v)


def value_and_grad(
    f: Any, t: Any, margin: Any = 1.0, power: Any = 1.0, axis: int = -1
) -> tuple[Tensor, Tensor]:
    """(loss, d_f) in one pass."""
    given: Any = (f, t, margin, power, axis)
    return loss(*given), d_f(*given)


def _loss(f: Any, t: Any, margin: Any, power: Any) -> Any:
    top = _largest(f)
    u = _total(torch.where(_hit(f, t), 0, torch.clamp(f - _entry(f, t) + margin, min=0) ** power))
    return torch.where(torch.isnan(top), top, u / f.shape[-1])


def _d_f(f: Any, t: Any, margin: Any, power: Any) -> Any:
    top = _largest(f)
    u = _hit(f, t)
    q = f - _entry(f, t) + margin
    far = q > 0
    w = q**power / q
    p = w * power
    near = q == 0
    r = power / 2 * torch.where(power == 1, 1, 0)
    g = torch.where(near, torch.where(u, 0, -r), 0)
    h = torch.where(far, torch.where(u, 0, -p), g)
    k = torch.where(near, torch.where(u, 0, r), 0)
    m = torch.where(far, torch.where(u, 0, p), k)
    return torch.where(torch.isnan(top), top, (torch.where(u, _total(h), 0) + m) / f.shape[-1])


def _d_margin(f: Any, t: Any, margin: Any, power: Any) -> Any:
    top = _largest(f)
    q = f - _entry(f, t) + margin
    u = q**power / q
    v = power / 2 * torch.where(power == 1, 1, 0)
    w = torch.where(q == 0, torch.where(_hit(f, t), 0, v), 0)
    p = torch.where(q > 0, torch.where(_hit(f, t), 0, u * power), w)
    return torch.where(torch.isnan(top), top, _total(p) / f.shape[-1])


def _d_power(f: Any, t: Any, margin: Any, power: Any) -> Any:
    top = _largest(f)
    q = f - _entry(f, t) + margin
    p = torch.clamp(q, min=0) ** power
    u = torch.log(q) * p
    w = torch.where(_hit(f, t), 0, torch.where(p == 0, 0, u))
    r = _total(torch.where(q > 0, w, 0)) / f.shape[-1]
    return torch.where(torch.isnan(top), top, r)


def _hessian_product(f: Any, t: Any, v: Any, margin: Any, power: Any) -> Any:
    top = _largest(f)
    u = _hit(f, t)
    q = f - _entry(f, t) + margin
    far = q > 0
    w = q**power / q
    p = w / q * power
    r = torch.where(u, 0, p * (1 - power))
    g = torch.where(u, _total(v * torch.where(far, r, 0)), 0)
    h = p * (power - 1)
    k = torch.where(u, 0, h)
    m = torch.where(far, k, 0)
    n = _entry(v, t) * _total(m)
    q2 = g + torch.where(u, n, 0) + v * m
    u2 = -h
    u3 = _entry(v, t) * torch.where(far, torch.where(u, 0, u2), 0)
    return torch.where(torch.isnan(top), top, (q2 + u3) / f.shape[-1])


def _value_and_grad(f: Any, t: Any, margin: Any, power: Any) -> Any:
    top = _largest(f)
    u = _hit(f, t)
    q = f - _entry(f, t) + margin
    w = _total(torch.where(u, 0, torch.clamp(q, min=0) ** power))
    far = q > 0
    p = q**power / q
    r = p * power
    near = q == 0
    g = power / 2 * torch.where(power == 1, 1, 0)
    h = torch.where(near, torch.where(u, 0, -g), 0)
    k = torch.where(far, torch.where(u, 0, -r), h)
    m = torch.where(near, torch.where(u, 0, g), 0)
    n = torch.where(far, torch.where(u, 0, r), m)
    value = torch.where(torch.isnan(top), top, w / f.shape[-1])
    slope = torch.where(torch.isnan(top), top, (torch.where(u, _total(k), 0) + n) / f.shape[-1])
    return value, slope


def _entry(value: Tensor, target: Tensor) -> Tensor:
    """The entry of the target's class."""
    return torch.gather(value, -1, target)


def _hit(like: Tensor, target: Tensor) -> Tensor:
    """Which entries are those of the target's class."""
    return torch.arange(like.shape[-1], device=like.device) == target


def _largest(value: Tensor) -> Tensor:
    """The largest entry."""
    return torch.amax(value, -1, keepdim=True)


def _total(value: Tensor) -> Tensor:
    """The sum over the classes."""
    return torch.sum(value, -1, keepdim=True)


class MultiMarginLoss(torch.nn.Module):
    """Multiclass hinge loss (Weston and Watkins), with the classes along dimension 1, or the only one.

    Args:
        weight: of each class; "mean" divides by the sum of the weights of the targets.
        ignore_index: targets of this number do not count.
        reduction: "mean" over what counts, "sum" or "none"; size_average and reduce as in torch.nn.
        margin: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        power: in [1, inf); a Parameter or a tensor is NaN where it is wrong.
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input (K) or (N, K, ...); target (), (N, ...) of numbers of classes;
        the output is a scalar, or has the shape of input without K.
    Examples:
        >>> input = torch.rand(3, 5, requires_grad=True)
        >>> MultiMarginLoss()(input, torch.tensor([0, 4, 2])).backward()
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        margin: Any = 1.0,
        power: Any = 1.0,
        validate: bool = False,
    ) -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = torch.nn._reduction.legacy_get_string(size_average, reduce)
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        for value, (name, rule, valid) in zip([margin, power], _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss` each time")
            _checked(torch.zeros(()), value, name, rule, valid)
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)
        self.validate = validate
        self.reduction = reduction
        self.weight: Tensor | None
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores or probabilities against their targets."""
        for value, rule in zip([self.margin, self.power], _RULES) if self.validate else ():
            if _checked(torch.zeros(()), value, *rule).isnan().any():
                raise ValueError(f"{rule[0]} must be {rule[1]}, got {value}")
        axis = 1 if input.ndim > 1 else 0
        kept = target != self.ignore_index
        named = torch.where(kept, target, 0)
        values = loss(input, named, margin=self.margin, power=self.power, axis=axis)
        values = values if self.weight is None else values * self.weight[named]
        values = torch.where(kept, values, 0.0)
        if self.reduction == "mean":
            share = kept if self.weight is None else kept * self.weight[named]
            return values.sum() / share.sum()
        return values if self.reduction == "none" else values.sum()

    def extra_repr(self) -> str:
        shown = ["margin", "power", "ignore_index", "reduction"]
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in shown)


_RULES: tuple[Any, ...] = (
    ("margin", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),
    ("power", "in [1, inf)", lambda p: (p >= 1) & (p < math.inf)),
)
_MANY = ("d_f", "hessian_product")


def _evaluate(name: str, axis: int, parameters: list[Any], first: Any, *others: Any) -> Tensor:
    """A formula of tensors of one dtype, with the classes along the last axis."""
    z = first if isinstance(first, Tensor) else torch.as_tensor(first)
    if z.is_complex():
        raise TypeError(f"f must be real, got dtype {z.dtype}")
    dtype = z.dtype if z.is_floating_point() else torch.get_default_dtype()
    rows = z.to(torch.promote_types(dtype, torch.float32)).movedim(axis, -1)
    arrays = [rows]
    for place, value in enumerate(others):
        value = torch.as_tensor(value, device=z.device)
        if place == 0 and not value.is_floating_point():
            if value.shape != rows.shape[:-1]:
                raise ValueError(f"t has the shape {tuple(value.shape)}, f {tuple(z.shape)}")
            value = value.long().unsqueeze(-1)
            arrays.append(value)
            continue
        if place == 0:
            raise ValueError(f"t must be integers, the number of a class, got {value.dtype}")
        if value.shape != z.shape:
            raise ValueError(f"an array has the shape {tuple(value.shape)}, f {tuple(z.shape)}")
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
        slope = _tied("d_f", values) if torch.is_grad_enabled() else slope
        slopes = [lambda: slope, *(lambda n=n: _slope(n, values) for n in _OTHERS)]
        found = zip(slopes, values, ctx.needs_input_grad)
        return tuple(_led_back(grad, s()).sum_to_size(v.shape) if n else None for s, v, n in found)


class _LossBothWays(_Loss):
    """With forward mode, which torch.compile does not trace."""

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> tuple[Tensor, None]:
        *values, _ = ctx.saved_tensors
        names = ["d_f", *_OTHERS]
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


_OTHERS: tuple[str, ...] = ("d_t", "d_margin", "d_power")


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
        if ctx.name != "d_f" or any(needs[1:]):
            raise NotImplementedError(f"this file has no derivative of {ctx.name} there")
        return None, _product(ctx.saved_tensors, grad), *[None] * (len(needs) - 1)


class _ClosedBothWays(_Closed):
    """With forward mode, which torch.compile does not trace."""

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: Tensor | None) -> Tensor:
        if ctx.name != "d_f" or any(d is not None for d in tangents[1:]):
            raise NotImplementedError(f"this file has no derivative of {ctx.name} there")
        return _product(ctx.saved_tensors, tangents[0])


def _product(values: Any, v: Any) -> Tensor:
    """The product of the Hessian with v."""
    arrays, rest = values[:2], values[2:]
    found = _tied("hessian_product", [*arrays, v.expand(values[0].shape), *rest])
    return found.expand(v.shape)


_FORMULAS: dict[str, Callable[..., Any]] = {
    "loss": _loss,
    "d_f": _d_f,
    "d_margin": _d_margin,
    "d_power": _d_power,
    "hessian_product": _hessian_product,
}
