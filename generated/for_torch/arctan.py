# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 298e5d0c93ad) by: derive regenerate arctan --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Arctan loss.

    loss = c^2*atan(s)/2
    s = x^2/c^2

Domain: x real, c > 0. Behaves like x^2/2 near zero and is bounded.
Source: SciPy, scipy.optimize.least_squares, loss='arctan'.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["ArctanLoss", "d2_c", "d2_x", "d2_x_c", "d_c", "d_x", "loss", "value_and_grad", "weight"]
_RULES: Any = [("c", "> 0 and finite", lambda p: (p > 0) & (p < math.inf))]
_FORMULAS: dict[str, Any] = {}


def _op(_formula: Any, _name: str = "") -> Any:
    # an operation: the formula of each element, in float32 at least; the dtype of x comes out
    def function(x: Tensor, c: Any = 1.0) -> Tensor:
        return _evaluate(_formula, x, c)

    function.__name__ = function.__qualname__ = _formula.__name__ = _name or _formula.__name__
    _FORMULAS[_formula.__name__] = _formula
    function.__doc__ = _formula.__doc__ or f"{_name}: d2_a_b is d^2 loss/d a d b, weight is d_x/x."
    return function


@_op
def loss(x: Tensor, c: Tensor) -> Tensor:
    """Arctan loss, elementwise."""
    y = x / c
    return torch.where(abs(y) < 2.0**-27, 0.5 * x * x, c / 2 * (c * torch.atan(y * y)))


@_op
def d_x(x: Tensor, c: Tensor) -> Tensor:
    """The derivative in x, the influence."""
    y = x / c
    s = y * y
    return torch.where(abs(y) >= 2.0**27, c / y * (1 / y / y), x / (1 + s * s))


@_op
def d_c(x: Tensor, c: Tensor) -> Tensor:
    """The derivative in c."""
    y = x / c
    u = abs(y)
    s = y * y
    value = c * (torch.atan(s) - y / (s * y * y + 1) * y)
    value = torch.where(u >= 2.0**60, 1.5707963267948966 * c, value)
    terms = (
        0.4780900478231121, -0.7470730198949608, -0.4588926549769854, 1.4286983114447196,
        0.8961392456601885, -3.2061087101857875, -1.3486174220287994, 6.8384949912933015,
        1.6460039983827848, -14.17341672216568, -1.071180543505664, 28.85896455916381,
        -2.5268620290581927, -57.74756212250519, 14.54242738017212, 113.6551535001832,
        -47.9027761767207, -219.53925435937325, 131.62271614145382, 409.17065651752847,
        -319.77189612740244, -676.7716707533299, 639.3466660872308, 728.7660841843913,
        -771.4806166924946,
    )  # fmt: skip
    value = torch.where(u < 1, _horner(u - 0.75, terms) * c * u * u * u * u * u * u, value)
    terms2 = (
        0.6666666666666666, -7.737843835772198e-17, -0.7999999999999742, -3.400231361584077e-12,
        0.8571428573768279, -9.680977922334094e-09, -0.8888886279402494, -4.80873742829856e-06,
        0.909153191849716, -0.000573295286616446, -0.9193527953847406, -0.016464146696553765,
        0.9775061727713837, -0.03783254479989745, -1.1242198577837126, 0.7183287574397837,
    )  # fmt: skip
    return torch.where(u < 0.5, _horner(u * u, terms2) * c * u * u * u * u * u * u, value)


@_op
def d2_x(x: Tensor, c: Tensor) -> Tensor:
    """The second derivative in x."""
    y = x / c
    s = y * y
    q = s * y * y + 1
    return torch.where(abs(y) >= 2.0**27, -3 / y / y * (1 / y / y), (1 - s * y * y * 3) / q / q)


@_op
def d2_x_c(x: Tensor, c: Tensor) -> Tensor:
    """The mixed second derivative in x and c."""
    y = x / c
    q = y * y * y * y + 1
    return torch.where(abs(y) >= 2.0**27, 4 / y * (1 / y / y), y / q * 4 * y * y * y / q * y)


