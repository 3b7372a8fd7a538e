# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of linex (sha256 076c110e72c6) by: derive regenerate linex --target torch
"""Density exp(-loss)/Z: LINEX loss.

The density exists for a != 0: elsewhere the integral diverges.
log Z by quadrature at run time, to 1e-12; its slopes are expectations.
"""

from __future__ import annotations

import math

from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from ..linex import _is_plain, _Total, d2_a, d_a, d_x, loss

_DENSITY = Density(
    "linex",
    loss,
    d_x,
    {"a": Parameter(1.0, constraints.real, (-math.inf, math.inf))},
    slopes={("a",): d_a, ("a", "a"): d2_a},
    exists=(
        lambda a: a != 0,
        "a must be other than 0 for a density: the integral diverges",
    ),
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
d_log_partition_a = _DENSITY.d_log_partition("a")
d2_log_partition_a = _DENSITY.d_log_partition("a", "a")


class Linex(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, a: see `DensityDistribution`."""


class AdaptiveLinexLoss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with a learned: see `AdaptiveLoss`."""
