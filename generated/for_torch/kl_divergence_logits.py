# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of kl_divergence_logits (sha256 2ec529d5d941) by: derive regenerate
# kl_divergence_logits --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Kullback-Leibler divergence of two softmaxes.

    loss = sum((log(exp(a/T)/sum(exp(a/T))) - log(exp(b/T)/sum(exp(b/T))))*exp(a/T)/sum(exp(a/T)))
    sum and max run over k, the classes

Domain: b real over k, a real over k, T > 0. b: scores of the student, a: of the teacher, T: the
temperature of both.
loss(b + c) = loss(b): the entries of d_b sum to 0.
Source: Hinton, Vinyals and Dean, arXiv:1503.02531, without the factor T^2.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

__all__ = [
    "KlDivergenceLogitsLoss",
    "d_T",
    "d_a",
    "d_b",
    "hessian_product",
    "loss",
    "value_and_grad",
]


def loss(b: Any, a: Any, T: Any = 1.0, axis: int = -1) -> Tensor:
    """Kullback-Leibler divergence of two softmaxes, one number for each row of classes."""
    return _evaluate("loss", axis, [T], b, a)


def d_b(b: Any, a: Any, T: Any = 1.0, axis: int = -1) -> Tensor:
    """The gradient in b, one number a class."""
    return _evaluate("d_b", axis, [T], b, a)


def d_a(b: Any, a: Any, T: Any = 1.0, axis: int = -1) -> Tensor:
    """The derivative in a."""
    return _evaluate("d_a", axis, [T], b, a)


def d_T(b: Any, a: Any, T: Any = 1.0, axis: int = -1) -> Tensor:
    """The derivative in T."""
    return _evaluate("d_T", axis, [T], b, a)


def hessian_product(b: Any, a: Any, v: Any, T: Any = 1.0, axis: int = -1) -> Tensor:
    """The product of the Hessian in b with v."""
    return _evaluate("hessian_product", axis, [T], b, a, v)


def value_and_grad(b: Any, a: Any, T: Any = 1.0, axis: int = -1) -> tuple[Tensor, Tensor]:
    """(loss, d_b) in one pass."""
    given: Any = (b, a, T, axis)
    return loss(*given), d_b(*given)


def _loss(b: Any, a: Any, T: Any) -> Any:
    u = _over(b - _largest(b), T)
    e = torch.exp(u)
    rest = _rest(e)
    s = e / (1 + rest)
    w = _over(a - _largest(a), T)
    p = torch.exp(w)
    rest2 = _rest(p)
    q = p / (1 + rest2)
    r = torch.log1p(rest) - u
    g = torch.log1p(rest2) - w
    return _total(_chance_divergence(s, q, _apart(r, g, a / T - b / T, s)))


def _d_b(b: Any, a: Any, T: Any) -> Any:
    u = _over(b - _largest(b), T)
    e = torch.exp(u)
    rest = _rest(e)
    s = e / (1 + rest)
    w = _over(a - _largest(a), T)
    p = torch.exp(w)
    rest2 = _rest(p)
    q = p / (1 + rest2)
    r = torch.log1p(rest) - u
    g = torch.log1p(rest2) - w
    return _chance_gap(s, q, _apart(r, g, a / T - b / T, s)) / T


def _d_a(b: Any, a: Any, T: Any) -> Any:
    top = _largest(b)
    u = _over(a - _largest(a), T)
    e = torch.exp(u)
    rest = _rest(e)
    s = e / (1 + rest)
    w = _over(b - top, T)
    p = torch.exp(w)
    rest2 = _rest(p)
    q = torch.log1p(rest2) - w
    r = torch.log1p(rest) - u
    g = p / (1 + rest2)
    h = torch.where(s == 0, 0, _centred(_apart(q, r, a / T - b / T, g), s) / T * s)
    return torch.where(torch.isnan(top), top, h)


def _d_T(b: Any, a: Any, T: Any) -> Any:
    u = _over(b - _largest(b), T)
    e = torch.exp(u)
    rest = _rest(e)
    s = e / (1 + rest)
    w = _over(a - _largest(a), T)
    p = torch.exp(w)
    rest2 = _rest(p)
    q = p / (1 + rest2)
    r = torch.log1p(rest) - u
    g = torch.log1p(rest2) - w
    h = _apart(r, g, a / T - b / T, s)
    k = _chance_gap(s, q, h)
    m = torch.where(k == 0, 0, _beside(b, s) * k)
    n = _beside(a, q) * _centred(h, q) * q
    return -(_total(m) + _total(torch.where(q == 0, 0, n))) / T / T


