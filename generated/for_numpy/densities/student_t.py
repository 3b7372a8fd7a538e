# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of student_t (sha256 e881c11a8385) by: derive regenerate student_t --target numpy
"""Density exp(-loss)/Z: Student's t loss.

log Z = log(df)/2 + log(scale) + log(gamma(df/2)) - log(gamma((1 + df)/2)) + log(pi)/2.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from .._special import gamma_gap as _gamma_gap, gamma_gap1 as _gamma_gap1, gamma_gap2 as _gamma_gap2
from ..student_t import d_x, loss

_DENSITY = Density(
    __name__,
    "student_t",
    loss,
    d_x,
    {"df": 1.0, "scale": 1.0},
    domains={"df": (0.0, np.inf, False, True), "scale": (0.0, np.inf, False, False)},
    closed={
        (): lambda df, scale: 0.9189385332046728 + np.log(scale) - _gamma_gap(0.5 * df),
        ("df",): lambda df, scale: -0.5 * _gamma_gap1(0.5 * df),
        ("df", "df"): lambda df, scale: -0.25 * _gamma_gap2(0.5 * df),
    },
    length=lambda df, scale: scale,
    scale="scale",
    decay=lambda df, scale: df,
    even=True,
    vectors="df + 1 must be > dimension for vectors: the integral diverges",
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_df = _DENSITY.d_log_partition("df")
d_log_partition_scale = _DENSITY.d_log_partition("scale")
d2_log_partition_df = _DENSITY.d_log_partition("df", "df")
d2_log_partition_scale = _DENSITY.d_log_partition("scale", "scale")
