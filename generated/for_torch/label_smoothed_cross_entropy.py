# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of label_smoothed_cross_entropy (sha256 7c6549ebd59e) by: derive regenerate
# label_smoothed_cross_entropy --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Label-smoothed cross-entropy.

    loss = log(sum(exp(z))) - eps*sum(z)/sum(1) - (1 - eps)*z[t]
    sum and max run over k, the classes

Domain: z real over k, t one of the classes k, eps in [0, 1].
loss(z + c) = loss(z): the entries of d_z sum to 0.
t may give each class a probability instead: the loss is the mean over classes drawn from them.
Probabilities are taken as they are, whatever they sum to; 0 log 0 = 0.
Source: Szegedy et al., CVPR 2016, section 7; eps over all classes, the target's too.
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
    "LabelSmoothedCrossEntropyLoss",
    "d_eps",
    "d_t",
    "d_z",
    "hessian_product",
    "loss",
    "value_and_grad",
]


def loss(z: Any, t: Any, eps: Any = 0.1, axis: int = -1) -> Tensor:
    """Label-smoothed cross-entropy, one number for each row of classes."""
    return _evaluate("loss", axis, [eps], z, t)


def d_z(z: Any, t: Any, eps: Any = 0.1, axis: int = -1) -> Tensor:
    """The gradient in z, one number a class."""
    return _evaluate("d_z", axis, [eps], z, t)


def d_eps(z: Any, t: Any, eps: Any = 0.1, axis: int = -1) -> Tensor:
    """The derivative in eps."""
    return _evaluate("d_eps", axis, [eps], z, t)


def hessian_product(z: Any, t: Any, v: Any, eps: Any = 0.1, axis: int = -1) -> Tensor:
    """The product of the Hessian in z with v."""
    return _evaluate("hessian_product", axis, [eps], z, t, v)


def d_t(z: Any, t: Any, eps: Any = 0.1, axis: int = -1) -> Tensor:
    """The derivative in t."""
    return _evaluate("d_t", axis, [eps], z, t)


def value_and_grad(z: Any, t: Any, eps: Any = 0.1, axis: int = -1) -> tuple[Tensor, Tensor]:
    """(loss, d_z) in one pass."""
    given: Any = (z, t, eps, axis)
    return loss(*given), d_z(*given)


def _loss(z: Any, t: Any, eps: Any) -> Any:
    if t.is_floating_point():
        gaps = z - _largest(z)
        q = torch.log1p(_rest(torch.exp(gaps))) - gaps
        u = _total(torch.where(t == 0, 0, t * q))
        w = u + _total(t) / z.shape[-1] * _total(q) * eps
        return w - u * eps
    gaps = z - _largest(z)
    L = torch.log1p(_rest(torch.exp(gaps)))
    n = L - _entry(gaps, t)
    q = L - gaps
    return n * (1 - eps) + _total(q) / z.shape[-1] * eps


def _d_z(z: Any, t: Any, eps: Any) -> Any:
    if t.is_floating_point():
        gaps = z - _largest(z)
        e = torch.exp(gaps)
        rest = _rest(e)
        s = e / (1 + rest)
        q = torch.log1p(rest) - gaps
        u = (s * _others(t) + t * torch.expm1(-q)) * (1 - eps)
        w = gaps - torch.log1p(_total(torch.expm1(gaps)) / z.shape[-1])
        return u + _total(t) * (torch.expm1(w) / z.shape[-1]) * eps
    gaps = z - _largest(z)
    q = gaps - torch.log1p(_total(torch.expm1(gaps)) / z.shape[-1])
    e = torch.exp(gaps)
    rest = _rest(e)
    s = e / (1 + rest)
    n = torch.log1p(rest) - _entry(gaps, t)
    return torch.expm1(q) / z.shape[-1] * eps + _put_into(s, t, torch.expm1(-n)) * (1 - eps)


def _d_eps(z: Any, t: Any, eps: Any) -> Any:
    if t.is_floating_point():
        top = _largest(z)
        level = _level(z)
        q = _total(torch.where(t == 0, 0, t * level)) - _total(t) / z.shape[-1] * _total(level)
        return torch.where(torch.isnan(top), top, q)
    return -_total(z - _entry(z, t)) / z.shape[-1]


def _hessian_product(z: Any, t: Any, v: Any, eps: Any) -> Any:
    if t.is_floating_point():
        top = _largest(t)
        e = torch.exp(z - _largest(z))
        s = e / (1 + _rest(e))
        value = _centred(v, s) * _total(t) * s
        value = torch.where(s == 0, 0, value)
        return torch.where(torch.isnan(top), top, value)
    e = torch.exp(z - _largest(z))
    s = e / (1 + _rest(e))
    return torch.where(s == 0, 0, _centred(v, s) * s)


