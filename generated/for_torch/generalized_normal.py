# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 1ff9a9fafc36) by: derive regenerate generalized_normal --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Generalized normal loss (Lp).

    loss = (|x|/scale)^beta

Domain: x real, beta > 0, scale > 0. Its density is Laplace's at beta = 1, the normal one at beta =
2.
Source: Subbotin, Mat. Sb. 31(2), 1923.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["GeneralizedNormalLoss", "d2_beta", "d2_beta_scale", "d2_scale", "d2_x", "d2_x_beta"]
__all__ += ["d2_x_scale", "d_beta", "d_scale", "d_x", "loss", "value_and_grad", "weight"]
_RULES: Any = [
    ("beta", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),
    ("scale", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),
]
_FORMULAS: dict[str, Any] = {}


def _op(_formula: Any, _name: str = "") -> Any:
    # an operation: the formula of each element, in float32 at least; the dtype of x comes out
    def function(x: Tensor, beta: Any = 1.5, scale: Any = 1.0) -> Tensor:
        return _evaluate(_formula, x, beta, scale)

    function.__name__ = function.__qualname__ = _formula.__name__ = _name or _formula.__name__
    _FORMULAS[_formula.__name__] = _formula
    function.__doc__ = _formula.__doc__ or f"{_name}: d2_a_b is d^2 loss/d a d b, weight is d_x/x."
    return function


@_op
def loss(x: Tensor, beta: Tensor, scale: Tensor) -> Tensor:
    """Generalized normal loss (Lp), elementwise."""
    return torch.where(torch.isnan(x), x, _ratio_power(abs(x), scale, beta))


@_op
def d_x(x: Tensor, beta: Tensor, scale: Tensor) -> Tensor:
    """The derivative in x, the influence."""
    size = abs(x)
    value = _times_ratio_power(beta, _sign(x), size, 1, size, scale, beta)
    value = torch.where(x == 0, 0, value)
    return torch.where(size == math.inf, _sign(x) * (size ** (beta - 1) / scale), value)


@_op
def d_beta(x: Tensor, beta: Tensor, scale: Tensor) -> Tensor:
    """The derivative in beta."""
    size = abs(x)
    value = _times_ratio_power(_ratio_log(size, scale), 1, 1, 1, size, scale, beta)
    return torch.where(x == 0, 0, value)


@_op
def d_scale(x: Tensor, beta: Tensor, scale: Tensor) -> Tensor:
    """The derivative in scale."""
    value = _times_ratio_power(-beta, 1, scale, 1, abs(x), scale, beta)
    return torch.where(torch.isnan(x), x, value)


@_op
def d2_x(x: Tensor, beta: Tensor, scale: Tensor) -> Tensor:
    """The second derivative in x."""
    size = abs(x)
    value = _times_ratio_power(beta, beta - 1, size, size, size, scale, beta)
    value = torch.where(
        x == 0,
        torch.where(
            beta - 2 == 0,
            2 / scale / scale,
            torch.where(beta - 1 == 0, 0, 0 ** (beta - 2) * (beta - 1)),
        ),
        value,
    )
    return torch.where(size == math.inf, 2 * size ** (beta - 2) / (scale * scale), value)


@_op
def d2_x_beta(x: Tensor, beta: Tensor, scale: Tensor) -> Tensor:
    """The mixed second derivative in x and beta."""
    size = abs(x)
    q = 1 + beta * _ratio_log(size, scale)
    value = _times_ratio_power(q, _sign(x), size, 1, size, scale, beta)
    value = torch.where(x == 0, 0, value)
    return torch.where(size == math.inf, _sign(x) * torch.where(beta - 1 < 0, 0, math.inf), value)


@_op
def d2_x_scale(x: Tensor, beta: Tensor, scale: Tensor) -> Tensor:
    """The mixed second derivative in x and scale."""
    size = abs(x)
    value = _times_ratio_power(beta * _sign(x), -beta, scale, size, size, scale, beta)
    return torch.where(size == math.inf, -_sign(x) * (size ** (beta - 1) / (scale * scale)), value)


@_op
def d2_beta(x: Tensor, beta: Tensor, scale: Tensor) -> Tensor:
    """The second derivative in beta."""
    size = abs(x)
    u = _ratio_log(size, scale)
    value = _times_ratio_power(u, u, 1, 1, size, scale, beta)
    return torch.where(x == 0, 0, value)


