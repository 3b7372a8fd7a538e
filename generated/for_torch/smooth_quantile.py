# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 44fe38b6267d) by: derive regenerate smooth_quantile --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Smooth quantile loss.

    loss = c*log(1 + exp(-x/c)) + x*(1 - tau)

Domain: x real, tau in (0, 1), c > 0. The quantile loss for c to 0: a target above the prediction
costs tau a unit, one below it 1 - tau.
Source: Zheng, Int. J. Mach. Learn. Cybern. 2, 2011, eq. 8.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["SmoothQuantileLoss", "d2_c", "d2_tau", "d2_tau_c", "d2_x", "d2_x_c", "d2_x_tau", "d_c"]
__all__ += ["d_tau", "d_x", "loss", "value_and_grad", "weight"]
_RULES: Any = [
    ("tau", "in (0, 1)", lambda p: (p > 0) & (p < 1)),
    ("c", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),
]
_FORMULAS: dict[str, Any] = {}


def _op(_formula: Any, _name: str = "") -> Any:
    # an operation: the formula of each element, in float32 at least; the dtype of x comes out
    def function(x: Tensor, tau: Any = 0.9, c: Any = 0.5) -> Tensor:
        return _evaluate(_formula, x, tau, c)

    function.__name__ = function.__qualname__ = _formula.__name__ = _name or _formula.__name__
    _FORMULAS[_formula.__name__] = _formula
    function.__doc__ = _formula.__doc__ or f"{_name}: d2_a_b is d^2 loss/d a d b, weight is d_x/x."
    return function


@_op
def loss(x: Tensor, tau: Tensor, c: Tensor) -> Tensor:
    """Smooth quantile loss, elementwise."""
    y = x / c
    return torch.where(y > 0, x * (1 - tau) + c * _softplus(-y), c * _softplus(y) - tau * x)


@_op
def d_x(x: Tensor, tau: Tensor, c: Tensor) -> Tensor:
    """The derivative in x, the influence."""
    y = x / c
    value = _sigmoid(y) - tau
    value = torch.where(y > 0, 1 - tau - _sigmoid(-y), value)
    return torch.where(abs(y) < 1, 0.5 - tau - 0.5 * torch.tanh(-0.5 * y), value)


d_tau = _op(lambda x, tau, c: -x, "d_tau")


@_op
def d_c(x: Tensor, tau: Tensor, c: Tensor) -> Tensor:
    """The derivative in c."""
    y = x / c
    value = _softplus(y) - y * _sigmoid(y)
    value = torch.where(y > 0, _softplus(-y) + y * _sigmoid(-y), value)
    return torch.where(abs(y) >= 2.0**27, 0, value)


@_op
def d2_x(x: Tensor, tau: Tensor, c: Tensor) -> Tensor:
    """The second derivative in x."""
    y = x / c
    value = _sigmoid(-y) / c * _sigmoid(y)
    u = _sigmoid(-y)
    return torch.where(
        (_sigmoid(y) < 2.0**-100) | (u < 2.0**-100),
        _root_sigmoid(-y) * _root_sigmoid(y) / c * _root_sigmoid(y) * _root_sigmoid(-y),
        value,
    )


d2_x_tau = _op(lambda x, tau, c: torch.where(torch.isnan(x), x, -1), "d2_x_tau")


@_op
def d2_x_c(x: Tensor, tau: Tensor, c: Tensor) -> Tensor:
    """The mixed second derivative in x and c."""
    y = x / c
    p = _root_sigmoid(-y) / c * _root_sigmoid(y)
    return torch.where(abs(y) == math.inf, 0, -p * x * p)


d2_tau = _op(lambda x, tau, c: torch.where(torch.isnan(x), x, 0), "d2_tau")
d2_tau_c = _op(lambda x, tau, c: torch.where(torch.isnan(x), x, 0), "d2_tau_c")


@_op
def d2_c(x: Tensor, tau: Tensor, c: Tensor) -> Tensor:
    """The second derivative in c."""
    y = x / c
    p = _root_sigmoid(-y) / c * x * _root_sigmoid(y)
    return torch.where(abs(y) >= 2.0**27, 0, p / c * p)


@_op
def weight(x: Tensor, tau: Tensor, c: Tensor) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    y = x / c
    w = torch.where(y > 0, 1 - tau - _sigmoid(-y), _sigmoid(y) - tau)
    value = torch.where(abs(y) < 1, 0.5 - tau - 0.5 * torch.tanh(-0.5 * y), w) / x
    return torch.where(y == 0, torch.where(tau == 0.5, 1 / c / 4, (0.5 - tau) / x), value)


def value_and_grad(x: Tensor, tau: Any = 0.9, c: Any = 0.5) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, tau, c), d_x(x, tau, c)


def _root_sigmoid(z: Any) -> Any:
    """1/sqrt(1 + exp(-z)), which is exp(z/2) where exp(z) has lost its digits."""
    return torch.where(z < -40, torch.exp(0.5 * z), torch.sqrt(_sigmoid(z)))


def _sigmoid(z: Any) -> Any:
    """1/(1 + exp(-z)), without overflow."""
    p = torch.exp(-abs(z))
    return torch.where(z < 0, p, 1) / (1 + p)


def _softplus(z: Any) -> Any:
    """log(1 + exp(z)), without overflow."""
    return torch.clamp(z, min=0) + torch.log1p(torch.exp(-abs(z)))


class SmoothQuantileLoss(torch.nn.Module):
    """Smooth quantile loss of input - target, as in torch.nn.

    Args:
        tau: in (0, 1); a Parameter or a tensor is NaN where it is wrong.
        c: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> SmoothQuantileLoss()(torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)).backward()
    """

    def __init__(
        self, tau: Any = 0.9, c: Any = 0.5, reduction: str = "mean", *, validate: bool = False
    ):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction, self.validate = reduction, validate
        loss(torch.zeros((), device="cpu"), tau, c)  # checks the numbers
        for value, (name, *_) in zip([tau, c], _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss`")
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        parameters = [self.tau, self.c]
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
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("tau", "c", "reduction"))


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
    "loss": ("d_x", "d_tau", "d_c"),
    "d_x": ("d2_x", "d2_x_tau", "d2_x_c"),
    "d_tau": ("d2_x_tau", "d2_tau", "d2_tau_c"),
    "d_c": ("d2_x_c", "d2_tau_c", "d2_c"),
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
            found = [f(*values).sum().item() for f in (loss, d_tau, d_c)]
            sums.append(found)
        value, *ctx.sums = (math.fsum(v) * ctx.share for v in zip(*sums))
        ctx.save_for_backward(x, target, slope)
        return x.new_full((), value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        (x, target, slope), sums, needs = ctx.saved_tensors, ctx.sums, ctx.needs_input_grad
        if torch.is_grad_enabled():  # double backward: elementwise
            slope, *sums = (ctx.share * f(x - target, *ctx.parameters) for f in (d_x, d_tau, d_c))
        slope = slope if not torch.is_grad_enabled() and grad.item() == 1 else slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by
