"""The worst error of an implementation over a sample, in ULP, and where it happens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from derive.definitions.floats import Floats
from derive.definitions.samples import Sample
from derive.verification.condition import kappa
from derive.verification.oracle import Oracle
from derive.verification.promise import Promise
from derive.verification.reference import Reference
from derive.verification.ulp import errors_in_ulp, hexadecimal


@dataclass(frozen=True)
class Measured:
    """What was found at the point that is nearest to its allowance, or farthest beyond it.

    excess: the error there beyond kappa, in ULP; error: all of it; kappa: what was allowed for it.
    judged: points with a value. Inputs and values as exact hexadecimal floats.
    """

    excess: float
    error: float
    kappa: float
    judged: int
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
    known_kappa: dict[int, float] = field(default_factory=dict, compare=False)

    def kappa(self, index: int) -> float:
        """The condition at a point, computed once."""
        if index not in self.known_kappa:
            point = self.sample.point(index)
            found = kappa(self.oracle, self.quantity, point, self.sample.dtype)
            self.known_kappa[index] = found
        return self.known_kappa[index]


def errors(question: Question, got: Floats) -> Floats:
    """Errors in ULP of the value; NaN where there is nothing to judge. NaN in x must give NaN."""
    found = errors_in_ulp(
        got, question.reference.high, question.reference.low, question.sample.dtype
    )
    x = question.sample.columns[question.sample.names[0]]
    return np.where(np.isnan(x), np.where(np.isnan(got), 0.0, np.inf), found)


def measure(question: Question, got: Floats, promise: Promise) -> Measured:
    """The worst error beyond kappa; kappa is asked for only where it can matter."""
    raw = errors(question, got)
    order = np.argsort(-np.nan_to_num(raw, nan=-1.0), kind="stable")
    at, excess, allowed_there = int(order[0]), -1.0, 0.0
    for index in map(int, order):
        size = float(raw[index])
        if math.isnan(size) or size <= excess:
            break
        matters = promise.kappa and math.isfinite(size) and size > min(1.0, promise.ulp)
        allowed = promise.kappa * question.kappa(index) if matters else 0.0
        if max(size - allowed, 0.0) > excess:
            at, excess, allowed_there = index, max(size - allowed, 0.0), allowed
    return Measured(
        excess=max(excess, 0.0),
        error=float(np.nan_to_num(raw[at], nan=0.0, posinf=np.inf)),
        kappa=allowed_there,
        judged=int(np.count_nonzero(~np.isnan(raw))),
        witness={k: hexadecimal(v) for k, v in question.sample.point(at).items()},
        expected=hexadecimal(float(question.reference.high[at])),
        got=hexadecimal(float(got[at])),
    )