def _hessian_product(b: Any, a: Any, v: Any, T: Any) -> Any:
    top = _largest(a)
    e = torch.exp(_over(b - _largest(b), T))
    s = e / (1 + _rest(e))
    return torch.where(torch.isnan(top), top, torch.where(s == 0, 0, _centred(v, s) / T * (s / T)))


def _value_and_grad(b: Any, a: Any, T: Any) -> Any:
    u = _over(b - _largest(b), T)
    e = torch.exp(u)
    rest = _rest(e)
    s = e / (1 + rest)
    w = _over(a - _largest(a), T)
    p = torch.exp(w)
    rest2 = _rest(p)
    q = p / (1 + rest2)
    r = torch.log1p(rest) - u
    g = torch.log1p(rest2) - w
    h = _apart(r, g, a / T - b / T, s)
    value = _total(_chance_divergence(s, q, h))
    return value, _chance_gap(s, q, h) / T


def _chance_divergence(p: Any, q: Any, w: Any) -> Any:
    """q log(q/p) - q + p for p = q exp(-w); p at q = 0."""
    return torch.where(q == 0, p, torch.where(abs(w) < 1, q * _expm1_minus(-w), q * w - q + p))


def _chance_gap(p: Any, q: Any, w: Any) -> Any:
    """p - q for p = q exp(-w)."""
    return torch.where(abs(w) < 1, q * torch.expm1(-w), p - q)


def _expm1_minus(z: Any) -> Any:
    """exp(z) - 1 - z, without cancellation at small z."""
    value = torch.expm1(z) - z
    value = torch.where(z == math.inf, math.inf, value)
    terms = (
        0.5, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 0.0001984126984126984, 2.48015873015873e-05,
        2.7557319223985893e-06, 2.755731922398589e-07, 2.505210838544172e-08, 2.08767569878681e-09,
        1.6059043836821613e-10, 1.1470745597729725e-11, 7.647163731819816e-13,
        4.779477332387385e-14, 2.8114572543455206e-15, 1.5619206968586225e-16,
    )  # fmt: skip
    return torch.where(abs(z) < 1, z * z * _horner(z, terms), value)


def _apart(n: Tensor, m: Tensor, difference: Tensor, weight: Tensor) -> Tensor:
    """n - m for surprises n = -log softmax(f) and m = -log softmax(g), difference = g - f, weight
    = softmax(f): where f and g are near, up to a shift, from the difference alone."""
    gaps = difference - torch.gather(difference, -1, torch.argmax(weight, -1, keepdim=True))
    mean = torch.sum(weight * torch.expm1(gaps), -1, keepdim=True)
    near = torch.amax(torch.abs(gaps), -1, keepdim=True) < 1
    return torch.where(near, gaps - torch.log1p(mean), n - m)


def _beside(value: Tensor, weight: Tensor) -> Tensor:
    """Entries less that where the weight is largest."""
    return value - torch.gather(value, -1, torch.argmax(weight, -1, keepdim=True))


def _centred(value: Tensor, weight: Tensor) -> Tensor:
    """Entries less their mean by weights that sum to 1: exactly 0 where they are equal."""
    gaps = value - torch.gather(value, -1, torch.argmax(weight, -1, keepdim=True))
    return gaps - torch.sum(torch.where(weight == 0, 0.0, weight * gaps), -1, keepdim=True)


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    return functools.reduce(lambda total, c: total * z + c, coefficients[::-1])


def _largest(value: Tensor) -> Tensor:
    """The largest entry."""
    return torch.amax(value, -1, keepdim=True)


def _over(value: Tensor, by: Tensor) -> Tensor:
    """value / by, where nothing else needs the value: in its own memory, and as it is by 1."""
    traced = torch.compiler.is_compiling() or is_in_torch_dispatch_mode()
    traced = traced or torch._C._are_functorch_transforms_active() or torch.is_grad_enabled()
    if by.ndim or traced or not value.is_cpu:
        return value / by
    return value if by == 1 else value.div_(by)


