# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of fair (sha256 30869731c596) by: derive regenerate fair --target torch
"""Density exp(-loss)/Z: Fair loss.

log Z by quadrature at run time, to 1e-12; its slopes are expectations.
"""

from __future__ import annotations

import math

from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from ..fair import _is_plain, _Total, d2_c, d_c, d_x, loss

_DENSITY = Density(
    "fair",
    loss,
    d_x,
    {"c": Parameter(1.3998, constraints.positive, (1e-05, math.inf))},
    slopes={("c",): d_c, ("c", "c"): d2_c},
    length=lambda c: c,
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_c = _DENSITY.d_log_partition("c")
d2_log_partition_c = _DENSITY.d_log_partition("c", "c")


class Fair(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, c: see `DensityDistribution`."""


class AdaptiveFairLoss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with c learned: see `AdaptiveLoss`."""
