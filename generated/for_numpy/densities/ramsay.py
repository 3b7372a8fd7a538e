# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of ramsay (sha256 cf451da0e655) by: derive regenerate ramsay --target numpy
"""Density exp(-loss)/Z: Ramsay's Ea.

No density: as |x| -> inf, the loss is bounded: it tends to 1/a^2.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..ramsay import d_x, loss

_DENSITY = Density(
    __name__,
    "ramsay",
    loss,
    d_x,
    {"a": 0.3},
    domains={"a": (0.0, np.inf, False, False)},
    length=lambda a: 1 / a,
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
