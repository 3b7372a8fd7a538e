# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of wing (sha256 9ff8bbc07f01) by: derive regenerate wing --target numpy
"""Density exp(-loss)/Z: Wing loss.

log Z by quadrature at run time, to 1e-12; its slopes are expectations.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..wing import d_epsilon, d_w, d_x, loss

_DENSITY = Density(
    __name__,
    "wing",
    loss,
    d_x,
    {"w": 10.0, "epsilon": 2.0},
    domains={"w": (0.0, np.inf, False, False), "epsilon": (0.0, np.inf, False, False)},
    slopes={("w",): d_w, ("epsilon",): d_epsilon},
    points=lambda w, epsilon: (0.0, -w, w),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_w = _DENSITY.d_log_partition("w")
d_log_partition_epsilon = _DENSITY.d_log_partition("epsilon")
