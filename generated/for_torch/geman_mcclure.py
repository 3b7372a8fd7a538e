# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of geman_mcclure (sha256 6c6ca5571ad8) by: derive regenerate geman_mcclure
# --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Geman-McClure loss.

    loss = 2*s/(s + 4)
    s = x^2/scale^2

Domain: x real, scale > 0. Bounded by 2; the influence of an outlier falls as 1/x^3.
Source: Geman and McClure, Proc. ASA 1985; in this form Barron, arXiv:1701.03077, eq. 5.
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

__all__ = ["GemanMcclureLoss", "d2_scale", "d2_x", "d2_x_scale", "d_scale", "d_x", "loss"]
__all__ += ["value_and_grad", "weight"]


_FORMULAS: dict[str, Callable[..., Tensor]] = {}


def _elementwise(_formula: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The formula of tensors, float32 at least; the dtype of x comes out."""

    @functools.wraps(_formula)
    def evaluate(x: Tensor, scale: Any = 1.0) -> Tensor:
        return _evaluate(_formula, x, scale)

    _FORMULAS[_formula.__name__] = _formula
    return evaluate


@_elementwise
def loss(x: Tensor, scale: Any = 1.0) -> Tensor:
    """Geman-McClure loss, elementwise."""
    y = x / scale
    return torch.where(torch.abs(y) >= 2.0**60, 2, y / (y * y + 4) * y * 2)


@_elementwise
def d_x(x: Tensor, scale: Any = 1.0) -> Tensor:
    """The derivative in x, the influence."""
    y = x / scale
    far = torch.abs(y) >= 2.0**60
    s = y * y
    return torch.where(far, 16 / y / scale / y / y, 16 / scale / (s + 4) * y / (s + 4))


@_elementwise
def d_scale(x: Tensor, scale: Any = 1.0) -> Tensor:
    """The derivative in scale."""
    y = x / scale
    far = torch.abs(y) >= 2.0**60
    r = 0.5 * torch.abs(y)
    w = r * r
    return torch.where(far, -scale / x * (16 / x), -y / (w + 1) / scale * y / (w + 1))


@_elementwise
def d2_x(x: Tensor, scale: Any = 1.0) -> Tensor:
    """The second derivative in x."""
    y = x / scale
    u = torch.abs(y)
    s = y * y
    far = u >= 2.0**60
    r = 0.5 * u
    w = r * r
    terms = (
        1, 6.591726586533538e-17, -1.5000000000000142, 1.1956162238154173e-12, 0.9374999999466361,
        1.4468368211025003e-09, -0.43750002591296044, 3.2337003540020304e-07, 0.1757783383094207,
        1.934565257247603e-05, -0.06454917846294693, 0.0003577577493323056, 0.021223182322256666,
        0.002017776633810711, -0.010189431469831426, 0.002548266420326306, 0.0014333721897318058,
        -0.0006413770525180702,
    )  # fmt: skip
    return torch.where(
        u < 0.5,
        _horner(u, terms) / scale / scale,
        torch.where(
            u < 2,
            (64 - s * 48) / (s + 4) / scale / (s + 4) / scale / (s + 4),
            torch.where(
                far,
                -scale / x / x * (scale / x) * (48 / x),
                1 / scale / (w + 1) * ((1 / (w + 1) - 3 / (1 + 1 / w)) / scale / (w + 1)),
            ),
        ),
    )


@_elementwise
def d2_x_scale(x: Tensor, scale: Any = 1.0) -> Tensor:
    """The mixed second derivative in x and scale."""
    y = x / scale
    far = torch.abs(y) >= 2.0**20
    s = y * y
    return torch.where(
        far,
        torch.where(
            torch.abs(y) >= 2.0**60,
            scale / x / x * (32 / x),
            (
                (
                    0.5
                    * y
                    * (1 / _root1p_square(0.5 * y))
                    * (0.5 * y * (1 / _root1p_square(0.5 * y)))
                    * 4
                    - 1 / _root1p_square(0.5 * y) * (1 / _root1p_square(0.5 * y)) * 4
                )
                * (1 / _root1p_square(0.5 * y))
                / scale
                * (0.5 * y * (1 / _root1p_square(0.5 * y)))
                * (1 / _root1p_square(0.5 * y))
                / scale
                * (1 / _root1p_square(0.5 * y))
            ),
        ),
        y / (s + 4) * ((s - 4) / scale / (s + 4)) * (32 / scale / (s + 4)),
    )


@_elementwise
def d2_scale(x: Tensor, scale: Any = 1.0) -> Tensor:
    """The second derivative in scale."""
    y = x / scale
    r = 0.5 * torch.abs(y)
    w = r * r
    v = y / scale / (w + 1)
    return torch.where(torch.abs(y) >= 2.0**40, -16 / x / x, v * v * ((3 - w) / (w + 1)))


@_elementwise
def weight(x: Tensor, scale: Any = 1.0) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    y = x / scale
    far = torch.abs(y) >= 32
    q = y * y + 4
    return torch.where(
        far,
        torch.where(
            torch.abs(y) >= 2.0**60,
            scale / x / x * (scale / x) * (16 / x),
            1 / scale / q * (16 / scale / q),
        ),
        16 / scale / scale / q / q,
    )


def value_and_grad(x: Tensor, scale: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, scale), d_x(x, scale)


def _root1p_square(t: Any) -> Any:
    """sqrt(1 + t^2), also where t^2 overflows."""
    return torch.where(torch.abs(t) >= 2.0**40, torch.abs(t), torch.sqrt(1 + t * t))


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * z + c
    return total


class GemanMcclureLoss(torch.nn.Module):
    """Geman-McClure loss of input - target.

    Args:
        scale: > 0 and finite; a number (checked), a Parameter, or a tensor (NaN where it is wrong).
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> GemanMcclureLoss()(torch.tensor([2.0]), torch.tensor([2.0])).item()
        0.0
    """

    def __init__(
        self, scale: Any = 1.0, reduction: Any = "mean", *, validate: bool = False
    ) -> None:
        super().__init__()
        if isinstance(scale, str):  # the order of torch.nn
            other = 1.0 if reduction == "mean" else reduction
            scale, reduction = other, scale
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        for value, (name, rule, valid) in zip((scale,), _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss` each time")
            _beside(torch.zeros(()), value, name, rule, valid)
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)
        self.reduction, self.validate = reduction, validate

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of input - target, each element times its weight."""
        parameters = [self.scale]
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
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("scale", "reduction"))


