# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of student_t (sha256 e881c11a8385) by: derive regenerate student_t --target
# torch
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
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

__all__ = ["StudentTLoss", "d2_df", "d2_df_scale", "d2_scale", "d2_x", "d2_x_df", "d2_x_scale"]
__all__ += ["d_df", "d_scale", "d_x", "loss", "value_and_grad", "weight"]


_FORMULAS: dict[str, Callable[..., Tensor]] = {}


def _elementwise(_formula: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The formula of tensors, float32 at least; the dtype of x comes out."""

    @functools.wraps(_formula)
    def evaluate(x: Tensor, df: Any = 1.0, scale: Any = 1.0) -> Tensor:
        return _evaluate(_formula, x, df, scale)

    _FORMULAS[_formula.__name__] = _formula
    return evaluate


@_elementwise
def loss(x: Tensor, df: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """Student's t loss, elementwise."""
    d = torch.where(df >= 2.0**1000, 1, df)
    y = x / scale
    far = y / d * (0.5 * y) < 2.0**-54
    value = torch.where(
        far, 0.5 * (y / d * (d + 1)) * y, (d + 1) / 2 * _log1p_square(torch.abs(y) / torch.sqrt(d))
    )
    return torch.where(df >= 2.0**1000, 0.5 * y * y, value)


@_elementwise
def d_x(x: Tensor, df: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The derivative in x, the influence."""
    d = torch.where(df >= 2.0**1000, 1, df)
    far = d / x * (scale / x) * scale < 2.0**-54
    y = x / scale
    value = torch.where(far, (d + 1) / x, y / (y * y + d) * (d + 1) / scale)
    return torch.where(df >= 2.0**1000, y / scale, value)


@_elementwise
def d_df(x: Tensor, df: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The derivative in df."""
    d = torch.where(df >= 2.0**1000, 1, df)
    y = x / scale
    far = y / d * y * (d / 2 + 1) < 2.0**-54
    L = _log1p_square(torch.abs(y) / torch.sqrt(d))
    value = torch.where(
        far, -0.5 * (y / d) / d * y, 0.5 * _exp_difference_m1_0_0(L) + 0.5 * (torch.expm1(-L) / d)
    )
    return torch.where(df >= 2.0**1000, torch.where(torch.isnan(x), x, 0), value)


@_elementwise
def d_scale(x: Tensor, df: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The derivative in scale."""
    d = torch.where(df >= 2.0**1000, 1, df)
    y = x / scale
    far = d / y / y < 2.0**-54
    value = torch.where(far, (-d - 1) / scale, -y / (y * y + d) * (d + 1) / scale * y)
    return torch.where(df >= 2.0**1000, -y / scale * y, value)


@_elementwise
def d2_x(x: Tensor, df: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The second derivative in x."""
    d = torch.where(df >= 2.0**1000, 1, df)
    far = d / x * (scale / x) * scale * 3 < 2.0**-54
    r = torch.abs(x / scale) / torch.sqrt(d)
    w = r * r
    value = torch.where(
        far,
        -(d + 1) / x / x,
        (1 / (w + 1) - 1 / (1 + 1 / w)) * (d + 1) / d / scale / (w + 1) / scale,
    )
    return torch.where(df >= 2.0**1000, torch.where(torch.isnan(x), x, 1 / scale / scale), value)


@_elementwise
def d2_x_df(x: Tensor, df: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The mixed second derivative in x and df."""
    d = torch.where(df >= 2.0**1000, 1, df)
    far = scale / x * (scale / x) * (2 * d + 1) < 2.0**-54
    y = x / scale
    q = y / d * y + 1
    value = torch.where(far, 1 / x, y / d / scale / q * ((y * y - 1) / d / q))
    return torch.where(df >= 2.0**1000, torch.where(torch.isnan(x), x, 0), value)


@_elementwise
def d2_x_scale(x: Tensor, df: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The mixed second derivative in x and scale."""
    d = torch.where(df >= 2.0**1000, 1, df)
    u = d / x * (scale / x)
    far = u * scale * 2 < 2.0**-54
    y = x / scale
    r = torch.abs(y) / torch.sqrt(d)
    w = r * r
    value = torch.where(
        far, -u * ((d + 1) / x) * 2, -y / d / (w + 1) * ((d + 1) / scale / (w + 1)) * (2 / scale)
    )
    return torch.where(df >= 2.0**1000, -x / scale / scale * (2 / scale), value)


@_elementwise
def d2_df(x: Tensor, df: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The second derivative in df."""
    d = torch.where(df >= 2.0**1000, 1, df)
    y = x / scale
    far = torch.abs(y) == math.inf
    far2 = d / y * (torch.abs(1 / (1 - (d + 1) / d / 2)) / y) < 2.0**-54
    r = torch.abs(y) / torch.sqrt(d)
    w = r * r
    value = torch.where(
        far,
        (1 - d) / d / d / 2,
        torch.where(
            far2,
            (1 - d) / d / d / 2,
            y / (w + 1) / d / d / d * y * ((1 - d) / (2 + 2 / r / r) + 1 / (w + 1)),
        ),
    )
    return torch.where(df >= 2.0**1000, torch.where(torch.isnan(x), x, 0), value)


@_elementwise
def d2_df_scale(x: Tensor, df: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The mixed second derivative in df and scale."""
    d = torch.where(df >= 2.0**1000, 1, df)
    y = x / scale
    far = (2 * d + 1) / y / y < 2.0**-54
    s = y * y
    value = torch.where(far, -1 / scale, -y / (s + d) * (y / (s + d) * (s - 1) / scale))
    return torch.where(df >= 2.0**1000, torch.where(torch.isnan(x), x, 0), value)


@_elementwise
def d2_scale(x: Tensor, df: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The second derivative in scale."""
    d = torch.where(df >= 2.0**1000, 1, df)
    y = x / scale
    far = y / d * (y / 3) * 5 < 2.0**-54
    far2 = d / y / y < 2.0**-54
    s = y * y
    value = torch.where(
        far,
        3 * y / scale / d * (d + 1) / scale * y,
        torch.where(
            far2,
            (d + 1) / scale / scale,
            y / (s + d) * (s + 3 * d) / (s + d) * (d + 1) / scale * y / scale,
        ),
    )
    return torch.where(df >= 2.0**1000, y / scale * (y / scale) * 3, value)


@_elementwise
def weight(x: Tensor, df: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    d = torch.where(df >= 2.0**1000, 1, df)
    far = d / x * (scale / x) * scale < 2.0**-54
    y = x / scale
    value = torch.where(far, (d + 1) / x / x, (d + 1) / scale / (y * y + d) / scale)
    return torch.where(df >= 2.0**1000, torch.where(torch.isnan(x), x, 1 / scale / scale), value)


def value_and_grad(x: Tensor, df: Any = 1.0, scale: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, df, scale), d_x(x, df, scale)


def _exp_difference_m1_0_0(z: Any) -> Any:
    """z^2 exp[-z, 0, 0], the divided difference of exp."""
    p = torch.exp(-z)
    return torch.where(
        torch.abs(z) < 4, z * z * (p * _exp_series(torch.abs(z), (0, 1, 1))), z - 1 + p
    )


def _log1p_square(t: Any) -> Any:
    """log(1 + t^2) for t >= 0, also where t^2 overflows."""
    return torch.where(t >= 2.0**40, 2 * torch.log(t), torch.log1p(t * t))


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


class StudentTLoss(torch.nn.Module):
    """Student's t loss of input - target.

    Args:
        df: in (0, inf]; a number (checked), a Parameter, or a tensor (NaN where it is wrong).
        scale: > 0 and finite; a number (checked), a Parameter, or a tensor (NaN where it is wrong).
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> StudentTLoss()(torch.tensor([2.0]), torch.tensor([2.0])).item()
        0.0
    """

    def __init__(
        self, df: Any = 1.0, scale: Any = 1.0, reduction: str = "mean", *, validate: bool = False
    ) -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        for value, (name, rule, valid) in zip((df, scale), _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss` each time")
            _beside(torch.zeros(()), value, name, rule, valid)
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)
        self.reduction, self.validate = reduction, validate

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of input - target, each element times its weight."""
        parameters = [self.df, self.scale]
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
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("df", "scale", "reduction"))


_DENSE = {(Tensor, True, True), (torch.nn.Parameter, True, True)}
_RULES: tuple[Any, ...] = (
    ("df", "in (0, inf]", lambda p: p > 0),
    ("scale", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),
)


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
    "loss": ("d_x", "d_df", "d_scale"),
    "d_x": ("d2_x", "d2_x_df", "d2_x_scale"),
    "d_df": ("d2_x_df", "d2_df", "d2_df_scale"),
    "d_scale": ("d2_x_scale", "d2_df_scale", "d2_scale"),
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
        room = [torch.empty_like(parts[0][0]) for _ in range(3)]
        numbers = [float(p) for p in parameters]
        known = zip(numbers, _RULES)
        ordinary = all(rule[2](p) and 1e-9 < abs(p) < 1e9 for p, rule in known)
        for a, b, s in parts:
            d, *spare = room if a.shape == room[0].shape else [r[: len(a)] for r in room]
            torch.sub(a, b, out=d)
            found = _block(d, s, spare, ctx, *numbers) if ordinary else [math.nan]
            if not all(map(math.isfinite, found)):
                found = _exactly(a - b, s, ctx, *parameters)
            sums.append(found)
        value, *ctx.sums = (math.fsum(v) * ctx.share for v in zip(*sums))
        ctx.save_for_backward(x, target, slope)
        return x.new_full((), value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (x, target, slope), sums, needs = ctx.saved_tensors, ctx.sums, ctx.needs_input_grad
        if torch.is_grad_enabled():  # double backward: elementwise
            d, parameters = x - target, ctx.parameters
            slope, *sums = (ctx.share * f(d, *parameters) for f in (d_x, d_df, d_scale))
        if torch.is_grad_enabled() or grad.item() != 1:
            slope = slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by


def _block(
    d: Tensor, s: Tensor, spare: list[Tensor], ctx: Any, df: float, scale: float
) -> list[float]:
    """The sums of loss, d_df, d_scale; s becomes the share of d_x. d is used up."""
    u, v = spare
    if df >= 2.0**1000:
        return [math.nan]
    if not torch.linalg.vector_norm(d).item() < math.sqrt(df) * scale * 2.0**27:
        return [math.nan]
    torch.mul(d, d, out=u)
    torch.mul(u, 1 / df / scale / scale, out=v).log1p_()
    sums = [(df + 1) * v.sum().item() / 2, 0.0, 0.0]
    u.add_(df * scale * scale)
    torch.div(d, u, out=s)
    if any(ctx.needs_input_grad[3:]):
        d.mul_(s)
    if ctx.needs_input_grad[3]:
        sums[1] = _whole(0.5 * v.sum().item(), -((df + 1) * d.sum().item() / df / 2))
    if ctx.needs_input_grad[4]:
        sums[2] = (-df - 1) * d.sum().item() / scale
    s.mul_((df + 1) * ctx.share)
    return sums


def _whole(*terms: float) -> float:
    """The sum of the terms; NaN where they cancel so far that too few digits are left."""
    total = math.fsum(terms)
    return total if abs(total) > max(map(abs, terms)) / 64 else math.nan


def _exactly(d: Tensor, s: Tensor, ctx: Any, *parameters: Any) -> list[float]:
    """The same by the elementwise functions, for a block that is out of the ordinary."""
    torch.mul(d_x(d, *parameters), ctx.share, out=s)
    found = zip((loss, d_df, d_scale), [True, *ctx.needs_input_grad[3:]])
    return [f(d, *parameters).sum().item() if n else 0.0 for f, n in found]
