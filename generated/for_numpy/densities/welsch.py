# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of welsch (sha256 d052951abc1d) by: derive regenerate welsch --target numpy
"""Density exp(-loss)/Z: Welsch loss (Leclerc).

No density: as |x| -> inf, the loss is bounded: it tends to 1.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..welsch import d_x, loss

_DENSITY = Density(
    __name__,
    "welsch",
    loss,
    d_x,
    {"scale": 1.0},
    domains={"scale": (0.0, np.inf, False, False)},
    length=lambda scale: scale,
    scale="scale",
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
