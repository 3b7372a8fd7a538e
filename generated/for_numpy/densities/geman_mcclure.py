# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of geman_mcclure (sha256 6c6ca5571ad8) by: derive regenerate geman_mcclure --target numpy
"""Density exp(-loss)/Z: Geman-McClure loss.

No density: as |x| -> inf, the loss is bounded: it tends to 2.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..geman_mcclure import d_x, loss

_DENSITY = Density(
    __name__,
    "geman_mcclure",
    loss,
    d_x,
    {"scale": 1.0},
    domains={"scale": (0.0, np.inf, False, False)},
    length=lambda scale: scale,
    scale="scale",
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
