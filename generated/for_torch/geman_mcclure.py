# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 6c6ca5571ad8) by: derive regenerate geman_mcclure --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Geman-McClure loss.

    loss = 2*s/(s + 4)
    s = x^2/scale^2

Domain: x real, scale > 0. Bounded by 2; the influence of an outlier falls as 1/x^3.
Source: Geman and McClure, Proc. ASA 1985; in this form Barron, arXiv:1701.03077, eq. 5.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["GemanMcclureLoss", "d2_scale", "d2_x", "d2_x_scale", "d_scale", "d_x", "loss"]
__all__ += ["value_and_grad", "weight"]
_RULES: Any = [("scale", "> 0 and finite", lambda p: (p > 0) & (p < math.inf))]
_FORMULAS: dict[str, Any] = {}


def _op(_formula: Any, _name: str = "") -> Any:
    # an operation: the formula of each element, in float32 at least; the dtype of x comes out
    def function(x: Tensor, scale: Any = 1.0) -> Tensor:
        return _evaluate(_formula, x, scale)

    function.__name__ = function.__qualname__ = _formula.__name__ = _name or _formula.__name__
    _FORMULAS[_formula.__name__] = _formula
    function.__doc__ = _formula.__doc__ or f"{_name}: d2_a_b is d^2 loss/d a d b, weight is d_x/x."
    return function


@_op
def loss(x: Tensor, scale: Tensor) -> Tensor:
    """Geman-McClure loss, elementwise."""
    y = x / scale
    return torch.where(abs(y) >= 2.0**60, 2, y / (y * y + 4) * y * 2)


@_op
def d_x(x: Tensor, scale: Tensor) -> Tensor:
    """The derivative in x, the influence."""
    y = x / scale
    s = y * y
    value = 16 / (s + 4) * y / scale / (s + 4)
    return torch.where(abs(y) >= 2.0**60, 16 / y / scale / y / y, value)


@_op
def d_scale(x: Tensor, scale: Tensor) -> Tensor:
    """The derivative in scale."""
    y = x / scale
    s = y * y
    value = -y / scale * (16 / (s * (s + 8) + 16) * y)
    return torch.where(abs(y) >= 2.0**30, -scale / x * (16 / x), value)


@_op
def d2_x(x: Tensor, scale: Tensor) -> Tensor:
    """The second derivative in x."""
    y = x / scale
    s = y * y
    q = 1 / (0.25 * y * y + 1)
    value = q / scale * ((q * 4 - 3) * q / scale)
    value = torch.where(abs(y) >= 2.0**60, -48 / x * scale / x * (scale / x / x), value)
    v = (64 - s * 48) / (s + 4) / scale / (s * (s + 8) + 16) / scale
    return torch.where(abs(y) < 2, v, value)


@_op
def d2_x_scale(x: Tensor, scale: Tensor) -> Tensor:
    """The mixed second derivative in x and scale."""
    y = x / scale
    s = y * y
    value = 1 / scale / (s + 4) * (32 / (s + 4) * (s - 4) * y / (s + 4) / scale)
    return torch.where(abs(y) >= 2.0**60, scale / x / x * (32 / x), value)


@_op
def d2_scale(x: Tensor, scale: Tensor) -> Tensor:
    """The second derivative in scale."""
    y = x / scale
    s = y * y
    value = 16 * y / (s + 4) / scale * ((12 - s) / (s + 4) * y / (s + 4) / scale)
    return torch.where(abs(y) >= 2.0**60, -16 / x / x, value)


@_op
def weight(x: Tensor, scale: Tensor) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    y = x / scale
    s = y * y
    value = 16 / (s + 4) / scale / (s + 4) / scale
    return torch.where(abs(y) >= 2.0**30, 16 / x * scale / x * (scale / x / x), value)


def value_and_grad(x: Tensor, scale: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, scale), d_x(x, scale)


class GemanMcclureLoss(torch.nn.Module):
    """Geman-McClure loss of input - target, as in torch.nn.

    Args:
        scale: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> GemanMcclureLoss()(torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)).backward()
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
    "loss": ("d_x", "d_scale"),
    "d_x": ("d2_x", "d2_x_scale"),
    "d_scale": ("d2_x_scale", "d2_scale"),
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
            found = _block(one - other, s, ctx, *map(float, parameters))
            if not all(map(math.isfinite, found)):  # out of the ordinary: by the functions
                values = one - other, *parameters
                torch.mul(d_x(*values), ctx.share, out=s)
                found = [f(*values).sum().item() for f in (loss, d_scale)]
            sums.append(found)
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


def _block(d: Tensor, s: Tensor, ctx: Any, scale: float) -> list[float]:
    """The sums of loss, d_scale; s becomes the share of d_x. d is used up."""
    if not torch.linalg.vector_norm(d).item() < scale * 2.0**30:
        return [math.nan]
    u = torch.mul(d, d)
    v = torch.add(u, scale * scale * 4)
    w = torch.div(d, v).mul_(d)
    found = [2 * w.sum().item(), 0.0]
    torch.reciprocal(v, out=w).mul_(d)
    torch.div(w, v, out=s)
    if ctx.needs_input_grad[3]:
        torch.add(u, scale * scale * 8, out=w)
        u.mul_(w).add_(scale * scale * scale * scale * 16).reciprocal_().mul_(d)
        d.mul_(u)
        found[1] = -(scale * 16 * d.sum().item())
    s.mul_(scale * scale * 16 * ctx.share)
    return found
