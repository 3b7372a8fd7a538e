"""The special-value table: what every function gives at zeros, infinities, NaN and extremes."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from derive.definitions.loss import Loss
from derive.verification.oracle import Oracle
from derive.verification.reference import values
from derive.verification.sampling import Group, Sample, to_dtype
from derive.verification.ulp import FORMATS, Floats, neighbours


@dataclass(frozen=True)
class SpecialValue:
    """One line of the table: a quantity at an input, and the exact value rounded to float64."""

    quantity: str
    point: tuple[tuple[str, float], ...]
    value: float


def extremes(dtype: str) -> Floats:
    """±0, smallest subnormal, smallest normal, 1, largest finite, ±inf, and NaN."""
    form = FORMATS[dtype]
    largest = (2.0 - 2.0 ** (1 - form.precision)) * 2.0**form.largest_exponent
    half = [0.0, 2.0**form.least, 2.0**form.smallest_exponent, 1.0, largest, math.inf]
    return np.array([s * v for v in half for s in (1.0, -1.0)] + [math.nan])


def special_sample(loss: Loss, dtype: str, own: bool = False) -> Sample:
    """Every extreme x with every special parameter and its neighbours, else the defaults.

    own: of a user's loss, without the smallest and largest numbers.
    """
    beside = 1 if dtype in ("float64", "float32") else 0  # narrower types have other neighbours
    choices: list[list[float]] = []
    for p in loss.parameters:
        options = [loss.default(p)]
        domain = loss.domain(p)
        for point in (float(s) for s in loss.special.get(p, ()) if domain.contains(s) == True):  # noqa: E712
            if math.isfinite(point):
                options += [float(v) for v in neighbours(point, dtype, beside)]
            else:
                options.append(point)
        if not loss.special.get(p):
            options.append(2.0 * options[0] + 0.5)  # a unit other than 1
        options = to_dtype(np.array(options), dtype).tolist()
        inside = [v for v in options if float(domain.inf) <= v <= float(domain.sup)]
        choices.append(sorted(set(inside)))
    residuals = extremes(dtype)
    if own:
        size = np.abs(residuals)
        residuals = residuals[~((size > 1.0) & np.isfinite(size)) & ~((size < 1.0) & (size > 0))]
    groups = tuple(Group(tuple(c), residuals) for c in itertools.product(*choices))
    return Sample("special values", dtype, tuple(v.name for v in loss.variables), groups)


def table(loss: Loss, dtype: str = "float64") -> tuple[SpecialValue, ...]:
    """The table for the documentation; a quantity without a value at a point is left out."""
    oracle = Oracle(loss)
    sample = special_sample(loss, dtype)
    points = [sample.point(k) for k in range(len(sample))]
    lines = []
    for name in oracle.quantities:
        exact = values(oracle, name, sample.columns).high.tolist()
        for point, value in zip(points, exact, strict=True):
            if not math.isnan(value) or math.isnan(point[sample.names[0]]):
                lines.append(SpecialValue(name, tuple(point.items()), value))
    return tuple(lines)
