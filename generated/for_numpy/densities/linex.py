# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of linex (sha256 076c110e72c6) by: derive regenerate linex --target numpy
"""Density exp(-loss)/Z: LINEX loss.

The density exists for a != 0: elsewhere the integral diverges.
log Z by quadrature at run time, to 1e-12; its slopes are expectations.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..linex import d2_a, d_a, d_x, loss

_DENSITY = Density(
    __name__,
    "linex",
    loss,
    d_x,
    {"a": 1.0},
    domains={"a": (-np.inf, np.inf, False, False)},
    slopes={("a",): d_a, ("a", "a"): d2_a},
    exists=(
        lambda a: a != 0,
        "a must be other than 0 for a density: the integral diverges",
    ),
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
d_log_partition_a = _DENSITY.d_log_partition("a")
d2_log_partition_a = _DENSITY.d_log_partition("a", "a")
