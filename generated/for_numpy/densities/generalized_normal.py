# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of generalized_normal (sha256 1ff9a9fafc36) by: derive regenerate generalized_normal --target numpy
"""Density exp(-loss)/Z: Generalized normal loss (Lp).

log Z = log(scale) + log(gamma(1 + 1/beta)) + log(2).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._density import Density
from .._special import digamma1p as _digamma1p, loggamma1p as _loggamma1p, trigamma as _trigamma
from ..generalized_normal import d_x, loss


def _d2_beta(beta: Any, scale: Any) -> Any:
    """The derivative of log Z by beta, twice."""
    return (2 * _digamma1p(1 / beta) + _trigamma(1 + 1 / beta) / beta) / beta / beta / beta


_DENSITY = Density(
    __name__,
    "generalized_normal",
    loss,
    d_x,
    {"beta": 1.5, "scale": 1.0},
    domains={"beta": (0.0, np.inf, False, False), "scale": (0.0, np.inf, False, False)},
    closed={
        (): lambda beta, scale: 0.6931471805599453 + np.log(scale) + _loggamma1p(1 / beta),
        ("beta",): lambda beta, scale: -_digamma1p(1 / beta) / beta / beta,
        ("beta", "beta"): _d2_beta,
    },
    length=lambda beta, scale: scale,
    scale="scale",
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_beta = _DENSITY.d_log_partition("beta")
d_log_partition_scale = _DENSITY.d_log_partition("scale")
d2_log_partition_beta = _DENSITY.d_log_partition("beta", "beta")
d2_log_partition_scale = _DENSITY.d_log_partition("scale", "scale")
