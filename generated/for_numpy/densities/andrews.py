# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of andrews (sha256 eace811cf8a4) by: derive regenerate andrews --target numpy
"""Density exp(-loss)/Z: Andrews' sine (wave).

No density: as |x| -> inf, the loss is bounded: it tends to 2*c^2.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..andrews import d_x, loss

_DENSITY = Density(
    __name__,
    "andrews",
    loss,
    d_x,
    {"c": 1.339},
    domains={"c": (0.0, np.inf, False, False)},
    length=lambda c: c,
    points=lambda c: (0.0, -(c * 3.141592653589793), c * 3.141592653589793),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
