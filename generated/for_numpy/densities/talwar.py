# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of talwar (sha256 f0fecfb7f965) by: derive regenerate talwar --target numpy
"""Density exp(-loss)/Z: Talwar loss (truncated quadratic).

No density: as |x| -> inf, the loss is bounded: it tends to c^2/2.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..talwar import d_x, loss

_DENSITY = Density(
    __name__,
    "talwar",
    loss,
    d_x,
    {"c": 2.795},
    domains={"c": (0.0, np.inf, False, False)},
    length=lambda c: c,
    points=lambda c: (0.0, -c, c),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
