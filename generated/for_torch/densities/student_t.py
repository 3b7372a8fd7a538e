# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of student_t (sha256 e881c11a8385) by: derive regenerate student_t --target torch
"""Density exp(-loss)/Z: Student's t loss.

log Z = log(pi)/2 + log(df)/2 + log(scale) + log(gamma(df/2)) - log(gamma((1 + df)/2)).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from .._special import gamma_gap as _gamma_gap, horner as _horner
from ..student_t import _total, d_x, loss


def _log_z(df: Any, scale: Any) -> Any:
    """log Z."""
    return 0.9189385332046728 + torch.log(scale) - _gamma_gap(0.5 * df)


def _gamma_gap1(a: Any) -> Any:
    """The derivative of gamma_gap."""
    far = a >= 8
    inverse = 1 / torch.where(far, a, a + 8)
    q = a + 1
    terms = (
        0.125, -0.015625, 0.0078125, -0.00830078125, 0.01513671875, -0.04217529296875,
        0.166656494140625, -0.8865060806274414, 6.107885360717773, -52.912373781204224,
        562.9201556444168, -7215.0206627473235, 109655.16503267735,
    )  # fmt: skip
    return inverse * inverse * _horner(inverse * inverse, terms) + torch.where(
        far,
        0,
        (
            0.5 / a / q / (2 * a + 1)
            + 0.5 / q / (q + 1) / (2 * q + 1)
            + 0.5 / (a + 2) / (a + 2 + 1) / (2 * (a + 2) + 1)
            + 0.5 / (a + 3) / (a + 3 + 1) / (2 * (a + 3) + 1)
            + 0.5 / (a + 4) / (a + 4 + 1) / (2 * (a + 4) + 1)
            + 0.5 / (a + 5) / (a + 5 + 1) / (2 * (a + 5) + 1)
            + 0.5 / (a + 6) / (a + 6 + 1) / (2 * (a + 6) + 1)
            + 0.5 / (a + 7) / (a + 7 + 1) / (2 * (a + 7) + 1)
        ),
    )


def _gamma_gap2(a: Any) -> Any:
    """The second derivative of gamma_gap."""
    far = a >= 8
    inverse = 1 / torch.where(far, a, a + 8)
    q = a + 1
    u = q + 1
    v = 2 * q + 1
    w = a + 2
    p = w + 1
    r = 2 * w + 1
    g = a + 3
    h = g + 1
    k = 2 * g + 1
    m = a + 4
    n = m + 1
    t = 2 * m + 1
    q2 = a + 5
    q3 = q2 + 1
    q4 = 2 * q2 + 1
    q5 = a + 6
    q6 = q5 + 1
    q7 = 2 * q5 + 1
    q8 = a + 7
    q9 = q8 + 1
    q10 = 2 * q8 + 1
    terms = (
        -0.25, 0.0625, -0.046875, 0.06640625, -0.1513671875, 0.506103515625, -2.33319091796875,
        14.184097290039062, -109.94193649291992, 1058.2474756240845, -12384.24342417717,
        173160.49590593576, -2851034.290849611,
    )  # fmt: skip
    return inverse * inverse * inverse * _horner(inverse * inverse, terms) - torch.where(
        far,
        0,
        (
            0.5 * (6 * a * q + 1) / q / (2 * a + 1) / a / a / q / (2 * a + 1)
            + 0.5 * (6 * q * u + 1) / u / v / q / q / u / v
            + 0.5 * (6 * w * p + 1) / p / r / w / w / p / r
            + 0.5 * (6 * g * h + 1) / h / k / g / g / h / k
            + 0.5 * (6 * m * n + 1) / n / t / m / m / n / t
            + 0.5 * (6 * q2 * q3 + 1) / q3 / q4 / q2 / q2 / q3 / q4
            + 0.5 * (6 * q5 * q6 + 1) / q6 / q7 / q5 / q5 / q6 / q7
            + 0.5 * (6 * q8 * q9 + 1) / q9 / q10 / q8 / q8 / q9 / q10
        ),
    )


_DENSITY = Density(
    "student_t",
    loss,
    d_x,
    {
        "df": Parameter(1.0, constraints.positive, (1e-05, math.inf)),
        "scale": Parameter(1.0, constraints.positive, (1e-05, math.inf)),
    },
    closed={(): _log_z},
    length=lambda df, scale: scale,
    tails=lambda df, scale: df + 1,
    even=True,
    vectors="1 + df must be > dimension for vectors: the integral diverges",
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_df = _DENSITY.d_log_partition("df")
d_log_partition_scale = _DENSITY.d_log_partition("scale")
d2_log_partition_df = _DENSITY.d_log_partition("df", "df")
d2_log_partition_scale = _DENSITY.d_log_partition("scale", "scale")


class StudentT(DensityDistribution):
    """The density of the residual x - loc; parameters: loc, df, scale."""

    law = _DENSITY


class AdaptiveStudentTLoss(AdaptiveLoss):
    """-log_density(residual), with df and scale learned: see `AdaptiveLoss`."""

    law = _DENSITY
    total = _total
