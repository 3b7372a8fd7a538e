# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of smooth_l1 (sha256 2d6c7b695413) by: derive regenerate smooth_l1 --target torch
"""Smooth L1 loss.

    loss = x^2/(2*beta) if beta >= |x|, -beta/2 + |x| otherwise

Domain: x real, beta > 0. Quadratic up to |x| = beta and of slope 1 beyond; Huber's loss over beta.
Source: Girshick, Fast R-CNN, ICCV 2015, arXiv:1504.08083, eq. 3 (there beta = 1).
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.forward_ad import _set_fwd_grad_enabled, unpack_dual

__all__ = [
    "SmoothL1Loss",
    "d2_beta",
    "d2_x",
    "d2_x_beta",
    "d_beta",
    "d_x",
    "loss",
    "value_and_grad",
    "weight",
]


_FORMULAS: dict[str, Callable[..., Tensor]] = {}


def _elementwise(_formula: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The formula of tensors, float32 at least; the dtype of x comes out."""

    @functools.wraps(_formula)
    def evaluate(x: Any, beta: Any = 1.0) -> Tensor:
        return _evaluate(_formula, x, beta)

    _FORMULAS[_formula.__name__] = _formula
    return evaluate


@_elementwise
def loss(x: Any, beta: Any = 1.0) -> Tensor:
    """Smooth L1 loss, elementwise."""
    return torch.where(torch.abs(x) <= beta, x / beta * (0.5 * x), torch.abs(x) - beta / 2)


@_elementwise
def d_x(x: Any, beta: Any = 1.0) -> Tensor:
    """The derivative in x, the influence."""
    return torch.where(x != x, x, torch.where(torch.abs(x) <= beta, x / beta, torch.sign(x)))


@_elementwise
def d_beta(x: Any, beta: Any = 1.0) -> Tensor:
    """The derivative in beta."""
    return torch.where(
        x != x, x, torch.where(torch.abs(x) <= beta, -0.5 * (x / beta) * (x / beta), -0.5)
    )


@_elementwise
def d2_x(x: Any, beta: Any = 1.0) -> Tensor:
    """The second derivative in x."""
    return torch.where(x != x, x, torch.where(torch.abs(x) <= beta, 1 / beta, 0))


@_elementwise
def d2_x_beta(x: Any, beta: Any = 1.0) -> Tensor:
    """The mixed second derivative in x and beta."""
    return torch.where(x != x, x, torch.where(torch.abs(x) <= beta, -x / beta / beta, 0))


@_elementwise
def d2_beta(x: Any, beta: Any = 1.0) -> Tensor:
    """The second derivative in beta."""
    return torch.where(
        x != x, x, torch.where(torch.abs(x) <= beta, x / beta / beta * (x / beta), 0)
    )


@_elementwise
def weight(x: Any, beta: Any = 1.0) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    return torch.where(torch.abs(x) <= beta, 1 / beta, 1 / torch.abs(x))


def value_and_grad(x: Any, beta: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, beta), d_x(x, beta)


class SmoothL1Loss(torch.nn.Module):
    """Smooth L1 loss of input - target.

    Args:
        beta: > 0 and finite; a number (checked), a Parameter, or a tensor (NaN where wrong).
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> SmoothL1Loss()(torch.tensor([2.0]), torch.tensor([2.0])).item()
        0.0
    """

    def __init__(
        self, beta: Any = 1.0, reduction: Any = "mean", *, validate: bool = False
    ) -> None:
        super().__init__()
        if isinstance(beta, str):  # the order of torch.nn
            beta, reduction = 1.0 if isinstance(reduction, str) else reduction, beta
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction, self.validate = reduction, validate
        self.beta = _kept(beta, _RULES[0])

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of input - target, each element times its weight."""
        parameters = [self.beta]
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
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("beta", "reduction"))


_RULES: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("beta", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),
)


def _evaluate(formula: Callable[..., Tensor], x: Any, *parameters: Any) -> Tensor:
    """The formula of tensors of one dtype and device."""
    x = x if isinstance(x, Tensor) else torch.as_tensor(x)
    dtype = x.dtype if x.is_floating_point() else torch.get_default_dtype()
    if x.is_complex():
        raise TypeError(f"x must be real, got dtype {dtype}")
    x = x.to(torch.promote_types(dtype, torch.float32))
    values = [x, *(_beside(x, p, *rule) for p, rule in zip(parameters, _RULES))]
    result = _tied(formula.__name__, values)
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


def _tied(name: str, values: list[Tensor]) -> Tensor:
    """A formula and its derivatives; the compiler itself decides what to keep for them."""
    if not torch.compiler.is_compiling():
        return _ClosedBothWays.apply(name, *values)
    wanted = torch.is_grad_enabled() and any(v.requires_grad for v in values)
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
        found = ((grad * d(*values)).sum_to_size(v.shape) if n else None
                 for d, v, n in zip(slopes, values, needs))
        return None, *found


class _ClosedBothWays(_Closed):
    """With forward mode, which torch.compile does not trace."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _Closed.setup_context(ctx, inputs, output)
        ctx.save_for_forward(*inputs[1:])

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: Tensor | None) -> Tensor:
        with _set_fwd_grad_enabled(True):  # of an outer forward mode
            values = [unpack_dual(v).primal for v in ctx.saved_tensors]
            terms = zip(_slopes(ctx.name), tangents)
            moves = [globals()[n](*values) * t for n, t in terms if t is not None]
            return sum(moves[1:], moves[0])


def _slopes(name: str) -> tuple[str, ...]:
    if name not in _SLOPES:
        raise NotImplementedError(f"this file has no derivative of {name}")
    return _SLOPES[name]


_SLOPES = {
    "loss": ("d_x", "d_beta"),
    "d_x": ("d2_x", "d2_x_beta"),
    "d_beta": ("d2_x_beta", "d2_beta"),
}


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
        room = x.new_empty(4, min(size, step))
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
            slope, *sums = (ctx.share * f(x - target, *ctx.parameters) for f in (d_x, d_beta))
        slope = slope * grad if again or grad.item() != 1 else slope
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None
              for v, p, n in zip(sums, ctx.parameters, needs[3:]))
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by


def _block(
    d: Tensor, s: Tensor, spare: list[Tensor], ctx: Any, beta: float
) -> list[float]:
    """The sums of loss, d_beta over d, which is used up; s becomes the share of d_x."""
    u, v, w = spare
    torch.mul(d, d, out=u)
    torch.mul(u, 1 / beta / 2, out=v)
    torch.abs(d, out=w)
    c1 = w <= beta
    w.add_(-(beta / 2))
    torch.where(c1, v, w, out=v)
    sums = [v.sum().item(), 0.0]
    torch.mul(d, 1 / beta, out=w)
    d.sign_()
    torch.where(c1, w, d, out=s)
    if ctx.needs_input_grad[3]:
        u.mul_(-(1 / beta / beta / 2))
        torch.where(c1, u, d.new_full((), -0.5), out=u)
        sums[1] = u.sum().item()
    s.mul_(ctx.share)
    return sums
