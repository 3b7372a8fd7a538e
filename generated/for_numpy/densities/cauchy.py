# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of cauchy (sha256 d7739401caf0) by: derive regenerate cauchy --target numpy
"""Density exp(-loss)/Z: Cauchy loss (Lorentzian).

log Z = log(scale) + log(2)/2 + log(pi).
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..cauchy import d_x, loss

_DENSITY = Density(
    __name__,
    "cauchy",
    loss,
    d_x,
    {"scale": 1.0},
    domains={"scale": (0.0, np.inf, False, False)},
    closed={(): lambda scale: 1.4913034761293729 + np.log(scale)},
    length=lambda scale: scale,
    scale="scale",
    decay=1.0,
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
d_log_partition_scale = _DENSITY.d_log_partition("scale")
d2_log_partition_scale = _DENSITY.d_log_partition("scale", "scale")
