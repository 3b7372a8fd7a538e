"""Where results leave the range of a dtype: found over the bit patterns of x."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from derive.definitions.floats import FORMATS, from_ordered, ordered
from derive.verification.oracle import Oracle

STRAIGHT = 30  # steps along straight lines; what is not found by then is halved


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

    def height(pattern: int) -> float:
        x = float(from_ordered(np.array([pattern]), wide)[0])
        return oracle.height(quantity, {residual: x, **parameters}, level)

    first, last = height(low), height(high)
    if (first > 0) == (last > 0):
        return None
    side, steps = 0, 0
    while high - low > 1:
        steps += 1
        middle = _between(low, high, first, last) if steps < STRAIGHT else (low + high) // 2
        here = height(middle)
        if (here > 0) == (first > 0):  # the end that stays counts half (Illinois)
            low, first, last, side = middle, here, last / (1 + (side < 0)), -1
        else:
            high, last, first, side = middle, here, first / (1 + (side > 0)), 1
    return float(from_ordered(np.array([high]), wide)[0])


def _between(low: int, high: int, first: float, last: float) -> int:
    """Where a straight line is 0, amid two ends of which one is endless."""
    if not math.isfinite(last - first):
        return (low + high) // 2
    return min(max(low + round((high - low) * (first / (first - last))), low + 1), high - 1)
