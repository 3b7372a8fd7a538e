# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of log_cosh (sha256 6b959d5ddb29) by: derive regenerate log_cosh --target torch
"""Density exp(-loss)/Z: Log-cosh loss.

log Z = log(c) + log(gamma(c^2/2)) - log(gamma((1 + c^2)/2)) + log(pi)/2.
"""

from __future__ import annotations

import math

from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from .._special import gamma_gap as _gamma_gap, gamma_gap1 as _gamma_gap1, gamma_gap2 as _gamma_gap2
from ..log_cosh import _is_plain, _Total, d_x, loss

_DENSITY = Density(
    "log_cosh",
    loss,
    d_x,
    {"c": Parameter(1.0, constraints.positive, (1e-05, math.inf))},
    closed={
        (): lambda c: 0.9189385332046728 - _gamma_gap(0.5 * c * c),
        ("c",): lambda c: -c * _gamma_gap1(0.5 * c * c),
        ("c", "c"): lambda c: -c * c * _gamma_gap2(0.5 * c * c) - _gamma_gap1(0.5 * c * c),
    },
    length=lambda c: c,
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_c = _DENSITY.d_log_partition("c")
d2_log_partition_c = _DENSITY.d_log_partition("c", "c")


class LogCosh(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, c: see `DensityDistribution`."""


class AdaptiveLogCoshLoss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with c learned: see `AdaptiveLoss`."""
