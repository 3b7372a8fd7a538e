# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of barron (sha256 ca7913c6b32c) by: derive regenerate barron --target torch
# mypy: disable-error-code="no-any-return, no-untyped-call"
"""General adaptive robust loss.

    loss = b*((1 + s/b)^(alpha/2) - 1)/alpha
    s = x^2/scale^2
    b = |alpha - 2|

Domain: x real, alpha in [-inf, inf], scale > 0. alpha sets the shape: 2 quadratic, 1 Charbonnier, 0
Cauchy, -2 Geman-McClure, -inf Welsch.
Limits of the loss: log(1 + x^2/(2*scale^2)) at alpha = 0; x^2/(2*scale^2) at alpha = 2;
exp(x^2/(2*scale^2)) - 1 at alpha = inf; 1 - exp(-x^2/(2*scale^2)) at alpha = -inf.
d_alpha is +inf at alpha = 2 for x != 0: it grows like x^2*log(x^2/(scale^2*|alpha -
2|))/(4*scale^2) - x^2/(2*scale^2).
Source: Barron, CVPR 2019, arXiv:1701.03077, eq. 1.
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

__all__ = ["BarronLoss", "d2_alpha", "d2_alpha_scale", "d2_scale", "d2_x", "d2_x_alpha"]
__all__ += ["d2_x_scale", "d_alpha", "d_scale", "d_x", "loss", "value_and_grad", "weight"]


_FORMULAS: dict[str, Callable[..., Tensor]] = {}


def _elementwise(_formula: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The formula of tensors, float32 at least; the dtype of x comes out."""

    @functools.wraps(_formula)
    def evaluate(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
        return _evaluate(_formula, x, alpha, scale)

    _FORMULAS[_formula.__name__] = _formula
    return evaluate


@_elementwise
def loss(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """General adaptive robust loss, elementwise."""
    a = torch.where((alpha == 2) | (alpha >= 2.0**1000) | (alpha <= -(2.0**1000)), 1, alpha)
    b = torch.abs(a - 2)
    value = _square_difference_0_p(b / 2, x / scale, b, a / 2)
    value = torch.where(
        alpha <= -(2.0**1000), -torch.expm1(-0.5 * (x / scale) * (x / scale)), value
    )
    value = torch.where(alpha >= 2.0**1000, torch.expm1(0.5 * (x / scale) * (x / scale)), value)
    return torch.where(alpha == 2, 0.5 * (x / scale) * (x / scale), value)


@_elementwise
def d_x(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The derivative in x, the influence."""
    a = torch.where((alpha == 2) | (alpha >= 2.0**1000) | (alpha <= -(2.0**1000)), 1, alpha)
    y = x / scale
    far = torch.abs(y) == math.inf
    value = torch.where(
        far,
        _sign(x) * (torch.abs(x) ** (a - 1) / scale),
        _times_power1p_less_one(y, 1, scale, 1, y, torch.abs(a - 2), a / 2),
    )
    value = torch.where(
        alpha <= -(2.0**1000), torch.where(far, 0, y * torch.exp(-0.5 * y * y) / scale), value
    )
    value = torch.where(
        alpha >= 2.0**1000,
        torch.exp(0.25 * y * y) / scale * x * (torch.exp(0.25 * y * y) / scale),
        value,
    )
    return torch.where(alpha == 2, y / scale, value)


@_elementwise
def d_alpha(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The derivative in alpha."""
    a = torch.where((alpha == 2) | (alpha >= 2.0**1000) | (alpha <= -(2.0**1000)), 1, alpha)
    b = torch.abs(a - 2)
    value = _square_difference_0_pm1_p_p(b / 4, x / scale, b, a / 2)
    value = torch.where(alpha <= -(2.0**1000), torch.where(torch.isnan(x), x, 0), value)
    value = torch.where(alpha >= 2.0**1000, torch.where(torch.isnan(x), x, 0), value)
    return torch.where(
        alpha == 2, torch.where(torch.isnan(x), x, torch.where(x == 0, 0, math.inf)), value
    )


@_elementwise
def d_scale(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The derivative in scale."""
    a = torch.where(
        (alpha == 0) | (alpha == 2) | (alpha >= 2.0**1000) | (alpha <= -(2.0**1000)), 1, alpha
    )
    y = x / scale
    far = torch.abs(y) == math.inf
    value = torch.where(
        far,
        -2 * torch.abs(x) ** a / scale,
        _times_power1p_less_one(y, -y, scale, 1, y, torch.abs(a - 2), a / 2),
    )
    value = torch.where(
        alpha <= -(2.0**1000), torch.where(far, 0, -y * torch.exp(-0.5 * y * y) / scale * y), value
    )
    value = torch.where(
        alpha >= 2.0**1000,
        -(y * torch.exp(0.25 * y * y)) / scale * (y * torch.exp(0.25 * y * y)),
        value,
    )
    value = torch.where(alpha == 2, -y / scale * y, value)
    return torch.where(
        alpha == 0,
        torch.where(torch.abs(y) >= 2.0**60, -2 / scale, -y / scale * (y / (0.5 * y * y + 1))),
        value,
    )


@_elementwise
def d2_x(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The second derivative in x."""
    a = torch.where((alpha == 2) | (alpha >= 2.0**1000) | (alpha <= -(2.0**1000)), 1, alpha)
    y = x / scale
    far = torch.abs(y) == math.inf
    b = torch.abs(a - 2)
    r = torch.abs(y) / torch.sqrt(b)
    value = torch.where(
        far,
        torch.abs(x) ** (a - 2) / (scale * scale),
        _times_power1p_less_one(
            1, 1 / (r * r + 1) + (a - 1) / (1 + 1 / (r * r)), scale, scale, y, b, a / 2
        ),
    )
    value = torch.where(
        alpha <= -(2.0**1000),
        torch.where(
            torch.abs(y) >= 2.0**60,
            0,
            torch.exp(-0.25 * y * y) / scale * (1 - y * y) * (torch.exp(-0.25 * y * y) / scale),
        ),
        value,
    )
    value = torch.where(
        alpha >= 2.0**1000,
        (
            _root1p_square(y)
            / scale
            * torch.exp(0.25 * y * y)
            * (_root1p_square(y) / scale * torch.exp(0.25 * y * y))
        ),
        value,
    )
    return torch.where(alpha == 2, torch.where(torch.isnan(x), x, 1 / scale / scale), value)


@_elementwise
def d2_x_alpha(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The mixed second derivative in x and alpha."""
    a = torch.where((alpha == 2) | (alpha >= 2.0**1000) | (alpha <= -(2.0**1000)), 1, alpha)
    y = x / scale
    far = torch.abs(y) == math.inf
    b = torch.abs(a - 2)
    value = torch.where(
        far,
        _sign(x) * torch.where(a - 1 < 0, 0, math.inf),
        _times_power1p_less_one(
            y,
            0.5 * _exp_difference_m1_0_0(_log1p_square(torch.abs(y) / torch.sqrt(b))),
            scale,
            1,
            y,
            b,
            a / 2,
        ),
    )
    value = torch.where(alpha <= -(2.0**1000), torch.where(torch.isnan(x), x, 0), value)
    value = torch.where(alpha >= 2.0**1000, torch.where(torch.isnan(x), x, 0), value)
    return torch.where(alpha == 2, torch.where(x == 0, 0, math.inf * _sign(x)), value)


@_elementwise
def d2_x_scale(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The mixed second derivative in x and scale."""
    a = torch.where(
        (alpha == 0) | (alpha == 2) | (alpha >= 2.0**1000) | (alpha <= -(2.0**1000)), 1, alpha
    )
    y = x / scale
    far = torch.abs(y) == math.inf
    b = torch.abs(a - 2)
    r = torch.abs(y) / torch.sqrt(b)
    value = torch.where(
        far,
        -_sign(x) * (torch.abs(x) ** (a - 1) / (scale * scale)),
        _times_power1p_less_one(
            y, -a / (1 + 1 / (r * r)) - 2 / (r * r + 1), scale, scale, y, b, a / 2
        ),
    )
    value = torch.where(
        alpha <= -(2.0**1000),
        torch.where(
            torch.abs(y) >= 2.0**60,
            0,
            torch.exp(-0.25 * y * y) / scale * (y * y - 2) * y * (torch.exp(-0.25 * y * y) / scale),
        ),
        value,
    )
    value = torch.where(
        alpha >= 2.0**1000,
        -(torch.exp(0.25 * y * y) / scale) * (y * y + 2) * y * (torch.exp(0.25 * y * y) / scale),
        value,
    )
    value = torch.where(alpha == 2, -x / scale / scale * (2 / scale), value)
    return torch.where(
        alpha == 0,
        torch.where(
            torch.abs(y) >= 2.0**60,
            -scale / x / x * (8 / x),
            -y / scale / (y * y + 2) * (8 / scale / (y * y + 2)),
        ),
        value,
    )


@_elementwise
def d2_alpha(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The second derivative in alpha."""
    a = torch.where((alpha == 2) | (alpha >= 2.0**1000) | (alpha <= -(2.0**1000)), 1, alpha)
    b = torch.abs(a - 2)
    y = x / scale
    value = _square_difference_plus_0_pm1_p_p_p(
        b / 4,
        y,
        b,
        a / 2,
        (
            -_exp_difference_m2_m1_m1_0(_log1p_square(torch.abs(y) / torch.sqrt(b)))
            / b
            * _sign(a - 2)
            * 2
        ),
    )
    value = torch.where(alpha <= -(2.0**1000), torch.where(torch.isnan(x), x, 0), value)
    value = torch.where(alpha >= 2.0**1000, torch.where(torch.isnan(x), x, 0), value)
    return torch.where(
        alpha == 2, torch.where(torch.isnan(x), x, torch.where(x == 0, 0, math.inf)), value
    )


@_elementwise
def d2_alpha_scale(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The mixed second derivative in alpha and scale."""
    a = torch.where((alpha == 2) | (alpha >= 2.0**1000) | (alpha <= -(2.0**1000)), 1, alpha)
    y = x / scale
    far = torch.abs(y) == math.inf
    b = torch.abs(a - 2)
    value = torch.where(
        far,
        -math.inf,
        _times_power1p_less_one(
            y,
            y,
            -scale / _exp_difference_m1_0_0(_log1p_square(torch.abs(y) / torch.sqrt(b))) * 2,
            1,
            y,
            b,
            a / 2,
        ),
    )
    value = torch.where(alpha <= -(2.0**1000), torch.where(torch.isnan(x), x, 0), value)
    value = torch.where(alpha >= 2.0**1000, torch.where(torch.isnan(x), x, 0), value)
    return torch.where(
        alpha == 2, torch.where(torch.isnan(x), x, torch.where(x == 0, 0, -math.inf)), value
    )


@_elementwise
def d2_scale(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The second derivative in scale."""
    a = torch.where((alpha == 2) | (alpha >= 2.0**1000) | (alpha <= -(2.0**1000)), 1, alpha)
    y = x / scale
    far = torch.abs(y) == math.inf
    b = torch.abs(a - 2)
    r = torch.abs(y) / torch.sqrt(b)
    value = torch.where(
        far,
        2 * torch.abs(x) ** a / (scale * scale),
        _times_power1p_less_one(
            y, y, scale / (3 / (r * r + 1) + (a + 1) / (1 + 1 / (r * r))), scale, y, b, a / 2
        ),
    )
    value = torch.where(
        alpha <= -(2.0**1000),
        torch.where(
            torch.abs(y) >= 2.0**60,
            0,
            (
                y
                * torch.exp(-0.25 * y * y)
                / scale
                * (3 - y * y)
                * (y * torch.exp(-0.25 * y * y) / scale)
            ),
        ),
        value,
    )
    value = torch.where(
        alpha >= 2.0**1000,
        y / scale * torch.exp(0.25 * y * y) * (y * y + 3) * (y / scale * torch.exp(0.25 * y * y)),
        value,
    )
    return torch.where(alpha == 2, y / scale * (y / scale) * 3, value)


@_elementwise
def weight(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    a = torch.where((alpha == 2) | (alpha >= 2.0**1000) | (alpha <= -(2.0**1000)), 1, alpha)
    y = x / scale
    far = torch.abs(y) == math.inf
    value = torch.where(
        torch.isnan(x),
        x,
        torch.where(
            far,
            torch.abs(x) ** (a - 2) / (scale * scale),
            _times_power1p_less_one(1, 1, scale, scale, y, torch.abs(a - 2), a / 2),
        ),
    )
    value = torch.where(
        alpha <= -(2.0**1000),
        torch.exp(-0.25 * y * y) / scale * (torch.exp(-0.25 * y * y) / scale),
        value,
    )
    value = torch.where(
        alpha >= 2.0**1000,
        torch.exp(0.25 * y * y) / scale * (torch.exp(0.25 * y * y) / scale),
        value,
    )
    return torch.where(
        torch.isnan(x),
        x,
        torch.where(alpha == 2, torch.where(torch.isnan(x), x, 1 / scale / scale), value),
    )


def value_and_grad(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, alpha, scale), d_x(x, alpha, scale)


def _exp_difference_m1_0_0(z: Any) -> Any:
    """z^2 exp[-z, 0, 0], the divided difference of exp."""
    p = torch.exp(-z)
    return torch.where(
        torch.abs(z) < 4, z * z * (p * _exp_series(torch.abs(z), (0, 1, 1))), z - 1 + p
    )


def _exp_difference_m1_0_0_0(z: Any) -> Any:
    """z^3 exp[-z, 0, 0, 0], the divided difference of exp."""
    p = torch.exp(-z)
    return torch.where(
        torch.abs(z) < 4,
        z * z * z * (p * _exp_series(torch.abs(z), (0, 1, 1, 1))),
        z * z * 0.5 - z + 1 - p,
    )


def _exp_difference_m2_m1_m1_0(z: Any) -> Any:
    """z^3 exp[-2 z, -z, -z, 0], the divided difference of exp."""
    p = torch.exp(-2 * z)
    return torch.where(
        torch.abs(z) < 2,
        z * z * z * (p * _exp_series(torch.abs(z), (0, 1, 1, 2))),
        0.5 - torch.clamp(z, max=1000000000.0) * torch.exp(-z) - 0.5 * p,
    )


def _exprel(z: Any) -> Any:
    """(exp(z) - 1)/z, and 1 at z = 0."""
    return torch.where(z == 0, 1, torch.expm1(z) / torch.clamp(z, max=1e30))


def _in_halves(f: Any, e: Any, c: Any, d: Any, y: Any, b: Any, q: Any, root: Any) -> Any:
    """f e (1 + y^2/b)^q/(root^2 c d): half of the power beside f/c, half beside e/d."""
    t = torch.abs(y) / torch.sqrt(b)
    far = t >= math.inf
    half = torch.where(
        far, torch.abs(y) ** q * torch.clamp(b, max=1) ** (-0.5 * q), _power1p_square(t, 0.5 * q)
    )
    low = torch.clamp(half, max=1)
    high = torch.clamp(half, min=1)
    return f / root * low / c * high * (e / root * low / d * high)


def _log1p_square(t: Any) -> Any:
    """log(1 + t^2) for t >= 0, also where t^2 overflows."""
    return torch.where(t >= 2.0**40, 2 * torch.log(t), torch.log1p(t * t))


def _power1p_square(t: Any, q: Any) -> Any:
    """(1 + t^2)^q for t >= 0, also where t^2 overflows."""
    far = t >= 2.0**40
    total = 1 + t * t
    lift = total - 1
    return torch.where(
        far,
        t ** (2 * q),
        torch.where(
            t < 0.03125,
            torch.exp(q * torch.log1p(t * t)),
            (
                total**q
                * (1 + q * ((1 - (total - lift) + (t * t - lift) + _product_error(t, t)) / total))
            ),
        ),
    )


def _power_difference_0_p_p(z: Any, p: Any, g: Any) -> Any:
    """z^2 exp[0, p z, p z], the divided difference of exp; g = exp(p z)."""
    high = torch.clamp(p, min=0)
    low = torch.clamp(p, max=0)
    m = torch.clamp(z, max=1000000000.0)
    unit = torch.clamp(high - low, min=1)
    return torch.where(
        (high - low) * m < 5,
        (
            z
            * z
            * torch.exp(low * m)
            * _exp_series(unit * m, (-low / unit, (p - low) / unit, (p - low) / unit))
        ),
        g * ((m - 1 / p) / p) + 1 / p / p,
    )


def _power_difference_0_p_p_p(z: Any, p: Any, g: Any) -> Any:
    """z^3 exp[0, p z, p z, p z], the divided difference of exp; g = exp(p z)."""
    high = torch.clamp(p, min=0)
    low = torch.clamp(p, max=0)
    m = torch.clamp(z, max=1000000000.0)
    unit = torch.clamp(high - low, min=1)
    v = (p - low) / unit
    return torch.where(
        (high - low) * m < 5,
        z * z * z * torch.exp(low * m) * _exp_series(unit * m, (-low / unit, v, v, v)),
        g * ((0.5 * (m * m) - (m - 1 / p) / p) / p) - 1 / p / p / p,
    )


def _root1p_square(t: Any) -> Any:
    """sqrt(1 + t^2), also where t^2 overflows."""
    return torch.where(torch.abs(t) >= 2.0**40, torch.abs(t), torch.sqrt(1 + t * t))


def _square_difference_0_p(f: Any, y: Any, b: Any, p: Any) -> Any:
    """f z^1 exp[0, p z], z = log(1 + y^2/b)."""
    t = torch.abs(y) / torch.sqrt(b)
    g = _power1p_square(t, p)
    far = g >= 2.0**90
    z = _log1p_square(t)
    u = p * torch.clamp(z, max=1000000000.0)
    return torch.where(
        far,
        _power1p_square(t, 0.5 * p) * (f / p) * _power1p_square(t, 0.5 * p),
        f * torch.where(torch.abs(u) >= 7 / 10, (g - 1) / p, z * _exprel(u)),
    )


def _square_difference_0_pm1_p_p(f: Any, y: Any, b: Any, p: Any) -> Any:
    """f z^3 exp[0, (p - 1) z, p z, p z], z = log(1 + y^2/b)."""
    t = torch.abs(y) / torch.sqrt(b)
    g = _power1p_square(t, p)
    far = g >= 2.0**90
    z = _log1p_square(t)
    m = torch.clamp(z, max=1000000000.0)
    near = p * m < 2.5
    q = p - 1
    near2 = torch.abs(q * z) < 7 / 10
    v = (
        (
            _exp_difference_m1_0_0(m)
            - (
                (-torch.expm1(-m) - torch.where(near2, 0, torch.exp(torch.clamp(-z, min=-80)) / q))
                / p
            )
        )
        / p
    )
    high = torch.clamp(p, min=0)
    low = torch.clamp(q, max=0)
    unit = torch.clamp(high - low, min=1)
    return torch.where(
        far,
        _power1p_square(t, 0.5 * p) * (f * torch.where(near, m, v)) * _power1p_square(t, 0.5 * p),
        f * torch.where(
            (high - low) * m < 5,
            (
                z
                * z
                * z
                * torch.exp(low * m)
                * _exp_series(
                    unit * m, (-low / unit, (q - low) / unit, (p - low) / unit, (p - low) / unit)
                )
            ),
            torch.where(
                near,
                (
                    _power_difference_0_p_p(z, p, g) / (1 - p)
                    - g * (_exp_difference_m1_0_0(m) / (1 - p))
                ),
                g * v + torch.where(near2, z * _exprel(q * z), -1 / q) / p / p,
            ),
        ),
    )


def _square_difference_plus_0_pm1_p_p_p(f: Any, y: Any, b: Any, p: Any, c: Any) -> Any:
    """f (z^4 exp[0, (p - 1) z, p z, p z, p z] + c exp(p z)), z = log(1 + y^2/b)."""
    t = torch.abs(y) / torch.sqrt(b)
    g = _power1p_square(t, p)
    far = g >= 2.0**90
    far2 = t >= math.inf
    z = torch.where(far2, 2 * torch.log(torch.abs(y)) - torch.log(b), _log1p_square(t))
    m = torch.clamp(z, max=1000000000.0)
    near = p * m < 2.5
    q = p - 1
    near2 = torch.abs(q * z) < 7 / 10
    u = (
        (
            _exp_difference_m1_0_0_0(m)
            - (
                (
                    _exp_difference_m1_0_0(m)
                    - (
                        (
                            -torch.expm1(-m)
                            - torch.where(near2, 0, torch.exp(torch.clamp(-z, min=-80)) / q)
                        )
                        / p
                    )
                )
                / p
            )
        )
        / p
        + c
    )
    high = torch.clamp(p, min=0)
    low = torch.clamp(q, max=0)
    unit = torch.clamp(high - low, min=1)
    v = (p - low) / unit
    return torch.where(
        far,
        _power1p_square(t, 0.5 * p) * (f * torch.where(near, m, u)) * _power1p_square(t, 0.5 * p),
        f * torch.where(
            (high - low) * m < 5,
            (
                z
                * z
                * z
                * z
                * torch.exp(low * m)
                * _exp_series(unit * m, (-low / unit, (q - low) / unit, v, v, v))
                + g * c
            ),
            torch.where(
                near,
                (
                    g * (c - _exp_difference_m1_0_0_0(m) / (1 - p))
                    + _power_difference_0_p_p_p(z, p, g) / (1 - p)
                ),
                g * u - torch.where(near2, z * _exprel(q * z), -1 / q) / p / p / p,
            ),
        ),
    )


def _times_power1p_less_one(f: Any, e: Any, c: Any, d: Any, y: Any, b: Any, p: Any) -> Any:
    """f e (1 + y^2/b)^(p - 1)/(c d), likewise."""
    t = torch.abs(y) / torch.sqrt(b)
    q = torch.where(p < 0.5, p, p - 1)
    power = _power1p_square(t, q) / torch.where(p < 0.5, 1 + t * t, 1)
    far = torch.clamp(power, min=1 / power) >= 2.0**60
    return torch.where(
        far,
        _in_halves(f, e, c, d, y, b, q, torch.where(p < 0.5, _root1p_square(t), 1)),
        f * power / c * (e / d),
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


def _product_error(a: Any, b: Any) -> Any:
    """a*b - round(a*b), exactly (Dekker's splitting)."""
    a_high = 134217729.0 * a - (134217729.0 * a - a)
    b_high = 134217729.0 * b - (134217729.0 * b - b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - a * b) + a_high * b_low + a_low * b_high) + a_low * b_low


def _sign(value: Any) -> Any:
    """The sign; NaN for NaN."""
    return torch.where(torch.isnan(value), value, torch.sign(value))


class BarronLoss(torch.nn.Module):
    """General adaptive robust loss of input - target.

    Args:
        alpha: a number in [-inf, inf], not NaN; a number (checked), a Parameter, or a tensor (NaN where it is wrong).
        scale: > 0 and finite; a number (checked), a Parameter, or a tensor (NaN where it is wrong).
        reduction: "mean" over all elements (with a weight, too), "sum" or "none".
        validate: check tensors, too, at every call, which waits for the device.
    Shape: input, target and weight broadcast; the output is a scalar, or has their shape.
    Examples:
        >>> BarronLoss()(torch.tensor([2.0]), torch.tensor([2.0])).item()
        0.0
    """

    def __init__(
        self, alpha: Any = 1.0, scale: Any = 1.0, reduction: str = "mean", *, validate: bool = False
    ) -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        for value, (name, rule, valid) in zip((alpha, scale), _RULES):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise TypeError(f"{name} is computed: give a Parameter, or call `loss` each time")
            _beside(torch.zeros(()), value, name, rule, valid)
            setattr(self, name, torch.nn.Buffer(value) if type(value) is Tensor else value)
        self.reduction, self.validate = reduction, validate

    def forward(self, input: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of input - target, each element times its weight."""
        parameters = [self.alpha, self.scale]
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
        return ", ".join(f"{n}={getattr(self, n)!r}" for n in ("alpha", "scale", "reduction"))


_DENSE = {(Tensor, True, True), (torch.nn.Parameter, True, True)}
_RULES: tuple[Any, ...] = (
    ("alpha", "a number in [-inf, inf], not NaN", lambda p: p >= -math.inf),
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
        slopes = [_inside(d, k) for k, d in enumerate(slopes)]
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
            slopes = [_inside(d, k) for k, d in enumerate(slopes)]
            moves = [d(*values) * t for d, t in zip(slopes, tangents) if t is not None]
            return sum(moves[1:], moves[0])


def _inside(slope: Callable[..., Tensor], place: int) -> Callable[..., Tensor]:
    """A slope; where it is infinite in its parameter, that at the nearest number below."""

    def evaluate(*values: Tensor) -> Tensor:
        value, ends = values[place].detach(), _ENDS.get(place, ())
        below = torch.nextafter(value, torch.full_like(value, -math.inf))
        inside = values[place]
        for end in ends:
            inside = torch.where(value == end, below, inside)
        return slope(*values[:place], inside, *values[place + 1 :])

    return evaluate if place in _ENDS else slope


_ENDS = {1: (2.0,)}


def _slopes(name: str) -> tuple[str, ...]:
    if name not in _SLOPES:
        raise NotImplementedError(f"this file has no derivative of {name}")
    return _SLOPES[name]


_SLOPES = {
    "loss": ("d_x", "d_alpha", "d_scale"),
    "d_x": ("d2_x", "d2_x_alpha", "d2_x_scale"),
    "d_alpha": ("d2_x_alpha", "d2_alpha", "d2_alpha_scale"),
    "d_scale": ("d2_x_scale", "d2_alpha_scale", "d2_scale"),
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
        room = [torch.empty_like(parts[0][0]) for _ in range(4)]
        numbers = [float(p) for p in parameters]
        known = zip(numbers, _RULES)
        ordinary = all(rule[2](p) and 1e-9 < abs(p) < 1e9 for p, rule in known)
        for a, b, s in parts:
            d, *spare = room if a.shape == room[0].shape else [r[: len(a)] for r in room]
            torch.sub(a, b, out=d)
            try:
                found = _block(d, s, spare, ctx, *numbers) if ordinary else [math.nan]
            except ArithmeticError:  # a factor is 0/0
                found = [math.nan]
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
            d, known = x - target, zip(ctx.parameters, _RULES)
            values = [d, *(_beside(d, p, *rule) for p, rule in known)]
            slopes = [_inside(f, k) for k, f in enumerate((d_x, d_alpha, d_scale))]
            slope, *sums = (ctx.share * f(*values) for f in slopes)
        if torch.is_grad_enabled() or grad.item() != 1:
            slope = slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by


def _block(
    d: Tensor, s: Tensor, spare: list[Tensor], ctx: Any, alpha: float, scale: float
) -> list[float]:
    """The sums of loss, d_alpha, d_scale; s becomes the share of d_x. d is used up."""
    u, v, w = spare
    if alpha == 2:
        return [math.nan]
    if alpha >= 2.0**1000:
        return [math.nan]
    if alpha <= -(2.0**1000):
        return [math.nan]
    if not torch.linalg.vector_norm(d).item() < math.inf:
        return [math.nan]
    torch.mul(d, d, out=u)
    torch.mul(u, 1 / scale / scale / abs(alpha - 2), out=v).log1p_()
    excess = _growth(v, alpha / 2, w)
    sums = [abs(alpha - 2) * excess / alpha, 0.0, 0.0]
    u.add_(scale * scale * abs(alpha - 2))
    torch.div(w, u, out=u)
    torch.mul(u, d, out=s)
    if any(ctx.needs_input_grad[3:]):
        d.mul_(s)
    if ctx.needs_input_grad[3]:
        v.mul_(w)
        sums[1] = _whole(
            (alpha * math.copysign(1.0, alpha - 2) - abs(alpha - 2)) * excess / alpha / alpha,
            abs(alpha - 2) * v.sum().item() / alpha / 2,
            -(math.copysign(1.0, alpha - 2) * d.sum().item() / 2),
        )
    if ctx.needs_input_grad[4]:
        sums[2] = -(abs(alpha - 2) * d.sum().item() / scale)
    s.mul_(abs(alpha - 2) * ctx.share)
    return sums


def _growth(u: Tensor, rate: float, out: Tensor) -> float:
    """The sum of exp(rate u) - 1; `out` becomes exp(rate u)."""
    excess = torch.mul(u, rate / math.log(2), out=out).exp2_().sum().item() - out.numel()
    if abs(excess) < out.numel() / 16:  # the 1 took the digits
        excess = torch.mul(u, rate, out=out).expm1_().sum().item()
        out.add_(1)
    return excess


def _whole(*terms: float) -> float:
    """The sum of the terms; NaN where they cancel so far that too few digits are left."""
    total = math.fsum(terms)
    return total if abs(total) > max(map(abs, terms)) / 64 else math.nan


def _exactly(d: Tensor, s: Tensor, ctx: Any, *parameters: Any) -> list[float]:
    """The same by the elementwise functions, for a block that is out of the ordinary."""
    torch.mul(d_x(d, *parameters), ctx.share, out=s)
    parameters = tuple(_beside(d, p, *rule) for p, rule in zip(parameters, _RULES))
    slopes = [loss, *(_inside(f, k) for k, f in enumerate((d_x, d_alpha, d_scale)))]
    found = zip([loss, *slopes[2:]], [True, *ctx.needs_input_grad[3:]])
    return [f(d, *parameters).sum().item() if n else 0.0 for f, n in found]
