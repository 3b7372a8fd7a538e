# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of huber (sha256 36a0628bdf2e) by: derive regenerate huber --target torch
"""Density exp(-loss)/Z: Huber loss.

log Z = log(sqrt(2*pi)*erf(delta/sqrt(2)) + 2*exp(-delta^2/2)/delta).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from ..huber import _is_plain, _Total, d2_delta, d_delta, d_x, loss


def _log_z(delta: Any) -> Any:
    """log Z."""
    u = 2.5066282746310007 * torch.erf(0.7071067811865476 * delta)
    return torch.log(u + torch.exp(-0.5 * delta * delta) / delta * 2)


def _d_delta(delta: Any) -> Any:
    """The derivative of log Z by delta."""
    p = torch.exp(-0.5 * delta * delta)
    u = torch.erf(0.7071067811865476 * delta)
    return -p / delta * (2 / (delta * u * 2.5066282746310007 + 2 * p))


_DENSITY = Density(
    "huber",
    loss,
    d_x,
    {"delta": Parameter(1.0, constraints.positive, (1e-05, math.inf))},
    closed={(): _log_z, ("delta",): _d_delta},
    slopes={("delta",): d_delta, ("delta", "delta"): d2_delta},
    length=lambda delta: delta,
    points=lambda delta: (0.0, -delta, delta),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_delta = _DENSITY.d_log_partition("delta")
d2_log_partition_delta = _DENSITY.d_log_partition("delta", "delta")


class Huber(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, delta: see `DensityDistribution`."""


class AdaptiveHuberLoss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with delta learned: see `AdaptiveLoss`."""
