# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of smooth_quantile (sha256 44fe38b6267d) by: derive regenerate smooth_quantile --target numpy
"""Density exp(-loss)/Z: Smooth quantile loss.

log Z by quadrature at run time, to 1e-12; its slopes are expectations.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..smooth_quantile import d2_c, d2_tau, d2_tau_c, d_c, d_tau, d_x, loss

_DENSITY = Density(
    __name__,
    "smooth_quantile",
    loss,
    d_x,
    {"tau": 0.9, "c": 0.5},
    domains={"tau": (0.0, 1.0, False, False), "c": (0.0, np.inf, False, False)},
    slopes={
        ("tau",): d_tau,
        ("c",): d_c,
        ("tau", "tau"): d2_tau,
        ("tau", "c"): d2_tau_c,
        ("c", "c"): d2_c,
    },
    length=lambda tau, c: c,
    points=lambda tau, c: c * np.log(-(tau / (tau - 1))),
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
d_log_partition_tau = _DENSITY.d_log_partition("tau")
d_log_partition_c = _DENSITY.d_log_partition("c")
d2_log_partition_tau = _DENSITY.d_log_partition("tau", "tau")
d2_log_partition_tau_c = _DENSITY.d_log_partition("tau", "c")
d2_log_partition_c = _DENSITY.d_log_partition("c", "c")
