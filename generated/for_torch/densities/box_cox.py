# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of box_cox (sha256 8987567ac71c) by: derive regenerate box_cox --target torch
"""Density exp(-loss)/Z: Box-Cox loss.

The density exists for lam >= 0: elsewhere the integral diverges.
log Z by quadrature at run time, to 1e-12; its slopes are expectations.
"""

from __future__ import annotations

import math

import torch
from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from ..box_cox import _is_plain, _Total, d2_lam, d_lam, d_x, loss

_DENSITY = Density(
    "box_cox",
    loss,
    d_x,
    {
        "lam": Parameter(0.0, constraints.nonnegative, (1e-05, math.inf)),
        "scale": Parameter(1.0, constraints.positive, (1e-05, math.inf)),
    },
    slopes={("lam",): d_lam, ("lam", "lam"): d2_lam},
    length=lambda lam, scale: scale,
    scale="scale",
    decay=lambda lam, scale: torch.where(lam == 0, 1, math.inf),
    even=True,
    exists=(
        lambda lam, scale: lam >= 0,
        "lam must be >= 0 for a density: the integral diverges",
    ),
    vectors="lam must be > 0 for vectors: the integral diverges",
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_lam = _DENSITY.d_log_partition("lam")
d_log_partition_scale = _DENSITY.d_log_partition("scale")
d2_log_partition_lam = _DENSITY.d_log_partition("lam", "lam")
d2_log_partition_scale = _DENSITY.d_log_partition("scale", "scale")


class BoxCox(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, lam, scale: see `DensityDistribution`."""


class AdaptiveBoxCoxLoss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with lam and scale learned: see `AdaptiveLoss`."""
