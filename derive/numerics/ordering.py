"""In which order factors are multiplied, found by their sizes at many points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from derive.definitions.floats import Floats

_FOLLOWED = 80
_TIE = 1e-6  # what straying counts beside a point that is lost


@dataclass(frozen=True)
class _Partial:
    order: tuple[int, ...]
    size: Floats
    cost: float


def best_order(signed: np.ndarray, powers: np.ndarray, exponents: Floats) -> tuple[int, ...]:
    """The best of few orders that are followed at a time: at how many points a partial product
    leaves the range although the result does not, and then how far it strays from [1, result]."""
    result = np.sum(signed, axis=0)
    low, high = np.minimum(result, 0.0), np.maximum(result, 0.0)
    least, smallest, largest = exponents
    is_held, is_finite = result > least - 1, result < largest + 1
    same = [
        {k for k in range(place) if powers[k] == powers[place] and np.array_equal(row, signed[k])}
        for place, row in enumerate(signed)
    ]
    bottom, top = smallest + 1, largest - 1
    followed = [_Partial((), np.zeros_like(result), 0.0)]
    for step in range(len(powers)):
        longer: dict[frozenset[int], list[_Partial]] = {}
        for partial in followed:
            places = [
                place for place in range(len(powers))
                if not (place in partial.order or (step == 0 and powers[place] < 0 < max(powers)))
                and same[place] <= set(partial.order)  # of equal factors the first one first
            ]  # fmt: skip
            moved = partial.size + signed[places]
            under = (moved < bottom) & is_held & (result > moved + 1)
            over = (moved > top) & is_finite
            lost = np.sum(under | over, axis=1)
            stray = np.maximum(np.maximum(moved - high, low - moved), 0.0)
            mean = np.sum(stray, axis=1) / max(len(result), 1)
            costs = partial.cost + lost + _TIE * (np.max(stray, axis=1, initial=0.0) + mean)
            for place, size, cost in zip(places, moved, costs.tolist(), strict=True):
                order = (*partial.order, place)
                longer.setdefault(frozenset(order), []).append(_Partial(order, size, cost))
        best = [min(ways, key=lambda p: p.cost) for ways in longer.values()]
        followed = sorted(best, key=lambda p: p.cost)[:_FOLLOWED]
    return followed[0].order
