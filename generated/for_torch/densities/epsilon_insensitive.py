# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of epsilon_insensitive (sha256 ff2cb867e7d4) by: derive regenerate epsilon_insensitive --target torch
"""Density exp(-loss)/Z: Epsilon-insensitive loss.

log Z = log(2*epsilon + 2).
"""

from __future__ import annotations

import math

import torch
from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from ..epsilon_insensitive import _is_plain, _Total, d_x, loss

_DENSITY = Density(
    "epsilon_insensitive",
    loss,
    d_x,
    {"epsilon": Parameter(0.1, constraints.positive, (1e-05, math.inf))},
    closed={
        (): lambda epsilon: torch.log(2 * epsilon + 2),
        ("epsilon",): lambda epsilon: 1 / (epsilon + 1),
        ("epsilon", "epsilon"): lambda epsilon: -1 / ((epsilon + 1) * (epsilon + 1)),
    },
    length=lambda epsilon: epsilon,
    points=lambda epsilon: (0.0, -epsilon, epsilon),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_epsilon = _DENSITY.d_log_partition("epsilon")
d2_log_partition_epsilon = _DENSITY.d_log_partition("epsilon", "epsilon")


class EpsilonInsensitive(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, epsilon: see `DensityDistribution`."""


class AdaptiveEpsilonInsensitiveLoss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with epsilon learned: see `AdaptiveLoss`."""
