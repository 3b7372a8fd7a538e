# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 8987567ac71c) by: derive regenerate box_cox --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Box-Cox loss.

    loss = ((1 + s/2)^lam - 1)/lam
    s = x^2/scale^2

Domain: x real, lam real, scale > 0. Behaves like x^2/(2 scale^2) near 0. lam sets the shape: 1
quadratic, 0 Cauchy, below 0 bounded by -1/lam.
Limits of the loss: log(1 + x^2/(2*scale^2)) at lam = 0.
Source: Box and Cox, J. R. Statist. Soc. B 26(2), 1964, eq. 2, of s/2 with shift 1.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["BoxCoxLoss", "d2_lam", "d2_lam_scale", "d2_scale", "d2_x", "d2_x_lam", "d2_x_scale"]
__all__ += ["d_lam", "d_scale", "d_x", "loss", "value_and_grad", "weight"]
_RULES: Any = [
    ("lam", "a finite number", lambda p: (p > -math.inf) & (p < math.inf)),
    ("scale", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),
]
_FORMULAS: dict[str, Any] = {}


def _op(_formula: Any, _name: str = "") -> Any:
    # an operation: the formula of each element, in float32 at least; the dtype of x comes out
    def function(x: Tensor, lam: Any = 0.0, scale: Any = 1.0) -> Tensor:
        return _evaluate(_formula, x, lam, scale)

    function.__name__ = function.__qualname__ = _formula.__name__ = _name or _formula.__name__
    _FORMULAS[_formula.__name__] = _formula
    function.__doc__ = _formula.__doc__ or f"{_name}: d2_a_b is d^2 loss/d a d b, weight is d_x/x."
    return function


@_op
def loss(x: Tensor, lam: Tensor, scale: Tensor) -> Tensor:
    """Box-Cox loss, elementwise."""
    return _square_difference_0_p(x / scale, lam)


@_op
def d_x(x: Tensor, lam: Tensor, scale: Tensor) -> Tensor:
    """The derivative in x, the influence."""
    y = x / scale
    value = _times_power1p_less_one(y, 1, scale, 1, y, lam)
    return torch.where(
        abs(y) == math.inf, _sign(x) * (1.4142135623730951 * abs(x) ** (2 * lam - 1) / scale), value
    )


d_lam = _op(lambda x, lam, scale: _square_difference_0_p_p(x / scale, lam), "d_lam")


@_op
def d_scale(x: Tensor, lam: Tensor, scale: Tensor) -> Tensor:
    """The derivative in scale."""
    y = x / scale
    value = _times_power1p_less_one(y, -y, scale, 1, y, lam)
    return torch.where(abs(y) == math.inf, -2 * abs(x) ** (2 * lam) / scale, value)


@_op
def d2_x(x: Tensor, lam: Tensor, scale: Tensor) -> Tensor:
    """The second derivative in x."""
    y = x / scale
    value = _times_power1p_less_one(1, _weighted(1 / scale, 1, 2 * lam - 1, y), scale, 1, y, lam)
    return torch.where(abs(y) == math.inf, abs(x) ** (2 * lam - 2) / (scale * scale), value)


@_op
def d2_x_lam(x: Tensor, lam: Tensor, scale: Tensor) -> Tensor:
    """The mixed second derivative in x and lam."""
    y = x / scale
    s = y * y
    value = _times_power1p_less_one(y, _log1p_square(0.7071067811865476 * abs(y)), scale, 1, y, lam)
    u = s * y * y * abs(lam / 8 * lam + 11 / 24 - lam / 2)
    v = 0.25 * y * y * abs(2 * lam - 3)
    w = 0.5 * (y / scale * y) * y
    p = s * abs(lam / 2 - 0.75)
    value = torch.where((p < 2.0**-54) & (v < 2.0**-54) & (u < 2.0**-54), w, value)
    return torch.where(
        abs(y) == math.inf, _sign(x) * torch.where(2 * lam - 1 < 0, 0, math.inf), value
    )


