# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of tukey (sha256 07cad5ece58c) by: derive regenerate tukey --target numpy
"""Density exp(-loss)/Z: Tukey's biweight (bisquare).

No density: as |x| -> inf, the loss is bounded: it tends to c^2/6.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..tukey import d_x, loss

_DENSITY = Density(
    __name__,
    "tukey",
    loss,
    d_x,
    {"c": 4.685},
    domains={"c": (0.0, np.inf, False, False)},
    length=lambda c: c,
    points=lambda c: (0.0, -c, c),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
