# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of box_cox (sha256 8987567ac71c) by: derive regenerate box_cox --target numpy
"""Density exp(-loss)/Z: Box-Cox loss.

The density exists for lam >= 0: elsewhere the integral diverges.
log Z by quadrature at run time, to 1e-12; its slopes are expectations.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..box_cox import d2_lam, d_lam, d_x, loss

_DENSITY = Density(
    __name__,
    "box_cox",
    loss,
    d_x,
    {"lam": 0.0, "scale": 1.0},
    domains={"lam": (0.0, np.inf, True, False), "scale": (0.0, np.inf, False, False)},
    slopes={("lam",): d_lam, ("lam", "lam"): d2_lam},
    length=lambda lam, scale: scale,
    scale="scale",
    decay=lambda lam, scale: np.where(lam == 0, 1, np.inf),
    even=True,
    exists=(
        lambda lam, scale: lam >= 0,
        "lam must be >= 0 for a density: the integral diverges",
    ),
    vectors="lam must be > 0 for vectors: the integral diverges",
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_lam = _DENSITY.d_log_partition("lam")
d_log_partition_scale = _DENSITY.d_log_partition("scale")
d2_log_partition_lam = _DENSITY.d_log_partition("lam", "lam")
d2_log_partition_scale = _DENSITY.d_log_partition("scale", "scale")
