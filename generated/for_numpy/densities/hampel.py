# SPDX-License-Identifier: MIT. Copyright (c) 2026 The derive authors.
# From the definition of hampel (sha256 1b5f4e8d6de9) by: derive regenerate hampel --target numpy
"""Density exp(-loss)/Z: Hampel's three-part loss.

No density: as |x| -> inf, the loss is bounded: it tends to a*(b + c - a)/2.
"""

from __future__ import annotations

import numpy as np

from .._density import Density
from ..hampel import d_x, loss

_DENSITY = Density(
    __name__,
    "hampel",
    loss,
    d_x,
    {"a": 2.0, "b": 4.0, "c": 8.0},
    domains={
        "a": (0.0, np.inf, False, False),
        "b": (0.0, np.inf, False, False),
        "c": (0.0, np.inf, False, False),
    },
    points=lambda a, b, c: (0.0, -c, -b, -a, a, b, c),
    even=True,
)
log_partition_on = _DENSITY.log_partition_on
