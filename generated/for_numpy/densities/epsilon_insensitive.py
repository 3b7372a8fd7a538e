# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of epsilon_insensitive (sha256 ff2cb867e7d4) by: derive regenerate epsilon_insensitive --target numpy
"""Density exp(-loss)/Z: Epsilon-insensitive loss.

log Z = log(2*epsilon + 2).
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..epsilon_insensitive import d_x, loss

_DENSITY = Density(
    __name__,
    "epsilon_insensitive",
    loss,
    d_x,
    {"epsilon": 0.1},
    domains={"epsilon": (0.0, np.inf, False, False)},
    closed={
        (): lambda epsilon: np.log(2 * epsilon + 2),
        ("epsilon",): lambda epsilon: 1 / (epsilon + 1),
        ("epsilon", "epsilon"): lambda epsilon: -1 / ((epsilon + 1) * (epsilon + 1)),
    },
    length=lambda epsilon: epsilon,
    points=lambda epsilon: (0.0, -epsilon, epsilon),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_epsilon = _DENSITY.d_log_partition("epsilon")
d2_log_partition_epsilon = _DENSITY.d_log_partition("epsilon", "epsilon")
