# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 2ca3dc1e7324) by: derive regenerate generalized_charbonnier --target
# torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Generalized Charbonnier penalty.

    loss = (eps^2 + x^2)^a

Domain: x real, eps > 0, a in (0, 1]. Convex for a >= 1/2 only; eps^(2 a), not 0, at x = 0.
Source: Sun, Roth and Black, IJCV 106(2), 2014.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["GeneralizedCharbonnierLoss", "d2_a", "d2_eps", "d2_eps_a", "d2_x", "d2_x_a"]
__all__ += ["d2_x_eps", "d_a", "d_eps", "d_x", "loss", "value_and_grad", "weight"]
_RULES: Any = [
    ("eps", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),
    ("a", "in (0, 1]", lambda p: (p > 0) & (p <= 1)),
]
_FORMULAS: dict[str, Any] = {}


def _op(_formula: Any, _name: str = "") -> Any:
    # an operation: the formula of each element, in float32 at least; the dtype of x comes out
    def function(x: Tensor, eps: Any = 0.001, a: Any = 0.45) -> Tensor:
        return _evaluate(_formula, x, eps, a)

    function.__name__ = function.__qualname__ = _formula.__name__ = _name or _formula.__name__
    _FORMULAS[_formula.__name__] = _formula
    function.__doc__ = _formula.__doc__ or f"{_name}: d2_a_b is d^2 loss/d a d b, weight is d_x/x."
    return function


@_op
def loss(x: Tensor, eps: Tensor, a: Tensor) -> Tensor:
    """Generalized Charbonnier penalty, elementwise."""
    return torch.where(torch.isnan(x), x, _hypot(x, eps) ** (2 * a))


@_op
def d_x(x: Tensor, eps: Tensor, a: Tensor) -> Tensor:
    """The derivative in x, the influence."""
    size = abs(x)
    h = _hypot(x, eps)
    value = _times_ratio_power(x, 2 * a, h, h, h, 2 * a, 1)
    return torch.where(size == math.inf, _sign(x) * size ** (2 * a - 1), value)


@_op
def d_eps(x: Tensor, eps: Tensor, a: Tensor) -> Tensor:
    """The derivative in eps."""
    size = abs(x)
    h = _hypot(x, eps)
    value = _times_ratio_power(a, 2 * eps, h, h, h, 2 * a, 1)
    return torch.where(size == math.inf, size ** (2 * a - 2) * (2 * eps), value)


@_op
def d_a(x: Tensor, eps: Tensor, a: Tensor) -> Tensor:
    """The derivative in a."""
    return _times_ratio_power(_hypot_log(x, eps), 1, 1, 1, _hypot(x, eps), 2 * a, 1)


@_op
def d2_x(x: Tensor, eps: Tensor, a: Tensor) -> Tensor:
    """The second derivative in x."""
    size = abs(x)
    h = _hypot(x, eps)
    value = _times_ratio_power(a, 2 * _hypot_mean(x, eps, 1, 2 * a - 1), h, h, h, 2 * a, 1)
    return torch.where(size == math.inf, 2 * size ** (2 * a - 2), value)


@_op
def d2_x_eps(x: Tensor, eps: Tensor, a: Tensor) -> Tensor:
    """The mixed second derivative in x and eps."""
    h = _hypot(x, eps)
    value = _times_ratio_power(x, a * eps * (a - 1) * 4, h, h, h, 2 * a, h)
    value = torch.where(x == 0, 0, value)
    return torch.where(abs(x) == math.inf, 0, value)


@_op
def d2_x_a(x: Tensor, eps: Tensor, a: Tensor) -> Tensor:
    """The mixed second derivative in x and a."""
    h = _hypot(x, eps)
    value = _times_ratio_power(x, 2 + a * _hypot_log(x, eps) * 2, h, h, h, 2 * a, 1)
    return torch.where(
        abs(x) == math.inf, _sign(x) * torch.where(2 * a - 1 < 0, 0, math.inf), value
    )


@_op
def d2_eps(x: Tensor, eps: Tensor, a: Tensor) -> Tensor:
    """The second derivative in eps."""
    size = abs(x)
    h = _hypot(x, eps)
    value = _times_ratio_power(a, 2 * _hypot_mean(x, eps, 2 * a - 1, 1), h, h, h, 2 * a, 1)
    return torch.where(size == math.inf, 2 * size ** (2 * a - 2), value)


