# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of generalized_charbonnier (sha256 2ca3dc1e7324) by: derive regenerate generalized_charbonnier --target numpy
"""Density exp(-loss)/Z: Generalized Charbonnier penalty.

log Z by quadrature at run time, to 1e-12; its slopes are expectations.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..generalized_charbonnier import d2_a, d2_eps, d2_eps_a, d_a, d_eps, d_x, loss

_DENSITY = Density(
    __name__,
    "generalized_charbonnier",
    loss,
    d_x,
    {"eps": 0.001, "a": 0.45},
    domains={"eps": (0.0, np.inf, False, False), "a": (0.0, 1.0, False, True)},
    slopes={
        ("eps",): d_eps,
        ("a",): d_a,
        ("eps", "eps"): d2_eps,
        ("eps", "a"): d2_eps_a,
        ("a", "a"): d2_a,
    },
    length=lambda eps, a: eps,
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_eps = _DENSITY.d_log_partition("eps")
d_log_partition_a = _DENSITY.d_log_partition("a")
d2_log_partition_eps = _DENSITY.d_log_partition("eps", "eps")
d2_log_partition_eps_a = _DENSITY.d_log_partition("eps", "a")
d2_log_partition_a = _DENSITY.d_log_partition("a", "a")
