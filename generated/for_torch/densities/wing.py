# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of wing (sha256 9ff8bbc07f01) by: derive regenerate wing --target torch
"""Density exp(-loss)/Z: Wing loss.

log Z by quadrature at run time, to 1e-12; its slopes are expectations.
"""

from __future__ import annotations

import math

from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from ..wing import _is_plain, _Total, d_epsilon, d_w, d_x, loss

_DENSITY = Density(
    "wing",
    loss,
    d_x,
    {
        "w": Parameter(10.0, constraints.positive, (1e-05, math.inf)),
        "epsilon": Parameter(2.0, constraints.positive, (1e-05, math.inf)),
    },
    slopes={("w",): d_w, ("epsilon",): d_epsilon},
    points=lambda w, epsilon: (0.0, -w, w),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_w = _DENSITY.d_log_partition("w")
d_log_partition_epsilon = _DENSITY.d_log_partition("epsilon")


class Wing(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, w, epsilon: see `DensityDistribution`."""


class AdaptiveWingLoss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with w and epsilon learned: see `AdaptiveLoss`."""
