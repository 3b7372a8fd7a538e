# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 882a697b529f) by: derive regenerate q_gaussian --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""q-Gaussian loss.

    loss = log(1 + x^2*(q - 1)/c^2)/(q - 1)

Domain: x real, q in [1, 3), c > 0. The negative logarithm of the q-Gaussian exp_q(-(x/c)^2):
x^2/c^2 at q = 1, Cauchy's at q = 2.
Limits of the loss: x^2/c^2 at q = 1.
Source: Tsallis, J. Stat. Phys. 52, 1988.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["QGaussianLoss", "d2_c", "d2_q", "d2_q_c", "d2_x", "d2_x_c", "d2_x_q", "d_c", "d_q"]
__all__ += ["d_x", "loss", "value_and_grad", "weight"]
_RULES: Any = [
    ("q", "in [1, 3)", lambda p: (p >= 1) & (p < 3)),
    ("c", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),
]
_FORMULAS: dict[str, Any] = {}


def _op(_formula: Any, _name: str = "") -> Any:
    # an operation: the formula of each element, in float32 at least; the dtype of x comes out
    def function(x: Tensor, q: Any = 1.5, c: Any = 1.0) -> Tensor:
        return _evaluate(_formula, x, q, c)

    function.__name__ = function.__qualname__ = _formula.__name__ = _name or _formula.__name__
    _FORMULAS[_formula.__name__] = _formula
    function.__doc__ = _formula.__doc__ or f"{_name}: d2_a_b is d^2 loss/d a d b, weight is d_x/x."
    return function


@_op
def loss(x: Tensor, q: Tensor, c: Tensor) -> Tensor:
    """q-Gaussian loss, elementwise."""
    y = x / c
    u = torch.where(q == 1, 1.5, q) - 1
    value = _log1p_over(y, 1 / u) / u
    v = (2 * torch.log(abs(x)) + torch.log(u) - 2 * torch.log(c)) / u
    value = torch.where(c / x * (c / x) * (abs(1 / u) / 2) < 2.0**-54, v, value)
    value = torch.where(0.5 * y * y * abs(u) < 2.0**-54, y * y, value)
    return torch.where(q == 1, y * y, value)


@_op
def d_x(x: Tensor, q: Tensor, c: Tensor) -> Tensor:
    """The derivative in x, the influence."""
    y = x / c
    q_ = torch.where(q == 1, 1.5, q)
    value = 2 * y / (y * y * (q_ - 1) + 1) / c
    value = torch.where(c / x * (c / x) * abs(1 / (q_ - 1)) < 2.0**-54, 2 / x / (q_ - 1), value)
    return torch.where(q == 1, 2 * y / c, value)


@_op
def d_q(x: Tensor, q: Tensor, c: Tensor) -> Tensor:
    """The derivative in q."""
    y = x / c
    u = -0.5 * (y * y) * y * y
    v = torch.where(q == 1, 1.5, q) - 1
    value = -_exp_difference_m1_0_0(_log1p_over(y, 1 / v)) / v / v
    w = (1 + 2 * torch.log(c) - 2 * torch.log(abs(x)) - torch.log(v)) / v / v
    value = torch.where(c / x * (c / x) * abs(1 / v) < 2.0**-54, w, value)
    value = torch.where(y / 3 * y * abs(v) * 4 < 2.0**-54, u, value)
    return torch.where(q == 1, u, value)


@_op
def d_c(x: Tensor, q: Tensor, c: Tensor) -> Tensor:
    """The derivative in c."""
    y = x / c
    q_ = torch.where(q == 1, 1.5, q)
    value = -2 * y / (y * y * (q_ - 1) + 1) / c * y
    value = torch.where(abs(1 / (q_ - 1)) / y / y < 2.0**-54, -2 / c / (q_ - 1), value)
    return torch.where(q == 1, -y / c * y * 2, value)


@_op
def d2_x(x: Tensor, q: Tensor, c: Tensor) -> Tensor:
    """The second derivative in x."""
    q_ = torch.where(q == 1, 1.5, q)
    v = 1 / (q_ - 1)
    y = x / c
    r = abs(y) / torch.sqrt(v)
    value = 2 * _weighted(1, -1, y, v) / c / (r * r + 1) / c
    value = torch.where(c / x * (c / x) * abs(v) * 3 < 2.0**-54, -2 / x / (q_ - 1) / x, value)
    return torch.where(q == 1, torch.where(torch.isnan(x), x, 2 / c / c), value)