@_op
def d2_beta_scale(x: Tensor, beta: Tensor, scale: Tensor) -> Tensor:
    """The mixed second derivative in beta and scale."""
    size = abs(x)
    value = _times_ratio_power(-1 - beta * _ratio_log(size, scale), 1, scale, 1, size, scale, beta)
    return torch.where(x == 0, 0, value)


@_op
def d2_scale(x: Tensor, beta: Tensor, scale: Tensor) -> Tensor:
    """The second derivative in scale."""
    value = _times_ratio_power(beta, beta + 1, scale, scale, abs(x), scale, beta)
    return torch.where(torch.isnan(x), x, value)


@_op
def weight(x: Tensor, beta: Tensor, scale: Tensor) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    size = abs(x)
    value = _times_ratio_power(beta, 1, size, size, size, scale, beta)
    value = torch.where(
        x == 0, torch.where(beta - 2 == 0, 2 / scale / scale, 0 ** (beta - 2)), value
    )
    return torch.where(size == math.inf, 2 * size ** (beta - 2) / (scale * scale), value)


def value_and_grad(x: Tensor, beta: Any = 1.5, scale: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, beta, scale), d_x(x, beta, scale)


def _ratio_in_halves(f: Any, e: Any, c: Any, d: Any, t: Any, b: Any, q: Any) -> Any:
    """f e (t/b)^q/(root^2 c d): the power in halves, beside f/c and e/d (root = 1)."""
    half = _ratio_power(t, b, 0.5 * q)
    u = _least(t)
    extreme = (half < u) | (half == math.inf)
    quarter = _ratio_power(t, b, 0.25 * q)
    part = torch.where(extreme, quarter, half)
    lift = torch.where(abs(f) < u, 2.0**64, 1)
    above = f * lift * part
    first = f * lift / c * part
    again = torch.where(extreme, quarter, 1)
    w = above / c
    w = torch.where(
        ((abs(above) < u) | (abs(above) == math.inf)) & (abs(first) < math.inf), first, w
    )
    one = w * again
    above2 = e * part
    first2 = e / d * part
    p = above2 / d
    p = torch.where(
        ((abs(above2) < u) | (abs(above2) == math.inf)) & (abs(first2) < math.inf), first2, p
    )
    v = p * again
    return torch.where(part == 0, 0, torch.where(abs(one) > 1, one / lift * v, one * v / lift))


def _ratio_log(t: Any, b: Any) -> Any:
    """log(t/b), also where t/b leaves the range."""
    step = (t - b) / b
    ratio = t / b
    value = 2 * torch.log(torch.sqrt(t) / torch.sqrt(b))
    value = torch.where((ratio > _least(t)) & (ratio < math.inf), torch.log(ratio), value)
    return torch.where(abs(step) < 0.5, torch.log1p(step), value)


def _ratio_power(t: Any, b: Any, q: Any) -> Any:
    """(t/b)^q, also where t/b leaves the range; by its logarithm for t near b and large q."""
    step = (t - b) / b
    ratio = t / b
    value = (torch.sqrt(t) / torch.sqrt(b)) ** (2 * q)
    value = torch.where((ratio > _least(t)) & (ratio < math.inf), ratio**q, value)
    return torch.where(abs(step) < 0.5, torch.exp(q * torch.log1p(step)), value)


def _times_ratio_power(f: Any, e: Any, c: Any, d: Any, t: Any, b: Any, q: Any) -> Any:
    """f e (t/b)^q/(root^2 c d); in halves where the power alone may leave the range (root = 1)."""
    power = _ratio_power(t, b, q)
    above = f * power
    part = above / c
    more = part * e
    value = more / d
    u = torch.clamp(torch.clamp(torch.clamp(power, max=abs(above)), max=abs(part)), max=abs(more))
    v = torch.clamp(torch.clamp(torch.clamp(power, min=abs(above)), min=abs(part)), min=abs(more))
    return torch.where(
        (u < _least(t)) | ((power == math.inf) | (v == math.inf)),
        _ratio_in_halves(f, e, c, d, t, b, q),
        value,
    )


def _least(value: Any) -> float:
    """The smallest normal number of a dtype over its unit of 1: above it a product has room."""
    form = torch.finfo(value.dtype)
    return form.tiny / form.eps


def _sign(value: Any) -> Any:
    """The sign; NaN for NaN."""
    return torch.where(torch.isnan(value), value, torch.sign(value))


