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
    special = alpha == 0
    special2 = alpha == 2
    special3 = alpha == math.inf
    special4 = alpha == -math.inf
    alpha = torch.where(special | special2 | special3 | special4, 1, alpha)
    b = torch.abs(alpha - 2)
    y = x / scale
    return torch.where(
        special,
        torch.where(
            torch.abs(x / scale) >= 2.0**60,
            2 * torch.log(torch.abs(x / scale)) - 0.6931471805599453,
            torch.log1p(0.5 * (x / scale) * (x / scale)),
        ),
        torch.where(
            special2,
            0.5 * (x / scale) * (x / scale),
            torch.where(
                special3,
                torch.expm1(0.5 * (x / scale) * (x / scale)),
                torch.where(
                    special4,
                    -torch.expm1(-0.5 * (x / scale) * (x / scale)),
                    b / 2 * _boxcox1p(y / b * y, alpha / 2),
                ),
            ),
        ),
    )


@_elementwise
def d_x(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The derivative in x, the influence."""
    special = alpha == 0
    special2 = alpha == 2
    special3 = alpha == math.inf
    special4 = alpha == -math.inf
    alpha = torch.where(special | special2 | special3 | special4, 1, alpha)
    b = torch.abs(alpha - 2)
    far = scale / x * (scale / x) * (torch.abs((alpha - 2) * b) / 2) < 2.0**-54
    y = x / scale
    q = 1 + y / b * y
    half = q ** (alpha / 4)
    return torch.where(
        special,
        torch.where(
            torch.abs(x / scale) >= 2.0**60,
            2 / x,
            x / scale / scale / (0.5 * (x / scale) * (x / scale) + 1),
        ),
        torch.where(
            special2,
            x / scale / scale,
            torch.where(
                special3,
                x / scale / scale * torch.exp(0.5 * (x / scale) * (x / scale)),
                torch.where(
                    special4,
                    torch.where(
                        torch.abs(x) == math.inf,
                        0,
                        (
                            torch.exp(-0.25 * (x / scale) * (x / scale))
                            / scale
                            * (x / scale)
                            * torch.exp(-0.25 * (x / scale) * (x / scale))
                        ),
                    ),
                    torch.where(
                        far,
                        (
                            (1 / scale / scale / b) ** (alpha / 2 - 1)
                            * torch.abs(x) ** (alpha - 1)
                            * (1 / scale / scale)
                            * _sign(x)
                        ),
                        y / q * half * half / scale,
                    ),
                ),
            ),
        ),
    )


@_elementwise
def d_alpha(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The derivative in alpha."""
    special = alpha == 0
    special2 = alpha == math.inf
    special3 = alpha == -math.inf
    alpha = torch.where(special | special2 | special3, 1, alpha)
    far = torch.abs(x) == math.inf
    far2 = x == 0
    b = torch.abs(alpha - 2)
    y = x / scale
    return torch.where(
        special,
        torch.where(
            torch.abs(x / scale) >= 2.0**60,
            (
                x
                / scale
                * (x / scale)
                * (x / scale)
                * (x / scale)
                * (x / scale)
                * (x / scale)
                * (1 / 96)
            ),
            0.5 * _log_difference_m1_0_0_0(0.5 * (x / scale) * (x / scale)),
        ),
        torch.where(
            special2,
            torch.where(torch.isnan(x), x, 0),
            torch.where(
                special3,
                torch.where(torch.isnan(x), x, 0),
                torch.where(
                    far,
                    math.inf,
                    torch.where(far2, 0, b / 4 * _power_difference_0_pm1_p_p(y * y / b, alpha / 2)),
                ),
            ),
        ),
    )


@_elementwise
def d_scale(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The derivative in scale."""
    special = alpha == 0
    special2 = alpha == 2
    special3 = alpha == math.inf
    special4 = alpha == -math.inf
    alpha = torch.where(special | special2 | special3 | special4, 1, alpha)
    b = torch.abs(alpha - 2)
    far = scale / x * (scale / x) * (torch.abs((alpha - 2) * b) / 2) < 2.0**-54
    y = x / scale
    w = y * y / b
    return torch.where(
        special,
        torch.where(
            torch.abs(x / scale) >= 2.0**60,
            -2 / scale,
            -(x / scale) / scale * (x / scale / (0.5 * (x / scale) * (x / scale) + 1)),
        ),
        torch.where(
            special2,
            -(x / scale) / scale * (x / scale),
            torch.where(
                special3,
                -(x / scale) / scale * (x / scale) * torch.exp(0.5 * (x / scale) * (x / scale)),
                torch.where(
                    special4,
                    torch.where(
                        torch.abs(x) == math.inf,
                        0,
                        (
                            -torch.exp(-0.25 * (x / scale) * (x / scale))
                            * (x / scale)
                            / scale
                            * (x / scale)
                            * torch.exp(-0.25 * (x / scale) * (x / scale))
                        ),
                    ),
                    torch.where(
                        far,
                        (
                            -(torch.abs(x) ** (alpha / 2))
                            * (1 / scale / scale / b) ** (alpha / 4)
                            / scale
                            / (1 / scale / scale / b)
                            / scale
                            * (1 / scale / scale / b) ** (alpha / 4)
                            * torch.abs(x) ** (alpha / 2)
                            / scale
                        ),
                        -y * (_power1p(w, alpha / 2) / (1 + w)) / scale * y,
                    ),
                ),
            ),
        ),
    )


@_elementwise
def d2_x(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The second derivative in x."""
    special = alpha == 0
    special2 = alpha == 2
    special3 = alpha == math.inf
    special4 = alpha == -math.inf
    alpha = torch.where(special | special2 | special3 | special4, 1, alpha)
    size = torch.abs(x)
    far = size == math.inf
    q = alpha - 2
    b = torch.abs(q)
    v = alpha / 2
    y = x / scale
    s = y * y
    u = v - 1
    w = u / b
    far2 = s * torch.abs(w) * 3 < 2.0**-54
    p = b ** (-v) * b
    r = p * b
    far3 = (
        torch.abs(((v - 2) * u * r * 2 + u * b * p) / (w * r * 2 + b ** (1 - v))) / y / y < 2.0**-54
    )
    g = s / b
    far4 = torch.abs(y) >= 2.0**40
    h = 1 + y / b * y
    half = h ** (alpha / 4)
    return torch.where(
        special,
        torch.where(
            torch.abs(x / scale) >= 2.0**60,
            -2 / x / x,
            (
                (4 - x / scale * (x / scale) * 2)
                / (x / scale * (x / scale) + 2)
                / scale
                / (x / scale * (x / scale) + 2)
                / scale
            ),
        ),
        torch.where(
            special2,
            torch.where(torch.isnan(x), x, 1 / (scale * scale)),
            torch.where(
                special3,
                (
                    (x / scale * (x / scale) + 1)
                    / scale
                    * (torch.exp(0.5 * (x / scale) * (x / scale)) / scale)
                ),
                torch.where(
                    special4,
                    torch.where(
                        torch.abs(x / scale) >= 2.0**60,
                        0,
                        (
                            torch.exp(-0.25 * (x / scale) * (x / scale))
                            / scale
                            * (1 - x / scale * (x / scale))
                            * torch.exp(-0.25 * (x / scale) * (x / scale))
                            / scale
                        ),
                    ),
                    torch.where(
                        far,
                        (
                            size**q
                            * (
                                (1 / scale / scale / b) ** v
                                / (1 / scale / scale / b)
                                / scale
                                / scale
                                + (
                                    (1 / scale / scale / b) ** v
                                    / (1 / scale / scale / b)
                                    / (1 / scale / scale / b)
                                    / (scale * scale * scale * scale)
                                    * (q / b)
                                )
                            )
                        ),
                        torch.where(
                            far2,
                            1 / scale / scale,
                            torch.where(
                                far3,
                                torch.abs(y) ** q * (1 / scale / scale) * (q / b * r + p),
                                torch.where(
                                    torch.abs(y) < 32768,
                                    (
                                        (g * (alpha - 1) + 1)
                                        / scale
                                        * (_power1p(g, v) / (1 + g) / (1 + g) / scale)
                                    ),
                                    torch.where(
                                        far4,
                                        1 / scale / scale,
                                        (
                                            half
                                            / b
                                            / scale
                                            / h
                                            * (s * alpha - s + b)
                                            / h
                                            * half
                                            / scale
                                        ),
                                    ),
                                ),
                            ),
                        ),
                    ),
                ),
            ),
        ),
    )


@_elementwise
def d2_x_alpha(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The mixed second derivative in x and alpha."""
    special = alpha == 0
    special2 = alpha == math.inf
    special3 = alpha == -math.inf
    alpha = torch.where(special | special2 | special3, 1, alpha)
    q = alpha - 2
    b = torch.abs(q)
    y = x / scale
    far = 0.5 * (torch.abs(q * b) / y / y) < 2.0**-54
    u = torch.abs(y)
    v = alpha / 2
    w = _sign(q)
    s = y * y
    p = s / b
    far2 = u >= 2.0**40
    r = 1 + y / b * y
    half = r ** (alpha / 4)
    return torch.where(
        special,
        torch.where(
            torch.abs(x) == math.inf,
            0,
            torch.where(
                torch.abs(x / scale) < 2.0**-27,
                x / scale / scale * (x / scale) * (x / scale) * (x / scale) * (x / scale) * 0.0625,
                torch.where(
                    torch.abs(x / scale) >= 2.0**60,
                    (
                        (
                            -1
                            + 2 * torch.log(torch.abs(x))
                            - 2 * torch.log(scale)
                            - 0.6931471805599453
                        )
                        / torch.abs(x)
                        * _sign(x)
                    ),
                    (
                        0.5
                        * (
                            x
                            / scale
                            * (
                                _log_excess(0.5 * (x / scale) * (x / scale))
                                / (1 + 0.5 * (x / scale) * (x / scale))
                            )
                            / scale
                        )
                    ),
                ),
            ),
        ),
        torch.where(
            special2,
            torch.where(torch.isnan(x), x, 0),
            torch.where(
                special3,
                torch.where(torch.isnan(x), x, 0),
                torch.where(
                    far,
                    (
                        u ** (alpha - 1)
                        / scale
                        * (
                            torch.log(u) * (b ** (-v) * b)
                            + torch.log(1 / b) / 2 * (b ** (-v) * b)
                            - b ** (-v) * b * b / q * (w / 2)
                        )
                        * _sign(y)
                    ),
                    torch.where(
                        u < 32768,
                        0.5 * y * (_power1p(p, v) / (1 + p) * _log_excess(p) / scale),
                        torch.where(
                            far2,
                            y**5 / scale / q * ((alpha - 3 - (alpha - 4) / b * q * w) / q / 4),
                            (
                                0.5
                                * (
                                    y
                                    / q
                                    / r
                                    * (q * r * torch.log1p(y / b * y) - s * w)
                                    / r
                                    * half
                                    / scale
                                )
                                * half
                            ),
                        ),
                    ),
                ),
            ),
        ),
    )


@_elementwise
def d2_x_scale(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The mixed second derivative in x and scale."""
    special = alpha == 0
    special2 = alpha == 2
    special3 = alpha == math.inf
    special4 = alpha == -math.inf
    alpha = torch.where(special | special2 | special3 | special4, 1, alpha)
    size = torch.abs(x)
    far = size == math.inf
    b = torch.abs(alpha - 2)
    y = x / scale
    s = y * y
    w = s / b
    far2 = torch.abs(y) >= 2.0**40
    q = 1 + y / b * y
    half = q ** (alpha / 4)
    return torch.where(
        special,
        torch.where(
            torch.abs(x) == math.inf,
            0,
            (
                -2
                * (1 / _root1p_square(1.4142135623730951 / 2 * (x / scale)))
                / scale
                * (
                    1.4142135623730951
                    / 2
                    * (x / scale)
                    * (1 / _root1p_square(1.4142135623730951 / 2 * (x / scale)))
                )
                * (1 / _root1p_square(1.4142135623730951 / 2 * (x / scale)))
                / scale
                * (1 / _root1p_square(1.4142135623730951 / 2 * (x / scale)))
                * 1.4142135623730951
            ),
        ),
        torch.where(
            special2,
            -x / scale / scale * (2 / scale),
            torch.where(
                special3,
                (
                    -(x / scale * (x / scale) + 2)
                    / scale
                    * (x / scale)
                    * torch.exp(0.5 * (x / scale) * (x / scale))
                    / scale
                ),
                torch.where(
                    special4,
                    torch.where(
                        torch.abs(x / scale) >= 2.0**60,
                        0,
                        (
                            torch.exp(-0.25 * (x / scale) * (x / scale))
                            * (x / scale * (x / scale) - 2)
                            / scale
                            * (x / scale)
                            * torch.exp(-0.25 * (x / scale) * (x / scale))
                            / scale
                        ),
                    ),
                    torch.where(
                        far,
                        (
                            size ** (alpha - 1)
                            * (
                                (1 / scale / scale / b) ** (alpha / 2)
                                / (1 / scale / scale / b)
                                / (1 / scale / scale / b)
                                / scale**5
                                * ((2 - alpha) / b)
                                - (
                                    (1 / scale / scale / b) ** (alpha / 2)
                                    / (1 / scale / scale / b)
                                    / scale
                                    / scale
                                    * (2 / scale)
                                )
                            )
                            * _sign(x)
                        ),
                        torch.where(
                            torch.abs(y) < 32768,
                            (
                                -y
                                * ((w * alpha + 2) / scale)
                                * (_power1p(w, alpha / 2) / (1 + w) / (1 + w) / scale)
                            ),
                            torch.where(
                                far2,
                                -y / scale * (2 / scale),
                                -y / q * (s * alpha + 2 * b) / b / q * half / scale * half / scale,
                            ),
                        ),
                    ),
                ),
            ),
        ),
    )


@_elementwise
def d2_alpha(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The second derivative in alpha."""
    special = alpha == 0
    special2 = alpha == math.inf
    special3 = alpha == -math.inf
    alpha = torch.where(special | special2 | special3, 1, alpha)
    far = torch.abs(x) == math.inf
    far2 = x == 0
    b = torch.abs(alpha - 2)
    y = x / scale
    w = y * y / b
    return torch.where(
        special,
        torch.where(
            torch.abs(x / scale) >= 2.0**60,
            (
                x
                / scale
                * (x / scale)
                * (x / scale)
                * (x / scale)
                * (x / scale)
                * (x / scale)
                * (1 / 96)
            ),
            (
                0.5 * _log_difference_m2_m1_m1_0(0.5 * (x / scale) * (x / scale))
                + 0.5 * _log_difference_m1_0_0_0_0(0.5 * (x / scale) * (x / scale))
            ),
        ),
        torch.where(
            special2,
            torch.where(torch.isnan(x), x, 0),
            torch.where(
                special3,
                torch.where(torch.isnan(x), x, 0),
                torch.where(
                    far,
                    math.inf,
                    torch.where(
                        far2,
                        0,
                        (
                            b / 4 * _power_difference_0_pm1_p_p_p(w, alpha / 2)
                            - (
                                0.5
                                * (_power1p(w, alpha / 2) * _log_difference_m2_m1_m1_0(w))
                                * _sign(alpha - 2)
                            )
                        ),
                    ),
                ),
            ),
        ),
    )


@_elementwise
def d2_alpha_scale(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The mixed second derivative in alpha and scale."""
    special = alpha == 0
    special2 = alpha == math.inf
    special3 = alpha == -math.inf
    alpha = torch.where(special | special2 | special3, 1, alpha)
    far = torch.abs(x) == math.inf
    y = x / scale
    w = y * y / torch.abs(alpha - 2)
    return torch.where(
        special,
        torch.where(
            torch.abs(x / scale) >= 2.0**60,
            (1 + 0.6931471805599453 - 2 * torch.log(torch.abs(x / scale))) / scale,
            (
                x
                / scale
                / scale
                * (x / scale / (x / scale * (x / scale) + 2))
                * (
                    (
                        -(x / scale * (x / scale)) * torch.log1p(0.5 * (x / scale) * (x / scale))
                        - 2 * _log1p_minus(0.5 * (x / scale) * (x / scale))
                    )
                    / (x / scale * (x / scale) + 2)
                )
            ),
        ),
        torch.where(
            special2,
            torch.where(torch.isnan(x), x, 0),
            torch.where(
                special3,
                torch.where(torch.isnan(x), x, 0),
                torch.where(
                    far,
                    -math.inf,
                    -y / scale * (0.5 * y) * (_power1p(w, alpha / 2) / (1 + w) * _log_excess(w)),
                ),
            ),
        ),
    )


@_elementwise
def d2_scale(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """The second derivative in scale."""
    special = alpha == 0
    special2 = alpha == 2
    special3 = alpha == math.inf
    special4 = alpha == -math.inf
    alpha = torch.where(special | special2 | special3 | special4, 1, alpha)
    size = torch.abs(x)
    far = size == math.inf
    b = torch.abs(alpha - 2)
    y = x / scale
    far2 = torch.abs(y) >= 2.0**20
    u = y / scale * (y / scale)
    w = y * y / b
    v = _power1p(w, alpha / 2) / (1 + w) / (1 + w)
    q = w * (alpha + 1) + 3
    return torch.where(
        special,
        torch.where(
            torch.abs(x / scale) >= 2.0**60,
            2 / scale / scale,
            (
                x
                / scale
                / scale
                / (0.5 * (x / scale) * (x / scale) + 1)
                * (0.5 * (x / scale / scale))
                * ((x / scale * (x / scale) + 6) / (0.5 * (x / scale) * (x / scale) + 1))
            ),
        ),
        torch.where(
            special2,
            x / scale / scale * (x / scale / scale) * 3,
            torch.where(
                special3,
                torch.where(
                    torch.abs(x) >= 2.0**60,
                    (
                        (x / scale * (x / scale) + 3)
                        * (x / scale)
                        / scale
                        * torch.exp(0.5 * (x / scale) * (x / scale))
                        * (x / scale)
                        / scale
                    ),
                    (
                        x
                        / scale
                        / scale
                        * (x / scale / scale)
                        * (x / scale * (x / scale) + 3)
                        * torch.exp(0.5 * (x / scale) * (x / scale))
                    ),
                ),
                torch.where(
                    special4,
                    torch.where(
                        torch.abs(x / scale) >= 2.0**60,
                        0,
                        (
                            torch.exp(-0.25 * (x / scale) * (x / scale))
                            * (x / scale)
                            / scale
                            * (3 - x / scale * (x / scale))
                            / scale
                            * (x / scale)
                            * torch.exp(-0.25 * (x / scale) * (x / scale))
                        ),
                    ),
                    torch.where(
                        far,
                        (
                            size**alpha
                            * (
                                (1 / scale / scale / b) ** (alpha / 2)
                                / (1 / scale / scale / b)
                                / (scale * scale * scale * scale)
                                * 3
                                + (
                                    (1 / scale / scale / b) ** (alpha / 2)
                                    / (1 / scale / scale / b)
                                    / (1 / scale / scale / b)
                                    / scale**6
                                    * ((alpha - 2) / b)
                                )
                            )
                        ),
                        torch.where(
                            far2,
                            torch.where(
                                torch.abs(y) >= 2.0**40, u * 3, y * v * q / scale * y / scale
                            ),
                            u * q * v,
                        ),
                    ),
                ),
            ),
        ),
    )


@_elementwise
def weight(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> Tensor:
    """d_x/x, continued at x = 0: for iteratively reweighted least squares."""
    special = alpha == 0
    special2 = alpha == 2
    special3 = alpha == math.inf
    special4 = alpha == -math.inf
    alpha = torch.where(special | special2 | special3 | special4, 1, alpha)
    b = torch.abs(alpha - 2)
    far = scale / x * (scale / x) * (torch.abs((alpha - 2) * b) / 2) < 2.0**-54
    y = x / scale
    w = y * y / b
    return torch.where(
        special,
        torch.where(
            torch.abs(x / scale) >= 2.0**60,
            2 / x / x,
            2 / scale / (x / scale * (x / scale) + 2) / scale,
        ),
        torch.where(
            special2,
            torch.where(torch.isnan(x), x, 1 / (scale * scale)),
            torch.where(
                special3,
                torch.exp(0.5 * (x / scale) * (x / scale)) / scale / scale,
                torch.where(
                    special4,
                    torch.where(
                        torch.abs(x) < 0.25,
                        (
                            torch.exp(-0.25 * (x / scale) * (x / scale))
                            / scale
                            / scale
                            * torch.exp(-0.25 * (x / scale) * (x / scale))
                        ),
                        torch.exp(-0.5 * (x / scale) * (x / scale)) / scale / scale,
                    ),
                    torch.where(
                        far,
                        (
                            (1 / scale / scale / b) ** (alpha / 2 - 1)
                            * torch.abs(x) ** (alpha - 2)
                            * (1 / scale / scale)
                        ),
                        _power1p(w, alpha / 2) / (1 + w) / scale / scale,
                    ),
                ),
            ),
        ),
    )


def value_and_grad(x: Tensor, alpha: Any = 1.0, scale: Any = 1.0) -> tuple[Tensor, Tensor]:
    """(loss, d_x)."""
    return loss(x, alpha, scale), d_x(x, alpha, scale)


def _boxcox1p(t: Tensor, p: Tensor) -> Tensor:
    """((1 + t)^p - 1)/p, and log(1 + t) at p = 0."""
    far = t == math.inf
    log_t = torch.log1p(t)
    z = p * log_t
    return torch.where(
        far,
        torch.where(p < 0, -1 / p, math.inf),
        torch.where(torch.abs(z) < 7 / 10, log_t * _exprel(z), (_power1p(t, p) - 1) / p),
    )


def _boxcox_bend(t: Tensor, p: Tensor) -> Tensor:
    """The second derivative of boxcox1p in p."""
    far = t == math.inf
    log_t = torch.log1p(t)
    z = p * log_t
    return torch.where(
        far,
        torch.where(p < 0, -2 / p / p / p, math.inf),
        torch.where(
            torch.abs(z) < 3,
            log_t * log_t * log_t * _exprel2(z),
            (_power1p(t, p) * ((z - 2) * z + 2) - 2) / p / p / p,
        ),
    )


def _boxcox_slope(t: Tensor, p: Tensor) -> Tensor:
    """The derivative of boxcox1p in p."""
    far = t == math.inf
    log_t = torch.log1p(t)
    z = p * log_t
    return torch.where(
        far,
        torch.where(p < 0, 1 / p / p, math.inf),
        torch.where(
            torch.abs(z) < 2, log_t * log_t * _exprel1(z), (_power1p(t, p) * (z - 1) + 1) / p / p
        ),
    )


def _exprel(z: Tensor) -> Tensor:
    """(exp(z) - 1)/z, and 1 at z = 0."""
    return torch.where(z == 0, 1, torch.expm1(z) / torch.clamp(z, max=1e30))


def _exprel1(z: Tensor) -> Tensor:
    """The integral of s exp(s z) over s in [0, 1]: the derivative of exprel."""
    size = torch.abs(z)
    p = torch.exp(z)
    far = torch.clamp(torch.clamp(z, max=1e30), min=-1e30)
    terms = (
        0.5, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 0.0001984126984126984, 2.48015873015873e-05,
        2.7557319223985893e-06, 2.755731922398589e-07, 2.505210838544172e-08, 2.08767569878681e-09,
        1.6059043836821613e-10, 1.1470745597729725e-11, 7.647163731819816e-13,
        4.779477332387385e-14, 2.8114572543455206e-15, 1.5619206968586225e-16, 8.22063524662433e-18,
        4.110317623312165e-19, 1.9572941063391263e-20, 8.896791392450574e-22, 3.868170170630684e-23,
    )  # fmt: skip
    terms2 = (
        0.5, 1 / 3, 0.125, 1 / 30, 1 / 144, 1 / 840, 0.00017361111111111112, 2.2045855379188714e-05,
        2.48015873015873e-06, 2.505210838544172e-07, 2.296443268665491e-08, 1.9270852604185937e-09,
        1.4911969277048643e-10, 1.0706029224547743e-11, 7.169215998581078e-13,
        4.498331606952833e-14, 2.6552651846596585e-15, 1.4797143443923793e-16,
        7.809603484293113e-18, 3.9145882126782523e-19, 1.8683261924146203e-20,
        8.509974375387505e-22,
    )  # fmt: skip
    return torch.where(
        size < 2,
        torch.where(z < 0, p * _horner(size, terms), _horner(size, terms2)),
        (p * (far - 1) + 1) / far / far,
    )


def _exprel2(z: Tensor) -> Tensor:
    """The integral of s^2 exp(s z) over s in [0, 1]: the derivative of exprel1."""
    size = torch.abs(z)
    p = torch.exp(z)
    far = torch.clamp(torch.clamp(z, max=1e30), min=-1e30)
    terms = (
        1 / 3, 1 / 12, 1 / 60, 1 / 360, 0.0003968253968253968, 4.96031746031746e-05,
        5.5114638447971785e-06, 5.511463844797178e-07, 5.010421677088344e-08, 4.17535139757362e-09,
        3.2118087673643227e-10, 2.294149119545945e-11, 1.5294327463639633e-12, 9.55895466477477e-14,
        5.622914508691041e-15, 3.123841393717245e-16, 1.644127049324866e-17, 8.22063524662433e-19,
        3.9145882126782525e-20, 1.779358278490115e-21, 7.736340341261368e-23,
        3.2234751421922368e-24, 1.2893900568768947e-25, 4.959192526449595e-27,
        1.8367379727591092e-28, 6.559778474139676e-30,
    )  # fmt: skip
    terms2 = (
        1 / 3, 0.25, 1 / 10, 1 / 36, 1 / 168, 1 / 960, 0.00015432098765432098,
        1.984126984126984e-05, 2.2546897546897547e-06, 2.296443268665491e-07,
        2.1197937864604532e-08, 1.789436313245837e-09, 1.3917837991912066e-10,
        1.0036902398013508e-11, 6.74749741042925e-13, 4.2484242954554536e-14, 2.515514385467045e-15,
        1.4057286271727604e-16, 7.437717604088679e-18, 3.7366523848292405e-19,
        1.787094618831376e-20, 8.1553921097463585e-22, 3.5587165569802293e-23,
        1.4877577579348785e-24, 5.969398411467106e-26, 2.3024822444230263e-27,
    )  # fmt: skip
    return torch.where(
        size < 3,
        torch.where(z < 0, p * _horner(size, terms), _horner(size, terms2)),
        (p * ((far - 2) * far + 2) - 2) / far / far / far,
    )


def _log1p_minus(z: Tensor) -> Tensor:
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


def _log_difference_m1_0_0_0(t: Tensor) -> Tensor:
    """L^3 exp[-L, 0, 0, 0], L = log(1 + t): the divided difference of exp."""
    L = torch.log1p(t)
    terms = (
        1 / 6, 0.125, 1 / 20, 1 / 72, 1 / 336, 0.0005208333333333333, 7.716049382716049e-05,
        9.92063492063492e-06, 1.1273448773448773e-06, 1.1482216343327455e-07,
        1.0598968932302266e-08, 8.947181566229185e-10, 6.958918995956033e-11, 5.018451199006754e-12,
        3.373748705214625e-13, 2.1242121477277268e-14, 1.2577571927335224e-15,
        7.028643135863802e-17, 3.7188588020443394e-18, 1.8683261924146203e-19, 8.93547309415688e-21,
        4.0776960548731792e-22, 1.7793582784901147e-23, 7.438788789674392e-25,
        2.984699205733553e-26, 1.1512411222115131e-27, 4.275165971077237e-29,
        1.5306149772992577e-30, 5.290143930757803e-32, 1.7671817010074556e-33,
        5.712102467902887e-35, 1.7884191787551735e-36, 5.429129649792491e-38,
        1.5994910584405486e-39,
    )  # fmt: skip
    return torch.where(
        L < 4, L * L * L * _horner(L, terms) / (1 + t), L * L * 0.5 - L + 1 - 1 / (1 + t)
    )


def _log_difference_m1_0_0_0_0(t: Tensor) -> Tensor:
    """L^4 exp[-L, 0, 0, 0, 0], L = log(1 + t): the divided difference of exp."""
    L = torch.log1p(t)
    terms = (
        1 / 24, 1 / 30, 1 / 72, 1 / 252, 0.0008680555555555555, 0.00015432098765432098,
        2.3148148148148147e-05, 3.006253006253006e-06, 3.4446649029982366e-07,
        3.532989644100755e-08, 3.2806332409507015e-09, 2.783567598382413e-10,
        2.1746621862362604e-11, 1.5744160624334915e-12, 1.0621060738638634e-13,
        6.708038361245453e-15, 3.982897776989488e-16, 2.2313152812266037e-17,
        1.1832732551959262e-18, 5.956982062771253e-20, 2.8543872384112254e-21,
        1.3048627375594174e-22, 5.7030714054170344e-24, 2.387759364586842e-25,
        9.593676018429276e-27, 3.705143841600272e-28, 1.377553479569332e-29, 4.937467668707283e-31,
        1.7082756443072072e-32, 5.712102467902887e-34, 1.848033151380346e-35, 5.791071626445324e-37,
        1.7594401642846036e-38, 5.187538567915293e-40,
    )  # fmt: skip
    return torch.where(
        L < 4,
        L * L * L * L * _horner(L, terms) / (1 + t),
        L * L * L * (1 / 6) - L * L * 0.5 + L - 1 + 1 / (1 + t),
    )


def _log_difference_m2_m1_m1_0(t: Tensor) -> Tensor:
    """L^3 exp[-2 L, -L, -L, 0], L = log(1 + t): the divided difference of exp."""
    L = torch.log1p(t)
    q = 1 + t
    terms = (
        1 / 6, 1 / 6, 11 / 120, 13 / 360, 0.01130952380952381, 1 / 336, 0.0006806657848324515,
        0.00013833774250440918, 2.537778579445246e-05, 4.250507722729945e-06, 6.556907598574265e-07,
        9.38077574982337e-08, 1.2517642312615858e-08, 1.5653744159035164e-09,
        1.8420386784746418e-10, 2.0469595500610993e-11, 2.1548340140214024e-12,
        2.154907999738622e-13, 2.0523305216724225e-14, 1.865772813284987e-15,
        1.6224192651443036e-16, 1.352019600109576e-17, 1.0816171628862263e-18,
        8.320137973232772e-20, 6.163067461280075e-21, 4.402191896542683e-22, 3.0359947167777454e-23,
        2.023996583411484e-24, 1.3058042826298738e-25, 8.161276880448434e-27, 4.946228448093631e-28,
        2.909546156776334e-29, 1.6625978070657967e-30, 9.236654492838819e-32,
    )  # fmt: skip
    return torch.where(L < 2, L * L * L * _horner(L, terms) / q / q, 0.5 - L / q - 0.5 / q / q)


def _log_excess(t: Tensor) -> Tensor:
    """log(1 + t) - t/(1 + t) for t >= 0, without cancellation at small t."""
    w = t / (2 + t)
    terms = (
        1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13, 1 / 15, 1 / 17, 1 / 19, 1 / 21, 1 / 23, 1 / 25,
        1 / 27, 1 / 29, 1 / 31, 1 / 33, 1 / 35,
    )  # fmt: skip
    return torch.where(
        t < 1,
        t * t * (0.5 * ((1 - w) * (1 - w))) * (1 / (1 + w) + w * _horner(w * w, terms)),
        torch.log1p(t) - t / (1 + t),
    )


def _power1p(t: Tensor, q: Tensor) -> Tensor:
    """(1 + t)^q for t > -1: by its logarithm where 1 + t would lose digits of t."""
    return torch.where(t < 1, torch.exp(q * torch.log1p(t)), (1 + t) ** q)


def _power_difference_0_pm1_p_p(t: Tensor, p: Tensor) -> Tensor:
    """L^3 exp[0, (p - 1) L, p L, p L], L = log(1 + t): the divided difference of exp."""
    low = torch.clamp(p - 1, max=0)
    L = torch.log1p(t)
    u = _power1p(t, p) * _log_excess(t)
    return torch.where(
        (torch.clamp(p, min=0) - low) * L < 3,
        L * L * L * _power1p(t, low) * _exp_series(L, (-low, p - 1 - low, p - low, p - low)),
        torch.where(
            p < 0.5,
            (_boxcox_slope(t, p) - u) / (1 - p),
            (u - (_power1p(t, p) * (t / (1 + t)) - _boxcox1p(t, p - 1)) / p) / p,
        ),
    )


def _power_difference_0_pm1_p_p_p(t: Tensor, p: Tensor) -> Tensor:
    """L^4 exp[0, (p - 1) L, p L, p L, p L], L = log(1 + t): the divided difference of exp."""
    low = torch.clamp(p - 1, max=0)
    L = torch.log1p(t)
    u = _power1p(t, p) * _log_difference_m1_0_0_0(t)
    return torch.where(
        (torch.clamp(p, min=0) - low) * L < 3,
        (
            L
            * L
            * L
            * L
            * _power1p(t, low)
            * _exp_series(L, (-low, p - 1 - low, p - low, p - low, p - low))
        ),
        torch.where(
            p < 0.5,
            (0.5 * _boxcox_bend(t, p) - u) / (1 - p),
            (
                (
                    u
                    - (
                        (
                            _power1p(t, p) * _log_excess(t)
                            - (_power1p(t, p) * (t / (1 + t)) - _boxcox1p(t, p - 1)) / p
                        )
                        / p
                    )
                )
                / p
            ),
        ),
    )


def _root1p_square(t: Tensor) -> Tensor:
    """sqrt(1 + t^2), also where t^2 overflows."""
    return torch.where(torch.abs(t) >= 2.0**40, torch.abs(t), torch.sqrt(1 + t * t))


def _exp_series(argument: Any, rates: tuple[Any, ...]) -> Any:
    """exp[r_0 L, r_1 L, …], the divided difference of exp, for 0 <= r_i L <= 3: the sum of
    h_k(r) L^k/(n + k)!, h_k the sum of all products of k rates. Every term is positive."""
    sums: list[Any] = [0.0] * len(rates)
    coefficients = []
    for k in range(27):
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
        kind = input.device.type
        cast = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
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
    x = x.to(torch.promote_types(dtype, torch.float32))
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
            terms = zip(_slopes(ctx.name), tangents)
            moves = [globals()[n](*values) * t for n, t in terms if t is not None]
            return sum(moves[1:], moves[0])


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
    """Block by block, in memory that stays in the cache; the slope is kept for the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, target: Tensor, mean: bool, *parameters: Any) -> Tensor:
        size, step, sums = x.numel(), torch.get_num_threads() << 16, []
        ctx.share, ctx.parameters = 1 / size if mean else 1.0, parameters
        slope = torch.empty_like(x)
        parts = [(x, target, slope)]
        if size > step:
            parts = list(zip(*(t.detach().view(-1).split(step) for t in parts[0])))
        room = [torch.empty_like(parts[0][0]) for _ in range(6)]
        numbers = [float(p) for p in parameters]
        ordinary = all(1e-9 < abs(p) < 1e9 for p in numbers)
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
            d, parameters = x - target, ctx.parameters
            slope, *sums = (ctx.share * f(d, *parameters) for f in (d_x, d_alpha, d_scale))
        if torch.is_grad_enabled() or grad.item() != 1:
            slope = slope * grad
        found = zip(sums, ctx.parameters, needs[3:])
        by = ((grad * v).sum().to(p.dtype).reshape(p.shape) if n else None for v, p, n in found)
        return slope if needs[0] else None, -slope if needs[1] else None, None, *by


def _block(
    d: Tensor, s: Tensor, spare: list[Tensor], ctx: Any, alpha: float, scale: float
) -> list[float]:
    """The sums of loss, d_alpha, d_scale; s becomes the share of d_x. d is used up."""
    u, v, w, p, q = spare
    if alpha == 2:
        return [math.nan]
    if not torch.linalg.vector_norm(d).item() < math.sqrt(2) * scale * math.sqrt(abs((alpha - 2) * abs(alpha - 2))) * 2.0**26:
        return [math.nan]
    torch.mul(d, d, out=u)
    torch.mul(u, 1 / scale / scale / abs(alpha - 2), out=v).log1p_()
    excess = _growth(v, alpha / 2, w)
    sums = [abs(alpha - 2) * excess / alpha, 0.0, 0.0]
    u.add_(scale * scale * abs(alpha - 2))
    torch.div(d, u, out=p)
    torch.mul(u, 1 / scale / scale / abs(alpha - 2), out=q).pow_(alpha / 4)
    p.mul_(q)
    torch.mul(p, q, out=s)
    if any(ctx.needs_input_grad[3:]):
        torch.div(w, u, out=u).mul_(d).mul_(d)
    if ctx.needs_input_grad[3]:
        v.mul_(w)
        sums[1] = _whole((alpha * math.copysign(1.0, alpha - 2) - abs(alpha - 2)) * excess / alpha / alpha, abs(alpha - 2) * v.sum().item() / alpha / 2, -(math.copysign(1.0, alpha - 2) * u.sum().item() / 2))
    if ctx.needs_input_grad[4]:
        sums[2] = -(abs(alpha - 2) * u.sum().item() / scale)
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
    found = zip((loss, d_alpha, d_scale), [True, *ctx.needs_input_grad[3:]])
    return [f(d, *parameters).sum().item() if n else 0.0 for f, n in found]