def _d_t(z: Any, t: Any, eps: Any) -> Any:
    if t.is_floating_point():
        top = _largest(t)
        gaps = z - _largest(z)
        q = torch.log1p(_rest(torch.exp(gaps))) - gaps
        return torch.where(torch.isnan(top), top, q + _total(q) / z.shape[-1] * eps - q * eps)
    raise ValueError("t names a class: there is no derivative in it")


def _value_and_grad(z: Any, t: Any, eps: Any) -> Any:
    if t.is_floating_point():
        gaps = z - _largest(z)
        e = torch.exp(gaps)
        rest = _rest(e)
        q = torch.log1p(rest) - gaps
        u = _total(torch.where(t == 0, 0, t * q))
        w = u + _total(t) / z.shape[-1] * _total(q) * eps
        s = e / (1 + rest)
        p = (s * _others(t) + t * torch.expm1(-q)) * (1 - eps)
        r = gaps - torch.log1p(_total(torch.expm1(gaps)) / z.shape[-1])
        slope = p + _total(t) * (torch.expm1(r) / z.shape[-1]) * eps
        return w - u * eps, slope
    gaps = z - _largest(z)
    e = torch.exp(gaps)
    rest = _rest(e)
    L = torch.log1p(rest)
    n = L - _entry(gaps, t)
    q = L - gaps
    u = gaps - torch.log1p(_total(torch.expm1(gaps)) / z.shape[-1])
    s = e / (1 + rest)
    value = n * (1 - eps) + _total(q) / z.shape[-1] * eps
    slope = torch.expm1(u) / z.shape[-1] * eps + _put_into(s, t, torch.expm1(-n)) * (1 - eps)
    return value, slope


def _centred(value: Tensor, weight: Tensor) -> Tensor:
    """Entries less their mean by weights that sum to 1: exactly 0 where they are equal."""
    gaps = value - torch.gather(value, -1, torch.argmax(weight, -1, keepdim=True))
    return gaps - torch.sum(torch.where(weight == 0, 0.0, weight * gaps), -1, keepdim=True)


def _entry(value: Tensor, target: Tensor) -> Tensor:
    """The entry of the target's class."""
    return torch.gather(value, -1, target)


def _largest(value: Tensor) -> Tensor:
    """The largest entry."""
    return torch.amax(value, -1, keepdim=True)


def _level(value: Tensor) -> Tensor:
    """Entries less their mean, where that is finite: it is not beside a masked class."""
    gaps = value - torch.amax(value, -1, keepdim=True)
    mean = torch.mean(gaps, -1, keepdim=True)
    return gaps - torch.where(torch.isfinite(mean), mean, 0.0)


def _others(value: Tensor) -> Tensor:
    """For each entry the sum of all others; beside the largest it is added up, not subtracted."""
    top = torch.argmax(torch.abs(value), -1, keepdim=True)
    rest = torch.sum(torch.scatter(value, -1, top, 0.0), -1, keepdim=True)
    return torch.scatter(torch.gather(value, -1, top) + rest - value, -1, top, rest)


def _put_into(value: Tensor, target: Tensor, entry: Tensor) -> Tensor:
    """The array with the entry of the target's class replaced; nothing else needs it."""
    if torch._C._are_functorch_transforms_active():
        return torch.scatter(value, -1, target, entry)
    return value.scatter_(-1, target, entry)


def _rest(value: Tensor) -> Tensor:
    """The sum of all entries but one of the largest, which are 1, as exp(0) is. (To look for one
    takes as long as all else together.)"""
    parts = torch.sum(torch.frac(value), -1, keepdim=True)
    ones = torch.round(torch.sum(value, -1, keepdim=True) - parts)
    return parts + (ones - 1)


def _total(value: Tensor) -> Tensor:
    """The sum over the classes."""
    return torch.sum(value, -1, keepdim=True)


