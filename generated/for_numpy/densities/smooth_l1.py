# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of smooth_l1 (sha256 2d6c7b695413) by: derive regenerate smooth_l1 --target numpy
"""Density exp(-loss)/Z: Smooth L1 loss.

log Z = log(sqrt(2*pi*beta)*erf(sqrt(beta/2)) + 2*exp(-beta/2)).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._density import Density
from .._special import erf as _erf
from ..smooth_l1 import d2_beta, d_beta, d_x, loss


def _log_z(beta: Any) -> Any:
    """log Z."""
    r = np.sqrt(beta)
    return np.log(r * _erf(0.7071067811865476 * r) * 2.5066282746310007 + 2 * np.exp(-0.5 * beta))


def _d_beta(beta: Any) -> Any:
    """The derivative of log Z by beta."""
    r = np.sqrt(beta)
    u = _erf(0.7071067811865476 * r)
    return u / r * (1.2533141373155003 / (r * u * 2.5066282746310007 + 2 * np.exp(-0.5 * beta)))


_DENSITY = Density(
    __name__,
    "smooth_l1",
    loss,
    d_x,
    {"beta": 1.0},
    domains={"beta": (0.0, np.inf, False, False)},
    closed={(): _log_z, ("beta",): _d_beta},
    slopes={("beta",): d_beta, ("beta", "beta"): d2_beta},
    length=lambda beta: beta,
    points=lambda beta: (0.0, -beta, beta),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_beta = _DENSITY.d_log_partition("beta")
d2_log_partition_beta = _DENSITY.d_log_partition("beta", "beta")
