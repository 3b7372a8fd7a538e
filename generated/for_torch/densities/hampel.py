# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of hampel (sha256 1b5f4e8d6de9) by: derive regenerate hampel --target torch
"""Density exp(-loss)/Z: Hampel's three-part loss.

No density: as |x| -> inf, the loss is bounded: it tends to a*(b + c - a)/2.
"""

from __future__ import annotations

import math

from torch.distributions import constraints

from .._density import Density, Parameter
from ..hampel import d_x, loss

_DENSITY = Density(
    "hampel",
    loss,
    d_x,
    {
        "a": Parameter(2.0, constraints.positive, (1e-05, math.inf)),
        "b": Parameter(4.0, constraints.positive, (1e-05, math.inf)),
        "c": Parameter(8.0, constraints.positive, (1e-05, math.inf)),
    },
    points=lambda a, b, c: (0.0, -c, -b, -a, a, b, c),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
