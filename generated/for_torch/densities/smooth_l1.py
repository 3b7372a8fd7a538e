# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of smooth_l1 (sha256 2d6c7b695413) by: derive regenerate smooth_l1 --target torch
"""Density exp(-loss)/Z: Smooth L1 loss.

log Z = log(sqrt(2*pi*beta)*erf(sqrt(beta/2)) + 2*exp(-beta/2)).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from ..smooth_l1 import _is_plain, _Total, d2_beta, d_beta, d_x, loss


def _log_z(beta: Any) -> Any:
    """log Z."""
    r = torch.sqrt(beta)
    u = r * torch.erf(0.7071067811865476 * r) * 2.5066282746310007
    return torch.log(u + 2 * torch.exp(-0.5 * beta))


def _d_beta(beta: Any) -> Any:
    """The derivative of log Z by beta."""
    r = torch.sqrt(beta)
    u = torch.erf(0.7071067811865476 * r)
    return u / r * (1.2533141373155003 / (r * u * 2.5066282746310007 + 2 * torch.exp(-0.5 * beta)))


_DENSITY = Density(
    "smooth_l1",
    loss,
    d_x,
    {"beta": Parameter(1.0, constraints.positive, (1e-05, math.inf))},
    closed={(): _log_z, ("beta",): _d_beta},
    slopes={("beta",): d_beta, ("beta", "beta"): d2_beta},
    length=lambda beta: beta,
    points=lambda beta: (0.0, -beta, beta),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_beta = _DENSITY.d_log_partition("beta")
d2_log_partition_beta = _DENSITY.d_log_partition("beta", "beta")


class SmoothL1(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, beta: see `DensityDistribution`."""


class AdaptiveSmoothL1Loss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with beta learned: see `AdaptiveLoss`."""