@_op
def d2_c(x: Tensor, c: Tensor) -> Tensor:
    """The second derivative in c."""
    y = x / c
    u = abs(y)
    s = y * y
    v = torch.atan(s)
    w = s / (s * s + 1)
    q = v - w * w * s * 4 - w
    p = abs(v)
    r = 8 * p
    g = y**6
    h = s * y * y
    k = h + 1
    m = g / k
    n = 4 / k
    t = m * n
    q2 = v - t
    v2 = y / k
    u2 = v2 * y
    q3 = q2 - u2
    v3 = (x - y * c - _product_error(y, c)) / c
    u3 = y * v3
    q4 = u3 + u3 + _product_error(y, y)
    q5 = k - h
    u4 = y * (y * q4 + s * v3 + _product_error(s, y))
    q6 = u4 + s * y * v3 + _product_error(s * y, y) + (h - (k - q5) + (1 - q5))
    q7 = q2 - v
    q8 = q3 - q2
    u5 = n * ((g - m * k - _product_error(m, k) + g * (6 * (v3 / y)) - m * q6) / k)
    q10 = u5 + m * ((4 - n * k - _product_error(n, k) - n * q6) / k) + _product_error(m, n)
    q12 = y - v2 * k - _product_error(v2, k) + v3 - v2 * q6
    q11 = y * (q12 / k) + v2 * v3 + _product_error(v2, y)
    q13 = q2 - (q3 - q8) + (-u2 - q8)
    q9 = q3 + (q4 / (1 + s * s) - q10 + (v - (q2 - q7) + (-t - q7)) - q11 + q13)
    value = torch.where((abs(q) < 0.125 * p) & (p < r) & (abs(t) < r) & (abs(q9 - q) < p), q9, q)
    value = torch.where(u >= 2.0**60, 1.5707963267948966, value)
    terms = (
        -3.3333333333333335, -3.580032161026732e-16, 7.200000000000139, -2.124357352846901e-11,
        -11.142857141141267, -8.417213649779398e-08, 15.111113837022486, -6.144929504780948e-05,
        -19.08991088227183, -0.011946801791232066, 23.183601976692234, -0.7136587930218575,
        -23.507090461060574, -13.022936296432263, 64.80366436694726, -57.44012238488139,
        17.013424668924966,
    )  # fmt: skip
    return torch.where(u < 0.5, _horner(u * u, terms) * u * u * u * u * u * u, value)


@_op
def weight(x: Tensor, c: Tensor) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    y = x / c
    s = y * y
    return torch.where(abs(y) >= 2.0**27, 1 / y / y * (1 / y / y), 1 / (1 + s * s))


def value_and_grad(x: Tensor, c: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, c), d_x(x, c)


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    return functools.reduce(lambda total, c: total * z + c, coefficients[::-1])


def _product_error(a: Any, b: Any) -> Any:
    """a*b - round(a*b), exactly (Dekker's splitting into halves of 26 or 12 bits)."""
    split = 4097.0 if a.dtype == torch.float32 else 134217729.0
    a_high, b_high = split * a - (split * a - a), split * b - (split * b - b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - a * b) + a_high * b_low + a_low * b_high) + a_low * b_low


class ArctanLoss(torch.nn.Module):
    """Arctan loss of input - target, as in torch.nn.

    Args:
        c: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> ArctanLoss()(torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)).backward()
    """

    def __init__(self, c: Any = 1.0, reduction: Any = "mean", *, validate: bool = False):
        super().__init__()
        if isinstance(c, str):  # the order of torch.nn
            c, reduction = 1.0 if reduction == "mean" else reduction, c
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction, self.validate = reduction, validate
        loss(torch.zeros((), device="cpu"), c)  # checks the numbers
        if isinstance(c, Tensor) and c.grad_fn is not None:
            raise TypeError("c is computed: give a Parameter, or call `loss`")
        self.c = torch.nn.Buffer(c) if type(c) is Tensor else c

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        if self.validate and not torch.as_tensor(_RULES[0][2](self.c)).all():
            raise ValueError(f"c must be > 0 and finite, got {self.c}")
        if weight is None and self.reduction != "none" and _is_plain(input, target, self.c):
            return _Total.apply(input, target, self.reduction == "mean", self.c)
        if input.shape != target.shape:
            warnings.warn(f"sizes are broadcast: {input.shape}, {target.shape}", stacklevel=4)
        dtype = torch.promote_types(input.dtype, target.dtype)
        wide = torch.promote_types(dtype, torch.float32 if dtype.is_floating_point else torch.int64)
        values = loss(input.to(wide) - target.to(wide), self.c)
        values = values if weight is None else values * weight
        values = values if self.reduction == "none" else getattr(values, self.reduction)()
        cast = input.device.type != "meta" and torch.is_autocast_enabled(input.device.type)
        return values if cast or not dtype.is_floating_point else values.to(dtype)

    def extra_repr(self) -> str:
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("c", "reduction"))


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
    "loss": ("d_x", "d_c"),
    "d_x": ("d2_x", "d2_x_c"),
    "d_c": ("d2_x_c", "d2_c"),
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
            found = [f(*values).sum().item() for f in (loss, d_c)]
            sums.append(found)
        value, *ctx.sums = (math.fsum(v) * ctx.share for v in zip(*sums))
        ctx.save_for_backward(x, target, slope)
        return x.new_full((), value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        (x, target, slope), sums, needs = ctx.saved_tensors, ctx.sums, ctx.needs_input_grad
        if torch.is_grad_enabled():  # double backward: elementwise
            slope, *sums = (ctx.share * f(x - target, *ctx.parameters) for f in (d_x, d_c))
        slope = slope if not torch.is_grad_enabled() and grad.item() == 1 else slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by
