# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of smooth_quantile (sha256 44fe38b6267d) by: derive regenerate smooth_quantile --target torch
"""Density exp(-loss)/Z: Smooth quantile loss.

log Z by quadrature at run time, to 1e-12; its slopes are expectations.
"""

from __future__ import annotations

import math

import torch
from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from ..smooth_quantile import _is_plain, _Total, d2_c, d2_tau, d2_tau_c, d_c, d_tau, d_x, loss

_DENSITY = Density(
    "smooth_quantile",
    loss,
    d_x,
    {
        "tau": Parameter(0.9, constraints.interval(0.0, 1.0), (0.0005, 0.9995)),
        "c": Parameter(0.5, constraints.positive, (1e-05, math.inf)),
    },
    slopes={
        ("tau",): d_tau,
        ("c",): d_c,
        ("tau", "tau"): d2_tau,
        ("tau", "c"): d2_tau_c,
        ("c", "c"): d2_c,
    },
    length=lambda tau, c: c,
    points=lambda tau, c: c * torch.log(-(tau / (tau - 1))),
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
d_log_partition_tau = _DENSITY.d_log_partition("tau")
d_log_partition_c = _DENSITY.d_log_partition("c")
d2_log_partition_tau = _DENSITY.d_log_partition("tau", "tau")
d2_log_partition_tau_c = _DENSITY.d_log_partition("tau", "c")
d2_log_partition_c = _DENSITY.d_log_partition("c", "c")


class SmoothQuantile(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, tau, c: see `DensityDistribution`."""


class AdaptiveSmoothQuantileLoss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with tau and c learned: see `AdaptiveLoss`."""
