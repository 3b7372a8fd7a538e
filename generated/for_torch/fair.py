# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 30869731c596) by: derive regenerate fair --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Fair loss.

    loss = c^2*(u - log(1 + u))
    u = |x|/c

Domain: x real, c > 0. Behaves like x^2/2 near zero and like c |x| far away; its slope is c x/(c +
|x|).
Source: Fair, Annals of Economic and Social Measurement 3(4), 1974.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["FairLoss", "d2_c", "d2_x", "d2_x_c", "d_c", "d_x", "loss", "value_and_grad", "weight"]
_FORMULAS: dict[str, Any] = {}


def _elementwise(_formula: Any) -> Any:
    """The formula of tensors, float32 at least; the dtype of x comes out."""
    _FORMULAS[_formula.__name__] = _formula
    return functools.wraps(_formula)(lambda x, c=1.3998: _evaluate(_formula, x, c))


@_elementwise
def loss(x: Tensor, c: Any = 1.3998) -> Tensor:
    """Fair loss, elementwise."""
    y = x / c
    return torch.where(torch.abs(y) < 2.0**-60, 0.5 * x * x, -c * _log1p_minus(torch.abs(y)) * c)


@_elementwise
def d_x(x: Tensor, c: Any = 1.3998) -> Tensor:
    """The derivative in x, the influence."""
    y = x / c
    return torch.where(torch.abs(y) == math.inf, c * _sign(y), x / (torch.abs(x) / c + 1))


@_elementwise
def d_c(x: Tensor, c: Any = 1.3998) -> Tensor:
    """The derivative in c."""
    u = torch.abs(x / c)
    v = torch.abs(x) / c
    value = c * (_exp_difference_m2_m1_m1_0(torch.log1p(v)) * (1 + v)) * 2
    terms = (
        0.07923512185235256, -0.051803577038038444, 0.02640476938405126, -0.012271965982279183,
        0.005445299315611654, -0.0023516126945707988, 0.0009980557285516197,
        -0.00041856967208908673, 0.00017404539225344246, -7.190969756107565e-05,
        2.9565748692443602e-05, -1.2109412138752585e-05, 4.944349082233477e-06,
        -2.013812510291866e-06, 8.194041018812589e-07, -3.325461022810105e-07, 1.31777704988972e-07,
        -5.319545581666128e-08, 2.7074453197820786e-08, -1.1044339446556129e-08,
    )  # fmt: skip
    value = torch.where(u < 2, _horner(u - 1.5, terms) * c * u * u * u, value)
    terms2 = (
        0.1406574286236046, -0.12725556483455452, 0.0905629445150803, -0.05908800016725418,
        0.03694000739505767, -0.02253411307639405, 0.013534606958568523, -0.008044447106921622,
        0.004745848219201404, -0.002784507750557688, 0.0016269484675436245, -0.0009475920621628711,
        0.0005504622730480596, -0.0003179639437768247, 0.00018392121943119574,
        -0.00011664997430411306, 6.767182885597559e-05,
    )  # fmt: skip
    value = torch.where(u < 1, _horner(u - 0.75, terms2) * c * u * u * u, value)
    terms3 = (
        0.3333333333333333, -0.49999999999999994, 0.5999999999999913, -0.6666666666657339,
        0.7142857142327498, -0.7499999981579343, 0.777777734999681, -0.799999298167858,
        0.8181733609317767, -0.833256383673512, 0.8456145937047903, -0.8541905498440204,
        0.8539125053876447, -0.8312242610544363, 0.7624053776883362, -0.6253724626324797,
        0.42748093423793965, -0.22196532640254923, 0.07611242108019838, -0.012726920132007262,
    )  # fmt: skip
    return torch.where(u < 0.5, _horner(u, terms3) * c * u * u * u, value)


@_elementwise
def d2_x(x: Tensor, c: Any = 1.3998) -> Tensor:
    """The second derivative in x."""
    u = torch.abs(x) / c
    return 1 / (1 + u) / (1 + u)


@_elementwise
def d2_x_c(x: Tensor, c: Any = 1.3998) -> Tensor:
    """The mixed second derivative in x and c."""
    y = x / c
    u = torch.abs(x) / c
    return torch.where(torch.abs(y) == math.inf, _sign(y), x / (u + 1) / c * u / (u + 1))


@_elementwise
def d2_c(x: Tensor, c: Any = 1.3998) -> Tensor:
    """The second derivative in c."""
    return -4 * _exp_difference_m2_m1_0_0(torch.log1p(torch.abs(x) / c))


@_elementwise
def weight(x: Tensor, c: Any = 1.3998) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    return 1 / (1 + torch.abs(x / c))


def value_and_grad(x: Tensor, c: Any = 1.3998) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, c), d_x(x, c)


def _exp_difference_m2_m1_0_0(z: Any) -> Any:
    """z^3 exp[-2 z, -z, 0, 0], the divided difference of exp."""
    p = torch.exp(-2 * z)
    value = 0.5 * z - 0.75 + torch.exp(-z) - 0.25 * p
    u = p * _exp_series(torch.abs(z), (0, 1, 2, 2))
    return torch.where(torch.abs(z) < 1.5, z * z * z * u, value)


def _exp_difference_m2_m1_m1_0(z: Any) -> Any:
    """z^3 exp[-2 z, -z, -z, 0], the divided difference of exp."""
    p = torch.exp(-2 * z)
    value = 0.5 - torch.clamp(z, max=1e9) * torch.exp(-z) - 0.5 * p
    u = p * _exp_series(torch.abs(z), (0, 1, 1, 2))
    return torch.where(torch.abs(z) < 2, z * z * z * u, value)


def _log1p_minus(z: Any) -> Any:
    """log(1 + z) - z, without cancellation at small z."""
    w = z / (2 + z)
    value = torch.log1p(z) - z
    value = torch.where(z == math.inf, -math.inf, value)
    terms = (
        1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13, 1 / 15, 1 / 17, 1 / 19, 1 / 21, 1 / 23, 1 / 25,
        1 / 27, 1 / 29, 1 / 31, 1 / 33, 1 / 35,
    )  # fmt: skip
    u = 0.5 * (1 - w) * (1 - (1 - w) * w * _horner(w * w, terms))
    return torch.where((z > -0.5) & (z < 1), -z * z * u, value)


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


def _sign(value: Any) -> Any:
    """The sign; NaN for NaN."""
    return torch.where(torch.isnan(value), value, torch.sign(value))


class FairLoss(torch.nn.Module):
    """Fair loss of input - target, as in torch.nn.

    Args:
        c: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> input, target = torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)
        >>> FairLoss()(input, target).backward()
    """

    def __init__(self, c: Any = 1.3998, reduction: Any = "mean", *, validate: bool = False):
        super().__init__()
        if isinstance(c, str):  # the order of torch.nn
            c, reduction = 1.3998 if reduction == "mean" else reduction, c
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