@_op
def d2_x_q(x: Tensor, q: Tensor, c: Tensor) -> Tensor:
    """The mixed second derivative in x and q."""
    y = x / c
    u = torch.where(q == 1, 1.5, q) - 1
    w = y * y * u
    value = -2 * y / (w + 1) / c * y * (y / (w + 1))
    value = torch.where(c / x * (c / x) * abs(1 / u) * 2 < 2.0**-54, -2 / x / u / u, value)
    return torch.where(q == 1, -2 * y * y / c * y, value)


@_op
def d2_x_c(x: Tensor, q: Tensor, c: Tensor) -> Tensor:
    """The mixed second derivative in x and c."""
    u = torch.where(q == 1, 1.5, q) - 1
    y = x / c
    w = y * y * u
    value = -4 / (w + 1) / c * x / c / (w + 1) / c
    v = c / x * (c / x) * abs(1 / u) * 2
    value = torch.where(v < 2.0**-54, -c / x / x / u * (4 / x / u), value)
    return torch.where(q == 1, -x / c / c * (4 / c), value)


@_op
def d2_q(x: Tensor, q: Tensor, c: Tensor) -> Tensor:
    """The second derivative in q."""
    y = x / c
    u = torch.where(q == 1, 1.5, q) - 1
    L = _log1p_over(y, 1 / u)
    value = _exp_difference_alone_0_1_2_2(L) * torch.exp(-2 * L) / u * (L / u) * (L / u) * L * 4
    v = (-3 + 4 * torch.log(abs(x)) + 2 * torch.log(u) - 4 * torch.log(c)) / u / u / u
    value = torch.where(c / x * (c / x) * (abs(1 / u) / 2) * 3 < 2.0**-54, v, value)
    return torch.where(q == 1, y * y * y * (y * 2 / 3 * y * y), value)


@_op
def d2_q_c(x: Tensor, q: Tensor, c: Tensor) -> Tensor:
    """The mixed second derivative in q and c."""
    y = x / c
    u = torch.where(q == 1, 1.5, q) - 1
    w = y * y * u
    value = 2 * y / (w + 1) / c * y * (y / (w + 1) * y)
    value = torch.where(abs(1 / u) / y * (2 / y) < 2.0**-54, 2 / u / c / u, value)
    return torch.where(q == 1, 2 * y * y / c * y * y, value)


@_op
def d2_c(x: Tensor, q: Tensor, c: Tensor) -> Tensor:
    """The second derivative in c."""
    y = x / c
    q_ = torch.where(q == 1, 1.5, q)
    v = 1 / (q_ - 1)
    r = abs(y) / torch.sqrt(v)
    value = 2 * y / (r * r + 1) / c * (_weighted(3, 1, y, v) / c * y)
    value = torch.where(abs(v) / y / y < 2.0**-54, 2 / c / c / (q_ - 1), value)
    return torch.where(q == 1, 6 / c * y * (y / c), value)


@_op
def weight(x: Tensor, q: Tensor, c: Tensor) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    q_ = torch.where(q == 1, 1.5, q)
    y = x / c
    value = 2 / c / (y * y * (q_ - 1) + 1) / c
    value = torch.where(c / x * (c / x) * abs(1 / (q_ - 1)) < 2.0**-54, 2 / x / (q_ - 1) / x, value)
    return torch.where(q == 1, torch.where(torch.isnan(x), x, 2 / c / c), value)


def value_and_grad(x: Tensor, q: Any = 1.5, c: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, q, c), d_x(x, q, c)


def _exp_difference_alone_0_1_2_2(z: Any) -> Any:
    """exp[0, z, 2 z, 2 z], the divided difference of exp."""
    size = abs(z)
    far = z < 0
    p = torch.exp(2 * z)
    u = (0.5 * z - 0.75 + torch.exp(-z) - 0.25 * torch.exp(-2 * z)) * p
    u = torch.where(far, -0.25 + torch.exp(z) + p * (0.5 * torch.clamp(z, min=-1e30)) - 0.75 * p, u)
    value = u / z / z / z
    v = torch.where(far, p * _exp_series(size, (2, 1, 0, 0)), _exp_series(size, (0, 1, 2, 2)))
    return torch.where(size < 2, v, value)


