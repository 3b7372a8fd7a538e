# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of q_gaussian (sha256 882a697b529f) by: derive regenerate q_gaussian --target torch
"""Density exp(-loss)/Z: q-Gaussian loss.

The density exists for q >= 1 and q < 3: elsewhere the integral diverges.
log Z = log(c) - log(q - 1)/2 + log(gamma(1/(q - 1) - 1/2)) - log(gamma(1/(q - 1))) + log(pi)/2.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.distributions import constraints

from .._adaptive import AdaptiveLoss
from .._density import Density, Parameter
from .._distribution import DensityDistribution
from .._special import gamma_gap as _gamma_gap
from ..q_gaussian import _is_plain, _Total, d2_q, d_q, d_x, loss


def _log_z(q: Any, c: Any) -> Any:
    """log Z."""
    u = _gamma_gap(0.5 * ((3 - q) / (q - 1)))
    return 0.9189385332046728 + torch.log(c) - 0.5 * torch.log(3 - q) - u


_DENSITY = Density(
    "q_gaussian",
    loss,
    d_x,
    {
        "q": Parameter(1.5, constraints.interval(1.0, 3.0), (1.001, 2.999)),
        "c": Parameter(1.0, constraints.positive, (1e-05, math.inf)),
    },
    closed={(): _log_z},
    slopes={("q",): d_q, ("q", "q"): d2_q},
    length=lambda q, c: c,
    scale="c",
    decay=lambda q, c: torch.where(q == 1, math.inf, -((q - 3) / (q - 1))),
    even=True,
    exists=(
        lambda q, c: (q >= 1) & (q < 3),
        "the parameters must satisfy q >= 1 and q < 3 for a density: the integral diverges",
    ),
    vectors="the parameters must satisfy q > 1 and 2/(q - 1) > dimension and q < 3 or q = 1 for vectors: the integral diverges",
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density, density = _DENSITY.log_partition, _DENSITY.log_density, _DENSITY.density
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_q = _DENSITY.d_log_partition("q")
d_log_partition_c = _DENSITY.d_log_partition("c")
d2_log_partition_q = _DENSITY.d_log_partition("q", "q")
d2_log_partition_c = _DENSITY.d_log_partition("c", "c")


class QGaussian(DensityDistribution, law=_DENSITY):
    """The density of x - loc; parameters: loc, q, c: see `DensityDistribution`."""


class AdaptiveQGaussianLoss(AdaptiveLoss, law=_DENSITY, total=(_is_plain, _Total.apply)):
    """-log_density(residual), with q and c learned: see `AdaptiveLoss`."""
