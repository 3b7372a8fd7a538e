# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of welsch (sha256 d052951abc1d) by: derive regenerate welsch --target torch
"""Density exp(-loss)/Z: Welsch loss (Leclerc).

No density: as |x| -> inf, the loss is bounded: it tends to 1.
"""

from __future__ import annotations

import math

from torch.distributions import constraints

from .._density import Density, Parameter
from ..welsch import d_x, loss

_DENSITY = Density(
    "welsch",
    loss,
    d_x,
    {"scale": Parameter(1.0, constraints.positive, (1e-05, math.inf))},
    length=lambda scale: scale,
    scale="scale",
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
