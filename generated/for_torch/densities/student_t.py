# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of student_t (sha256 e881c11a8385) by: derive regenerate student_t --target torch
"""Density exp(-loss)/Z: Student's t loss.

log Z = log(df)/2 + log(scale) + log(gamma(df/2)) - log(gamma((1 + df)/2)) + log(pi)/2.
"""

from __future__ import annotations

import math

import torch
from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from .._special import gamma_gap as _gamma_gap, gamma_gap1 as _gamma_gap1, gamma_gap2 as _gamma_gap2
from ..student_t import _is_plain, _Total, d_x, loss

_DENSITY = Density(
    "student_t",
    loss,
    d_x,
    {
        "df": Parameter(1.0, constraints.positive, (1e-05, math.inf)),
        "scale": Parameter(1.0, constraints.positive, (1e-05, math.inf)),
    },
    closed={
        (): lambda df, scale: 0.9189385332046728 + torch.log(scale) - _gamma_gap(0.5 * df),
        ("df",): lambda df, scale: -0.5 * _gamma_gap1(0.5 * df),
        ("df", "df"): lambda df, scale: -0.25 * _gamma_gap2(0.5 * df),
    },
    length=lambda df, scale: scale,
    scale="scale",
    decay=lambda df, scale: df,
    even=True,
    vectors="df + 1 must be > dimension for vectors: the integral diverges",
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_df = _DENSITY.d_log_partition("df")
d_log_partition_scale = _DENSITY.d_log_partition("scale")
d2_log_partition_df = _DENSITY.d_log_partition("df", "df")
d2_log_partition_scale = _DENSITY.d_log_partition("scale", "scale")


class StudentT(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, df, scale: see `DensityDistribution`."""


class AdaptiveStudentTLoss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with df and scale learned: see `AdaptiveLoss`."""
