# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of generalized_normal (sha256 1ff9a9fafc36) by: derive regenerate generalized_normal --target torch
"""Density exp(-loss)/Z: Generalized normal loss (Lp).

log Z = log(scale) + log(gamma(1 + 1/beta)) + log(2).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from .._special import digamma1p as _digamma1p, loggamma1p as _loggamma1p
from ..generalized_normal import _is_plain, _Total, d_x, loss


def _d2_beta(beta: Any, scale: Any) -> Any:
    """The derivative of log Z by beta, twice."""
    return (2 * _digamma1p(1 / beta) + _trigamma(1 + 1 / beta) / beta) / beta / beta / beta


def _trigamma(value: Any) -> Any:
    """The second logarithmic derivative of gamma for value > 0."""
    total = torch.zeros_like(value)
    for _ in range(12):
        small = value < 12
        total = torch.where(small, total + 1 / (value * value), total)
        value = torch.where(small, value + 1, value)
    r = 1 / (value * value)
    tail = r * (1 / 6 - r * (1 / 30 - r * (1 / 42 - r * (1 / 30 - r * (5 / 66)))))
    return total + (1 + 0.5 / value + tail) / value


_DENSITY = Density(
    "generalized_normal",
    loss,
    d_x,
    {
        "beta": Parameter(1.5, constraints.positive, (1e-05, math.inf)),
        "scale": Parameter(1.0, constraints.positive, (1e-05, math.inf)),
    },
    closed={
        (): lambda beta, scale: 0.6931471805599453 + torch.log(scale) + _loggamma1p(1 / beta),
        ("beta",): lambda beta, scale: -_digamma1p(1 / beta) / beta / beta,
        ("beta", "beta"): _d2_beta,
    },
    length=lambda beta, scale: scale,
    scale="scale",
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_beta = _DENSITY.d_log_partition("beta")
d_log_partition_scale = _DENSITY.d_log_partition("scale")
d2_log_partition_beta = _DENSITY.d_log_partition("beta", "beta")
d2_log_partition_scale = _DENSITY.d_log_partition("scale", "scale")


class GeneralizedNormal(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, beta, scale: see `DensityDistribution`."""


class AdaptiveGeneralizedNormalLoss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with beta and scale learned: see `AdaptiveLoss`."""
