# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of ramsay (sha256 cf451da0e655) by: derive regenerate ramsay --target torch
"""Density exp(-loss)/Z: Ramsay's Ea.

No density: as |x| -> inf, the loss is bounded: it tends to 1/a^2.
"""

from __future__ import annotations

import math

from torch.distributions import constraints

from .._density import Density, Parameter
from ..ramsay import d_x, loss

_DENSITY = Density(
    "ramsay",
    loss,
    d_x,
    {"a": Parameter(0.3, constraints.positive, (1e-05, math.inf))},
    length=lambda a: 1 / a,
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
