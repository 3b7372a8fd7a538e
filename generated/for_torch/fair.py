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
_RULES: Any = [("c", "> 0 and finite", lambda p: (p > 0) & (p < math.inf))]
_FORMULAS: dict[str, Any] = {}


def _op(_formula: Any, _name: str = "") -> Any:
    # an operation: the formula of each element, in float32 at least; the dtype of x comes out
    def function(x: Tensor, c: Any = 1.3998) -> Tensor:
        return _evaluate(_formula, x, c)

    function.__name__ = function.__qualname__ = _formula.__name__ = _name or _formula.__name__
    _FORMULAS[_formula.__name__] = _formula
    function.__doc__ = _formula.__doc__ or f"{_name}: d2_a_b is d^2 loss/d a d b, weight is d_x/x."
    return function


@_op
def loss(x: Tensor, c: Tensor) -> Tensor:
    """Fair loss, elementwise."""
    y = x / c
    return torch.where(abs(y) < 2.0**-60, 0.5 * x * x, -c * _log1p_minus(abs(y)) * c)


@_op
def d_x(x: Tensor, c: Tensor) -> Tensor:
    """The derivative in x, the influence."""
    y = x / c
    return torch.where(abs(y) == math.inf, c * _sign(y), x / (abs(x) / c + 1))


@_op
def d_c(x: Tensor, c: Tensor) -> Tensor:
    """The derivative in c."""
    u = abs(x / c)
    v = abs(x) / c
    value = c * (_exp_difference_m2_m1_m1_0(torch.log1p(v)) * (1 + v)) * 2
    terms = (
        0.03620041769482292, -0.015367084361489584, 0.005036389574326387, -0.0014959108746257698,
        0.0004224346039796244, -0.00011575594019050788, 3.110203244464272e-05,
        -8.243179455323112e-06, 2.163092360306115e-06, -5.633684120347453e-07,
        1.458744623807438e-07, -3.7597482578136505e-08, 9.654314292503116e-09,
        -2.4714302243878637e-09, 6.308219785514888e-10, -1.6071279064042432e-10,
        4.114821700037739e-11, -1.0460035654229353e-11, 2.447553857504061e-12,
        -6.148209090406683e-13, 2.4183643532170323e-13, -6.210447810152301e-14,
    )  # fmt: skip
    value = torch.where(u < 4, _horner(u - 3, terms) * c * u * u * u, value)
    terms2 = (
        0.07923512185235256, -0.051803577038038444, 0.02640476938405126, -0.012271965982279183,
        0.005445299315611654, -0.0023516126945707988, 0.0009980557285516197,
        -0.00041856967208908673, 0.00017404539225344246, -7.190969756107565e-05,
        2.9565748692443602e-05, -1.2109412138752585e-05, 4.944349082233477e-06,
        -2.013812510291866e-06, 8.194041018812589e-07, -3.325461022810105e-07, 1.31777704988972e-07,
        -5.319545581666128e-08, 2.7074453197820786e-08, -1.1044339446556129e-08,
    )  # fmt: skip
    value = torch.where(u < 2, _horner(u - 1.5, terms2) * c * u * u * u, value)
    terms3 = (
        0.1406574286236046, -0.12725556483455452, 0.0905629445150803, -0.05908800016725418,
        0.03694000739505767, -0.02253411307639405, 0.013534606958568523, -0.008044447106921622,
        0.004745848219201404, -0.002784507750557688, 0.0016269484675436245, -0.0009475920621628711,
        0.0005504622730480596, -0.0003179639437768247, 0.00018392121943119574,
        -0.00011664997430411306, 6.767182885597559e-05,
    )  # fmt: skip
    value = torch.where(u < 1, _horner(u - 0.75, terms3) * c * u * u * u, value)
    terms4 = (
        0.3333333333333333, -0.49999999999999994, 0.5999999999999913, -0.6666666666657339,
        0.7142857142327498, -0.7499999981579343, 0.777777734999681, -0.799999298167858,
        0.8181733609317767, -0.833256383673512, 0.8456145937047903, -0.8541905498440204,
        0.8539125053876447, -0.8312242610544363, 0.7624053776883362, -0.6253724626324797,
        0.42748093423793965, -0.22196532640254923, 0.07611242108019838, -0.012726920132007262,
    )  # fmt: skip
    return torch.where(u < 0.5, _horner(u, terms4) * c * u * u * u, value)


@_op
def d2_x(x: Tensor, c: Tensor) -> Tensor:
    """The second derivative in x."""
    u = abs(x) / c
    return 1 / (1 + u) / (1 + u)


@_op
def d2_x_c(x: Tensor, c: Tensor) -> Tensor:
    """The mixed second derivative in x and c."""
    y = x / c
    u = abs(x) / c
    return torch.where(abs(y) == math.inf, _sign(y), x / (u + 1) / c * u / (u + 1))


d2_c = _op(lambda x, c: -4 * _exp_difference_m2_m1_0_0(torch.log1p(abs(x) / c)), "d2_c")
weight = _op(lambda x, c: 1 / (1 + abs(x / c)), "weight")


def value_and_grad(x: Tensor, c: Any = 1.3998) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, c), d_x(x, c)


def _exp_difference_m2_m1_0_0(z: Any) -> Any:
    """z^3 exp[-2 z, -z, 0, 0], the divided difference of exp."""
    p = torch.exp(-2 * z)
    value = 0.5 * z - 0.75 + torch.exp(-z) - 0.25 * p
    return torch.where(abs(z) < 1.5, z * z * z * (p * _exp_series(abs(z), (0, 1, 2, 2))), value)


def _exp_difference_m2_m1_m1_0(z: Any) -> Any:
    """z^3 exp[-2 z, -z, -z, 0], the divided difference of exp."""
    p = torch.exp(-2 * z)
    value = 0.5 - torch.clamp(z, max=1e9) * torch.exp(-z) - 0.5 * p
    return torch.where(abs(z) < 2, z * z * z * (p * _exp_series(abs(z), (0, 1, 1, 2))), value)


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
        >>> FairLoss()(torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)).backward()
    """

    def __init__(self, c: Any = 1.3998, reduction: Any = "mean", *, validate: bool = False):
        super().__init__()
        if isinstance(c, str):  # the order of torch.nn
            c, reduction = 1.3998 if reduction == "mean" else reduction, c
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
