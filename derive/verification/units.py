"""The verdicts on one loss in one dtype, in every target; exact values are had once for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from derive.definitions.loss import Loss
from derive.definitions.samples import Sample, draw
from derive.errors import BadInput
from derive.verification.accuracy import Question, measure
from derive.verification.backend import Undefined
from derive.verification.densities import Densities
from derive.verification.edges import edges
from derive.verification.emitted import Emitted
from derive.verification.implementations import Functions, Outcome, Route, Runners
from derive.verification.oracle import Oracle
from derive.verification.promise import Promise, promise
from derive.verification.quantities import Quantity
from derive.verification.reference import Reference, all_values
from derive.verification.report import AGREES, REFUTED, UNKNOWN, Row
from derive.verification.special import special_sample
from derive.verification.targets import TargetFiles


def loss_rows(samples: Samples, emitted: Sequence[Emitted], runners: Runners) -> Iterator[Row]:
    """Every quantity of a loss, over every sample, by every way in which a file offers it."""
    loss, dtype = samples.oracle.loss, samples.dtype
    for files in emitted:
        runner = runners.of(files.target)
        functions = runner.functions(files.modules)
        if functions.error:
            if dtype == files.target.dtypes[0]:
                yield files.row("import", REFUTED, detail=functions.error)
            continue
        for wanted in samples.oracle.quantities.values():
            if wanted.name not in functions.modules:
                if _is_owed(loss, wanted) and dtype == files.target.dtypes[0]:
                    detail = f"{files.modules[0]} has no function {wanted.name}"
                    yield files.row(wanted.name, REFUTED, detail=detail)
                continue
            promised = promise(loss, wanted, dtype, files.target.computed.get(dtype, dtype))
            for sample, questions in samples.questions:
                row = files.row(wanted.name, AGREES, dtype=dtype, sample=sample.name)
                row = row.but(allowed=promised.ulp)
                for route in routes(loss, wanted, files.target, functions):
                    outcome = runner.run(route, sample)
                    row = worse(row, judged(row, questions[wanted.name], route, outcome, promised))
                yield row


def _is_owed(loss: Loss, wanted: Quantity) -> bool:
    """What every file has; other second derivatives only where they were emitted."""
    return wanted.order < 2 or wanted.name == f"d2_{loss.residual.name}"


class Samples:
    """The samples of a loss in one dtype, and exact values on them."""

    def __init__(self, loss: Loss, dtype: str, points: Mapping[str, int], seed: int) -> None:
        self.oracle = Oracle(loss)
        self.dtype, self._points, self._seed = dtype, points, seed

    @cached_property
    def questions(self) -> tuple[tuple[Sample, Mapping[str, Question]], ...]:
        loss, dtype = self.oracle.loss, self.dtype
        drawn = [special_sample(loss, dtype)]
        for name, count in self._points.items():
            far = name == "whole" and not loss.predictions
            seek = edges(self.oracle, dtype) if far else None
            drawn.append(draw(loss, name, dtype, count, seek, self._seed))
        found = []
        for sample in drawn:
            exact = all_values(self.oracle, sample.columns)
            asked = {q: Question(self.oracle, q, sample, exact[q]) for q in exact}
            found.append((sample, asked))
        return tuple(found)


def density_rows(
    loss: Loss, emitted: Sequence[Emitted], runners: Runners, seed: int
) -> Iterator[Row]:
    """The density functions of a loss, where its files have them."""
    densities: Densities | None = None
    for files in emitted:
        runner = runners.of(files.target)
        functions = runner.functions(files.modules)
        if functions.error or "log_partition_on" not in functions.modules:
            continue
        try:
            densities = densities or Densities(loss, seed)
            yield from densities.rows(files, functions, runner)
        except (BadInput, Undefined) as trouble:  # a formula that the quadrature cannot follow
            detail = f"the density was not judged: {trouble}"
            yield files.row("density", UNKNOWN, detail=detail, skipped=True)


def routes(
    loss: Loss, wanted: Quantity, target: TargetFiles, functions: Functions
) -> Iterator[Route]:
    """Every way in which a file offers a quantity."""
    module = functions.modules[wanted.name]
    yield Route(module, wanted.name, numbers=True)
    if loss.held:
        yield Route(module, wanted.name, numbers=False)
    pair = ("loss", *(f"d_{v.name}" for v in loss.predictions or loss.variables[:1]))
    if "value_and_grad" in functions.modules and wanted.name in pair:
        place = pair.index(wanted.name)
        yield Route(functions.modules["value_and_grad"], "value_and_grad", True, output=place)
    if target.tensors and wanted.order == 1 and not wanted.over_x:
        yield Route(functions.modules["loss"], "loss", False, autograd=wanted.orders.index(1))


def judged(row: Row, question: Question, route: Route, outcome: Outcome, promised: Promise) -> Row:
    """The verdict on one route."""
    if outcome.values is None:
        return row.but(verdict=REFUTED, detail=f"{route.label}: {outcome.error}", excess=np.inf)
    if route.autograd is not None:
        question = _without_infinities(question)
    found = measure(question, outcome.values, promised)
    row = row.but(
        points=found.judged,
        excess=found.excess,
        error=found.error,
        kappa=found.kappa,
        allowed=promised.ulp,
        witness=found.witness,
        expected=found.expected,
        got=found.got,
    )
    if found.judged == 0:
        return row.but(verdict=UNKNOWN, detail="the definition has no value at any of the points")
    if outcome.fault:
        return row.but(verdict=REFUTED, detail=f"{route.label}: {outcome.fault}")
    if found.excess > promised.ulp:
        return row.but(verdict=REFUTED, detail=route.label)
    return row


def _without_infinities(question: Question) -> Question:
    """Autograd stays finite by policy where the derivative is infinite: nothing to judge there."""
    high = np.where(np.isinf(question.reference.high), np.nan, question.reference.high)
    x = question.sample.columns[question.sample.names[0]]
    exact = Reference(np.where(np.isinf(x), np.nan, high), question.reference.low)
    return Question(
        question.oracle, question.quantity, question.sample, exact, question.known_kappa
    )


def worse(first: Row, second: Row) -> Row:
    """Of two verdicts on the same quantity the one to report, with the larger counts."""
    rank = {AGREES: 1, UNKNOWN: 2, REFUTED: 3}
    one, other = (rank[first.verdict], first.excess), (rank[second.verdict], second.excess)
    chosen = second if other >= one else first
    return chosen.but(points=max(first.points, second.points))
