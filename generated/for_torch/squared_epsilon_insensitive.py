# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 65e84f036716) by: derive regenerate squared_epsilon_insensitive
# --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Squared epsilon-insensitive loss.

    loss = max(0, |x| - epsilon)^2

Domain: x real, epsilon > 0. 0 up to |x| = epsilon and the square of the distance beyond.
Source: Vapnik, The Nature of Statistical Learning Theory, 1995.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["SquaredEpsilonInsensitiveLoss", "d2_epsilon", "d2_x", "d2_x_epsilon", "d_epsilon"]
__all__ += ["d_x", "loss", "value_and_grad", "weight"]
_FORMULAS: dict[str, Any] = {}


def _elementwise(_formula: Any) -> Any:
    """The formula of tensors, float32 at least; the dtype of x comes out."""
    _FORMULAS[_formula.__name__] = _formula
    return functools.wraps(_formula)(lambda x, epsilon=0.1: _evaluate(_formula, x, epsilon))


@_elementwise
def loss(x: Tensor, epsilon: Any = 0.1) -> Tensor:
    """Squared epsilon-insensitive loss, elementwise."""
    u = torch.clamp(torch.abs(x) - epsilon, min=0)
    return u * u


@_elementwise
def d_x(x: Tensor, epsilon: Any = 0.1) -> Tensor:
    """The derivative in x, the influence."""
    return _sign(x) * torch.clamp(torch.abs(x) - epsilon, min=0) * 2


@_elementwise
def d_epsilon(x: Tensor, epsilon: Any = 0.1) -> Tensor:
    """The derivative in epsilon."""
    return -2 * torch.clamp(torch.abs(x) - epsilon, min=0)


@_elementwise
def d2_x(x: Tensor, epsilon: Any = 0.1) -> Tensor:
    """The second derivative in x."""
    return torch.where(torch.isnan(x), x, 2 * torch.where(torch.abs(x) <= epsilon, 0, 1))


@_elementwise
def d2_x_epsilon(x: Tensor, epsilon: Any = 0.1) -> Tensor:
    """The mixed second derivative in x and epsilon."""
    return 2 * torch.where(torch.abs(x) <= epsilon, 0, -_sign(x))


@_elementwise
def d2_epsilon(x: Tensor, epsilon: Any = 0.1) -> Tensor:
    """The second derivative in epsilon."""
    return torch.where(torch.isnan(x), x, 2 * torch.where(torch.abs(x) <= epsilon, 0, 1))


@_elementwise
def weight(x: Tensor, epsilon: Any = 0.1) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    size = torch.abs(x)
    value = torch.clamp(size - epsilon, min=0) / size * 2
    value = torch.where(x == 0, 0, value)
    return torch.where(size == math.inf, 2, value)


def value_and_grad(x: Tensor, epsilon: Any = 0.1) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, epsilon), d_x(x, epsilon)


def _sign(value: Any) -> Any:
    """The sign; NaN for NaN."""
    return torch.where(torch.isnan(value), value, torch.sign(value))