class LabelSmoothedCrossEntropyLoss(torch.nn.Module):
    """Label-smoothed cross-entropy, with the classes along dimension 1, or the only one.

    Args:
        weight: of each class; "mean" divides by the sum of the weights of the targets.
        ignore_index: targets of this number do not count.
        reduction: "mean" over what counts, "sum" or "none"; size_average and reduce as in torch.nn.
        label_smoothing: this share of the target is spread over all classes alike.
        eps: in [0, 1]; a Parameter or a tensor is NaN where it is wrong.
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input (K) or (N, K, ...); target (), (N, ...) of numbers of classes;
        the output is a scalar, or has the shape of input without K.
    Examples:
        >>> input = torch.rand(3, 5, requires_grad=True)
        >>> LabelSmoothedCrossEntropyLoss()(input, torch.tensor([0, 4, 2])).backward()
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
        *,
        eps: Any = 0.1,
        validate: bool = False,
    ) -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = torch.nn._reduction.legacy_get_string(size_average, reduce)
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing must be between 0 and 1, got {label_smoothing!r}")
        for value, (name, rule, valid) in zip([eps], _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss` each time")
            _checked(torch.zeros(()), value, name, rule, valid)
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)
        self.validate = validate
        self.reduction = reduction
        self.weight: Tensor | None
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores or probabilities against their targets."""
        for value, rule in zip([self.eps], _RULES) if self.validate else ():
            if _checked(torch.zeros(()), value, *rule).isnan().any():
                raise ValueError(f"{rule[0]} must be {rule[1]}, got {value}")
        axis = 1 if input.ndim > 1 else 0
        if target.is_floating_point():
            values = loss(input, self._mixed(target), eps=self.eps, axis=axis)
            return values if self.reduction == "none" else getattr(values, self.reduction)()
        kept = target != self.ignore_index
        named = torch.where(kept, target, 0)
        if self.label_smoothing:
            dtype = input.dtype if input.is_floating_point() else torch.get_default_dtype()
            chances = torch.zeros(input.shape, dtype=dtype, device=input.device)
            chances = self._mixed(torch.scatter(chances, axis, named.unsqueeze(axis), 1.0))
            values = loss(input, chances, eps=self.eps, axis=axis)
        else:
            values = loss(input, named, eps=self.eps, axis=axis)
            values = values if self.weight is None else values * self.weight[named]
        values = torch.where(kept, values, 0.0)
        if self.reduction == "mean":
            share = kept if self.weight is None else kept * self.weight[named]
            return values.sum() / share.sum()
        return values if self.reduction == "none" else values.sum()

    def _mixed(self, chances: Tensor) -> Tensor:
        """Probabilities, smoothed and weighted."""
        axis, eps = 1 if chances.ndim > 1 else 0, self.label_smoothing
        chances = chances * (1 - eps) + eps / chances.shape[axis] if eps else chances
        if self.weight is None:
            return chances
        return chances * self.weight.reshape(-1, *[1] * (chances.ndim - axis - 1))

    def extra_repr(self) -> str:
        shown = ["eps", "ignore_index", "reduction", "label_smoothing"]
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in shown)


_RULES: tuple[Any, ...] = (("eps", "in [0, 1]", lambda p: (p >= 0) & (p <= 1)),)
_MANY = ("d_z", "hessian_product", "d_t")


def _evaluate(name: str, axis: int, parameters: list[Any], first: Any, *others: Any) -> Tensor:
    """A formula of tensors of one dtype, with the classes along the last axis."""
    z = first if isinstance(first, Tensor) else torch.as_tensor(first)
    if z.is_complex():
        raise TypeError(f"z must be real, got dtype {z.dtype}")
    dtype = z.dtype if z.is_floating_point() else torch.get_default_dtype()
    rows = z.to(torch.promote_types(dtype, torch.float32)).movedim(axis, -1)
    arrays = [rows]
    for place, value in enumerate(others):
        value = torch.as_tensor(value, device=z.device)
        if place == 0 and not value.is_floating_point():
            if value.shape != rows.shape[:-1]:
                raise ValueError(f"t has the shape {tuple(value.shape)}, z {tuple(z.shape)}")
            value = value.long().unsqueeze(-1)
            arrays.append(value)
            continue
        if value.shape != z.shape:
            raise ValueError(f"an array has the shape {tuple(value.shape)}, z {tuple(z.shape)}")
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
        slope = _tied("d_z", values) if torch.is_grad_enabled() else slope
        slopes = [lambda: slope, *(lambda n=n: _slope(n, values) for n in _OTHERS)]
        found = zip(slopes, values, ctx.needs_input_grad)
        return tuple(_led_back(grad, s()).sum_to_size(v.shape) if n else None for s, v, n in found)


class _LossBothWays(_Loss):
    """With forward mode, which torch.compile does not trace."""

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> tuple[Tensor, None]:
        *values, _ = ctx.saved_tensors
        names = ["d_z", *_OTHERS]
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


_OTHERS: tuple[str, ...] = ("d_t", "d_eps")


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
        if ctx.name != "d_z" or any(needs[1:]):
            raise NotImplementedError(f"this file has no derivative of {ctx.name} there")
        return None, _product(ctx.saved_tensors, grad), *[None] * (len(needs) - 1)


class _ClosedBothWays(_Closed):
    """With forward mode, which torch.compile does not trace."""

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: Tensor | None) -> Tensor:
        if ctx.name != "d_z" or any(d is not None for d in tangents[1:]):
            raise NotImplementedError(f"this file has no derivative of {ctx.name} there")
        return _product(ctx.saved_tensors, tangents[0])


def _product(values: Any, v: Any) -> Tensor:
    """The product of the Hessian with v."""
    arrays, rest = values[:2], values[2:]
    found = _tied("hessian_product", [*arrays, v.expand(values[0].shape), *rest])
    return found.expand(v.shape)


_FORMULAS: dict[str, Callable[..., Any]] = {
    "loss": _loss,
    "d_z": _d_z,
    "d_eps": _d_eps,
    "hessian_product": _hessian_product,
    "d_t": _d_t,
}
