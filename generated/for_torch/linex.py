# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 076c110e72c6) by: derive regenerate linex --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""LINEX loss.

    loss = exp(a*x) - a*x - 1

Domain: x real, a real. Exponential above the target for positive a and below it for negative a.
Source: Varian, Studies in Bayesian Econometrics and Statistics, 1975.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["LinexLoss", "d2_a", "d2_x", "d2_x_a", "d_a", "d_x", "loss", "value_and_grad", "weight"]
_RULES: Any = [("a", "a finite number", lambda p: (p > -math.inf) & (p < math.inf))]
_FORMULAS: dict[str, Any] = {}


def _op(_formula: Any, _name: str = "") -> Any:
    # an operation: the formula of each element, in float32 at least; the dtype of x comes out
    def function(x: Tensor, a: Any = 1.0) -> Tensor:
        return _evaluate(_formula, x, a)

    function.__name__ = function.__qualname__ = _formula.__name__ = _name or _formula.__name__
    _FORMULAS[_formula.__name__] = _formula
    function.__doc__ = _formula.__doc__ or f"{_name}: d2_a_b is d^2 loss/d a d b, weight is d_x/x."
    return function


@_op
def loss(x: Tensor, a: Tensor) -> Tensor:
    """LINEX loss, elementwise."""
    return _expm1_minus(a * x)


d_x = _op(lambda x, a: a * torch.expm1(a / 2 * x) * (1 + torch.exp(a / 2 * x)), "d_x")
d_a = _op(lambda x, a: torch.expm1(a / 2 * x) * x * (1 + torch.exp(a / 2 * x)), "d_a")


@_op
def d2_x(x: Tensor, a: Tensor) -> Tensor:
    """The second derivative in x."""
    p = a * torch.exp(a / 2 * x)
    return p * p


d2_x_a = _op(lambda x, a: 2 * torch.expm1(a * x) + _exp_difference_0_1_1(a * x), "d2_x_a")


@_op
def d2_a(x: Tensor, a: Tensor) -> Tensor:
    """The second derivative in a."""
    p = x * torch.exp(a / 2 * x)
    return torch.where(abs(x) == math.inf, torch.where(a * x < 0, 0, math.inf), p * p)


@_op
def weight(x: Tensor, a: Tensor) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    value = torch.expm1(a / 2 * x) / x * a * (1 + torch.exp(a / 2 * x))
    value = torch.where(abs(a) / 2 * abs(x) < 2.0**-54, a * a, value)
    return torch.where(abs(x) == math.inf, torch.where(a * x < 0, 0, math.inf), value)


def value_and_grad(x: Tensor, a: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, a), d_x(x, a)


def _exp_difference_0_1_1(z: Any) -> Any:
    """z^2 exp[0, z, z], the divided difference of exp."""
    size = abs(z)
    far = z < 0
    p = torch.exp(z)
    value = (z - 1 + torch.exp(-z)) * p
    value = torch.where(far, 1 + p * torch.clamp(z, min=-1e30) - p, value)
    u = torch.where(far, p * _exp_series(size, (1, 0, 0)), _exp_series(size, (0, 1, 1)))
    return torch.where(size < 4, z * z * u, value)


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


def _exp_series(argument: Any, rates: tuple[Any, ...]) -> Any:
    """exp[r_0 L, r_1 L, …], the divided difference of exp, for 0 <= r_i L <= 5: the sum of
    h_k(r) L^k/(n + k)!, h_k the sum of all products of k rates. Every term is positive."""
    sums: list[Any] = [0.0] * len(rates)
    coefficients = []
    for k in range(34):
        total: Any = 0.0 if k else 1.0
        for j, rate in enumerate(rates):
            sums[j] = total = total + rate * sums[j]
        coefficients.append(total / float(math.factorial(len(rates) - 1 + k)))
    return functools.reduce(lambda value, c: value * argument + c, coefficients[::-1])


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    return functools.reduce(lambda total, c: total * z + c, coefficients[::-1])


class LinexLoss(torch.nn.Module):
    """LINEX loss of input - target, as in torch.nn.

    Args:
        a: a finite number; a Parameter or a tensor is NaN where it is wrong.
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> LinexLoss()(torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)).backward()
    """

    def __init__(self, a: Any = 1.0, reduction: Any = "mean", *, validate: bool = False):
        super().__init__()
        if isinstance(a, str):  # the order of torch.nn
            a, reduction = 1.0 if reduction == "mean" else reduction, a
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction, self.validate = reduction, validate
        loss(torch.zeros((), device="cpu"), a)  # checks the numbers
        if isinstance(a, Tensor) and a.grad_fn is not None:
            raise TypeError("a is computed: give a Parameter, or call `loss`")
        self.a = torch.nn.Buffer(a) if type(a) is Tensor else a

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        if self.validate and not torch.as_tensor(_RULES[0][2](self.a)).all():
            raise ValueError(f"a must be a finite number, got {self.a}")
        if weight is None and self.reduction != "none" and _is_plain(input, target, self.a):
            return _Total.apply(input, target, self.reduction == "mean", self.a)
        if input.shape != target.shape:
            warnings.warn(f"sizes are broadcast: {input.shape}, {target.shape}", stacklevel=4)
        dtype = torch.promote_types(input.dtype, target.dtype)
        wide = torch.promote_types(dtype, torch.float32 if dtype.is_floating_point else torch.int64)
        values = loss(input.to(wide) - target.to(wide), self.a)
        values = values if weight is None else values * weight
        values = values if self.reduction == "none" else getattr(values, self.reduction)()
        cast = input.device.type != "meta" and torch.is_autocast_enabled(input.device.type)
        return values if cast or not dtype.is_floating_point else values.to(dtype)

    def extra_repr(self) -> str:
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("a", "reduction"))


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
    "loss": ("d_x", "d_a"),
    "d_x": ("d2_x", "d2_x_a"),
    "d_a": ("d2_x_a", "d2_a"),
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
                found = [f(*values).sum().item() for f in (loss, d_a)]
            sums.append(found)
        value, *ctx.sums = (math.fsum(v) * ctx.share for v in zip(*sums))
        ctx.save_for_backward(x, target, slope)
        return x.new_full((), value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        (x, target, slope), sums, needs = ctx.saved_tensors, ctx.sums, ctx.needs_input_grad
        if torch.is_grad_enabled():  # double backward: elementwise
            slope, *sums = (ctx.share * f(x - target, *ctx.parameters) for f in (d_x, d_a))
        slope = slope if not torch.is_grad_enabled() and grad.item() == 1 else slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by


def _block(d: Tensor, s: Tensor, ctx: Any, a: float) -> list[float]:
    """The sums of loss, d_a; s becomes the share of d_x. d is used up."""
    if not torch.linalg.vector_norm(d).item() < math.inf:
        return [math.nan]
    u = torch.empty_like(d)
    excess = _growth(d, a, u)
    found = [_whole(-(a * d.sum().item()), excess), 0.0]
    torch.mul(d, a / 2, out=u)
    v = torch.expm1(u)
    u.exp_().add_(1)
    torch.mul(v, u, out=s)
    if ctx.needs_input_grad[3]:
        v.mul_(d).mul_(u)
        found[1] = v.sum().item()
    s.mul_(a * ctx.share)
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