class SquaredEpsilonInsensitiveLoss(torch.nn.Module):
    """Squared epsilon-insensitive loss of input - target, as in torch.nn.

    Args:
        epsilon: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> input, target = torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)
        >>> SquaredEpsilonInsensitiveLoss()(input, target).backward()
    """

    def __init__(self, epsilon: Any = 0.1, reduction: Any = "mean", *, validate: bool = False):
        super().__init__()
        if isinstance(epsilon, str):  # the order of torch.nn
            epsilon, reduction = 0.1 if reduction == "mean" else reduction, epsilon
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        for value, rule in zip((epsilon,), _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{rule[0]} is computed: give a Parameter, or call `loss`")
            _beside(torch.zeros(()), value, *rule)
            setattr(self, rule[0], torch.nn.Buffer(value) if type(value) is Tensor else value)
        self.reduction, self.validate = reduction, validate

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of input - target, each element times its weight."""
        parameters = [self.epsilon]
        for value, rule in zip(parameters, _RULES) if self.validate else ():
            if _beside(torch.zeros(()), value, *rule).isnan().any():
                raise ValueError(f"{rule[0]} must be {rule[1]}, got {value}")
        if weight is None and self.reduction != "none":
            total = _total(input, *parameters, target=target, mean=self.reduction == "mean")
            if total is not None:
                return total
        if input.shape != target.shape:
            warnings.warn(f"sizes are broadcast: {input.shape}, {target.shape}", stacklevel=4)
        dtype = torch.promote_types(input.dtype, target.dtype)
        wide = torch.promote_types(dtype, torch.float32 if dtype.is_floating_point else torch.int64)
        values = loss(input.to(wide) - target.to(wide), *parameters)
        values = values if weight is None else values * weight
        values = values if self.reduction == "none" else getattr(values, self.reduction)()
        cast = input.device.type != "meta" and torch.is_autocast_enabled(input.device.type)
        return values if cast or not dtype.is_floating_point else values.to(dtype)

    def extra_repr(self) -> str:
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("epsilon", "reduction"))


_RULES: tuple[Any, ...] = (("epsilon", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),)


def _evaluate(formula: Any, x: Any, *parameters: Any) -> Tensor:
    """The formula of tensors of one dtype and device."""
    x = x if isinstance(x, Tensor) else torch.as_tensor(x)
    if x.is_complex():
        raise TypeError(f"x must be real, got dtype {x.dtype}")
    dtype = x.dtype if x.is_floating_point() else torch.get_default_dtype()
    x = x.to(torch.promote_types(dtype, torch.float32)).contiguous()  # views round as it does
    values = [x, *(_beside(x, p, *rule) for p, rule in zip(parameters, _RULES))]
    wanted = torch.is_grad_enabled() and any(v.requires_grad for v in values)
    if not torch.compiler.is_compiling():
        result = _BothWays.apply(formula.__name__, *values)
    elif wanted and not torch._C._are_functorch_transforms_active():
        result = _Closed.apply(formula.__name__, *values)
    else:  # the compiler decides what to keep
        result = formula(*values)
    return result.to(dtype).broadcast_to(torch.broadcast_shapes(*(v.shape for v in values)))


def _beside(x: Tensor, value: Any, name: str, rule: str, valid: Any) -> Tensor:
    """A parameter beside x: a number is checked; a tensor is NaN where it is wrong (no waiting)."""
    if isinstance(value, Tensor):
        # a product, so that its slope is NaN too
        return (value * torch.where(valid(value), 1.0, math.nan)).to(x.dtype)
    if not isinstance(value, (float, int)) or not valid(value):
        raise ValueError(f"{name} must be {rule}, got {value!r}")
    least = torch.finfo(x.dtype).tiny
    if abs(value) < least and not valid(0.0):  # nor rounded to 0
        value = math.copysign(least, value)
    return torch.full((), value, dtype=x.dtype, device=x.device)


class _Closed(torch.autograd.Function):
    """A formula whose derivatives are functions of this file, by its name."""

    generate_vmap_rule = True

    @staticmethod
    def forward(name: str, *values: Tensor) -> Tensor:
        return _FORMULAS[name](*values)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        ctx.name, *values = inputs
        ctx.save_for_backward(*values)
        if not torch.compiler.is_compiling():
            ctx.save_for_forward(*values)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        values, once = ctx.saved_tensors, not torch.is_grad_enabled()
        found = zip(_slopes(ctx.name, values, once), values, ctx.needs_input_grad[1:])
        return None, *((grad * d()).sum_to_size(v.shape) if n else None for d, v, n in found)


class _BothWays(_Closed):
    """With forward mode, which torch.compile does not trace."""

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: Any) -> Any:
        with forward_ad._set_fwd_grad_enabled(True):  # of an outer forward mode
            values = [forward_ad.unpack_dual(v).primal for v in ctx.saved_tensors]
            found = zip(_slopes(ctx.name, values), tangents)
            return sum(d() * t for d, t in found if t is not None)


def _slopes(name: str, values: Any, once: bool = False) -> list[Any]:
    """Its derivatives there, to be called; without derivatives of their own where told so."""
    if name not in _SLOPES:
        raise NotImplementedError(f"this file has no derivative of {name}")
    known = _FORMULAS if once or torch.compiler.is_compiling() else globals()
    return [functools.partial(known[n], *values) for n in _SLOPES[name]]


_SLOPES = {
    "loss": ("d_x", "d_epsilon"),
    "d_x": ("d2_x", "d2_x_epsilon"),
    "d_epsilon": ("d2_x_epsilon", "d2_epsilon"),
}


def _total(x: Tensor, *parameters: Any, target: Tensor | None = None, mean: bool = True) -> Any:
    """The mean or the sum in one pass over the memory of the CPU; None for what does not lie there
    in one piece, is traced or in a transform, and for parameters far out."""
    if torch.compiler.is_compiling() or torch._C._len_torch_dispatch_stack():
        return None
    tensors = [v for v in (x, target, *parameters) if isinstance(v, Tensor)]
    target = x.new_zeros(()).expand(x.shape) if target is None else target
    plain = x.shape == target.shape and x.dtype == target.dtype in (torch.float32, torch.float64)
    plain = plain and not torch._C._are_functorch_transforms_active() and x.numel() > 0
    plain = plain and forward_ad._current_level < 0
    kinds = (Tensor, torch.nn.Parameter)
    plain = plain and all(type(t) in kinds and t.is_cpu and t.is_contiguous() for t in tensors)
    plain = plain and all(p.numel() == 1 for p in parameters if isinstance(p, Tensor))
    numbers = [p.item() if isinstance(p, Tensor) else p for p in parameters if plain]
    plain = plain and all(rule[2](p) and 1e-9 < abs(p) < 1e9 for p, rule in zip(numbers, _RULES))
    return _Total.apply(x, target, mean, *parameters) if plain else None


class _Total(torch.autograd.Function):
    """Block by block, in memory that stays in the cache; the slope is kept for backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, target: Tensor, mean: bool, *parameters: Any) -> Tensor:
        ctx.share, ctx.parameters = 1 / x.numel() if mean else 1.0, parameters
        slope, step, sums = torch.empty_like(x), torch.get_num_threads() << 16, []
        parts = [(x, target, slope)]
        if x.numel() > step:
            parts = list(zip(*(t.detach().view(-1).split(step) for t in parts[0])))
        (epsilon,) = map(float, parameters)
        for one, other, s in parts:
            d = one - other
            u = torch.abs(d).add_(-epsilon).clamp_(min=0)
            v = torch.mul(u, u)
            found = [v.sum().item(), 0.0]
            d.sign_()
            torch.mul(d, u, out=s)
            if ctx.needs_input_grad[3]:
                found[1] = -2 * u.sum().item()
            s.mul_(2 * ctx.share)
            if math.isnan(found[0]):  # which no sign or choice of slopes may hide
                s.masked_fill_(torch.isnan(one - other), math.nan)
                found = [math.nan for _ in found]
            sums.append(found)
        value, *ctx.sums = (math.fsum(v) * ctx.share for v in zip(*sums))
        ctx.save_for_backward(x, target, slope)
        return x.new_full((), value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        (x, target, slope), sums, needs = ctx.saved_tensors, ctx.sums, ctx.needs_input_grad
        if torch.is_grad_enabled():  # double backward: elementwise
            values = x - target, *ctx.parameters
            slope, *sums = (ctx.share * f(*values) for f in (d_x, d_epsilon))
        slope = slope if not torch.is_grad_enabled() and grad.item() == 1 else slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by
