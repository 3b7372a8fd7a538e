# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of quantile (sha256 a641c7229ad2) by: derive regenerate quantile --target torch
"""Density exp(-loss)/Z: Quantile loss (pinball).

log Z = -log(tau) - log(1 - tau).
"""

from __future__ import annotations

from typing import Any

import torch
from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from ..quantile import _total, d_x, loss


def _log_z(tau: Any) -> Any:
    """log Z."""
    return -torch.log(tau) - torch.log(1 - tau)


def _d_tau(tau: Any) -> Any:
    """The derivative of log Z by tau."""
    return 1 / (1 - tau) - 1 / tau


def _d2_tau(tau: Any) -> Any:
    """The derivative of log Z by tau, twice."""
    return 1 / ((1 - tau) * (1 - tau)) + 1 / (tau * tau)


_DENSITY = Density(
    "quantile",
    loss,
    d_x,
    {"tau": Parameter(0.5, constraints.interval(0.0, 1.0), (0.0005, 0.9995))},
    closed={(): _log_z, ("tau",): _d_tau, ("tau", "tau"): _d2_tau},
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
d_log_partition_tau = _DENSITY.d_log_partition("tau")
d2_log_partition_tau = _DENSITY.d_log_partition("tau", "tau")


class Quantile(DensityDistribution):
    """The density of the residual x - loc; parameters: loc, tau."""

    law = _DENSITY


class AdaptiveQuantileLoss(AdaptiveLoss):
    """-log_density(residual), with tau learned: see `AdaptiveLoss`."""

    law = _DENSITY
    total = _total
