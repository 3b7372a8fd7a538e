# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 754036bcd3bb) by: derive regenerate dynamic_covariance_scaling
# --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Dynamic covariance scaling (DCS).

    loss = x^2/2 if x^2 <= phi, 2*phi*x^2/(phi + x^2) - phi/2 otherwise

Domain: x real, phi > 0. Quadratic up to x^2 = phi and bounded beyond, with a continuous slope.
Source: Agarwal et al., ICRA 2013.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["DynamicCovarianceScalingLoss", "d2_phi", "d2_x", "d2_x_phi", "d_phi", "d_x", "loss"]
__all__ += ["value_and_grad", "weight"]
_RULES: Any = [("phi", "> 0 and finite", lambda p: (p > 0) & (p < math.inf))]
_FORMULAS: dict[str, Any] = {}


def _op(_formula: Any, _name: str = "") -> Any:
    # an operation: the formula of each element, in float32 at least; the dtype of x comes out
    def function(x: Tensor, phi: Any = 1.0) -> Tensor:
        return _evaluate(_formula, x, phi)

    function.__name__ = function.__qualname__ = _formula.__name__ = _name or _formula.__name__
    _FORMULAS[_formula.__name__] = _formula
    function.__doc__ = _formula.__doc__ or f"{_name}: d2_a_b is d^2 loss/d a d b, weight is d_x/x."
    return function


@_op
def loss(x: Tensor, phi: Tensor) -> Tensor:
    """Dynamic covariance scaling (DCS), elementwise."""
    return torch.where(x * x <= phi, 0.5 * x * x, phi / 2 * _weighted(x, phi))


@_op
def d_x(x: Tensor, phi: Tensor) -> Tensor:
    """The derivative in x, the influence."""
    w = x / phi * x
    value = x / (w + 1) * (4 / (w + 1))
    value = torch.where(x * x <= phi, x, value)
    return torch.where(abs(x / torch.sqrt(phi)) >= 2.0**60, phi / x * (4 / x * phi / x), value)


@_op
def d_phi(x: Tensor, phi: Tensor) -> Tensor:
    """The derivative in phi."""
    y = x / torch.sqrt(phi)
    u = y * y
    value = 0.5 * ((u - 1) / (u + 1)) * ((u * 3 + 1) / (u + 1))
    value = torch.where(u <= 1, 0, value)
    return torch.where(abs(y) >= 2.0**60, 1.5, value)


@_op
def d2_x(x: Tensor, phi: Tensor) -> Tensor:
    """The second derivative in x."""
    y = x / torch.sqrt(phi)
    q = 1 / (y * y + 1)
    return torch.where(y * y <= 1, 1, q * 4 * (q * 4 - 3) * q)


@_op
def d2_x_phi(x: Tensor, phi: Tensor) -> Tensor:
    """The mixed second derivative in x and phi."""
    w = x / phi * x
    value = x / phi / (w + 1) * (x / phi) * (x / (w + 1)) * (8 / (w + 1))
    value = torch.where(x * x <= phi, 0, value)
    return torch.where(abs(x / torch.sqrt(phi)) >= 2.0**60, 8 / x * phi / x / x, value)


@_op
def d2_phi(x: Tensor, phi: Tensor) -> Tensor:
    """The second derivative in phi."""
    w = x / phi * x
    value = -4 / (w + 1) / phi * x * x / (w + 1) / phi * x * x / phi / (w + 1)
    value = torch.where(x * x <= phi, 0, value)
    return torch.where(abs(x / torch.sqrt(phi)) >= 2.0**60, -4 / x / x, value)


@_op
def weight(x: Tensor, phi: Tensor) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    w = x / phi * x
    return torch.where(x * x <= phi, 1, 4 / (w + 1) / (w + 1))


def value_and_grad(x: Tensor, phi: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, phi), d_x(x, phi)


def _weighted(y: Any, b: Any) -> Any:
    """f (c + d w)/(1 + w), w = y^2/b, also where w overflows (c = -1, d = 3, f = 1)."""
    v = y / b
    w = v * y
    return torch.where(w >= 2.0**80, 3 + -1 / y / v, (-1 + 3 * w) / (1 + w))


class DynamicCovarianceScalingLoss(torch.nn.Module):
    """Dynamic covariance scaling (DCS) of input - target, as in torch.nn.

    Args:
        phi: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> DynamicCovarianceScalingLoss()(torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)).backward()
    """

    def __init__(self, phi: Any = 1.0, reduction: Any = "mean", *, validate: bool = False):
        super().__init__()
        if isinstance(phi, str):  # the order of torch.nn
            phi, reduction = 1.0 if reduction == "mean" else reduction, phi
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction, self.validate = reduction, validate
        loss(torch.zeros((), device="cpu"), phi)  # checks the numbers
        if isinstance(phi, Tensor) and phi.grad_fn is not None:
            raise TypeError("phi is computed: give a Parameter, or call `loss`")
        self.phi = torch.nn.Buffer(phi) if type(phi) is Tensor else phi

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        if self.validate and not torch.as_tensor(_RULES[0][2](self.phi)).all():
            raise ValueError(f"phi must be > 0 and finite, got {self.phi}")
        if weight is None and self.reduction != "none" and _is_plain(input, target, self.phi):
            return _Total.apply(input, target, self.reduction == "mean", self.phi)
        if input.shape != target.shape:
            warnings.warn(f"sizes are broadcast: {input.shape}, {target.shape}", stacklevel=4)
        dtype = torch.promote_types(input.dtype, target.dtype)
        wide = torch.promote_types(dtype, torch.float32 if dtype.is_floating_point else torch.int64)
        values = loss(input.to(wide) - target.to(wide), self.phi)
        values = values if weight is None else values * weight
        values = values if self.reduction == "none" else getattr(values, self.reduction)()
        cast = input.device.type != "meta" and torch.is_autocast_enabled(input.device.type)
        return values if cast or not dtype.is_floating_point else values.to(dtype)

    def extra_repr(self) -> str:
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("phi", "reduction"))


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
    "loss": ("d_x", "d_phi"),
    "d_x": ("d2_x", "d2_x_phi"),
    "d_phi": ("d2_x_phi", "d2_phi"),
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
            found = [f(*values).sum().item() for f in (loss, d_phi)]
            sums.append(found)
        value, *ctx.sums = (math.fsum(v) * ctx.share for v in zip(*sums))
        ctx.save_for_backward(x, target, slope)
        return x.new_full((), value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        (x, target, slope), sums, needs = ctx.saved_tensors, ctx.sums, ctx.needs_input_grad
        if torch.is_grad_enabled():  # double backward: elementwise
            slope, *sums = (ctx.share * f(x - target, *ctx.parameters) for f in (d_x, d_phi))
        slope = slope if not torch.is_grad_enabled() and grad.item() == 1 else slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by
