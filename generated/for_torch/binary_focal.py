# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 05df89e0c1dd) by: derive regenerate binary_focal --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Binary focal loss.

    loss = (1 + exp(v))^(-gamma)*log(1 + exp(-v))
    v = z*(2*y - 1)

Domain: z real, y 0 or 1, gamma >= 0. z predicts the logit of the label 1; cross-entropy at gamma =
0.
Source: Lin et al., ICCV 2017, arXiv:1708.02002.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["BinaryFocalLoss", "d2_z", "d2_z_gamma", "d_gamma", "d_z", "loss", "value_and_grad"]


_FORMULAS: dict[str, Callable[..., Tensor]] = {}


def _elementwise(_formula: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The formula of tensors, float32 at least; the dtype of z and y comes out. NaN for NaN."""

    def formula(*values: Tensor) -> Tensor:
        result, empty = _formula(*values), torch.isnan(values[0])
        for other in values[1:2]:
            empty = empty | torch.isnan(other)
        return torch.where(empty, math.nan, result)

    @functools.wraps(_formula)
    def evaluate(z: Tensor, y: Tensor, gamma: Any = 2.0) -> Tensor:
        return _evaluate(_formula.__name__, (z, y), gamma)

    _FORMULAS[_formula.__name__] = formula
    return evaluate


@_elementwise
def loss(z: Tensor, y: Tensor, gamma: Any = 2.0) -> Any:
    """Binary focal loss, elementwise."""
    v = z * (2 * y - 1)
    return _power1p_exp(v, -gamma) * _softplus(-v)


@_elementwise
def d_z(z: Tensor, y: Tensor, gamma: Any = 2.0) -> Any:
    """The derivative in z."""
    u = torch.clamp(z, -1e30, 1e30) * (2 * y - 1)
    v = _power1p_exp(u, -gamma)
    w = -u
    return (1 - 2 * y) * v * _sigmoid(w) - gamma * (2 * y - 1) * v * _sigmoid(u) * _softplus(w)


@_elementwise
def d_gamma(z: Tensor, y: Tensor, gamma: Any = 2.0) -> Any:
    """The derivative in gamma."""
    u = torch.clamp(z, -1e30, 1e30) * (2 * y - 1)
    v = _power1p_exp(u, -gamma)
    w = _softplus_product(u)
    value = -v * w
    return torch.where(
        (v < 2.0**-100) | (w < 2.0**-100),
        (
            -_power1p_exp(u, -gamma / 2)
            * _power1p_exp(u, -gamma / 2)
            * (_root_softplus(u) * _root_softplus(-u))
            * (_root_softplus(u) * _root_softplus(-u))
        ),
        value,
    )


@_elementwise
def d2_z(z: Tensor, y: Tensor, gamma: Any = 2.0) -> Any:
    """The second derivative in z."""
    u = torch.clamp(z, -1e30, 1e30) * (2 * y - 1)
    v = _power1p_exp(u, -gamma)
    w = _sigmoid(u)
    p = -u
    q = _softplus(p)
    r = gamma * gamma * w * q + (1 + gamma * (2 - q)) * _sigmoid(p)
    value = r * v * w
    return torch.where(
        (v < 2.0**-100) | (w < 2.0**-100),
        (
            _root_sigmoid(u)
            * _power1p_exp(u, -gamma / 2)
            * r
            * _power1p_exp(u, -gamma / 2)
            * _root_sigmoid(u)
        ),
        value,
    )


@_elementwise
def d2_z_gamma(z: Tensor, y: Tensor, gamma: Any = 2.0) -> Any:
    """The mixed second derivative in z and gamma."""
    u = torch.clamp(z, -1e30, 1e30) * (2 * y - 1)
    q = gamma * _softplus_product(u) + _softplus_crossed(u)
    return (2 * y - 1) * q * _power1p_exp(u, -gamma) * _sigmoid(u)


def value_and_grad(z: Tensor, y: Tensor, gamma: Any = 2.0) -> tuple[Tensor, ...]:
    """(loss, d_z)."""
    return loss(z, y, gamma), d_z(z, y, gamma)


def _power1p_exp(z: Any, q: Any) -> Any:
    """(1 + exp(z))^q, also where exp(z) overflows."""
    decay = torch.exp(-abs(z))
    more = 1 + decay
    power = more**q
    u = q * ((decay - (more - 1)) / more)
    v = q * torch.clamp(torch.clamp(torch.clamp(z, min=0), max=1e30), min=-1e30)
    value = power * torch.exp(v + torch.clamp(u, -80, 80))
    return torch.where(abs(q) <= 8, (power + power * u) * torch.exp(v), value)


def _root_sigmoid(z: Any) -> Any:
    """1/sqrt(1 + exp(-z)), which is exp(z/2) where exp(z) has lost its digits."""
    return torch.where(z < -40, torch.exp(0.5 * z), torch.sqrt(_sigmoid(z)))


def _root_softplus(z: Any) -> Any:
    """sqrt(log(1 + exp(z))), which is exp(z/2) where log(1 + exp(z)) has lost its digits."""
    return torch.where(z < -40, torch.exp(0.5 * z), torch.sqrt(_softplus(z)))


def _sigmoid(z: Any) -> Any:
    """1/(1 + exp(-z)), without overflow."""
    p = torch.exp(-abs(z))
    return torch.where(z < 0, p, 1) / (1 + p)


def _softplus(z: Any) -> Any:
    """log(1 + exp(z)), without overflow."""
    return torch.clamp(z, min=0) + torch.log1p(torch.exp(-abs(z)))


def _softplus_crossed(z: Any) -> Any:
    """exp(-z) softplus(z) - softplus(-z), without cancellation."""
    a = torch.clamp(abs(z), max=1e30)
    b = torch.clamp(a, max=40)
    value = _sign(z) * torch.exp(-torch.clamp(z, min=0)) * (a - torch.expm1(b) * _softplus(-b))
    terms = (
        0.3068528194400547, -0.041666666666666644, 0.0038194444444437743, -0.00031415343914573585,
        2.5524966884929517e-05, -2.114815315864653e-06, 1.7979417782509906e-07,
        -1.5646426625248573e-08, 1.3873503109112467e-09, -1.2447351949261126e-10,
        1.1082662027100173e-11, -9.213930073949239e-13, 6.15003731854373e-14,
        -2.3203718596892428e-15,
    )  # fmt: skip
    return torch.where(abs(z) < 1.5, -torch.expm1(-z) * _horner(z * z, terms), value)


def _softplus_product(z: Any) -> Any:
    """softplus(z) softplus(-z), which is even."""
    terms = (
        0.48045301391820144, -0.07671320486001366, 0.008404716869167007, -0.0008207311246081069,
        7.740109723361913e-05, -7.244121577663902e-06, 6.790020822824562e-07,
        -6.391689514991539e-08, 6.045675945593549e-09, -5.740750610018649e-10,
        5.444146511282372e-11, -5.044379737784243e-12, 4.270858853869834e-13,
        -2.832032276052363e-14, 1.0402666632653275e-15,
    )  # fmt: skip
    return torch.where(abs(z) < 1.5, _horner(z * z, terms), _softplus(z) * _softplus(-z))


def _horner(z: Any, coefficients: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, lowest first."""
    return functools.reduce(lambda total, c: total * z + c, coefficients[::-1])


def _sign(value: Any) -> Any:
    """The sign; NaN for NaN."""
    return torch.where(torch.isnan(value), value, torch.sign(value))


class BinaryFocalLoss(torch.nn.Module):
    """Binary focal loss of input (a tensor of z) and target (y).

    Args:
        weight: of each element, if any.
        reduction: "mean" over all elements (with a weight, too), "sum", "none", or "weighted_mean":
            divided by the sum of the weights.
        gamma: >= 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        validate: check all tensors, too, at every call, which waits for the device.
        size_average, reduce: instead of reduction, as torch.nn once had them.
    Shape: input and target of one shape; the output is a scalar, or has that shape.
    Examples:
        >>> input, target = torch.full((3, 5), 0.5, requires_grad=True), torch.ones(3, 5)
        >>> BinaryFocalLoss()(input, target).backward()
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        gamma: Any = 2.0,
        *,
        validate: bool = False,
    ) -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            whole = "none" if reduce is False else "sum"
            reduction = "mean" if reduce is not False and size_average is not False else whole
        if reduction not in _REDUCTIONS:
            raise ValueError(f"reduction must be one of {_REDUCTIONS}, got {reduction!r}")
        for value, (name, rule, valid), usual in zip((gamma,), _RULES, (2.0,)):
            value = usual if value is None else value
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss` each time")
            _beside(torch.zeros(()), value, name, rule, valid)
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)
        self.weight = torch.nn.Buffer(weight) if isinstance(weight, Tensor) else weight
        self.reduction, self.validate = reduction, validate

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of each pair, times its weight, reduced."""
        if input.shape != target.shape:
            sizes = f"{tuple(input.shape)} and {tuple(target.shape)}"
            raise ValueError(f"input and target must have one size, got {sizes}")
        parameters: list[Any] = [self.gamma]
        if self.validate:
            for value, (name, rule, valid) in zip((input, target), _DOMAINS):
                if not (valid(value) | torch.isnan(value)).all():
                    raise ValueError(f"{name} must be {rule}, got {value}")
            for value, known in zip(parameters, _RULES):
                if _beside(torch.zeros(()), value, *known).isnan().any():
                    raise ValueError(f"{known[0]} must be {known[1]}, got {value}")
        values = _evaluate("loss", (input, target), *parameters, narrow=False)
        dtype = torch.promote_types(input.dtype, target.dtype)
        dtype = dtype if dtype.is_floating_point else values.dtype
        weight = self.weight if weight is None else weight
        values = values if weight is None else values * weight
        if self.reduction == "weighted_mean":
            count = values.new_ones(()) if weight is None else torch.as_tensor(weight).to(values)
            values = values.sum() / count.expand(values.shape).sum()
        elif self.reduction != "none":
            values = getattr(values, self.reduction)()
        kind = input.device.type
        cast = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
        return values if cast else values.to(dtype)

    def extra_repr(self) -> str:
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("gamma", "reduction"))


