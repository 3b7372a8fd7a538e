# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of fair (sha256 30869731c596) by: derive regenerate fair --target numpy
"""Density exp(-loss)/Z: Fair loss.

log Z by quadrature at run time, to 1e-12; its slopes are expectations.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..fair import d2_c, d_c, d_x, loss

_DENSITY = Density(
    __name__,
    "fair",
    loss,
    d_x,
    {"c": 1.3998},
    domains={"c": (0.0, np.inf, False, False)},
    slopes={("c",): d_c, ("c", "c"): d2_c},
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
