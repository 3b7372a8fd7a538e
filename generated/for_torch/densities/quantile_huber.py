# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of quantile_huber (sha256 53e17bd46274) by: derive regenerate quantile_huber --target torch
"""Density exp(-loss)/Z: Quantile Huber loss.

log Z = log(sqrt(pi*kappa)*erf(sqrt(1 - tau)*sqrt(kappa/2))/sqrt(2*(1 - tau)) +
sqrt(pi*kappa/(2*tau))*erf(sqrt(kappa*tau/2)) + exp(kappa*(tau - 1)/2)/(1 - tau) +
exp(-kappa*tau/2)/tau).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from ..quantile_huber import (
    _is_plain,
    _Total,
    d2_kappa,
    d2_tau,
    d2_tau_kappa,
    d_kappa,
    d_tau,
    d_x,
    loss,
)


def _log_z(tau: Any, kappa: Any) -> Any:
    """log Z."""
    r = torch.sqrt(kappa)
    u = torch.sqrt(1 - tau)
    v = torch.sqrt(tau)
    w = r / u * torch.erf(r * u * 0.7071067811865476) * 1.2533141373155003
    p = r / v * torch.erf(r * v * 0.7071067811865476) * 1.2533141373155003
    q = torch.exp(0.5 * kappa * (tau - 1)) / (1 - tau)
    return torch.log(w + p + q + torch.exp(-0.5 * kappa * tau) / tau)


_DENSITY = Density(
    "quantile_huber",
    loss,
    d_x,
    {
        "tau": Parameter(0.9, constraints.interval(0.0, 1.0), (0.0005, 0.9995)),
        "kappa": Parameter(1.0, constraints.positive, (1e-05, math.inf)),
    },
    closed={(): _log_z},
    slopes={
        ("tau",): d_tau,
        ("kappa",): d_kappa,
        ("tau", "tau"): d2_tau,
        ("tau", "kappa"): d2_tau_kappa,
        ("kappa", "kappa"): d2_kappa,
    },
    length=lambda tau, kappa: kappa,
    points=lambda tau, kappa: (0.0, -kappa, kappa),
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
d_log_partition_tau = _DENSITY.d_log_partition("tau")
d_log_partition_kappa = _DENSITY.d_log_partition("kappa")
d2_log_partition_tau = _DENSITY.d_log_partition("tau", "tau")
d2_log_partition_tau_kappa = _DENSITY.d_log_partition("tau", "kappa")
d2_log_partition_kappa = _DENSITY.d_log_partition("kappa", "kappa")


class QuantileHuber(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, tau, kappa: see `DensityDistribution`."""


class AdaptiveQuantileHuberLoss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with tau and kappa learned: see `AdaptiveLoss`."""