def _rest(value: Tensor) -> Tensor:
    """The sum of all entries but one of the largest, which are 1, as exp(0) is. (To look for one
    takes as long as all else together.)"""
    parts = torch.sum(torch.frac(value), -1, keepdim=True)
    ones = torch.round(torch.sum(value, -1, keepdim=True) - parts)
    return parts + (ones - 1)


def _total(value: Tensor) -> Tensor:
    """The sum over the classes."""
    return torch.sum(value, -1, keepdim=True)


class KlDivergenceLogitsLoss(torch.nn.Module):
    """Kullback-Leibler divergence of two softmaxes, with the classes along dimension 1, or the only one.

    Args:
        reduction: "mean" over what counts, "sum" or "none"; size_average and reduce as in torch.nn.
        T: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input (K) or (N, K, ...); target of the same;
        the output is a scalar, or has the shape of input without K.
    Examples:
        >>> input = torch.rand(3, 5, requires_grad=True)
        >>> KlDivergenceLogitsLoss()(input, torch.rand(3, 5)).backward()
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        T: Any = 1.0,
        validate: bool = False,
    ) -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = torch.nn._reduction.legacy_get_string(size_average, reduce)
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        for value, (name, rule, valid) in zip([T], _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss` each time")
            _checked(torch.zeros(()), value, name, rule, valid)
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)
        self.validate = validate
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores or probabilities against their targets."""
        for value, rule in zip([self.T], _RULES) if self.validate else ():
            if _checked(torch.zeros(()), value, *rule).isnan().any():
                raise ValueError(f"{rule[0]} must be {rule[1]}, got {value}")
        axis = 1 if input.ndim > 1 else 0
        values = loss(input, target, T=self.T, axis=axis)
        return values if self.reduction == "none" else getattr(values, self.reduction)()

    def extra_repr(self) -> str:
        shown = ["T", "reduction"]
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in shown)


_RULES: tuple[Any, ...] = (("T", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),)
_MANY = ("d_b", "d_a", "hessian_product")


def _evaluate(name: str, axis: int, parameters: list[Any], first: Any, *others: Any) -> Tensor:
    """A formula of tensors of one dtype, with the classes along the last axis."""
    z = first if isinstance(first, Tensor) else torch.as_tensor(first)
    if z.is_complex():
        raise TypeError(f"b must be real, got dtype {z.dtype}")
    dtype = z.dtype if z.is_floating_point() else torch.get_default_dtype()
    rows = z.to(torch.promote_types(dtype, torch.float32)).movedim(axis, -1)
    arrays = [rows]
    for value in others:
        value = torch.as_tensor(value, device=z.device)
        if value.shape != z.shape:
            raise ValueError(f"an array has the shape {tuple(value.shape)}, b {tuple(z.shape)}")
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
        slope = _tied("d_b", values) if torch.is_grad_enabled() else slope
        slopes = [lambda: slope, *(lambda n=n: _slope(n, values) for n in _OTHERS)]
        found = zip(slopes, values, ctx.needs_input_grad)
        return tuple(_led_back(grad, s()).sum_to_size(v.shape) if n else None for s, v, n in found)


class _LossBothWays(_Loss):
    """With forward mode, which torch.compile does not trace."""

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> tuple[Tensor, None]:
        *values, _ = ctx.saved_tensors
        names = ["d_b", *_OTHERS]
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


_OTHERS: tuple[str, ...] = ("d_a", "d_T")


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
        if ctx.name != "d_b" or any(needs[1:]):
            raise NotImplementedError(f"this file has no derivative of {ctx.name} there")
        return None, _product(ctx.saved_tensors, grad), *[None] * (len(needs) - 1)


class _ClosedBothWays(_Closed):
    """With forward mode, which torch.compile does not trace."""

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: Tensor | None) -> Tensor:
        if ctx.name != "d_b" or any(d is not None for d in tangents[1:]):
            raise NotImplementedError(f"this file has no derivative of {ctx.name} there")
        return _product(ctx.saved_tensors, tangents[0])


def _product(values: Any, v: Any) -> Tensor:
    """The product of the Hessian with v."""
    arrays, rest = values[:2], values[2:]
    found = _tied("hessian_product", [*arrays, v.expand(values[0].shape), *rest])
    return found.expand(v.shape)


_FORMULAS: dict[str, Callable[..., Any]] = {
    "loss": _loss,
    "d_b": _d_b,
    "d_a": _d_a,
    "d_T": _d_T,
    "hessian_product": _hessian_product,
}
