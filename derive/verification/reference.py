"""Exact values of a quantity over many points, as arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from derive.definitions.floats import Floats
from derive.verification.backend import arb
from derive.verification.oracle import DOUBLE_BITS, UNDERFLOW, Oracle

Progress = Callable[[str, int, int], None]
REPORT_EVERY = 1000


@dataclass(frozen=True)
class Reference:
    """high: correctly rounded float64; low: the rest in its ULP (see `ulp.errors_in_ulp`).

    NaN in high: the quantity has no value there, and nothing is judged.
    """

    high: Floats
    low: Floats

    def __len__(self) -> int:
        return len(self.high)


def values(
    oracle: Oracle,
    quantity: str,
    columns: Mapping[str, Floats],
    progress: Progress | None = None,
) -> Reference:
    """The exact values of a quantity; columns: one array for each variable, of one length."""
    wanted = oracle.wanted(quantity)
    series = [np.asarray(columns[name], dtype=np.float64).tolist() for name in oracle.names]
    count = len(series[0])
    high, low = np.empty(count), np.zeros(count)
    for k, point in enumerate(zip(*series, strict=True)):
        if any(map(math.isnan, point)):
            high[k] = np.nan
            continue
        found = oracle.enclose(wanted, [arb(v) for v in point], DOUBLE_BITS, UNDERFLOW)
        high[k], low[k] = found.high_low()
        if progress is not None and k % REPORT_EVERY == 0:
            progress(f"{oracle.loss.name}.{quantity}", k, count)
    return Reference(high, low)
