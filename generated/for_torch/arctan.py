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
_FORMULAS: dict[str, Any] = {}


def _elementwise(_formula: Any) -> Any:
    """The formula of tensors, float32 at least; the dtype of x comes out."""
    _FORMULAS[_formula.__name__] = _formula
    return functools.wraps(_formula)(lambda x, c=1.0: _evaluate(_formula, x, c))


@_elementwise
def loss(x: Tensor, c: Any = 1.0) -> Tensor:
    """Arctan loss, elementwise."""
    y = x / c
    return torch.where(torch.abs(y) < 2.0**-27, 0.5 * x * x, c / 2 * (c * torch.atan(y * y)))


@_elementwise
def d_x(x: Tensor, c: Any = 1.0) -> Tensor:
    """The derivative in x, the influence."""
    y = x / c
    s = y * y
    return torch.where(torch.abs(y) >= 2.0**27, c / y * (1 / y / y), x / (1 + s * s))


@_elementwise
def d_c(x: Tensor, c: Any = 1.0) -> Tensor:
    """The derivative in c."""
    y = x / c
    u = torch.abs(y)
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


@_elementwise
def d2_x(x: Tensor, c: Any = 1.0) -> Tensor:
    """The second derivative in x."""
    y = x / c
    s = y * y
    q = s * y * y + 1
    value = (1 - s * y * y * 3) / q / q
    return torch.where(torch.abs(y) >= 2.0**27, -3 / y / y * (1 / y / y), value)


@_elementwise
def d2_x_c(x: Tensor, c: Any = 1.0) -> Tensor:
    """The mixed second derivative in x and c."""
    y = x / c
    q = y * y * y * y + 1
    return torch.where(torch.abs(y) >= 2.0**27, 4 / y * (1 / y / y), y / q * 4 * y * y * y / q * y)


@_elementwise
def d2_c(x: Tensor, c: Any = 1.0) -> Tensor:
    """The second derivative in c."""
    y = x / c
    u = torch.abs(y)
    s = y * y
    v = torch.atan(s)
    q = s * y * y + 1
    w = s / (s * s + 1)
    value = v - w * w * s * 4 - w
    value = torch.where(u >= 2.0**60, 1.5707963267948966, value)
    terms = (
        0.0013048078661129737, 0.02452550577525641, -0.09536312769630913, 0.19310109008732107,
        -0.27618201848277724, 0.30781742334148376, -0.275604457635056, 0.19365490108092195,
        -0.09162285035341958, -5.5878102654179796e-05, 0.061126974484682205, -0.08551689666857902,
        0.07916024692349968, -0.054512337619294866, 0.024769817351307843, 0.00018326092156593107,
        -0.015421355313762508, 0.020560597055616348, -0.01809792951906876, 0.011616650559207804,
        -0.004782999366881349, -5.6507418907708936e-05, 0.0036770513716817554,
        -0.006120284041611555, 0.003875822978318727,
    )  # fmt: skip
    value = torch.where(u < 2.25, _horner(u - 1.875, terms) * u * u * u * u * u * u, value)
    value = torch.where(u < 1.5, v - y**6 / q * (4 / q) - y / q * y, value)
    terms2 = (
        -3.3333333333333335, -3.580032161026732e-16, 7.200000000000139, -2.124357352846901e-11,
        -11.142857141141267, -8.417213649779398e-08, 15.111113837022486, -6.144929504780948e-05,
        -19.08991088227183, -0.011946801791232066, 23.183601976692234, -0.7136587930218575,
        -23.507090461060574, -13.022936296432263, 64.80366436694726, -57.44012238488139,
        17.013424668924966,
    )  # fmt: skip
    return torch.where(u < 0.5, _horner(u * u, terms2) * u * u * u * u * u * u, value)


@_elementwise
def weight(x: Tensor, c: Any = 1.0) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    y = x / c
    s = y * y
    return torch.where(torch.abs(y) >= 2.0**27, 1 / y / y * (1 / y / y), 1 / (1 + s * s))


def value_and_grad(x: Tensor, c: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, c), d_x(x, c)


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    return functools.reduce(lambda total, c: total * z + c, coefficients[::-1])


class ArctanLoss(torch.nn.Module):
    """Arctan loss of input - target, as in torch.nn.

    Args:
        c: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> input, target = torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)
        >>> ArctanLoss()(input, target).backward()
    """

    def __init__(self, c: Any = 1.0, reduction: Any = "mean", *, validate: bool = False):
        super().__init__()
        if isinstance(c, str):  # the order of torch.nn
            c, reduction = 1.0 if reduction == "mean" else reduction, c
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        for value, rule in zip((c,), _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{rule[0]} is computed: give a Parameter, or call `loss`")
            _beside(torch.zeros(()), value, *rule)
            setattr(self, rule[0], torch.nn.Buffer(value) if type(value) is Tensor else value)
        self.reduction, self.validate = reduction, validate

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of input - target, each element times its weight."""
        parameters = [self.c]
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
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("c", "reduction"))


_RULES: tuple[Any, ...] = (("c", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),)


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
    "loss": ("d_x", "d_c"),
    "d_x": ("d2_x", "d2_x_c"),
    "d_c": ("d2_x_c", "d2_c"),
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
        for one, other, s in parts:
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
            values = x - target, *ctx.parameters
            slope, *sums = (ctx.share * f(*values) for f in (d_x, d_c))
        slope = slope if not torch.is_grad_enabled() and grad.item() == 1 else slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by
