"""The worst error of an implementation over a sample, in ULP, and where it happens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from derive.definitions.floats import FORMATS, Floats, unit_exponent
from derive.definitions.samples import Sample
from derive.verification.oracle import Oracle
from derive.verification.promise import Promise
from derive.verification.reference import Reference
from derive.verification.ulp import errors_in_ulp, hexadecimal
from derive.verification.yardstick import (
    crosses,
    is_shape_slope,
    kappa,
    scale_of,
    scale_of_parameters,
)

FINITE_CONDITION = 1e12  # a larger kappa excuses nothing: the value is lost in any case


@dataclass(frozen=True)
class Measured:
    """worst: the largest error in ULP; excess: the largest one after the allowance for kappa.

    witness: the inputs of the excess as exact hexadecimal floats; expected and got likewise.
    judged: points with a value.
    """

    worst: float
    excess: float
    judged: int
    kappa: float
    witness: Mapping[str, str]
    expected: str
    got: str


@dataclass(frozen=True)
class Question:
    """A quantity at the points of a sample, with its exact values."""

    oracle: Oracle
    quantity: str
    sample: Sample
    reference: Reference


def errors(question: Question, got: Floats) -> Floats:
    """Errors in ULP of the value; NaN where there is nothing to judge. NaN in x must give NaN."""
    found = errors_in_ulp(
        got, question.reference.high, question.reference.low, question.sample.dtype
    )
    x = question.sample.columns[question.sample.names[0]]
    return np.where(np.isnan(x), np.where(np.isnan(got), 0.0, np.inf), found)


def measure(question: Question, got: Floats, promise: Promise) -> Measured:
    """The worst error and the worst excess; the costly parts only where they can matter."""
    raw = errors(question, got)
    judged = int(np.count_nonzero(~np.isnan(raw)))
    order = np.argsort(-np.nan_to_num(raw, nan=-1.0), kind="stable")
    worst = excess = kappa_there = 0.0
    shrink = cache(partial(_shrink, question))
    at = int(order[0])
    for index in map(int, order):
        size = float(raw[index])
        if math.isnan(size) or size <= worst:
            break
        worst = max(worst, size * shrink(index))
    for index in map(int, order):
        size = float(raw[index])
        if math.isnan(size) or size <= excess:
            break
        size *= shrink(index)
        excused = 0.0
        if promise.kappa and size > excess and math.isfinite(size):
            there = kappa(question.oracle, question.quantity, question.sample.point(index))
            # kappa counts units of the value
            excused = promise.kappa * there * shrink(index) if there < FINITE_CONDITION else 0.0
        left = max(size - excused, 0.0)
        if left > excess:
            excess, at, kappa_there = left, index, excused
    return Measured(
        worst=worst,
        excess=excess,
        judged=judged,
        kappa=kappa_there,
        witness={k: hexadecimal(v) for k, v in question.sample.point(at).items()},
        expected=hexadecimal(float(question.reference.high[at])),
        got=hexadecimal(float(got[at])),
    )


def _shrink(question: Question, index: int) -> float:
    """One unit at the value over one unit at the terms that it is a difference of (<= 1)."""
    wanted = question.oracle.wanted(question.quantity)
    form = FORMATS[question.sample.dtype]
    point = question.sample.point(index)
    if any(math.isnan(v) for v in point.values()):
        return 1.0
    if wanted.changes_sign or is_shape_slope(question.oracle, wanted):
        size = scale_of(question.oracle, question.quantity, point)
    elif crosses(question.oracle, question.quantity, point):
        size = scale_of_parameters(question.oracle, question.quantity, point)
    else:
        return 1.0
    if not math.isfinite(size):
        return 1.0
    here = np.array([question.reference.high[index], size])
    if not np.all(np.isfinite(here)):
        return 1.0
    own, scale = unit_exponent(here, form)
    return float(2.0 ** min(0, int(own) - int(scale)))