@_op
def d2_x_scale(x: Tensor, lam: Tensor, scale: Tensor) -> Tensor:
    """The mixed second derivative in x and scale."""
    y = x / scale
    value = _times_power1p_less_one(2, -2 * _half_weighted(y, lam, y), scale, scale, y, lam)
    return torch.where(
        abs(y) == math.inf,
        -_sign(x) * (1.4142135623730951 * abs(x) ** (2 * lam - 1) / (scale * scale)),
        value,
    )


d2_lam = _op(lambda x, lam, scale: _square_difference_0_p_p_p(x / scale, lam), "d2_lam")


@_op
def d2_lam_scale(x: Tensor, lam: Tensor, scale: Tensor) -> Tensor:
    """The mixed second derivative in lam and scale."""
    y = x / scale
    v = -scale / _log1p_square(0.7071067811865476 * abs(y))
    value = _times_power1p_less_one(y, y, v, 1, y, lam)
    return torch.where(abs(y) == math.inf, -torch.where(2 * lam < 0, 0, math.inf), value)


@_op
def d2_scale(x: Tensor, lam: Tensor, scale: Tensor) -> Tensor:
    """The second derivative in scale."""
    y = x / scale
    value = _times_power1p_less_one(y, y, scale / _weighted(1, 3, 2 * lam + 1, y), scale, y, lam)
    return torch.where(abs(y) == math.inf, 2 * abs(x) ** (2 * lam) / (scale * scale), value)


@_op
def weight(x: Tensor, lam: Tensor, scale: Tensor) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    y = x / scale
    value = _times_power1p_less_one(1, 1, scale, scale, y, lam)
    value = torch.where(abs(y) == math.inf, abs(x) ** (2 * lam - 2) / (scale * scale), value)
    return torch.where(torch.isnan(x), x, value)


def value_and_grad(x: Tensor, lam: Any = 0.0, scale: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, lam, scale), d_x(x, lam, scale)


def _exprel(z: Any) -> Any:
    """(exp(z) - 1)/z, and 1 at z = 0."""
    return torch.where(z == 0, 1, torch.expm1(z) / torch.clamp(z, max=1e30))


def _half_weighted(f: Any, d: Any, y: Any) -> Any:
    """f (c + d w)/(1 + w)/2, finite for finite f: the power beside it may fade (b = 2, c = 1)."""
    v = 0.5 * y
    w = v * y
    value = f * ((0.5 + d * (0.5 * w)) / (1 + w))
    value = torch.where(
        w >= 2.0**80, torch.where(abs(f) < 1, f * (0.5 * d), 0.5 * f * d) + f / v * (0.5 / y), value
    )
    return torch.where(
        abs(value) == math.inf, f * torch.clamp(torch.clamp(0.5 * d, max=1), min=-1), value
    )


def _in_halves(f: Any, e: Any, c: Any, d: Any, y: Any, q: Any, root: Any) -> Any:
    """f e (1 + y^2/b)^q/(root^2 c d): the power in halves, beside f/c and e/d (b = 2)."""
    half = _power1p_square(y, 0.5 * q)
    half = torch.where(abs(y) / 1.4142135623730951 >= math.inf, abs(y) ** q, half)
    extreme = (half < 2.0**-100) | (half >= math.inf)
    quarter = _power1p_square(y, 0.25 * q)
    first = torch.where(extreme, quarter, half)
    low = torch.clamp(first, max=1)
    above = f * low
    start = f / root * low
    side = torch.where(abs(above) <= 2.0**20, above / c / root, start / c)
    below = e * low
    small = abs(below) <= 2.0**20
    near = torch.where(abs(start) >= 1, start * below / c, side * below)
    high = torch.clamp(first, min=1)
    again = torch.where(extreme, quarter, 1)
    w = torch.where(small, below / d / root, e / root * low / d)
    value = side * high * again * (w * high * again)
    u = torch.where(abs(near) < 1, near / d / root, near / root / d)
    value = torch.where((abs(side) >= 1) & small, u * high * again * high * again, value)
    return torch.where(first == 0, 0, value)


