"""Where results leave the range of a dtype: found by bisection over the bit patterns of x."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from derive.definitions.floats import FORMATS, from_ordered, ordered
from derive.verification.oracle import Oracle


def edges(oracle: Oracle, dtype: str) -> Callable[[Mapping[str, float]], Sequence[float]]:
    """For parameters: the positive x where the loss, its slope or its weight over- or underflow."""
    oracle = Oracle(oracle.loss, joint=False)  # one quantity is asked for at a time
    form = FORMATS[dtype]
    wide = "float64" if dtype == "float64" else "float32"
    top = 2.0 ** (form.largest_exponent - 1)
    bottom = 2.0**form.smallest_exponent
    probes = [("loss", top), ("loss", bottom), ("weight", bottom), ("weight", top)]

    def find(parameters: Mapping[str, float]) -> Sequence[float]:
        found = []
        for quantity, level in probes:
            at = _crossing(oracle, quantity, level, parameters, wide)
            if at is not None:
                found.append(at)
        return found

    return find


def _crossing(
    oracle: Oracle, quantity: str, level: float, parameters: Mapping[str, float], wide: str
) -> float | None:
    kind = np.float64 if wide == "float64" else np.float32
    least = np.finfo(kind).tiny
    low, high = (int(v) for v in ordered(np.array([least, np.finfo(kind).max], dtype=kind)))
    residual = oracle.names[0]

    def above(pattern: int) -> bool:
        x = float(from_ordered(np.array([pattern]), wide)[0])
        return oracle.exceeds(quantity, {residual: x, **parameters}, level)

    first, last = above(low), above(high)
    if first == last:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if above(middle) == first else (low, middle)
    return float(from_ordered(np.array([high]), wide)[0])
