# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of expectile (sha256 78f6dff72d9b) by: derive regenerate expectile --target torch
"""Density exp(-loss)/Z: Expectile loss.

log Z = log(1/sqrt(1 - tau) + 1/sqrt(tau)) - log(2) + log(pi)/2.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from ..expectile import _is_plain, _Total, d2_tau, d_tau, d_x, loss


def _log_z(tau: Any) -> Any:
    """log Z."""
    return -0.12078223763524522 + torch.log(1 / torch.sqrt(1 - tau) + 1 / torch.sqrt(tau))


def _d_tau(tau: Any) -> Any:
    """The derivative of log Z by tau."""
    r = torch.sqrt(tau)
    u = torch.sqrt(1 - tau)
    return 0.5 * ((tau * r - (1 - tau) * u) / tau / (1 - tau) / (r + u))


_DENSITY = Density(
    "expectile",
    loss,
    d_x,
    {"tau": Parameter(0.5, constraints.interval(0.0, 1.0), (0.0005, 0.9995))},
    closed={(): _log_z, ("tau",): _d_tau},
    slopes={("tau",): d_tau, ("tau", "tau"): d2_tau},
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
d_log_partition_tau = _DENSITY.d_log_partition("tau")
d2_log_partition_tau = _DENSITY.d_log_partition("tau", "tau")


class Expectile(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, tau: see `DensityDistribution`."""


class AdaptiveExpectileLoss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with tau learned: see `AdaptiveLoss`."""
