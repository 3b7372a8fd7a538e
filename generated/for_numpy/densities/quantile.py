# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of quantile (sha256 a641c7229ad2) by: derive regenerate quantile --target numpy
"""Density exp(-loss)/Z: Quantile loss (pinball).

log Z = -log(tau) - log(1 - tau).
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..quantile import d_x, loss

_DENSITY = Density(
    __name__,
    "quantile",
    loss,
    d_x,
    {"tau": 0.5},
    domains={"tau": (0.0, 1.0, False, False)},
    closed={
        (): lambda tau: -np.log(tau) - np.log(1 - tau),
        ("tau",): lambda tau: 1 / (1 - tau) - 1 / tau,
        ("tau", "tau"): lambda tau: 1 / ((1 - tau) * (1 - tau)) + 1 / (tau * tau),
    },
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
d_log_partition_tau = _DENSITY.d_log_partition("tau")
d2_log_partition_tau = _DENSITY.d_log_partition("tau", "tau")