def _log1p_over(y: Any) -> Any:
    """log(1 + y^2/b), also where y^2/b overflows (b = 2)."""
    w = 0.5 * y * y
    return torch.where(w >= 2.0**80, 2 * torch.log(abs(y)) - 0.6931471805599453, torch.log1p(w))


def _log1p_square(t: Any) -> Any:
    """log(1 + t^2) for t >= 0, also where t^2 overflows."""
    return torch.where(t >= 2.0**40, 2 * torch.log(t), torch.log1p(t * t))


def _power1p_square(y: Any, q: Any) -> Any:
    """(1 + y^2/b)^q, also where y^2/b overflows (b = 2)."""
    v = 0.5 * y
    w = v * y
    total = 1 + w
    power = total**q
    lift = total - 1
    u = q * ((1 - (total - lift) + (w - lift) + _product_error(v, y)) / total)
    value = torch.where((power > 0) & (power < math.inf), power * torch.exp(u), power)
    return torch.where(w >= 2.0**80, (abs(y) / 1.4142135623730951) ** (2 * q), value)


def _root1p_square(t: Any) -> Any:
    """sqrt(1 + t^2), also where t^2 overflows."""
    return torch.where(abs(t) >= 2.0**40, abs(t), torch.sqrt(1 + t * t))


def _square_difference_0_p(y: Any, p: Any) -> Any:
    """f z^1 exp[0, p z], z = log(1 + y^2/b) (b = 2, f = 1)."""
    t = abs(y) / 1.4142135623730951
    z = _log1p_over(y)
    m = torch.clamp(z, max=1e9)
    value = z * _exprel(p * m)
    value = torch.where(
        (p * z >= 1.25) | (p * z <= -40),
        torch.where(
            _power1p_square(y, p) >= 2.0**90,
            _power1p_square(y, 0.5 * p) / p * _power1p_square(y, 0.5 * p),
            (_power1p_square(y, p) - 1) / p,
        ),
        value,
    )
    return torch.where(t < 2.0**-40, t * t * _exprel(p * m), value)


def _square_difference_0_p_p(y: Any, p: Any) -> Any:
    """f z^2 exp[0, p z, p z], z = log(1 + y^2/b) (b = 2, f = 1)."""
    g = _power1p_square(y, p)
    z = _log1p_over(y)
    m = torch.clamp(z, max=1e9)
    v = (m - 1 / p) / p
    high = torch.clamp(p, min=0)
    low = torch.clamp(p, max=0)
    unit = torch.clamp(high - low, min=1)
    value = g * v + 1 / p / p
    u = _exp_series(unit * m, (-low / unit, (p - low) / unit, (p - low) / unit))
    value = torch.where((high - low) * m < 5, z * z * torch.exp(low * m) * u, value)
    return torch.where(
        g >= 2.0**90,
        _power1p_square(y, 0.5 * p) * torch.where(p * m < 2.5, z, v) * _power1p_square(y, 0.5 * p),
        value,
    )


def _square_difference_0_p_p_p(y: Any, p: Any) -> Any:
    """f z^3 exp[0, p z, p z, p z], z = log(1 + y^2/b) (b = f = 2)."""
    g = _power1p_square(y, p)
    z = _log1p_over(y)
    m = torch.clamp(z, max=1e9)
    v = (0.5 * (m * m) - (m - 1 / p) / p) / p
    high = torch.clamp(p, min=0)
    low = torch.clamp(p, max=0)
    unit = torch.clamp(high - low, min=1)
    u = (p - low) / unit
    value = 2 * (g * v - 1 / p / p / p)
    w = _exp_series(unit * m, (-low / unit, u, u, u))
    value = torch.where((high - low) * m < 5, 2 * z * z * z * torch.exp(low * m) * w, value)
    return torch.where(
        g >= 2.0**90,
        (
            _power1p_square(y, 0.5 * p)
            * (2 * torch.where(p * m < 2.5, z, v))
            * _power1p_square(y, 0.5 * p)
        ),
        value,
    )