@_op
def d2_eps_a(x: Tensor, eps: Tensor, a: Tensor) -> Tensor:
    """The mixed second derivative in eps and a."""
    h = _hypot(x, eps)
    value = _times_ratio_power(eps, 2 + a * _hypot_log(x, eps) * 2, h, h, h, 2 * a, 1)
    return torch.where(abs(x) == math.inf, torch.where(2 * a - 2 < 0, 0, math.inf), value)


@_op
def d2_a(x: Tensor, eps: Tensor, a: Tensor) -> Tensor:
    """The second derivative in a."""
    u = _hypot_log(x, eps)
    return _times_ratio_power(u, u, 1, 1, _hypot(x, eps), 2 * a, 1)


@_op
def weight(x: Tensor, eps: Tensor, a: Tensor) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    size = abs(x)
    h = _hypot(x, eps)
    value = _times_ratio_power(2 * a, 1, h, h, h, 2 * a, 1)
    return torch.where(size == math.inf, 2 * size ** (2 * a - 2), value)


def value_and_grad(x: Tensor, eps: Any = 0.001, a: Any = 0.45) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, eps, a), d_x(x, eps, a)


def _hypot(t: Any, b: Any) -> Any:
    """sqrt(t^2 + b^2) for b > 0, also where the squares leave the range."""
    large = torch.clamp(abs(t), min=b)
    small = torch.clamp(abs(t), max=b)
    part = small / large
    return large + small * (part / (1 + torch.sqrt(1 + part * part)))


def _hypot_log(t: Any, b: Any) -> Any:
    """log(t^2 + b^2) for b > 0, also beside 1 and where the squares leave the range."""
    large = torch.clamp(abs(t), min=b)
    small = torch.clamp(abs(t), max=b)
    total = large * large + small * small
    q = _product_error(large, large) + _product_error(small, small)
    value = torch.log(total) + (q + (small * small - (total - large * large))) / total
    return torch.where(
        (total < _least(t)) | (total == math.inf), 2 * torch.log(_hypot(t, b)), value
    )


def _hypot_mean(t: Any, b: Any, c: Any, d: Any) -> Any:
    """(c b^2 + d t^2)/(t^2 + b^2) for b > 0, also where the squares leave the range."""
    size = abs(t)
    part = torch.clamp(size, max=b) / torch.clamp(size, min=b)
    square = part * part
    return torch.where(size < b, c + d * square, d + c * square) / (1 + square)


def _ratio_in_halves(f: Any, e: Any, c: Any, d: Any, t: Any, q: Any, root: Any) -> Any:
    """f e (t/b)^q/(root^2 c d): the power in halves, beside f/c and e/d (b = 1)."""
    half = _ratio_power(t, 0.5 * q)
    u = _least(t)
    extreme = (half < u) | (half == math.inf)
    quarter = _ratio_power(t, 0.25 * q)
    part = torch.where(extreme, quarter, half)
    lift = torch.where(abs(f) < u, 2.0**64, 1)
    above = f * lift * part
    first = f * lift / c * part
    again = torch.where(extreme, quarter, 1)
    w = above / c
    w = torch.where(
        ((abs(above) < u) | (abs(above) == math.inf)) & (abs(first) < math.inf), first, w
    )
    one = w / root * again
    above2 = e * part
    first2 = e / d * part
    p = above2 / d
    p = torch.where(
        ((abs(above2) < u) | (abs(above2) == math.inf)) & (abs(first2) < math.inf), first2, p
    )
    v = p / root * again
    return torch.where(part == 0, 0, torch.where(abs(one) > 1, one / lift * v, one * v / lift))


def _ratio_power(t: Any, q: Any) -> Any:
    """(t/b)^q, also where t/b leaves the range; by its logarithm for t near b and large q (b = 1)."""
    step = t - 1
    value = torch.sqrt(t) ** (2 * q)
    value = torch.where((t > _least(t)) & (t < math.inf), t**q, value)
    return torch.where(abs(step) < 0.5, torch.exp(q * torch.log1p(step)), value)


