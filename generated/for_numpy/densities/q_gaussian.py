# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of q_gaussian (sha256 882a697b529f) by: derive regenerate q_gaussian --target numpy
"""Density exp(-loss)/Z: q-Gaussian loss.

The density exists for q >= 1 and q < 3: elsewhere the integral diverges.
log Z = log(c) - log(q - 1)/2 + log(gamma(1/(q - 1) - 1/2)) - log(gamma(1/(q - 1))) + log(pi)/2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._density import Density
from .._special import gamma_gap as _gamma_gap
from ..q_gaussian import d2_q, d_q, d_x, loss


def _log_z(q: Any, c: Any) -> Any:
    """log Z."""
    u = _gamma_gap(0.5 * ((3 - q) / (q - 1)))
    return 0.9189385332046728 + np.log(c) - 0.5 * np.log(3 - q) - u


_DENSITY = Density(
    __name__,
    "q_gaussian",
    loss,
    d_x,
    {"q": 1.5, "c": 1.0},
    domains={"q": (1.0, 3.0, True, False), "c": (0.0, np.inf, False, False)},
    closed={(): _log_z},
    slopes={("q",): d_q, ("q", "q"): d2_q},
    length=lambda q, c: c,
    scale="c",
    decay=lambda q, c: np.where(q == 1, np.inf, -((q - 3) / (q - 1))),
    even=True,
    exists=(
        lambda q, c: (q >= 1) & (q < 3),
        "the parameters must satisfy q >= 1 and q < 3 for a density: the integral diverges",
    ),
    vectors="the parameters must satisfy q > 1 and 2/(q - 1) > dimension and q < 3 or q = 1 for vectors: the integral diverges",
)
log_partition_on = _DENSITY.log_partition_on
log_partition, log_density = _DENSITY.log_partition, _DENSITY.log_density
density, sample, distribution = _DENSITY.density, _DENSITY.sample, _DENSITY.distribution
cdf, sf, ppf = _DENSITY.cdf, _DENSITY.sf, _DENSITY.ppf
moment, entropy, kl_divergence = _DENSITY.moment, _DENSITY.entropy, _DENSITY.kl_divergence
log_partition_norm, log_density_norm = _DENSITY.log_partition_norm, _DENSITY.log_density_norm
d_log_partition_q = _DENSITY.d_log_partition("q")
d_log_partition_c = _DENSITY.d_log_partition("c")
d2_log_partition_q = _DENSITY.d_log_partition("q", "q")
d2_log_partition_c = _DENSITY.d_log_partition("c", "c")
