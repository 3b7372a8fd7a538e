# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 1b5f4e8d6de9) by: derive regenerate hampel --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Hampel's three-part loss.

    loss = x^2/2 if |x| <= a, a*|x| - a^2/2 if |x| <= b, a*(b - a/2) + a*(|x| - b)*(2*c - b -
      |x|)/(2*c - 2*b) if |x| <= c, a*(b + c - a)/2 otherwise

Domain: x real, a > 0, b > 0, c > 0, a <= b < c. x^2/2 up to |x| = a and a straight line up to b;
from there the slope falls to 0, which it is beyond c.
Source: Andrews et al., Robust Estimates of Location, 1972; Hampel, JASA 69(346), 1974.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["HampelLoss", "d2_a", "d2_a_b", "d2_a_c", "d2_b", "d2_b_c", "d2_c", "d2_x", "d2_x_a"]
__all__ += ["d2_x_b", "d2_x_c", "d_a", "d_b", "d_c", "d_x", "loss", "value_and_grad", "weight"]
_RULES: Any = [
    ("a", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),
    ("b", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),
    ("c", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),
]
_FORMULAS: dict[str, Any] = {}


def _op(_formula: Any, _name: str = "") -> Any:
    # an operation: the formula of each element, in float32 at least; the dtype of x comes out
    def function(x: Tensor, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> Tensor:
        return _evaluate(_formula, x, a, b, c)

    function.__name__ = function.__qualname__ = _formula.__name__ = _name or _formula.__name__
    _FORMULAS[_formula.__name__] = _formula
    function.__doc__ = _formula.__doc__ or f"{_name}: d2_a_b is d^2 loss/d a d b, weight is d_x/x."
    return function


@_op
def loss(x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Hampel's three-part loss, elementwise."""
    size = abs(x)
    value = 0.5 * x * x
    w = a / 2 * (b + c - a)
    u = (size - b) / (c - b) * (0.5 * (2 * c - b - size))
    w = torch.where(size <= c, a * (b - a / 2 + u), w)
    return torch.where(a < size, torch.where(size <= b, a * (size - a / 2), w), value)


@_op
def d_x(x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The derivative in x, the influence."""
    size = abs(x)
    w = torch.where(size <= c, _sign(x) / (c - b) * (c - size) * a, 0)
    return torch.where(a < size, torch.where(size <= b, a * _sign(x), w), x)


@_op
def d_a(x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The derivative in a."""
    size = abs(x)
    value = b / 2 + c / 2 - a
    value = torch.where(size <= c, b - a + (size - b) / (c - b) * (0.5 * (2 * c - b - size)), value)
    value = torch.where(size <= b, size - a, value)
    value = torch.where(size <= a, 0, value)
    return torch.where(torch.isnan(x), x, value)


@_op
def d_b(x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The derivative in b."""
    size = abs(x)
    value = a / 2
    u = 0.5 * ((b - size) / (b - c)) * ((b - 2 * c + size) / (b - c) * a)
    value = torch.where(size <= c, u, value)
    value = torch.where((size <= a) | (size <= b), 0, value)
    return torch.where(torch.isnan(x), x, value)


@_op
def d_c(x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The derivative in c."""
    size = abs(x)
    q = (b - size) / (b - c)
    value = a / 2
    value = torch.where(size <= c, 0.5 * q * a * q, value)
    value = torch.where((size <= a) | (size <= b), 0, value)
    return torch.where(torch.isnan(x), x, value)


@_op
def d2_x(x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The second derivative in x."""
    size = abs(x)
    value = torch.where(size <= c, a / (b - c), 0)
    value = torch.where(size <= b, 0, value)
    value = torch.where(size <= a, 1, value)
    return torch.where(torch.isnan(x), x, value)


@_op
def d2_x_a(x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The mixed second derivative in x and a."""
    size = abs(x)
    value = torch.where(size <= c, (c - size) / (c - b) * _sign(x), 0)
    value = torch.where(size <= b, _sign(x), value)
    value = torch.where(size <= a, 0, value)
    return torch.where(torch.isnan(x), x, value)


@_op
def d2_x_b(x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The mixed second derivative in x and b."""
    size = abs(x)
    value = torch.where(size <= c, a / (b - c) * ((c - size) / (b - c)) * _sign(x), 0)
    value = torch.where((size <= a) | (size <= b), 0, value)
    return torch.where(torch.isnan(x), x, value)


@_op
def d2_x_c(x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The mixed second derivative in x and c."""
    size = abs(x)
    value = torch.where(size <= c, a / (c - b) * ((size - b) / (c - b)) * _sign(x), 0)
    value = torch.where((size <= a) | (size <= b), 0, value)
    return torch.where(torch.isnan(x), x, value)


d2_a = _op(
    lambda x, a, b, c: torch.where(torch.isnan(x), x, torch.where(abs(x) <= a, 0, -1)), "d2_a"
)


@_op
def d2_a_b(x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The mixed second derivative in a and b."""
    size = abs(x)
    u = 0.5 * ((b - size) / (b - c)) * ((b - 2 * c + size) / (b - c))
    value = torch.where(size <= c, u, 0.5)
    value = torch.where((size <= a) | (size <= b), 0, value)
    return torch.where(torch.isnan(x), x, value)


@_op
def d2_a_c(x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The mixed second derivative in a and c."""
    size = abs(x)
    q = (b - size) / (b - c)
    value = torch.where(size <= c, 0.5 * q * q, 0.5)
    value = torch.where((size <= a) | (size <= b), 0, value)
    return torch.where(torch.isnan(x), x, value)


@_op
def d2_b(x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The second derivative in b."""
    size = abs(x)
    value = torch.where(size <= c, a / (b - c) * (c - size) / (b - c) * (c - size) / (b - c), 0)
    value = torch.where((size <= a) | (size <= b), 0, value)
    return torch.where(torch.isnan(x), x, value)


@_op
def d2_b_c(x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The mixed second derivative in b and c."""
    size = abs(x)
    u = -a / (b - c) * ((b - size) / (b - c)) * ((c - size) / (b - c))
    value = torch.where(size <= c, u, 0)
    value = torch.where((size <= a) | (size <= b), 0, value)
    return torch.where(torch.isnan(x), x, value)


@_op
def d2_c(x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The second derivative in c."""
    size = abs(x)
    q = (b - size) / (b - c)
    value = torch.where(size <= c, q * a * (q / (b - c)), 0)
    value = torch.where((size <= a) | (size <= b), 0, value)
    return torch.where(torch.isnan(x), x, value)


@_op
def weight(x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    size = abs(x)
    value = torch.where(size <= c, (c - size) / (c - b) * a / size, 0)
    value = torch.where(size <= b, a / size, value)
    value = torch.where(size <= a, 1, value)
    return torch.where(torch.isnan(x), x, value)


def value_and_grad(x: Tensor, a: Any = 2.0, b: Any = 4.0, c: Any = 8.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, a, b, c), d_x(x, a, b, c)


def _sign(value: Any) -> Any:
    """The sign; NaN for NaN."""
    return torch.where(torch.isnan(value), value, torch.sign(value))


class HampelLoss(torch.nn.Module):
    """Hampel's three-part loss of input - target, as in torch.nn.

    Args:
        a: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        b: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        c: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        Together a <= b < c; where it does not hold, as for each.
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> HampelLoss()(torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)).backward()
    """

    def __init__(
        self,
        a: Any = 2.0,
        b: Any = 4.0,
        c: Any = 8.0,
        reduction: str = "mean",
        *,
        validate: bool = False,
    ):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction, self.validate = reduction, validate
        loss(torch.zeros((), device="cpu"), a, b, c)  # checks the numbers
        for value, (name, *_) in zip([a, b, c], _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss`")
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        parameters = [self.a, self.b, self.c]
        for p, (name, rule, valid) in zip(parameters, _RULES):
            if self.validate and not torch.as_tensor(valid(p)).all():
                raise ValueError(f"{name} must be {rule}, got {p}")
        if self.validate and not torch.as_tensor(_related(*parameters)).all():
            raise ValueError(f"a <= b < c must hold, got {parameters}")
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
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("a", "b", "c", "reduction"))


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
    values = _together(parameters, values)
    wanted = torch.is_grad_enabled() and any(v.requires_grad for v in values)
    if not torch.compiler.is_compiling():
        result = _BothWays.apply(formula.__name__, *values)
    elif torch._C._are_functorch_transforms_active() or (wanted and torch.compiler.is_exporting()):
        result = _expanded(formula.__name__, *values)
    else:
        result = _Closed.apply(formula.__name__, *values) if wanted else formula(*values)
    return result.to(dtype).broadcast_to(torch.broadcast_shapes(*(v.shape for v in values)))


def _related(a: Any, b: Any, c: Any) -> Any:
    """Whether a <= b < c."""
    return (a <= b) & (b < c)


def _together(parameters: Any, values: Any) -> Any:
    """Numbers are checked; where tensors are wrong, all values are NaN (no waiting)."""
    valid = _related(*parameters)
    if isinstance(valid, Tensor):
        return [v * torch.where(_related(*values[1:]), 1.0, math.nan).to(v) for v in values]
    if not valid:
        raise ValueError(f"a <= b < c must hold, got {parameters}")
    return values


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
    "loss": ("d_x", "d_a", "d_b", "d_c"),
    "d_x": ("d2_x", "d2_x_a", "d2_x_b", "d2_x_c"),
    "d_a": ("d2_x_a", "d2_a", "d2_a_b", "d2_a_c"),
    "d_b": ("d2_x_b", "d2_a_b", "d2_b", "d2_b_c"),
    "d_c": ("d2_x_c", "d2_a_c", "d2_b_c", "d2_c"),
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
    plain = plain and bool(_related(*map(float, given)))
    return plain and all(1e-9 < abs(p) < 1e9 and r[2](p) for p, r in zip(map(float, given), _RULES))


class _Total(torch.autograd.Function):
    """Block by block, in memory that stays in the cache; the slope is kept for backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, target: Tensor, mean: bool, *parameters: Any) -> Tensor:
        ctx.share, ctx.parameters = 1 / x.numel() if mean else 1.0, parameters
        slope, size, sums = torch.empty_like(x), torch.get_num_threads() << 16, []
        split = (t.detach().view(-1).split(size) for t in (x, target, slope))
        for one, other, s in zip(*split) if x.numel() > size else [(x, target, slope)]:
            try:
                found = _block(one - other, s, ctx, *map(float, parameters))
            except ArithmeticError:  # a factor is 0/0
                found = [math.nan]
            if not all(map(math.isfinite, found)):  # out of the ordinary: by the functions
                values = one - other, *parameters
                torch.mul(d_x(*values), ctx.share, out=s)
                found = [f(*values).sum().item() for f in (loss, d_a, d_b, d_c)]
            sums.append(found)
        value, *ctx.sums = (math.fsum(v) * ctx.share for v in zip(*sums))
        ctx.save_for_backward(x, target, slope)
        return x.new_full((), value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        (x, target, slope), sums, needs = ctx.saved_tensors, ctx.sums, ctx.needs_input_grad
        if torch.is_grad_enabled():  # double backward: elementwise
            slope, *sums = (
                ctx.share * f(x - target, *ctx.parameters) for f in (d_x, d_a, d_b, d_c)
            )
        slope = slope if not torch.is_grad_enabled() and grad.item() == 1 else slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by


def _block(d: Tensor, s: Tensor, ctx: Any, a: float, b: float, c: float) -> list[float]:
    """The sums of loss, d_a, d_b, d_c; s becomes the share of d_x. d is used up."""
    u = torch.abs(d)
    v = torch.add(u, -b)
    w = torch.add(u, b - c * 2).mul_(v)
    p = torch.add(w, (b - a / 2) * (b - c) * 2).mul_(a / (b - c) / 2)
    c1 = u <= c
    torch.where(c1, p, d.new_full((), a / 2 * (b + c - a)), out=p)
    c2 = u <= b
    q = torch.add(u, -(a / 2)).mul_(a)
    torch.where(c2, q, p, out=q)
    torch.mul(d, d, out=p).mul_(0.5)
    c3 = u > a
    torch.where(c3, q, p, out=q)
    found = [q.sum().item(), 0.0, 0.0, 0.0]
    torch.sign(d, out=p)
    torch.add(u, -c, out=q).mul_(p).mul_(a / (b - c))
    torch.where(c1, q, d.new_full((), 0), out=q)
    p.mul_(a)
    torch.where(c2, p, q, out=p)
    torch.where(c3, p, d, out=s)
    if any(ctx.needs_input_grad[3:]):
        c4 = u <= a
        c5 = c4 | c2
    if ctx.needs_input_grad[3]:
        torch.add(w, (b - a) * (b - c) * 2, out=q).mul_(1 / (b - c) / 2)
        torch.where(c1, q, d.new_full((), b / 2 + c / 2 - a), out=q)
        u.add_(-a)
        torch.where(c2, u, q, out=u)
        torch.where(c4, d.new_full((), 0), u, out=u)
        found[1] = u.sum().item()
    if ctx.needs_input_grad[4]:
        w.mul_(-(a / (b - c) / (b - c) / 2))
        torch.where(c1, w, d.new_full((), a / 2), out=w)
        torch.where(c5, d.new_full((), 0), w, out=w)
        found[2] = w.sum().item()
    if ctx.needs_input_grad[5]:
        v.mul_(v).mul_(a / (b - c) / (b - c) / 2)
        torch.where(c1, v, d.new_full((), a / 2), out=v)
        torch.where(c5, d.new_full((), 0), v, out=v)
        found[3] = v.sum().item()
    s.mul_(ctx.share)
    return found
