# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of talwar (sha256 f0fecfb7f965) by: derive regenerate talwar --target torch
"""Density exp(-loss)/Z: Talwar loss (truncated quadratic).

No density: as |x| -> inf, the loss is bounded: it tends to c^2/2.
"""

from __future__ import annotations

import math

from torch.distributions import constraints

from .._density import Density, Parameter
from ..talwar import d_x, loss

_DENSITY = Density(
    "talwar",
    loss,
    d_x,
    {"c": Parameter(2.795, constraints.positive, (1e-05, math.inf))},
    length=lambda c: c,
    points=lambda c: (0.0, -c, c),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