_REDUCTIONS = ("none", "mean", "sum", "weighted_mean")
_DOMAINS: tuple[Any, ...] = (
    ("input", "real", lambda p: p == p),
    ("target", "0 or 1", lambda p: (p == 0) | (p == 1)),
)
_RULES: tuple[Any, ...] = (("gamma", ">= 0 and finite", lambda p: (p >= 0) & (p < math.inf)),)


def _evaluate(name: str, given: tuple[Any, ...], *parameters: Any, narrow: bool = True) -> Tensor:
    """The formula of tensors of one dtype and device."""
    tensors = [v for v in given if isinstance(v, Tensor)]
    dtype, floats = torch.get_default_dtype(), [t.dtype for t in tensors if t.is_floating_point()]
    dtype = functools.reduce(torch.promote_types, floats) if floats else dtype
    if any(t.is_complex() for t in tensors):
        raise TypeError("predictions and targets must be real")
    wide, like = torch.promote_types(dtype, torch.float32), tensors[0] if tensors else None
    device = None if like is None else like.device
    values = [
        v.to(wide) if isinstance(v, Tensor) else torch.as_tensor(v, dtype=wide, device=device)
        for v in given
    ]
    values += [_beside(values[0], p, *rule) for p, rule in zip(parameters, _RULES)]
    result = _tied(name, values)
    result = result.broadcast_to(torch.broadcast_shapes(*(v.shape for v in values)))
    return result.to(dtype) if narrow else result


