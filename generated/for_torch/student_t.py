# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 e881c11a8385) by: derive regenerate student_t --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Student's t loss.

    loss = (1 + df)*log(1 + s/df)/2
    s = x^2/scale^2

Domain: x real, df in (0, inf], scale > 0. df sets the weight of the tails: 1 Cauchy's distribution,
inf the normal one.
Limits of the loss: x^2/(2*scale^2) at df = inf.
Source: Lange, Little and Taylor, J. Amer. Statist. Assoc. 84(408), 1989.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["StudentTLoss", "d2_df", "d2_df_scale", "d2_scale", "d2_x", "d2_x_df", "d2_x_scale"]
__all__ += ["d_df", "d_scale", "d_x", "loss", "value_and_grad", "weight"]
_RULES: Any = [
    ("df", "in (0, inf]", lambda p: p > 0),
    ("scale", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),
]
_FORMULAS: dict[str, Any] = {}


def _op(_formula: Any, _name: str = "") -> Any:
    # an operation: the formula of each element, in float32 at least; the dtype of x comes out
    def function(x: Tensor, df: Any = 1.0, scale: Any = 1.0) -> Tensor:
        return _evaluate(_formula, x, df, scale)

    function.__name__ = function.__qualname__ = _formula.__name__ = _name or _formula.__name__
    _FORMULAS[_formula.__name__] = _formula
    function.__doc__ = _formula.__doc__ or f"{_name}: d2_a_b is d^2 loss/d a d b, weight is d_x/x."
    return function


@_op
def loss(x: Tensor, df: Tensor, scale: Tensor) -> Tensor:
    """Student's t loss, elementwise."""
    y = x / scale
    d = torch.where(df >= 2.0**1000, 1, df)
    value = (d + 1) / 2 * _log1p_over(y, d)
    value = torch.where(y / d * (0.5 * y) < 2.0**-54, 0.5 * y * (d + 1) / d * y, value)
    return torch.where(df >= 2.0**1000, 0.5 * y * y, value)


@_op
def d_x(x: Tensor, df: Tensor, scale: Tensor) -> Tensor:
    """The derivative in x, the influence."""
    y = x / scale
    d = torch.where(df >= 2.0**1000, 1, df)
    value = (d + 1) / (y * y + d) * y / scale
    value = torch.where(d / x * (scale / x) * scale < 2.0**-54, (d + 1) / x, value)
    return torch.where(df >= 2.0**1000, y / scale, value)


@_op
def d_df(x: Tensor, df: Tensor, scale: Tensor) -> Tensor:
    """The derivative in df."""
    y = x / scale
    d = torch.where(df >= 2.0**1000, 1, df)
    v = y / d
    u = v * y
    L = _log1p_over(y, d)
    q = 0.5 * _exp_difference_m1_0_0(L) + 0.5 * (torch.expm1(-L) / d)
    w = abs(0.5 * _exp_difference_m1_0_0(L))
    p = u + 1
    r = torch.log(p)
    g = 8 * w
    h = v * v
    k = d + 1
    m = k / p
    n = h * m
    t = r - n
    v2 = (x - y * scale - _product_error(y, scale)) / scale
    v3 = (y - v * d - _product_error(v, d) + v2) / d
    q2 = p - u
    q3 = y * v3 + v * v2 + _product_error(v, y) + (u - (p - q2) + (1 - q2))
    u2 = v * v3
    q4 = t - r
    u3 = h * ((k - m * p - _product_error(m, p) + (d - (k - (k - d)) + (1 - (k - d))) - m * q3) / p)
    q6 = m * (u2 + u2 + _product_error(v, v)) + u3 + _product_error(h, m)
    q5 = 0.5 * t + 0.5 * (q3 / p - q6 + (r - (t - q4) + (-n - q4)))
    value = torch.where(
        (abs(q) < 0.125 * w) & (abs(r) < g) & (abs(n) < g) & (abs(q5 - q) < w), q5, q
    )
    value = torch.where(u * (d / 2 + 1) < 2.0**-54, -0.5 * v / d * y, value)
    return torch.where(df >= 2.0**1000, torch.where(torch.isnan(x), x, 0), value)