def _times_ratio_power(f: Any, e: Any, c: Any, d: Any, t: Any, q: Any, root: Any) -> Any:
    """f e (t/b)^q/(root^2 c d); in halves where the power alone may leave the range (b = 1)."""
    power = _ratio_power(t, q)
    above = f * (power / root / root)
    part = above / c
    more = part * e
    value = more / d
    u = torch.clamp(torch.clamp(torch.clamp(power, max=abs(above)), max=abs(part)), max=abs(more))
    v = torch.clamp(torch.clamp(torch.clamp(power, min=abs(above)), min=abs(part)), min=abs(more))
    return torch.where(
        (u < _least(t)) | ((power == math.inf) | (v == math.inf)),
        _ratio_in_halves(f, e, c, d, t, q, root),
        value,
    )


def _least(value: Any) -> float:
    """The smallest normal number of a dtype over its unit of 1: above it a product has room."""
    form = torch.finfo(value.dtype)
    return form.tiny / form.eps


def _product_error(a: Any, b: Any) -> Any:
    """a*b - round(a*b), exactly (Dekker's splitting into halves of 26 or 12 bits)."""
    split = 4097.0 if a.dtype == torch.float32 else 134217729.0
    a_high, b_high = split * a - (split * a - a), split * b - (split * b - b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - a * b) + a_high * b_low + a_low * b_high) + a_low * b_low


def _sign(value: Any) -> Any:
    """The sign; NaN for NaN."""
    return torch.where(torch.isnan(value), value, torch.sign(value))


class GeneralizedCharbonnierLoss(torch.nn.Module):
    """Generalized Charbonnier penalty of input - target, as in torch.nn.

    Args:
        eps: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        a: in (0, 1]; a Parameter or a tensor is NaN where it is wrong.
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> GeneralizedCharbonnierLoss()(torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)).backward()
    """

    def __init__(
        self, eps: Any = 0.001, a: Any = 0.45, reduction: str = "mean", *, validate: bool = False
    ):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction, self.validate = reduction, validate
        loss(torch.zeros((), device="cpu"), eps, a)  # checks the numbers
        for value, (name, *_) in zip([eps, a], _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss`")
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        parameters = [self.eps, self.a]
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
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("eps", "a", "reduction"))


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
    "loss": ("d_x", "d_eps", "d_a"),
    "d_x": ("d2_x", "d2_x_eps", "d2_x_a"),
    "d_eps": ("d2_x_eps", "d2_eps", "d2_eps_a"),
    "d_a": ("d2_x_a", "d2_eps_a", "d2_a"),
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
                found = [f(*values).sum().item() for f in (loss, d_eps, d_a)]
            sums.append(found)
        value, *ctx.sums = (math.fsum(v) * ctx.share for v in zip(*sums))
        ctx.save_for_backward(x, target, slope)
        return x.new_full((), value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        (x, target, slope), sums, needs = ctx.saved_tensors, ctx.sums, ctx.needs_input_grad
        if torch.is_grad_enabled():  # double backward: elementwise
            slope, *sums = (ctx.share * f(x - target, *ctx.parameters) for f in (d_x, d_eps, d_a))
        slope = slope if not torch.is_grad_enabled() and grad.item() == 1 else slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by


def _block(d: Tensor, s: Tensor, ctx: Any, eps: float, a: float) -> list[float]:
    """The sums of loss, d_eps, d_a; s becomes the share of d_x. d is used up."""
    if not torch.linalg.vector_norm(d).item() < math.inf:
        return [math.nan]
    u = torch.mul(d, d).add_(eps * eps)
    v = torch.log(u)
    w = torch.empty_like(d)
    excess = _growth(v, a, w)
    found = [_whole(excess, d.numel()), 0.0, 0.0]
    torch.div(w, u, out=u)
    torch.mul(u, d, out=s)
    if ctx.needs_input_grad[3]:
        found[1] = a * eps * 2 * u.sum().item()
    if ctx.needs_input_grad[4]:
        w.mul_(v)
        found[2] = w.sum().item()
    s.mul_(a * 2 * ctx.share)
    return found


def _growth(u: Tensor, rate: float, out: Tensor) -> float:
    """The sum of exp(rate u) - 1; `out` becomes exp(rate u)."""
    excess = torch.mul(u, rate / math.log(2), out=out).exp2_().sum().item() - out.numel()
    if abs(excess) < out.numel() / 16:  # the 1 took the digits
        excess = torch.mul(u, rate, out=out).expm1_().sum().item()
        out.add_(1)
    return excess


def _whole(*terms: float) -> float:
    """The sum of the terms; NaN where they cancel so far that too few digits are left."""
    total = math.fsum(terms)
    return total if abs(total) > max(map(abs, terms)) / 64 else math.nan
