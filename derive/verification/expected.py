"""Exact values of a density at some points, and the verdict on what a file gives there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from derive.definitions.floats import FORMATS, Floats, unit_exponent
from derive.definitions.samples import Sample
from derive.verification.backend import Ball, arb
from derive.verification.enclosure import Enclosure
from derive.verification.implementations import Route
from derive.verification.report import AGREES, REFUTED, UNKNOWN, Row
from derive.verification.ulp import hexadecimal

VALUE_BITS = 60  # how far a ball has to tell a value, relative to what its error is measured with

LEAST = 2.0**-1074


@dataclass(frozen=True)
class Expected:
    """Exact values at some points, each with what its error is measured against.

    allowance: ULP of size beyond the promise (kappa), at each point. NaN in high: not judged.
    is_open: whether a value was asked for and not enclosed well enough.
    """

    high: Floats
    low: Floats
    size: Floats
    allowance: Floats
    is_open: NDArray[np.bool_]


def whole(high: float, low: float) -> Ball:
    """A value from its float64 and the rest, as `high_low` has them."""
    if math.isinf(high):
        return arb(math.copysign(low, high)) * arb((1, 1024))
    unit = int(unit_exponent(np.array([high]), FORMATS["float64"])[0])
    return arb(high) + arb(low) * arb((1, unit))


def expect(found: Sequence[tuple[Ball | None, float, float]], bits: int = VALUE_BITS) -> Expected:
    """From values (None: not asked for), sizes and allowances.

    A ball wider than 2^-bits of its size does not tell the value: that point stays open.
    """
    high, low = np.full(len(found), math.nan), np.zeros(len(found))
    is_open = np.zeros(len(found), dtype=bool)
    for k, (ball, size, _) in enumerate(found):
        if ball is None:
            continue
        is_open[k] = not ball.is_finite() or not ball.rad() <= max(size, LEAST) * arb((1, -bits))
        if not is_open[k]:
            high[k], low[k] = Enclosure(ball).high_low()
    most = np.finfo(np.float64).max
    sizes = np.array([min(size, most) for _, size, _ in found])
    return Expected(high, low, sizes, np.array([allowed for _, _, allowed in found]), is_open)


def judged(
    row: Row, route: Route, sample: Sample, expected: Expected, got: Floats, promised: float
) -> Row:
    """The verdict on one route; what was found refuted before stays so."""
    form = FORMATS[sample.dtype]
    unit = unit_exponent(expected.size, form).astype(np.intc)
    rest = unit_exponent(expected.high, FORMATS["float64"]).astype(np.intc)
    with np.errstate(all="ignore"):
        distance = np.ldexp(got - expected.high, -unit)
        error = np.abs(distance - np.ldexp(expected.low, rest - unit))
        beyond = np.abs(expected.high) >= 2.0**form.largest_exponent * (2 - 2.0**-form.precision)
        right = beyond & np.isinf(got) & (np.signbit(got) == np.signbit(expected.high))
        error = np.where(right, 0.0, error)
        error = np.where(np.isnan(expected.high), -1.0, np.where(np.isnan(error), np.inf, error))
    excess = np.where(error > promised, np.maximum(error - expected.allowance, 0.0), error)
    count = int(np.count_nonzero(error >= 0))
    if count == 0:
        return row.but(verdict=UNKNOWN, detail="no exact value at any of the points")
    at = int(np.argmax(excess))
    worst = float(excess[at])
    found = row.but(points=count, allowed=promised)
    if worst < row.excess or row.verdict == REFUTED:
        return found
    missing = int(np.count_nonzero(expected.is_open))
    verdict, detail = AGREES, ""
    if worst > promised:
        verdict, detail = REFUTED, route.label
    elif missing:
        verdict, detail = UNKNOWN, f"no sharp enclosure at {missing} of the points"
    return found.but(
        verdict=verdict,
        detail=detail,
        excess=worst,
        error=float(error[at]),
        kappa=float(expected.allowance[at]),
        witness={k: hexadecimal(v) for k, v in sample.point(at).items()},
        expected=hexadecimal(float(expected.high[at])),
        got=hexadecimal(float(got[at])),
    )
