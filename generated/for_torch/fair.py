# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of fair (sha256 30869731c596) by: derive regenerate fair --target torch
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
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

__all__ = ["FairLoss", "d2_c", "d2_x", "d2_x_c", "d_c", "d_x", "loss", "value_and_grad"]
__all__ += ["weight"]


_FORMULAS: dict[str, Callable[..., Tensor]] = {}


def _elementwise(_formula: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The formula of tensors, float32 at least; the dtype of x comes out."""

    @functools.wraps(_formula)
    def evaluate(x: Tensor, c: Any = 1.3998) -> Tensor:
        return _evaluate(_formula, x, c)

    _FORMULAS[_formula.__name__] = _formula
    return evaluate


@_elementwise
def loss(x: Tensor, c: Any = 1.3998) -> Tensor:
    """Fair loss, elementwise."""
    y = x / c
    return torch.where(torch.abs(y) < 2.0**-60, x * x * 0.5, -c * _log1p_minus(torch.abs(y)) * c)


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
    terms = (
        0.3333333333333333, -0.49999999999999994, 0.5999999999999913, -0.6666666666657339,
        0.7142857142327498, -0.7499999981579343, 0.777777734999681, -0.799999298167858,
        0.8181733609317767, -0.833256383673512, 0.8456145937047903, -0.8541905498440204,
        0.8539125053876447, -0.8312242610544363, 0.7624053776883362, -0.6253724626324797,
        0.42748093423793965, -0.22196532640254923, 0.07611242108019838, -0.012726920132007262,
    )  # fmt: skip
    return torch.where(
        u < 0.5,
        _horner(u, terms) * c * u * u * u,
        c * (_exp_difference_m2_m1_m1_0(torch.log1p(v)) * (1 + v)) * 2,
    )


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
    return torch.where(torch.abs(y) == math.inf, _sign(y), y / (u + 1) * u / (u + 1))


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
    return torch.where(
        torch.abs(z) < 2,
        z * z * z * (p * _exp_series(torch.abs(z), (0, 1, 2, 2))),
        0.5 * z - 0.75 + torch.exp(-z) - 0.25 * p,
    )


def _exp_difference_m2_m1_m1_0(z: Any) -> Any:
    """z^3 exp[-2 z, -z, -z, 0], the divided difference of exp."""
    p = torch.exp(-2 * z)
    return torch.where(
        torch.abs(z) < 2,
        z * z * z * (p * _exp_series(torch.abs(z), (0, 1, 1, 2))),
        0.5 - torch.clamp(z, max=1000000000.0) * torch.exp(-z) - 0.5 * p,
    )


def _log1p_minus(z: Any) -> Any:
    """log(1 + z) - z, without cancellation at small z."""
    w = z / (2 + z)
    terms = (
        1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13, 1 / 15, 1 / 17, 1 / 19, 1 / 21, 1 / 23, 1 / 25,
        1 / 27, 1 / 29, 1 / 31, 1 / 33, 1 / 35,
    )  # fmt: skip
    return torch.where(
        (z > -0.5) & (z < 1),
        -z * z * (0.5 * (1 - w) * (1 - (1 - w) * w * _horner(w * w, terms))),
        torch.where(z == math.inf, -math.inf, torch.log1p(z) - z),
    )


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
    value = coefficients[-1]
    for c in coefficients[-2::-1]:
        value = value * argument + c
    return value


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * z + c
    return total


def _sign(value: Any) -> Any:
    """The sign; NaN for NaN."""
    return torch.where(torch.isnan(value), value, torch.sign(value))


class FairLoss(torch.nn.Module):
    """Fair loss of input - target.

    Args:
        c: > 0 and finite; a number (checked), a Parameter, or a tensor (NaN where it is wrong).
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> FairLoss()(torch.tensor([2.0]), torch.tensor([2.0])).item()
        0.0
    """

    def __init__(self, c: Any = 1.3998, reduction: Any = "mean", *, validate: bool = False) -> None:
        super().__init__()
        if isinstance(c, str):  # the order of torch.nn
            other = 1.3998 if reduction == "mean" else reduction
            c, reduction = other, c
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        for value, (name, rule, valid) in zip((c,), _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss` each time")
            _beside(torch.zeros(()), value, name, rule, valid)
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)
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
            sizes = f"the sizes {tuple(input.shape)} and {tuple(target.shape)} are broadcast"
            warnings.warn(sizes, stacklevel=4)  # of the caller
        dtype = torch.promote_types(input.dtype, target.dtype)
        wide = torch.promote_types(dtype, torch.float32 if dtype.is_floating_point else torch.int64)
        values = loss(input.to(wide) - target.to(wide), *parameters)
        values = values if weight is None else values * weight
        values = values if self.reduction == "none" else getattr(values, self.reduction)()
        cast = input.device.type != "meta" and torch.is_autocast_enabled(input.device.type)
        return values if cast or not dtype.is_floating_point else values.to(dtype)

    def extra_repr(self) -> str:
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("c", "reduction"))


_DENSE = {(Tensor, True, True), (torch.nn.Parameter, True, True)}
_RULES: tuple[Any, ...] = (("c", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),)


def _evaluate(formula: Callable[..., Tensor], x: Any, *parameters: Any) -> Tensor:
    """The formula of tensors of one dtype and device."""
    x = x if isinstance(x, Tensor) else torch.as_tensor(x)
    dtype = x.dtype if x.is_floating_point() else torch.get_default_dtype()
    if x.is_complex():
        raise TypeError(f"x must be real, got dtype {x.dtype}")
    x = x.to(torch.promote_types(dtype, torch.float32)).contiguous()  # views round as it does
    values = [x, *(_beside(x, p, *rule) for p, rule in zip(parameters, _RULES))]
    result = _tied(formula.__name__, values)
    return result.to(dtype).broadcast_to(torch.broadcast_shapes(*(v.shape for v in values)))


def _beside(x: Tensor, value: Any, name: str, rule: str, valid: Callable[[Any], Any]) -> Tensor:
    """A parameter beside x. A number outside its domain is an error; a tensor there becomes NaN,
    so that nothing waits for a device."""
    if isinstance(value, Tensor):
        return torch.where(valid(value), value, math.nan).to(x.dtype)
    if not isinstance(value, (float, int)) or not valid(value):
        raise ValueError(f"{name} must be {rule}, got {value!r}")
    least = torch.finfo(x.dtype).tiny
    value = math.copysign(least, value) if 0 < abs(value) < least else value  # and not 0
    return torch.full((), value, dtype=x.dtype, device=x.device)


def _tied(name: str, values: list[Tensor]) -> Tensor:
    """A formula and its derivatives; the compiler itself decides what to keep for them."""
    if not torch.compiler.is_compiling():
        return _ClosedBothWays.apply(name, *values)
    wanted = torch.is_grad_enabled() and any(v.requires_grad for v in values)
    wanted = wanted and not torch._C._are_functorch_transforms_active()
    return _Closed.apply(name, *values) if wanted else _FORMULAS[name](*values)


class _Closed(torch.autograd.Function):
    """A formula whose derivatives are functions of this file."""

    generate_vmap_rule = True

    @staticmethod
    def forward(name: str, *values: Tensor) -> Tensor:
        return _FORMULAS[name](*values)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.name, *values = inputs
        ctx.save_for_backward(*values)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        values, needs = ctx.saved_tensors, ctx.needs_input_grad[1:]
        once = torch.compiler.is_compiling() or not torch.is_grad_enabled()
        slopes = [_FORMULAS[n] if once else globals()[n] for n in _slopes(ctx.name)]
        found = zip(slopes, values, needs)
        return None, *((grad * d(*values)).sum_to_size(v.shape) if n else None for d, v, n in found)


class _ClosedBothWays(_Closed):
    """With forward mode, which torch.compile does not trace."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _Closed.setup_context(ctx, inputs, output)
        ctx.save_for_forward(*inputs[1:])

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: Tensor | None) -> Tensor:
        with forward_ad._set_fwd_grad_enabled(True):  # of an outer forward mode
            values = [forward_ad.unpack_dual(v).primal for v in ctx.saved_tensors]
            slopes = [globals()[n] for n in _slopes(ctx.name)]
            moves = [d(*values) * t for d, t in zip(slopes, tangents) if t is not None]
            return sum(moves[1:], moves[0])


