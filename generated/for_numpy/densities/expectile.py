# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of expectile (sha256 78f6dff72d9b) by: derive regenerate expectile --target numpy
"""Density exp(-loss)/Z: Expectile loss.

log Z = log(1/sqrt(1 - tau) + 1/sqrt(tau)) - log(2) + log(pi)/2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._density import Density
from ..expectile import d2_tau, d_tau, d_x, loss


def _log_z(tau: Any) -> Any:
    """log Z."""
    return -0.12078223763524522 + np.log(1 / np.sqrt(1 - tau) + 1 / np.sqrt(tau))


def _d_tau(tau: Any) -> Any:
    """The derivative of log Z by tau."""
    r = np.sqrt(tau)
    u = np.sqrt(1 - tau)
    return 0.5 * ((tau * r - (1 - tau) * u) / tau / (1 - tau) / (r + u))


_DENSITY = Density(
    __name__,
    "expectile",
    loss,
    d_x,
    {"tau": 0.5},
    domains={"tau": (0.0, 1.0, False, False)},
    closed={(): _log_z, ("tau",): _d_tau},
    slopes={("tau",): d_tau, ("tau", "tau"): d2_tau},
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
d_log_partition_tau = _DENSITY.d_log_partition("tau")
d2_log_partition_tau = _DENSITY.d_log_partition("tau", "tau")
