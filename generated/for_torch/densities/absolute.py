# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of absolute (sha256 ef841ed75886) by: derive regenerate absolute --target torch
"""Density exp(-loss)/Z: Absolute loss (L1).

log Z = log(scale) + log(2).
"""

from __future__ import annotations

import math

import torch
from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from ..absolute import _is_plain, _Total, d_x, loss

_DENSITY = Density(
    "absolute",
    loss,
    d_x,
    {"scale": Parameter(1.0, constraints.positive, (1e-05, math.inf))},
    closed={(): lambda scale: 0.6931471805599453 + torch.log(scale)},
    length=lambda scale: scale,
    scale="scale",
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_scale = _DENSITY.d_log_partition("scale")
d2_log_partition_scale = _DENSITY.d_log_partition("scale", "scale")


class Absolute(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, scale: see `DensityDistribution`."""


class AdaptiveAbsoluteLoss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with scale learned: see `AdaptiveLoss`."""