_DENSE = {(Tensor, True, True), (torch.nn.Parameter, True, True)}
_RULES: tuple[Any, ...] = (("scale", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),)


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
    "loss": ("d_x", "d_scale"),
    "d_x": ("d2_x", "d2_x_scale"),
    "d_scale": ("d2_x_scale", "d2_scale"),
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
            slope, *sums = (ctx.share * f(d, *parameters) for f in (d_x, d_scale))
        if torch.is_grad_enabled() or grad.item() != 1:
            slope = slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by


def _block(d: Tensor, s: Tensor, spare: list[Tensor], ctx: Any, scale: float) -> list[float]:
    """The sums of loss, d_scale; s becomes the share of d_x. d is used up."""
    u, v = spare
    if not torch.linalg.vector_norm(d).item() < scale * 2.0**60:
        return [math.nan]
    torch.mul(d, d, out=u).add_(scale * scale * 4)
    torch.div(d, u, out=v).mul_(d)
    sums = [2 * v.sum().item(), 0.0]
    torch.reciprocal(u, out=v).mul_(d)
    torch.div(v, u, out=s)
    if ctx.needs_input_grad[3]:
        torch.abs(d, out=v)
        v.mul_(v).add_(scale * scale * 4)
        torch.div(d, v, out=u).mul_(d).div_(v)
        sums[1] = -(scale * 16 * u.sum().item())
    s.mul_(scale * scale * 16 * ctx.share)
    return sums


def _exactly(d: Tensor, s: Tensor, ctx: Any, *parameters: Any) -> list[float]:
    """The same by the elementwise functions, for a block that is out of the ordinary."""
    torch.mul(d_x(d, *parameters), ctx.share, out=s)
    found = zip((loss, d_scale), [True, *ctx.needs_input_grad[3:]])
    return [f(d, *parameters).sum().item() if n else 0.0 for f, n in found]
