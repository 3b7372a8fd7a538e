# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of huber (sha256 36a0628bdf2e) by: derive regenerate huber --target numpy
"""Density exp(-loss)/Z: Huber loss.

log Z = log(sqrt(2*pi)*erf(delta/sqrt(2)) + 2*exp(-delta^2/2)/delta).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._density import Density
from .._special import erf as _erf
from ..huber import d2_delta, d_delta, d_x, loss


def _log_z(delta: Any) -> Any:
    """log Z."""
    u = 2.5066282746310007 * _erf(0.7071067811865476 * delta)
    return np.log(u + np.exp(-0.5 * delta * delta) / delta * 2)


def _d_delta(delta: Any) -> Any:
    """The derivative of log Z by delta."""
    p = np.exp(-0.5 * delta * delta)
    u = _erf(0.7071067811865476 * delta)
    return -p / delta * (2 / (delta * u * 2.5066282746310007 + 2 * p))


_DENSITY = Density(
    __name__,
    "huber",
    loss,
    d_x,
    {"delta": 1.0},
    domains={"delta": (0.0, np.inf, False, False)},
    closed={(): _log_z, ("delta",): _d_delta},
    slopes={("delta",): d_delta, ("delta", "delta"): d2_delta},
    length=lambda delta: delta,
    points=lambda delta: (0.0, -delta, delta),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_delta = _DENSITY.d_log_partition("delta")
d2_log_partition_delta = _DENSITY.d_log_partition("delta", "delta")
