# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of dynamic_covariance_scaling (sha256 754036bcd3bb) by: derive regenerate dynamic_covariance_scaling --target torch
"""Density exp(-loss)/Z: Dynamic covariance scaling (DCS).

No density: as |x| -> inf, the loss is bounded: it tends to 3*phi/2.
"""

from __future__ import annotations

import math

import torch
from torch.distributions import constraints

from .._density import Density, Parameter
from ..dynamic_covariance_scaling import d_x, loss

_DENSITY = Density(
    "dynamic_covariance_scaling",
    loss,
    d_x,
    {"phi": Parameter(1.0, constraints.positive, (1e-05, math.inf))},
    length=lambda phi: torch.sqrt(phi),
    points=lambda phi: (0.0, -torch.sqrt(phi), torch.sqrt(phi)),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