@_op
def d_scale(x: Tensor, df: Tensor, scale: Tensor) -> Tensor:
    """The derivative in scale."""
    y = x / scale
    d = torch.where(df >= 2.0**1000, 1, df)
    value = -y / scale * ((d + 1) / (y * y + d) * y)
    value = torch.where(d / y / y < 2.0**-54, (-d - 1) / scale, value)
    return torch.where(df >= 2.0**1000, -y / scale * y, value)


@_op
def d2_x(x: Tensor, df: Tensor, scale: Tensor) -> Tensor:
    """The second derivative in x."""
    d = torch.where(df >= 2.0**1000, 1, df)
    y = x / scale
    w = y * y / d
    value = (d + 1) / scale / (w + 1) / d * (1 - w) / (w + 1) / scale
    value = torch.where(d / x * (scale / x) * scale * 3 < 2.0**-54, -(d + 1) / x / x, value)
    return torch.where(df >= 2.0**1000, torch.where(torch.isnan(x), x, 1 / scale / scale), value)


@_op
def d2_x_df(x: Tensor, df: Tensor, scale: Tensor) -> Tensor:
    """The mixed second derivative in x and df."""
    d = torch.where(df >= 2.0**1000, 1, df)
    y = x / scale
    s = y * y
    value = (s - 1) / (s + d) / scale * (y / (s + d))
    value = torch.where(scale / x * (scale / x) * (2 * d + 1) < 2.0**-54, 1 / x, value)
    return torch.where(df >= 2.0**1000, torch.where(torch.isnan(x), x, 0), value)


@_op
def d2_x_scale(x: Tensor, df: Tensor, scale: Tensor) -> Tensor:
    """The mixed second derivative in x and scale."""
    y = x / scale
    d = torch.where(df >= 2.0**1000, 1, df)
    u = d / x * (scale / x)
    s = y * y
    value = -2 * (d + 1) * d / (s + d) / scale * y / (s + d) / scale
    value = torch.where(u * scale * 2 < 2.0**-54, -u * ((d + 1) / x) * 2, value)
    return torch.where(df >= 2.0**1000, -2 / scale * y / scale, value)


@_op
def d2_df(x: Tensor, df: Tensor, scale: Tensor) -> Tensor:
    """The second derivative in df."""
    u = scale / x * (scale / x)
    d = torch.where(df >= 2.0**1000, 1, df)
    y = x / scale
    r = abs(y) / torch.sqrt(d)
    value = _weighted(0.5 - d / 2, y, d) / d * y / d / (r * r + 1) / d * y
    value = torch.where(u * ((3 * d + 1) / 2) < 2.0**-54, u + (1 - d) / d / d / 2, value)
    return torch.where(df >= 2.0**1000, torch.where(torch.isnan(x), x, 0), value)


@_op
def d2_df_scale(x: Tensor, df: Tensor, scale: Tensor) -> Tensor:
    """The mixed second derivative in df and scale."""
    d = torch.where(df >= 2.0**1000, 1, df)
    y = x / scale
    s = y * y
    value = -y / (s + d) * (s - 1) / scale / (s + d) * y
    value = torch.where((2 * d + 1) / y / y < 2.0**-54, -1 / scale, value)
    return torch.where(df >= 2.0**1000, torch.where(torch.isnan(x), x, 0), value)


@_op
def d2_scale(x: Tensor, df: Tensor, scale: Tensor) -> Tensor:
    """The second derivative in scale."""
    y = x / scale
    d = torch.where(df >= 2.0**1000, 1, df)
    s = y * y
    value = (d + 1) * y / (s + d) / scale * ((s + 3 * d) / (s + d) * y / scale)
    value = torch.where(d / y / y < 2.0**-54, (d + 1) / scale / scale, value)
    return torch.where(df >= 2.0**1000, 3 * y / scale * (y / scale), value)


@_op
def weight(x: Tensor, df: Tensor, scale: Tensor) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    d = torch.where(df >= 2.0**1000, 1, df)
    y = x / scale
    value = (d + 1) / scale / (y * y + d) / scale
    value = torch.where(d / x * (scale / x) * scale < 2.0**-54, (d + 1) / x / x, value)
    return torch.where(df >= 2.0**1000, torch.where(torch.isnan(x), x, 1 / scale / scale), value)


def value_and_grad(x: Tensor, df: Any = 1.0, scale: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, df, scale), d_x(x, df, scale)


