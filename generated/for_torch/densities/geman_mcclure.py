# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of geman_mcclure (sha256 6c6ca5571ad8) by: derive regenerate geman_mcclure --target torch
"""Density exp(-loss)/Z: Geman-McClure loss.

No density: as |x| -> inf, the loss is bounded: it tends to 2.
"""

from __future__ import annotations

import math

from torch.distributions import constraints

from .._density import Density, Parameter
from ..geman_mcclure import d_x, loss

_DENSITY = Density(
    "geman_mcclure",
    loss,
    d_x,
    {"scale": Parameter(1.0, constraints.positive, (1e-05, math.inf))},
    length=lambda scale: scale,
    scale="scale",
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
