# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of charbonnier (sha256 117954fea4bb) by: derive regenerate charbonnier --target numpy
"""Density exp(-loss)/Z: Charbonnier loss (pseudo-Huber).

log Z = log(scale) + log(besselk(1, 1)) + log(2) + 1.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..charbonnier import d_x, loss

_DENSITY = Density(
    __name__,
    "charbonnier",
    loss,
    d_x,
    {"scale": 1.0},
    domains={"scale": (0.0, np.inf, False, False)},
    closed={(): lambda scale: 1.185495232349193 + np.log(scale)},
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
