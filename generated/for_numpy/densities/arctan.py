# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of arctan (sha256 298e5d0c93ad) by: derive regenerate arctan --target numpy
"""Density exp(-loss)/Z: Arctan loss.

No density: as |x| -> inf, the loss is bounded: it tends to pi*c^2/4.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..arctan import d_x, loss

_DENSITY = Density(
    __name__,
    "arctan",
    loss,
    d_x,
    {"c": 1.0},
    domains={"c": (0.0, np.inf, False, False)},
    length=lambda c: c,
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
