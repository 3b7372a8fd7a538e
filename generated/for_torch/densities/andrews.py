# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of andrews (sha256 eace811cf8a4) by: derive regenerate andrews --target torch
"""Density exp(-loss)/Z: Andrews' sine (wave).

No density: as |x| -> inf, the loss is bounded: it tends to 2*c^2.
"""

from __future__ import annotations

import math

from torch.distributions import constraints

from .._density import Density, Parameter
from ..andrews import d_x, loss

_DENSITY = Density(
    "andrews",
    loss,
    d_x,
    {"c": Parameter(1.339, constraints.positive, (1e-05, math.inf))},
    length=lambda c: c,
    points=lambda c: (0.0, -(c * 3.141592653589793), c * 3.141592653589793),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
