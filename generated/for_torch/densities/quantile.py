# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of quantile (sha256 a641c7229ad2) by: derive regenerate quantile --target torch
"""Density exp(-loss)/Z: Quantile loss (pinball).

log Z = -log(tau) - log(1 - tau).
"""

from __future__ import annotations

import torch
from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from ..quantile import _is_plain, _Total, d_x, loss

_DENSITY = Density(
    "quantile",
    loss,
    d_x,
    {"tau": Parameter(0.5, constraints.interval(0.0, 1.0), (0.0005, 0.9995))},
    closed={
        (): lambda tau: -torch.log(tau) - torch.log(1 - tau),
        ("tau",): lambda tau: 1 / (1 - tau) - 1 / tau,
        ("tau", "tau"): lambda tau: 1 / ((1 - tau) * (1 - tau)) + 1 / (tau * tau),
    },
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
d_log_partition_tau = _DENSITY.d_log_partition("tau")
d2_log_partition_tau = _DENSITY.d_log_partition("tau", "tau")


class Quantile(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, tau: see `DensityDistribution`."""


class AdaptiveQuantileLoss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with tau learned: see `AdaptiveLoss`."""
