# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of generalized_charbonnier (sha256 2ca3dc1e7324) by: derive regenerate generalized_charbonnier --target torch
"""Density exp(-loss)/Z: Generalized Charbonnier penalty.

log Z by quadrature at run time, to 1e-12; its slopes are expectations.
"""

from __future__ import annotations

import math

from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from ..generalized_charbonnier import (
    _is_plain,
    _Total,
    d2_a,
    d2_eps,
    d2_eps_a,
    d_a,
    d_eps,
    d_x,
    loss,
)

_DENSITY = Density(
    "generalized_charbonnier",
    loss,
    d_x,
    {
        "eps": Parameter(0.001, constraints.positive, (1e-05, math.inf)),
        "a": Parameter(0.45, constraints.interval(0.0, 1.0), (0.0005, 0.9995)),
    },
    slopes={
        ("eps",): d_eps,
        ("a",): d_a,
        ("eps", "eps"): d2_eps,
        ("eps", "a"): d2_eps_a,
        ("a", "a"): d2_a,
    },
    length=lambda eps, a: eps,
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_eps = _DENSITY.d_log_partition("eps")
d_log_partition_a = _DENSITY.d_log_partition("a")
d2_log_partition_eps = _DENSITY.d_log_partition("eps", "eps")
d2_log_partition_eps_a = _DENSITY.d_log_partition("eps", "a")
d2_log_partition_a = _DENSITY.d_log_partition("a", "a")


class GeneralizedCharbonnier(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, eps, a: see `DensityDistribution`."""


class AdaptiveGeneralizedCharbonnierLoss(
    AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)
):
    """-log_density(residual), with eps and a learned: see `AdaptiveLoss`."""
