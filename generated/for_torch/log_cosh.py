# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 6b959d5ddb29) by: derive regenerate log_cosh --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Log-cosh loss.

    loss = c^2*log(cosh(x/c))

Domain: x real, c > 0. Behaves like x^2/2 near zero and like c |x| far away; its slope is c
tanh(x/c).
Source: Green, IEEE Trans. Medical Imaging 9(1), 1990.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["LogCoshLoss", "d2_c", "d2_x", "d2_x_c", "d_c", "d_x", "loss", "value_and_grad"]
__all__ += ["weight"]
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
    """Log-cosh loss, elementwise."""
    y = x / c
    return torch.where(abs(y) < 2.0**-40, 0.5 * x * x, c * _logcosh(y) * c)


d_x = _op(lambda x, c: c * torch.tanh(x / c), "d_x")


@_op
def d_c(x: Tensor, c: Tensor) -> Tensor:
    """The derivative in c."""
    y = x / c
    u = abs(y)
    value = c * (2 * _logcosh(y) - y * torch.tanh(y))
    value = torch.where(u >= 2.0**60, abs(x), value)
    terms = (
        0.06975959734524323, -0.06077358398052147, 0.024501386181119432, -0.0012019988402237128,
        -0.005159713378431157, 0.0036773738718451736, -0.0012140055701499537,
        -4.226058712541996e-05, 0.0002972860813050289, -0.00018165063667341912,
        5.130874315227381e-05, 6.759687737672499e-06, -1.5462178209414265e-05, 8.41234906627e-06,
        -2.0317948196916885e-06, -5.128900193330637e-07, 7.658392090580709e-07,
        -3.879919826012883e-07, 7.692103191164496e-08, 5.1843298418756677e-08,
        -3.864664160952224e-08,
    )  # fmt: skip
    value = torch.where(u < 2, _horner(u - 1.5, terms) * c * u * u * u * u, value)
    terms2 = (
        0.16666666666666666, -0.08888888888888886, 0.040476190476188355, -0.017495590828832546,
        0.007386029606158061, -0.0030789668593067783, 0.0012738548185947081, -0.0005244670835102909,
        0.0002152079226774935, -8.807568945249348e-05, 3.592690309817805e-05,
        -1.4533389890906422e-05, 5.734706214453342e-06, -2.124383493906473e-06,
        6.906565237503124e-07, -1.7821872881975654e-07, 3.133650782292623e-08,
        -2.740235393792682e-09,
    )  # fmt: skip
    return torch.where(u < 1, _horner(u * u, terms2) * c * u * u * u * u, value)


@_op
def d2_x(x: Tensor, c: Tensor) -> Tensor:
    """The second derivative in x."""
    u = torch.cosh(x / c)
    return 1 / u / u


@_op
def d2_x_c(x: Tensor, c: Tensor) -> Tensor:
    """The mixed second derivative in x and c."""
    y = x / c
    u = abs(y)
    v = torch.cosh(y)
    value = torch.tanh(y) - y / v / v
    value = torch.where(u >= 2.0**20, _sign(x), value)
    terms = (
        0.6666666666666666, -0.5333333333333332, 0.3238095238095158, -0.17495590828885393,
        0.08863235528912497, -0.0431055362844432, 0.020381679814238052, -0.009440427319533588,
        0.004304261288596735, -0.0019380554913873338, 0.000863348490542736, -0.0003802094241828668,
        0.0001643137097952194, -6.820636512435613e-05, 2.6041459046297746e-05,
        -8.537658957276174e-06, 2.1809739783640245e-06, -3.7477842103386254e-07,
        3.178447086428767e-08,
    )  # fmt: skip
    return torch.where(u < 1, _sign(x) * (_horner(u * u, terms) * u * u * u), value)


@_op
def d2_c(x: Tensor, c: Tensor) -> Tensor:
    """The second derivative in c."""
    y = x / c
    u = abs(y)
    v = y / torch.cosh(y)
    value = v * v - 2 * _logcosh_excess(y)
    value = torch.where(u >= 2.0**20, -1.3862943611198906, value)
    terms = (
        -0.5, 0.44444444444444436, -0.2833333333333255, 0.15746031745994055, -0.08124632568114806,
        0.04002656940023839, -0.01910782477005211, 0.008915958808105163, -0.004089046821294458,
        0.0018499575587656396, -0.0008273646917591292, 0.0003655656911444622,
        -0.00015841668721162017, 6.590218503693419e-05, -2.5203350289770198e-05,
        8.27266374204039e-06, -2.1149968570121194e-06, 3.636404611481962e-07,
        -3.085139036519061e-08,
    )  # fmt: skip
    return torch.where(u < 1, _horner(u * u, terms) * u * u * u * u, value)


weight = _op(lambda x, c: torch.where(x / c == 0, 1, torch.tanh(x / c) / (x / c)), "weight")


def value_and_grad(x: Tensor, c: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, c), d_x(x, c)


def _logcosh(z: Any) -> Any:
    """log(cosh(z)), without cancellation at small z and without overflow at large."""
    size = abs(z)
    square = z * z
    value = size - (0.6931471805599453 - torch.log1p(torch.exp(-2 * size)))
    terms = (
        0.5, -0.08333333333333331, 0.022222222222220533, -0.00674603174596672,
        0.0021869488522941283, -0.0007386029444910575, 0.00025658044045671257,
        -9.098888647967153e-05, 3.277615109007633e-05, -1.1946805472763963e-05,
        4.382994193353506e-06, -1.597614119111186e-06, 5.601465026256374e-07,
        -1.7719271476314975e-07, 4.561633293654998e-08, -8.14982655834782e-09,
        7.323407818465804e-10,
    )  # fmt: skip
    return torch.where(size < 1, square * _horner(square, terms), value)


def _logcosh_excess(z: Any) -> Any:
    """z tanh(z) - log(cosh(z)): 0 at 0, log(2) at infinity."""
    size = abs(z)
    square = z * z
    decay = torch.exp(-2 * torch.clamp(size, max=1e30))
    u = 2 * torch.clamp(size, max=1e30) * (decay / (1 + decay))
    value = 0.6931471805599453 - (torch.log1p(decay) + u)
    terms = (
        0.5, -0.24999999999999994, 0.11111111111110573, -0.04722222222198965, 0.01968253967722459,
        -0.008124632494994788, 0.0033355467769777773, -0.001364840288534652, 0.0005572271222589184,
        -0.00022709854544406083, 9.23116067593674e-05, -3.723321289109917e-05,
        1.4656718048179043e-05, -5.419452040616836e-06, 1.7595536890971683e-06,
        -4.5362191339398325e-07, 7.971207698331879e-08, -6.967594734823738e-09,
    )  # fmt: skip
    return torch.where(size < 1, square * _horner(square, terms), value)


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    return functools.reduce(lambda total, c: total * z + c, coefficients[::-1])


def _sign(value: Any) -> Any:
    """The sign; NaN for NaN."""
    return torch.where(torch.isnan(value), value, torch.sign(value))


class LogCoshLoss(torch.nn.Module):
    """Log-cosh loss of input - target, as in torch.nn.

    Args:
        c: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> LogCoshLoss()(torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)).backward()
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
