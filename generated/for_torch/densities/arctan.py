# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of arctan (sha256 298e5d0c93ad) by: derive regenerate arctan --target torch
"""Density exp(-loss)/Z: Arctan loss.

No density: as |x| -> inf, the loss is bounded: it tends to pi*c^2/4.
"""

from __future__ import annotations

import math

from torch.distributions import constraints

from .._density import Density, Parameter
from ..arctan import d_x, loss

_DENSITY = Density(
    "arctan",
    loss,
    d_x,
    {"c": Parameter(1.0, constraints.positive, (1e-05, math.inf))},
    length=lambda c: c,
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
