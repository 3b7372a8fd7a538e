"""Whether a change of emitted code that the judge did not see does any harm: at many more points
than the judge looks at, beside the file as it was."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from derive.definitions.floats import FORMATS, Floats
from derive.definitions.loss import Loss
from derive.definitions.samples import Group, Sample, draw
from derive.verification.accuracy import Question, measure
from derive.verification.classwise import Table, asked_of
from derive.verification.emitted import Emitted
from derive.verification.implementations import Route, Runner
from derive.verification.oracle import Oracle
from derive.verification.promise import promise
from derive.verification.reference import all_values
from derive.verification.ulp import errors_in_ulp

POINTS, WORST = 20_000, 30
ROWS, ROUNDINGS = 60, 64.0  # of classes; in ULP of the largest number of a row
DTYPES = ("float64", "float32")


def does_harm(loss: Loss, right: Emitted, wrong: Emitted, runner: Runner, seed: int) -> bool:
    """Whether a promise is broken at any of the points at which the two differ most."""
    if loss.kind == "classwise":
        return any(_differ(*pair) for pair in _over_classes(loss, right, wrong, runner, seed))
    oracle = Oracle(loss)
    for dtype in DTYPES:
        for kind in ("everyday", "whole"):
            sample = draw(loss, kind, dtype, POINTS, seed=seed + 1)
            for name in runner.functions(right.modules[:1]).modules:
                if name in oracle.quantities and _breaks(
                    oracle, name, sample, right, wrong, runner
                ):
                    return True
    return False


def _breaks(
    oracle: Oracle, name: str, sample: Sample, right: Emitted, wrong: Emitted, runner: Runner
) -> bool:
    before, after = (
        runner.run(Route(files.modules[0], name, numbers=False), sample).values
        for files in (right, wrong)
    )
    if before is None or after is None:
        return after is None and before is not None
    gaps = np.where(np.isnan(before), np.where(np.isnan(after), 0.0, np.inf),
                    errors_in_ulp(after, before, np.zeros(len(before)), sample.dtype))  # fmt: skip
    places = [int(k) for k in np.argsort(-gaps)[:WORST] if gaps[k] > 0]
    if not places:
        return False
    points = [sample.point(k) for k in places]
    x, *held = sample.names
    groups = tuple(Group(tuple(p[n] for n in held), np.array([p[x]])) for p in points)
    few = Sample(sample.name, sample.dtype, sample.names, groups)
    question = Question(oracle, name, few, all_values(oracle, few.columns)[name])
    computed = right.target.computed.get(sample.dtype, sample.dtype)
    promised = promise(oracle.loss, oracle.wanted(name), sample.dtype, computed)
    return measure(question, after[places], promised).excess > promised.ulp


def _over_classes(
    loss: Loss, right: Emitted, wrong: Emitted, runner: Runner, seed: int
) -> Iterator[tuple[Floats, Floats, str]]:
    for dtype in DTYPES:
        for count in (2, 4):
            table = Table(loss, dtype, count, count - 1, ROWS, seed + 1000 + count)
            for name in table.quantities:
                before, after = (asked_of(name, table, f, runner) for f in (right, wrong))
                if before is not None:
                    yield before, before * np.nan if after is None else after, dtype


def _differ(before: Floats, after: Floats, dtype: str) -> bool:
    if before.shape != after.shape or not np.array_equal(np.isnan(before), np.isnan(after)):
        return True
    size = max(float(np.max(np.abs(before[np.isfinite(before)]), initial=0.0)), 1e-30)
    gap = np.abs(np.where(before == after, 0.0, before - after))
    return bool(np.any(gap > ROUNDINGS * size * 2.0 ** -FORMATS[dtype].precision))