def _slopes(name: str) -> tuple[str, ...]:
    if name not in _SLOPES:
        raise NotImplementedError(f"this file has no derivative of {name}")
    return _SLOPES[name]


_SLOPES = {
    "loss": ("d_x", "d_c"),
    "d_x": ("d2_x", "d2_x_c"),
    "d_c": ("d2_x_c", "d2_c"),
}


def _total(x: Tensor, *parameters: Any, target: Tensor | None = None, mean: bool = True) -> Any:
    """The mean or the sum of the loss in one pass over the memory of the CPU; None for what does
    not lie there in one piece, is traced, or is in a transform."""
    if torch.compiler.is_compiling() or is_in_torch_dispatch_mode():
        return None
    tensors = [v for v in (x, target, *parameters) if isinstance(v, Tensor)]
    target = x.new_zeros(()).expand(x.shape) if target is None else target
    alike = x.shape == target.shape and x.dtype == target.dtype in (torch.float32, torch.float64)
    alone = all(p.numel() == 1 for p in parameters if isinstance(p, Tensor))
    kinds = {(type(t), t.is_cpu, t.is_contiguous()) for t in tensors}
    transformed = torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0
    if transformed or not alike or not alone or not x.numel() or kinds - _DENSE:
        return None
    return _Total.apply(x, target, mean, *parameters)


class _Total(torch.autograd.Function):
    """Block by block, in memory that stays in the cache; the slope is kept for backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, target: Tensor, mean: bool, *parameters: Any) -> Tensor:
        size, step, sums = x.numel(), torch.get_num_threads() << 16, []
        ctx.share, ctx.parameters = 1 / size if mean else 1.0, parameters
        slope = torch.empty_like(x)
        parts = [(x, target, slope)]
        if size > step:
            parts = list(zip(*(t.detach().view(-1).split(step) for t in parts[0])))
        for a, b, s in parts:
            sums.append(_exactly(a - b, s, ctx, *parameters))
        value, *ctx.sums = (math.fsum(v) * ctx.share for v in zip(*sums))
        ctx.save_for_backward(x, target, slope)
        return x.new_full((), value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (x, target, slope), sums, needs = ctx.saved_tensors, ctx.sums, ctx.needs_input_grad
        if torch.is_grad_enabled():  # double backward: elementwise
            d, parameters = x - target, ctx.parameters
            slope, *sums = (ctx.share * f(d, *parameters) for f in (d_x, d_c))
        if torch.is_grad_enabled() or grad.item() != 1:
            slope = slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by


def _exactly(d: Tensor, s: Tensor, ctx: Any, *parameters: Any) -> list[float]:
    """The same by the elementwise functions, for a block that is out of the ordinary."""
    torch.mul(d_x(d, *parameters), ctx.share, out=s)
    found = zip((loss, d_c), [True, *ctx.needs_input_grad[3:]])
    return [f(d, *parameters).sum().item() if n else 0.0 for f, n in found]
