"""What the stored form of log Z is worth: its errors against proved enclosures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, nextafter, ulp

import numpy as np
from flint import arb

from tools.partition.form import PartitionForm, evaluate
from tools.partition.rigorous import log_partition

SMALLEST_CURVATURE = 0.01  # the second derivative is measured against the larger of itself and this
BITS = 60
NORMAL = 2.0**-1022
SPECIAL = (
    0.0, 5e-324, 1e-300, 1e-12, 1e-6, 1e-3, 0.5, 1.0, 1.5, 3.0, 4.0, 10.0, 1e3, 1e6, 1e10,
    1e100, 1e150, 1e300, inf,
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """The worst errors of the form, and the alphas where they occur.

    value_ulp: in units in the last place of the enclosed value. slope_relative: relative, of
    d log Z/d alpha. curvature_scaled: of the second derivative, over the larger of it and 0.01.
    """

    value_ulp: float
    value_at: float
    slope_relative: float
    slope_at: float
    curvature_scaled: float
    curvature_at: float
    points: int


def sample(form: PartitionForm, count: int, seed: int) -> list[float]:
    """At least count alphas: the special ones, around every break and 2, and across each piece."""
    random = np.random.default_rng(seed)
    found = set(SPECIAL)
    for exponent in range(-15, 0):
        found |= {2 - 10.0**exponent, 2 + 10.0**exponent}
    for point in (*form.breaks, 2.0):
        found |= {nextafter(point, 0.0), nextafter(point, inf)}
    found |= set(form.breaks)
    while len(found) <= count:
        share = (count - len(found)) // 6 + 1
        found |= set(random.uniform(0.0, 0.125, share).tolist())
        found |= set((10 ** random.uniform(-20.0, 0.0, share)).tolist())
        found |= set(random.uniform(0.125, 4.0, share).tolist())
        for sign in (-1.0, 1.0):
            found |= set((2.0 + sign * 10 ** random.uniform(-15.6, -0.1, share)).tolist())
        found |= set((2.0 + 10 ** random.uniform(-1.0, 12.0, share)).tolist())
    return sorted(found - {2.0})


def measure(
    form: PartitionForm, alphas: Sequence[float], progress: Callable[[str], None]
) -> Measured:
    """The worst errors of the stored form over these alphas, none of them 2."""
    orders = lambda at, order: evaluate(at, order, form)  # noqa: E731
    return measure_all({"form": orders}, alphas, progress)["form"]


def measure_all(
    functions: Mapping[str, Callable[[np.ndarray, int], np.ndarray]],
    alphas: Sequence[float],
    progress: Callable[[str], None],
) -> dict[str, Measured]:
    """The worst errors of several implementations, each a function of (alphas, order)."""
    at = np.array(alphas)
    got = {
        name: np.stack([function(at, order) for order in range(3)], axis=1)
        for name, function in functions.items()
    }
    errors = {name: np.zeros((len(alphas), 3)) for name in functions}
    for row, alpha in enumerate(alphas):
        enclosure = log_partition(alpha, 2, BITS)
        for name in functions:
            errors[name][row] = _errors(enclosure, got[name][row].tolist())
        if row % 500 == 499:
            progress(f"{row + 1} of {len(alphas)} alphas compared")
    return {name: _worst(alphas, found) for name, found in errors.items()}


def _worst(alphas: Sequence[float], errors: np.ndarray) -> Measured:
    rows = [int(np.argmax(errors[:, column])) for column in range(3)]
    (value, value_at), (slope, slope_at), (bend, bend_at) = (
        (float(errors[row, column]), alphas[row]) for column, row in enumerate(rows)
    )
    return Measured(value, value_at, slope, slope_at, bend, bend_at, len(alphas))


def _errors(enclosure: Sequence[arb], got: list[float]) -> tuple[float, float, float]:
    """The three errors at one alpha; NaN and infinity count as infinite errors."""
    value, slope, bend = enclosure
    if not np.isfinite(got).all():
        return inf, inf, inf
    off = abs(arb(got[0]) - value)
    # below the normal numbers a relative error means nothing: there the spacing is the measure
    off1 = abs(arb(got[1]) - slope) / abs(slope).max(arb(NORMAL))
    off2 = abs(arb(got[2]) - bend) / abs(bend).max(arb(SMALLEST_CURVATURE))
    spacing = ulp(float(value.mid()))
    return float(off.upper()) / spacing, float(off1.upper()), float(off2.upper())