class GeneralizedNormalLoss(torch.nn.Module):
    """Generalized normal loss (Lp) of input - target, as in torch.nn.

    Args:
        beta: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        scale: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> GeneralizedNormalLoss()(torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)).backward()
    """

    def __init__(
        self, beta: Any = 1.5, scale: Any = 1.0, reduction: str = "mean", *, validate: bool = False
    ):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction, self.validate = reduction, validate
        loss(torch.zeros((), device="cpu"), beta, scale)  # checks the numbers
        for value, (name, *_) in zip([beta, scale], _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss`")
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        parameters = [self.beta, self.scale]
        for p, (name, rule, valid) in zip(parameters, _RULES):
            if self.validate and not torch.as_tensor(valid(p)).all():
                raise ValueError(f"{name} must be {rule}, got {p}")
        if weight is None and self.reduction != "none" and _is_plain(input, target, *parameters):
            return _Total.apply(input, target, self.reduction == "mean", *parameters)
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
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("beta", "scale", "reduction"))


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
    wanted = torch.is_grad_enabled() and any(v.requires_grad for v in values)
    if not torch.compiler.is_compiling():
        result = _BothWays.apply(formula.__name__, *values)
    elif torch._C._are_functorch_transforms_active() or (wanted and torch.compiler.is_exporting()):
        result = _expanded(formula.__name__, *values)
    else:
        result = _Closed.apply(formula.__name__, *values) if wanted else formula(*values)
    return result.to(dtype).broadcast_to(torch.broadcast_shapes(*(v.shape for v in values)))


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


def _by(name: str, at: Any) -> list[Tensor]:
    """Its derivatives, as far as this file has them."""
    found = _slopes(name, at) if name in _SLOPES else []
    return [torch.nan_to_num(d(), nan=math.nan) for d in found]


def _expanded(name: str, *values: Tensor) -> Tensor:
    """Its expansion at the values themselves, for transforms that are compiled: autodiff would be
    spoiled by branches not taken. Right up to the derivatives of this file, infinite beyond."""
    at = [v.detach() for v in values]
    steps = [torch.where(torch.isinf(a), 0, v - a) for v, a in zip(values, at)]
    total = _FORMULAS[name](*at)
    for n, one, d in zip(_SLOPES.get(name, ()), steps, _by(name, at)):
        total = total + one * d
        for other, d2 in zip(steps, _by(n, at)):
            total = total + one * other * d2 / 2
    order = 0.5 + (name in _SLOPES) + (name == "loss")
    return total + sum(step**order for step in steps)


def _slopes(name: str, values: Any, once: bool = False) -> list[Any]:
    """Its derivatives there, to be called; without derivatives of their own where told so."""
    if name not in _SLOPES:
        raise NotImplementedError(f"this file has no derivative of {name}")
    known = _FORMULAS if once or torch.compiler.is_compiling() else globals()
    return [functools.partial(known[n], *values) for n in _SLOPES[name]]


_SLOPES = {
    "loss": ("d_x", "d_beta", "d_scale"),
    "d_x": ("d2_x", "d2_x_beta", "d2_x_scale"),
    "d_beta": ("d2_x_beta", "d2_beta", "d2_beta_scale"),
    "d_scale": ("d2_x_scale", "d2_beta_scale", "d2_scale"),
}


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
    def forward(ctx: Any, x: Tensor, target: Tensor, mean: bool, *parameters: Any) -> Tensor:
        ctx.share, ctx.parameters = 1 / x.numel() if mean else 1.0, parameters
        slope, size, sums = torch.empty_like(x), torch.get_num_threads() << 16, []
        split = (t.detach().view(-1).split(size) for t in (x, target, slope))
        for one, other, s in zip(*split) if x.numel() > size else [(x, target, slope)]:
            values = one - other, *parameters
            torch.mul(d_x(*values), ctx.share, out=s)
            found = [f(*values).sum().item() for f in (loss, d_beta, d_scale)]
            sums.append(found)
        value, *ctx.sums = (math.fsum(v) * ctx.share for v in zip(*sums))
        ctx.save_for_backward(x, target, slope)
        return x.new_full((), value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        (x, target, slope), sums, needs = ctx.saved_tensors, ctx.sums, ctx.needs_input_grad
        if torch.is_grad_enabled():  # double backward: elementwise
            slope, *sums = (
                ctx.share * f(x - target, *ctx.parameters) for f in (d_x, d_beta, d_scale)
            )
        slope = slope if not torch.is_grad_enabled() and grad.item() == 1 else slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by
