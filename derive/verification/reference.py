"""Exact values of a quantity over many points, as arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from derive.definitions.floats import Floats
from derive.verification.backend import Ball, arb
from derive.verification.enclosure import Enclosure
from derive.verification.oracle import DOUBLE_BITS, UNDERFLOW, Oracle


@dataclass(frozen=True)
class Reference:
    """high: correctly rounded float64; low: the rest in its ULP (see `ulp.errors_in_ulp`).

    NaN in high: the quantity has no value there, and nothing is judged.
    """

    high: Floats
    low: Floats

    def __len__(self) -> int:
        return len(self.high)


def values(oracle: Oracle, quantity: str, columns: Mapping[str, Floats]) -> Reference:
    """The exact values of a quantity; columns: one array for each variable, of one length."""
    wanted = oracle.wanted(quantity)
    return _gathered(
        oracle,
        columns,
        (quantity,),
        lambda point: {quantity: oracle.enclose(wanted, point, DOUBLE_BITS, UNDERFLOW)},
    )[quantity]


def all_values(oracle: Oracle, columns: Mapping[str, Floats]) -> dict[str, Reference]:
    """The exact values of every quantity: each point is evaluated once for all of them."""
    return _gathered(oracle, columns, tuple(oracle.quantities), oracle.everything)


def _gathered(
    oracle: Oracle,
    columns: Mapping[str, Floats],
    names: Sequence[str],
    at: Callable[[list[Ball]], Mapping[str, Enclosure]],
) -> dict[str, Reference]:
    series = [np.asarray(columns[name], dtype=np.float64).tolist() for name in oracle.names]
    count = len(series[0])
    found = {name: Reference(np.full(count, np.nan), np.zeros(count)) for name in names}
    for k, point in enumerate(zip(*series, strict=True)):
        if any(map(math.isnan, point)):
            continue
        for name, value in at([arb(v) for v in point]).items():
            found[name].high[k], found[name].low[k] = value.high_low()
    return found