def _beside(x: Tensor, value: Any, name: str, rule: str, valid: Callable[[Any], Any]) -> Tensor:
    """A parameter beside x. A number outside its domain is an error; a tensor there becomes NaN,
    so that nothing waits for a device."""
    if isinstance(value, Tensor):
        # a product, so that its slope is NaN too
        return (value * torch.where(valid(value), 1.0, math.nan)).to(x.dtype)
    if not isinstance(value, (float, int)) or not valid(value):
        raise ValueError(f"{name} must be {rule}, got {value!r}")
    least = torch.finfo(x.dtype).tiny
    if abs(value) < least and not valid(0.0):  # nor rounded to 0
        value = math.copysign(least, value)
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
        names = [_slope(ctx.name, k) if n else "" for k, n in enumerate(needs)]
        slopes = [_FORMULAS[n] if once else _Recorded(n) for n in names if n]
        found = iter([grad * d(*values) for d in slopes])
        pairs = zip(values, needs)
        return None, *(next(found).sum_to_size(v.shape) if n else None for v, n in pairs)


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
            moves = [
                _Recorded(_slope(ctx.name, k))(*values) * t
                for k, t in enumerate(tangents)
                if t is not None
            ]
            return sum(moves[1:], moves[0])


class _Recorded:
    """A formula by its name, with its own derivatives."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *values: Tensor) -> Tensor:
        return _tied(self.name, list(values))


def _slope(name: str, place: int) -> str:
    """Which function is the derivative in a variable."""
    found = _SLOPES[name][place] if name in _SLOPES else ""
    if not found:
        raise NotImplementedError(f"this file has no derivative of {name} in {_VARIABLES[place]}")
    return found


_VARIABLES = ("z", "y", "gamma")
_SLOPES = {
    "loss": ("d_z", "", "d_gamma"),
    "d_z": ("d2_z", "", "d2_z_gamma"),
    "d_gamma": ("d2_z_gamma", "", ""),
}
