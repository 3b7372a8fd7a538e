# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of log_cosh (sha256 6b959d5ddb29) by: derive regenerate log_cosh --target numpy
"""Density exp(-loss)/Z: Log-cosh loss.

log Z = log(c) + log(gamma(c^2/2)) - log(gamma((1 + c^2)/2)) + log(pi)/2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._density import Density
from .._special import gamma_gap as _gamma_gap, gamma_gap1 as _gamma_gap1, gamma_gap2 as _gamma_gap2
from ..log_cosh import d_x, loss


def _log_z(c: Any) -> Any:
    """log Z."""
    return 0.9189385332046728 - _gamma_gap(0.5 * c * c)


def _d_c(c: Any) -> Any:
    """The derivative of log Z by c."""
    return -c * _gamma_gap1(0.5 * c * c)


def _d2_c(c: Any) -> Any:
    """The derivative of log Z by c, twice."""
    return -c * c * _gamma_gap2(0.5 * c * c) - _gamma_gap1(0.5 * c * c)


_DENSITY = Density(
    __name__,
    "log_cosh",
    loss,
    d_x,
    {"c": 1.0},
    domains={"c": (0.0, np.inf, False, False)},
    closed={(): _log_z, ("c",): _d_c, ("c", "c"): _d2_c},
    length=lambda c: c,
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_c = _DENSITY.d_log_partition("c")
d2_log_partition_c = _DENSITY.d_log_partition("c", "c")
