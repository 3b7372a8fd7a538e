# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of squared_epsilon_insensitive (sha256 65e84f036716) by: derive regenerate squared_epsilon_insensitive --target numpy
"""Density exp(-loss)/Z: Squared epsilon-insensitive loss.

log Z = log(2*epsilon + sqrt(pi)).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._density import Density
from ..squared_epsilon_insensitive import d_x, loss


def _log_z(epsilon: Any) -> Any:
    """log Z."""
    return np.log(2 * epsilon + 1.772453850905516)


def _d_epsilon(epsilon: Any) -> Any:
    """The derivative of log Z by epsilon."""
    return 2 / (2 * epsilon + 1.772453850905516)


def _d2_epsilon(epsilon: Any) -> Any:
    """The derivative of log Z by epsilon, twice."""
    return -4 / (2 * epsilon + 1.772453850905516) / (2 * epsilon + 1.772453850905516)


_DENSITY = Density(
    __name__,
    "squared_epsilon_insensitive",
    loss,
    d_x,
    {"epsilon": 0.1},
    domains={"epsilon": (0.0, np.inf, False, False)},
    closed={(): _log_z, ("epsilon",): _d_epsilon, ("epsilon", "epsilon"): _d2_epsilon},
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