def _exp_difference_m1_0_0(z: Any) -> Any:
    """z^2 exp[-z, 0, 0], the divided difference of exp."""
    p = torch.exp(-z)
    return torch.where(abs(z) < 1, z * z * (p * _exp_series(abs(z), (0, 1, 1))), z - 1 + p)


def _log1p_over(y: Any, b: Any) -> Any:
    """log(1 + y^2/b), also where y^2/b overflows."""
    w = y / b * y
    return torch.where(w >= 2.0**80, 2 * torch.log(abs(y)) - torch.log(b), torch.log1p(w))


def _weighted(c: Any, d: Any, y: Any, b: Any) -> Any:
    """f (c + d w)/(1 + w), w = y^2/b, also where w overflows (f = 1)."""
    v = y / b
    w = v * y
    return torch.where(w >= 2.0**80, d + c / y / v, (c + d * w) / (1 + w))


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


class QGaussianLoss(torch.nn.Module):
    """q-Gaussian loss of input - target, as in torch.nn.

    Args:
        q: in [1, 3); a Parameter or a tensor is NaN where it is wrong.
        c: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> QGaussianLoss()(torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)).backward()
    """

    def __init__(
        self, q: Any = 1.5, c: Any = 1.0, reduction: str = "mean", *, validate: bool = False
    ):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction, self.validate = reduction, validate
        loss(torch.zeros((), device="cpu"), q, c)  # checks the numbers
        for value, (name, *_) in zip([q, c], _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss`")
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        parameters = [self.q, self.c]
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
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("q", "c", "reduction"))


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
    "loss": ("d_x", "d_q", "d_c"),
    "d_x": ("d2_x", "d2_x_q", "d2_x_c"),
    "d_q": ("d2_x_q", "d2_q", "d2_q_c"),
    "d_c": ("d2_x_c", "d2_q_c", "d2_c"),
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
            try:
                found = _block(one - other, s, ctx, *map(float, parameters))
            except ArithmeticError:  # a factor is 0/0
                found = [math.nan]
            if not all(map(math.isfinite, found)):  # out of the ordinary: by the functions
                values = one - other, *parameters
                torch.mul(d_x(*values), ctx.share, out=s)
                found = [f(*values).sum().item() for f in (loss, d_q, d_c)]
            sums.append(found)
        value, *ctx.sums = (math.fsum(v) * ctx.share for v in zip(*sums))
        ctx.save_for_backward(x, target, slope)
        return x.new_full((), value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        (x, target, slope), sums, needs = ctx.saved_tensors, ctx.sums, ctx.needs_input_grad
        if torch.is_grad_enabled():  # double backward: elementwise
            slope, *sums = (ctx.share * f(x - target, *ctx.parameters) for f in (d_x, d_q, d_c))
        slope = slope if not torch.is_grad_enabled() and grad.item() == 1 else slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by


def _block(d: Tensor, s: Tensor, ctx: Any, q: float, c: float) -> list[float]:
    """The sums of loss, d_q, d_c; s becomes the share of d_x. d is used up."""
    if q == 1 or not torch.linalg.vector_norm(d).item() < c / math.sqrt(abs(q - 1)) * 2.0**27:
        return [math.nan]
    u = torch.mul(d, d)
    v = torch.mul(u, (q - 1) / c / c).log1p_()
    found = [v.sum().item() / (q - 1), 0.0, 0.0]
    u.add_(c / (q - 1) * c)
    torch.div(d, u, out=s)
    if any(ctx.needs_input_grad[3:]):
        d.mul_(s)
    if ctx.needs_input_grad[3]:
        found[1] = _whole(
            -(v.sum().item() / ((q - 1) * (q - 1))), d.sum().item() / ((q - 1) * (q - 1))
        )
    if ctx.needs_input_grad[4]:
        found[2] = -(2 * d.sum().item() / c / (q - 1))
    s.mul_(2 * ctx.share / (q - 1))
    return found


def _whole(*terms: float) -> float:
    """The sum of the terms; NaN where they cancel so far that too few digits are left."""
    total = math.fsum(terms)
    return total if abs(total) > max(map(abs, terms)) / 64 else math.nan