def _exp_difference_m1_0_0(z: Any) -> Any:
    """z^2 exp[-z, 0, 0], the divided difference of exp."""
    p = torch.exp(-z)
    return torch.where(abs(z) < 1, z * z * (p * _exp_series(abs(z), (0, 1, 1))), z - 1 + p)


def _log1p_over(y: Any, b: Any) -> Any:
    """log(1 + y^2/b), also where y^2/b overflows."""
    w = y / b * y
    return torch.where(w >= 2.0**80, 2 * torch.log(abs(y)) - torch.log(b), torch.log1p(w))


def _weighted(d: Any, y: Any, b: Any) -> Any:
    """f (c + d w)/(1 + w), w = y^2/b, also where w overflows (c = f = 1)."""
    v = y / b
    w = v * y
    return torch.where(w >= 2.0**80, d + 1 / v / y, (1 + d * w) / (1 + w))


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


def _product_error(a: Any, b: Any) -> Any:
    """a*b - round(a*b), exactly (Dekker's splitting into halves of 26 or 12 bits)."""
    split = 4097.0 if a.dtype == torch.float32 else 134217729.0
    a_high, b_high = split * a - (split * a - a), split * b - (split * b - b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - a * b) + a_high * b_low + a_low * b_high) + a_low * b_low


class StudentTLoss(torch.nn.Module):
    """Student's t loss of input - target, as in torch.nn.

    Args:
        df: in (0, inf]; a Parameter or a tensor is NaN where it is wrong.
        scale: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> StudentTLoss()(torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)).backward()
    """

    def __init__(
        self, df: Any = 1.0, scale: Any = 1.0, reduction: str = "mean", *, validate: bool = False
    ):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction, self.validate = reduction, validate
        loss(torch.zeros((), device="cpu"), df, scale)  # checks the numbers
        for value, (name, *_) in zip([df, scale], _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss`")
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        parameters = [self.df, self.scale]
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
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("df", "scale", "reduction"))


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
    "loss": ("d_x", "d_df", "d_scale"),
    "d_x": ("d2_x", "d2_x_df", "d2_x_scale"),
    "d_df": ("d2_x_df", "d2_df", "d2_df_scale"),
    "d_scale": ("d2_x_scale", "d2_df_scale", "d2_scale"),
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
                found = [f(*values).sum().item() for f in (loss, d_df, d_scale)]
            sums.append(found)
        value, *ctx.sums = (math.fsum(v) * ctx.share for v in zip(*sums))
        ctx.save_for_backward(x, target, slope)
        return x.new_full((), value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        (x, target, slope), sums, needs = ctx.saved_tensors, ctx.sums, ctx.needs_input_grad
        if torch.is_grad_enabled():  # double backward: elementwise
            slope, *sums = (
                ctx.share * f(x - target, *ctx.parameters) for f in (d_x, d_df, d_scale)
            )
        slope = slope if not torch.is_grad_enabled() and grad.item() == 1 else slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by


def _block(d: Tensor, s: Tensor, ctx: Any, df: float, scale: float) -> list[float]:
    """The sums of loss, d_df, d_scale; s becomes the share of d_x. d is used up."""
    if not torch.linalg.vector_norm(d).item() < math.sqrt(df) * scale * 2.0**27:
        return [math.nan]
    u = torch.mul(d, d)
    v = torch.mul(u, 1 / df / scale / scale).log1p_()
    found = [(df + 1) * v.sum().item() / 2, 0.0, 0.0]
    u.add_(df * scale * scale)
    w = torch.reciprocal(u)
    torch.mul(w, d, out=s)
    if ctx.needs_input_grad[3]:
        torch.div(d, u, out=u).mul_(d)
        found[1] = _whole(0.5 * v.sum().item(), -((df + 1) * u.sum().item() / df / 2))
    if ctx.needs_input_grad[4]:
        d.mul_(s)
        found[2] = -((df + 1) * d.sum().item() / scale)
    s.mul_((df + 1) * ctx.share)
    return found


def _whole(*terms: float) -> float:
    """The sum of the terms; NaN where they cancel so far that too few digits are left."""
    total = math.fsum(terms)
    return total if abs(total) > max(map(abs, terms)) / 64 else math.nan
