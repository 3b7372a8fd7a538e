# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of cauchy (sha256 d7739401caf0) by: derive regenerate cauchy --target torch
"""Density exp(-loss)/Z: Cauchy loss (Lorentzian).

log Z = log(scale) + log(2)/2 + log(pi).
"""

from __future__ import annotations

import math

import torch
from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from ..cauchy import _is_plain, _Total, d_x, loss

_DENSITY = Density(
    "cauchy",
    loss,
    d_x,
    {"scale": Parameter(1.0, constraints.positive, (1e-05, math.inf))},
    closed={(): lambda scale: 1.4913034761293729 + torch.log(scale)},
    length=lambda scale: scale,
    scale="scale",
    decay=1.0,
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
d_log_partition_scale = _DENSITY.d_log_partition("scale")
d2_log_partition_scale = _DENSITY.d_log_partition("scale", "scale")


class Cauchy(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, scale: see `DensityDistribution`."""


class AdaptiveCauchyLoss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with scale learned: see `AdaptiveLoss`."""
