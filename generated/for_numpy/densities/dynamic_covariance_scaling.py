# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of dynamic_covariance_scaling (sha256 754036bcd3bb) by: derive regenerate dynamic_covariance_scaling --target numpy
"""Density exp(-loss)/Z: Dynamic covariance scaling (DCS).

No density: as |x| -> inf, the loss is bounded: it tends to 3*phi/2.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..dynamic_covariance_scaling import d_x, loss

_DENSITY = Density(
    __name__,
    "dynamic_covariance_scaling",
    loss,
    d_x,
    {"phi": 1.0},
    domains={"phi": (0.0, np.inf, False, False)},
    length=lambda phi: np.sqrt(phi),
    points=lambda phi: (0.0, -np.sqrt(phi), np.sqrt(phi)),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
