# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of tukey (sha256 07cad5ece58c) by: derive regenerate tukey --target torch
"""Density exp(-loss)/Z: Tukey's biweight (bisquare).

No density: as |x| -> inf, the loss is bounded: it tends to c^2/6.
"""

from __future__ import annotations

import math

from torch.distributions import constraints

from .._density import Density, Parameter
from ..tukey import d_x, loss

_DENSITY = Density(
    "tukey",
    loss,
    d_x,
    {"c": Parameter(4.685, constraints.positive, (1e-05, math.inf))},
    length=lambda c: c,
    points=lambda c: (0.0, -c, c),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
