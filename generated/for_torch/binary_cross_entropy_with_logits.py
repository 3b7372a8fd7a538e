# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition (sha256 2720dee2d1ee) by: derive regenerate binary_cross_entropy_with_logits
# --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""Binary cross-entropy of logits.

    loss = pos_weight*y*log(1 + exp(-z)) + (1 - y)*log(1 + exp(z))

Domain: z real, y in [0, 1], pos_weight > 0. z predicts the logit of the probability y of label 1,
which pos_weight weighs.
Source: Cox, J. R. Statist. Soc. B 20(2), 1958.
Errors of every function, measured against the definition: docs/accuracy.md of derive.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["BinaryCrossEntropyWithLogitsLoss", "d2_z", "d2_z_pos_weight", "d2_z_y", "d_pos_weight"]
__all__ += ["d_y", "d_z", "loss", "value_and_grad"]


_FORMULAS: dict[str, Callable[..., Tensor]] = {}


def _elementwise(_formula: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The formula of tensors, float32 at least; the dtype of z and y comes out. NaN for NaN."""

    def formula(*values: Tensor) -> Tensor:
        result, empty = _formula(*values), torch.isnan(values[0])
        for other in values[1:2]:
            empty = empty | torch.isnan(other)
        return torch.where(empty, math.nan, result)

    @functools.wraps(_formula)
    def evaluate(z: Tensor, y: Tensor, pos_weight: Any = 1.0) -> Tensor:
        return _evaluate(_formula.__name__, (z, y), pos_weight)

    _FORMULAS[_formula.__name__] = formula
    return evaluate


@_elementwise
def loss(z: Tensor, y: Tensor, pos_weight: Any = 1.0) -> Any:
    """Binary cross-entropy of logits, elementwise."""
    value = y * _softplus(-z) * pos_weight + (1 - y) * _softplus(z)
    value = torch.where(y == 0, _softplus(z), value)
    return torch.where(y == 1, _root_softplus(-z) * pos_weight * _root_softplus(-z), value)


@_elementwise
def d_z(z: Tensor, y: Tensor, pos_weight: Any = 1.0) -> Any:
    """The derivative in z."""
    h = 1 - y
    u = pos_weight * y
    q = h * _sigmoid(z) - u * _sigmoid(-z)
    v = abs(h * _sigmoid(z))
    p = torch.exp(-abs(z))
    w = torch.where(z < 0, p, 1)
    r = 1 + p
    g = w / r
    k = h * g
    m = 8 * v
    n = torch.exp(-abs(-z))
    t = torch.where(-z < 0, n, 1)
    q2 = 1 + n
    v2 = t / q2
    u2 = u * v2
    q3 = k - u2
    q4 = r - 1
    q5 = q2 - 1
    q6 = q3 - k
    q9 = t - v2 * q2 - _product_error(v2, q2) - v2 * (1 - (q2 - q5) + (n - q5))
    q8 = v2 * _product_error(pos_weight, y) + u * (q9 / q2) + _product_error(u, v2)
    u3 = h * ((w - g * r - _product_error(g, r) - g * (1 - (r - q4) + (p - q4))) / r)
    u4 = g * (1 - (h - (h - 1)) + (-y - (h - 1)))
    q7 = q3 + (u4 + u3 + _product_error(h, g) - q8 + (k - (q3 - q6) + (-u2 - q6)))
    value = torch.where(
        (abs(q) < 0.125 * v) & (abs(k) < m) & (abs(u2) < m) & (abs(q7 - q) < v), q7, q
    )
    return torch.where(y == 1, -_root_sigmoid(-z) * pos_weight * _root_sigmoid(-z), value)


@_elementwise
def d_y(z: Tensor, y: Tensor, pos_weight: Any = 1.0) -> Any:
    """The derivative in y."""
    value = (pos_weight - 1) * _softplus(z) - pos_weight * z
    return torch.where(z > 0, (pos_weight - 1) * _softplus(-z) - z, value)


@_elementwise
def d_pos_weight(z: Tensor, y: Tensor, pos_weight: Any = 1.0) -> Any:
    """The derivative in pos_weight."""
    return torch.where(y == 0, 0, y * _softplus(-z))


@_elementwise
def d2_z(z: Tensor, y: Tensor, pos_weight: Any = 1.0) -> Any:
    """The second derivative in z."""
    h = 1 - y
    value = (h + pos_weight * y) * _sigmoid(-z) * _sigmoid(z)
    u = _sigmoid(-z)
    return torch.where(
        (_sigmoid(z) < 2.0**-100) | (u < 2.0**-100),
        (
            _root_sigmoid(z)
            * _root_sigmoid(-z)
            * (h + pos_weight * y)
            * _root_sigmoid(-z)
            * _root_sigmoid(z)
        ),
        value,
    )


@_elementwise
def d2_z_y(z: Tensor, y: Tensor, pos_weight: Any = 1.0) -> Any:
    """The mixed second derivative in z and y."""
    return -pos_weight * _sigmoid(-z) - _sigmoid(z)


@_elementwise
def d2_z_pos_weight(z: Tensor, y: Tensor, pos_weight: Any = 1.0) -> Any:
    """The mixed second derivative in z and pos_weight."""
    return -y * _sigmoid(-z)


def value_and_grad(z: Tensor, y: Tensor, pos_weight: Any = 1.0) -> tuple[Tensor, ...]:
    """(loss, d_z)."""
    return loss(z, y, pos_weight), d_z(z, y, pos_weight)


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


def _product_error(a: Any, b: Any) -> Any:
    """a*b - round(a*b), exactly (Dekker's splitting into halves of 26 or 12 bits)."""
    split = 4097.0 if a.dtype == torch.float32 else 134217729.0
    a_high, b_high = split * a - (split * a - a), split * b - (split * b - b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - a * b) + a_high * b_low + a_low * b_high) + a_low * b_low


class BinaryCrossEntropyWithLogitsLoss(torch.nn.Module):
    """Binary cross-entropy of logits of input (a tensor of z) and target (y).

    Args:
        weight: of each element, if any.
        reduction: "mean" over all elements (with a weight, too), "sum", "none", or "weighted_mean":
            divided by the sum of the weights.
        pos_weight: > 0 and finite; a Parameter or a tensor is NaN where it is wrong.
        validate: check all tensors, too, at every call, which waits for the device.
        size_average, reduce: instead of reduction, as torch.nn once had them.
    Shape: input and target of one shape; the output is a scalar, or has that shape.
    Examples:
        >>> input, target = torch.full((3, 5), 0.5, requires_grad=True), torch.ones(3, 5)
        >>> BinaryCrossEntropyWithLogitsLoss()(input, target).backward()
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Any = 1.0,
        *,
        validate: bool = False,
    ) -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            whole = "none" if reduce is False else "sum"
            reduction = "mean" if reduce is not False and size_average is not False else whole
        if reduction not in _REDUCTIONS:
            raise ValueError(f"reduction must be one of {_REDUCTIONS}, got {reduction!r}")
        for value, (name, rule, valid), usual in zip((pos_weight,), _RULES, (1.0,)):
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
        parameters: list[Any] = [self.pos_weight]
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
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("pos_weight", "reduction"))


_REDUCTIONS = ("none", "mean", "sum", "weighted_mean")
_DOMAINS: tuple[Any, ...] = (
    ("input", "real", lambda p: p == p),
    ("target", "in [0, 1]", lambda p: (p >= 0) & (p <= 1)),
)
_RULES: tuple[Any, ...] = (("pos_weight", "> 0 and finite", lambda p: (p > 0) & (p < math.inf)),)


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
    values[1] = values[1] + 0.0  # -0.0 is 0
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


_VARIABLES = ("z", "y", "pos_weight")
_SLOPES = {
    "loss": ("d_z", "d_y", "d_pos_weight"),
    "d_z": ("d2_z", "d2_z_y", "d2_z_pos_weight"),
    "d_y": ("d2_z_y", "", ""),
    "d_pos_weight": ("d2_z_pos_weight", "", ""),
}
