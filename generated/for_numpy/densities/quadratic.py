# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of quadratic (sha256 c3e8089b8bc4) by: derive regenerate quadratic --target numpy
"""Density exp(-loss)/Z: Quadratic loss (L2).

log Z = log(scale) + log(2)/2 + log(pi)/2.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..quadratic import d_x, loss

_DENSITY = Density(
    __name__,
    "quadratic",
    loss,
    d_x,
    {"scale": 1.0},
    domains={"scale": (0.0, np.inf, False, False)},
    closed={(): lambda scale: 0.9189385332046728 + np.log(scale)},
    length=lambda scale: scale,
    scale="scale",
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_scale = _DENSITY.d_log_partition("scale")
d2_log_partition_scale = _DENSITY.d_log_partition("scale", "scale")