def _times_power1p_less_one(f: Any, e: Any, c: Any, d: Any, y: Any, p: Any) -> Any:
    """f e (1 + y^2/b)^(p - 1)/(c d), likewise (b = 2)."""
    q = torch.where(p < 0.5, p, p - 1)
    power = _power1p_square(y, q) / torch.where(p < 0.5, 1 + 0.5 * y * y, 1)
    part = f * power / c
    side = e / d
    value = part * side
    u = abs(part * side)
    return torch.where(
        (power < 2.0**-100) | ((abs(part) < 2.0**-100) | (u == math.inf)),
        _in_halves(
            f, e, c, d, y, q, torch.where(p < 0.5, _root1p_square(abs(y) / 1.4142135623730951), 1)
        ),
        value,
    )


def _weighted(f: Any, c: Any, d: Any, y: Any) -> Any:
    """f (c + d w)/(1 + w), w = y^2/b, also where w overflows (b = 2)."""
    v = 0.5 * y
    w = v * y
    return torch.where(w >= 2.0**80, f * d + f / v * (c / y), f * ((c + d * w) / (1 + w)))


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


def _sign(value: Any) -> Any:
    """The sign; NaN for NaN."""
    return torch.where(torch.isnan(value), value, torch.sign(value))


class BoxCoxLoss(torch.nn.Module):
    """Box-Cox loss of input - target, as in torch.nn.

    Args:
        lam: a finite number; a Parameter or a tensor is NaN where it is wrong.
        scale: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> BoxCoxLoss()(torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)).backward()
    """

    def __init__(
        self, lam: Any = 0.0, scale: Any = 1.0, reduction: str = "mean", *, validate: bool = False
    ):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction, self.validate = reduction, validate
        loss(torch.zeros((), device="cpu"), lam, scale)  # checks the numbers
        for value, (name, *_) in zip([lam, scale], _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss`")
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        parameters = [self.lam, self.scale]
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
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("lam", "scale", "reduction"))


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
    "loss": ("d_x", "d_lam", "d_scale"),
    "d_x": ("d2_x", "d2_x_lam", "d2_x_scale"),
    "d_lam": ("d2_x_lam", "d2_lam", "d2_lam_scale"),
    "d_scale": ("d2_x_scale", "d2_lam_scale", "d2_scale"),
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
                found = [f(*values).sum().item() for f in (loss, d_lam, d_scale)]
            sums.append(found)
        value, *ctx.sums = (math.fsum(v) * ctx.share for v in zip(*sums))
        ctx.save_for_backward(x, target, slope)
        return x.new_full((), value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        (x, target, slope), sums, needs = ctx.saved_tensors, ctx.sums, ctx.needs_input_grad
        if torch.is_grad_enabled():  # double backward: elementwise
            slope, *sums = (
                ctx.share * f(x - target, *ctx.parameters) for f in (d_x, d_lam, d_scale)
            )
        slope = slope if not torch.is_grad_enabled() and grad.item() == 1 else slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by


def _block(d: Tensor, s: Tensor, ctx: Any, lam: float, scale: float) -> list[float]:
    """The sums of loss, d_lam, d_scale; s becomes the share of d_x. d is used up."""
    if not torch.linalg.vector_norm(d).item() < math.inf:
        return [math.nan]
    u = torch.mul(d, d)
    v = torch.mul(u, 1 / scale / scale / 2).log1p_()
    w = torch.empty_like(d)
    excess = _growth(v, lam, w)
    found = [excess / lam, 0.0, 0.0]
    u.add_(scale * scale * 2)
    torch.div(w, u, out=u)
    torch.mul(u, d, out=s)
    if ctx.needs_input_grad[3]:
        v.mul_(w)
        found[1] = _whole(-(excess / (lam * lam)), v.sum().item() / lam)
    if ctx.needs_input_grad[4]:
        d.mul_(s)
        found[2] = -(2 * d.sum().item() / scale)
    s.mul_(2 * ctx.share)
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
