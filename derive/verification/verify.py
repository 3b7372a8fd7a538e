"""Judges emitted files: every quantity of every loss, in every target and dtype."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from derive.definitions.floats import FORMATS
from derive.definitions.loss import Loss
from derive.definitions.samples import Sample, draw
from derive.errors import BadInput
from derive.verification import ratchet
from derive.verification.accuracy import Measured, Question, measure
from derive.verification.backend import Undefined
from derive.verification.densities import Densities
from derive.verification.edges import edges
from derive.verification.implementations import Outcome, Route, Runner, installed
from derive.verification.oracle import Oracle
from derive.verification.promise import Promise, promise
from derive.verification.quantities import Quantity
from derive.verification.reference import Progress, Reference, values
from derive.verification.report import AGREES, PROVED, REFUTED, UNKNOWN, Report, Row
from derive.verification.special import special_sample

FOLDERS: Mapping[str, str] = {"numpy": "for_numpy", "torch": "for_torch"}
DTYPES: Mapping[str, tuple[str, ...]] = {
    "numpy": ("float64", "float32", "float16"),
    "torch": ("float64", "float32", "float16", "bfloat16"),
}
POINTS: Mapping[str, int] = {"everyday": 800, "whole": 1600}
NARROW_POINTS = 400
OWN_EVERYWHERE = False  # what `derive verify` looks at in a user's loss
DIGEST = re.compile(r"sha256 ([0-9a-f]{12})")
HEADER_LINES = 5


@dataclass(frozen=True)
class Plan:
    """How much is looked at: points for each named sample; special values always.

    own: a user's loss, held to the promise for those. everywhere: also (of own losses) values
    near the ends of the dtype's range, and second derivatives at x = ±inf.
    """

    points: Mapping[str, int]
    dtypes: Mapping[str, tuple[str, ...]]
    own: bool = False
    everywhere: bool = True
    densities: bool = True


def verify_catalogue(
    losses: Iterable[Loss],
    generated: Path,
    targets: Sequence[str] = ("numpy", "torch"),
    samples: Mapping[str, int] = POINTS,
    progress: Progress | None = None,
    record: Path | None = ratchet.RECORD,
) -> Report:
    """Judge the emitted files of the losses under `generated/for_<target>/`.

    samples: points for each named sample. record: the recorded accuracy to compare with.
    A target whose library is not installed gives a skipped row that says so.
    """
    return _judged(losses, generated, targets, Plan(samples, DTYPES), progress, record)


def _judged(
    losses: Iterable[Loss],
    generated: Path,
    targets: Sequence[str],
    plan: Plan,
    progress: Progress | None,
    record: Path | None,
) -> Report:
    present = {target: installed(target) for target in targets}
    runners = {target: Runner(target) for target in targets if present[target]}
    rows: list[Row] = []
    try:
        for loss in losses:
            rows += _Judge(loss, generated, runners, plan, progress).rows()
    finally:
        for runner in runners.values():
            runner.close()
    rows += [_missing_library(target) for target in targets if not present[target]]
    known = ratchet.read(record) if record is not None else {}
    return Report(ratchet.compare(rows, known))


def verify_loss(
    loss: Loss,
    generated: Path,
    targets: Sequence[str] = ("numpy", "torch"),
    samples: Mapping[str, int] = POINTS,
    progress: Progress | None = None,
    everywhere: bool = OWN_EVERYWHERE,
) -> Report:
    """Judge a user's loss in the folder that it was emitted to, against the promise for own losses.

    everywhere: over the whole range, as the catalogue is; else on the everyday points and at
    special values, values well inside the dtype's range, second derivatives at finite residuals.
    Its density is not judged, and no record is kept of it.
    """
    chosen = {name: count for name, count in samples.items() if everywhere or name == "everyday"}
    plan = Plan(chosen, DTYPES, own=True, everywhere=everywhere, densities=False)
    return _judged([loss], generated, targets, plan, progress, None)


def _missing_library(target: str) -> Row:
    detail = f"the library of {target} is not installed, nothing of it was checked"
    return Row("*", "*", target, "", "", UNKNOWN, detail=detail, skipped=True)


class _Judge:
    """One loss: its oracle, its samples and their exact values, shared by the targets."""

    def __init__(
        self,
        loss: Loss,
        generated: Path,
        runners: Mapping[str, Runner],
        plan: Plan,
        progress: Progress | None,
    ) -> None:
        self.loss, self.generated, self.runners = loss, generated, runners
        self.plan, self.progress = plan, progress
        self.oracle = Oracle(loss)
        self._samples: dict[str, tuple[Sample, ...]] = {}
        self._questions: dict[tuple[str, str, str], Question] = {}

    def rows(self) -> Iterator[Row]:
        for target, runner in self.runners.items():
            file = self.generated / FOLDERS[target] / f"{self.loss.name}.py"
            head = self._header(target, file)
            yield head
            if head.verdict == REFUTED and not file.is_file():
                continue
            names = runner.names(file)
            if isinstance(names, str):
                yield self._row("import", target, REFUTED, detail=f"{file}: {names}")
                continue
            for dtype in self.plan.dtypes[target]:
                for wanted in self.oracle.quantities.values():
                    yield from self._judge(target, file, names, dtype, wanted)
            if self.plan.densities and "log_partition_on" in names:
                yield from self._densities(target, file, names, runner)

    @cached_property
    def densities(self) -> Densities:
        return Densities(self.loss)

    def _densities(
        self, target: str, file: Path, names: Sequence[str], runner: Runner
    ) -> Iterator[Row]:
        try:
            yield from self.densities.rows(target, file, names, runner)
        except (BadInput, Undefined) as trouble:  # a formula that the quadrature cannot follow
            detail = f"the density was not judged: {trouble}"
            yield self._row("density", target, UNKNOWN, detail=detail, skipped=True)

    def _row(self, quantity: str, target: str, verdict: str, **more: object) -> Row:
        empty = Row(self.loss.name, quantity, target, "", "", verdict)
        return empty.but(**more)

    def _header(self, target: str, file: Path) -> Row:
        """The file is there and was made from this very definition."""
        try:
            with file.open(encoding="utf-8") as stream:
                top = "".join(line for line, _ in zip(stream, range(HEADER_LINES), strict=False))
        except (OSError, UnicodeDecodeError) as trouble:
            return self._row("header", target, REFUTED, detail=f"{file}: {trouble}")
        found = DIGEST.search(top)
        if found is None or found.group(1) != self.loss.digest:
            said = found.group(1) if found else "none"
            detail = f"{file}: made from definition {said}, not {self.loss.digest}; regenerate it"
            return self._row("header", target, REFUTED, detail=detail)
        return self._row("header", target, PROVED, detail="made from this definition")

    def _judge(
        self, target: str, file: Path, names: Sequence[str], dtype: str, wanted: Quantity
    ) -> Iterator[Row]:
        if wanted.name not in names:
            if wanted.order < 2 or wanted.name == "d2_x":
                detail = f"{file} has no function {wanted.name}"
                yield self._row(wanted.name, target, REFUTED, dtype=dtype, detail=detail)
            return
        promised = promise(self.loss, wanted, target, dtype, self.plan.own)
        for sample in self._sample(dtype):
            question = self._question(wanted.name, sample)
            row = self._row(wanted.name, target, AGREES, dtype=dtype, sample=sample.name)
            for route in routes(self.loss, wanted, target, names):
                outcome = self.runners[target].run(file, route, sample)
                row = worse(row, judged(row, question, route, outcome, promised))
            yield row

    def _sample(self, dtype: str) -> tuple[Sample, ...]:
        if dtype not in self._samples:
            narrow = dtype in ("float16", "bfloat16")
            found = [special_sample(self.loss, dtype, not self.plan.everywhere)]
            for name, points in self.plan.points.items():
                count = min(points, NARROW_POINTS) if narrow else points
                seek = edges(self.oracle, dtype) if name == "whole" else None
                found.append(draw(self.loss, name, dtype, count, seek))
            self._samples[dtype] = tuple(found)
        return self._samples[dtype]

    def _question(self, quantity: str, sample: Sample) -> Question:
        key = quantity, sample.name, sample.dtype
        if key not in self._questions:
            columns = dict(sample.columns)
            if not self.plan.everywhere and quantity.startswith("d2_"):
                x = columns[sample.names[0]]
                columns[sample.names[0]] = np.where(np.isinf(x), np.nan, x)
            exact = values(self.oracle, quantity, columns, self.progress)
            if not self.plan.everywhere:
                exact = _well_inside(exact, sample.dtype)
            self._questions[key] = Question(self.oracle, quantity, sample, exact)
        return self._questions[key]


def routes(loss: Loss, wanted: Quantity, target: str, names: Sequence[str]) -> list[Route]:
    """Every way in which a file offers a quantity."""
    found = [Route(wanted.name, numbers=True), Route(wanted.name, numbers=False)]
    if not loss.parameters:
        found.pop()
    if "value_and_grad" in names and wanted.name in ("loss", "d_x"):
        place = ("loss", "d_x").index(wanted.name)
        found.append(Route("value_and_grad", numbers=True, output=place))
    if target == "torch" and wanted.order == 1 and not wanted.over_x:
        found.append(Route("loss", numbers=False, autograd=wanted.orders.index(1)))
    return found


def judged(row: Row, question: Question, route: Route, outcome: Outcome, promised: Promise) -> Row:
    """The verdict on one route."""
    if outcome.values is None:
        return row.but(verdict=REFUTED, detail=f"{route.label}: {outcome.error}", worst=np.inf)
    if route.autograd is not None:
        question = _without_infinities(question)
    found = measure(question, outcome.values, promised)
    row = _measured(row, found, promised)
    if found.judged == 0:
        return row.but(verdict=UNKNOWN, detail="the definition has no value at any of the points")
    if outcome.fault:
        return row.but(verdict=REFUTED, detail=f"{route.label}: {outcome.fault}")
    if found.excess > promised.ulp:
        return row.but(verdict=REFUTED, detail=route.label)
    return row


def _measured(row: Row, found: Measured, promised: Promise) -> Row:
    return row.but(
        points=found.judged,
        worst=found.worst,
        excess=found.excess,
        allowed=promised.ulp,
        kappa=found.kappa,
        witness=found.witness,
        expected=found.expected,
        got=found.got,
    )


def _without_infinities(question: Question) -> Question:
    """Autograd stays finite by policy where the derivative is infinite: nothing to judge there."""
    high = np.where(np.isinf(question.reference.high), np.nan, question.reference.high)
    x = question.sample.columns[question.sample.names[0]]
    high = np.where(np.isinf(x), np.nan, high)
    exact = type(question.reference)(high, question.reference.low)
    return Question(question.oracle, question.quantity, question.sample, exact)


def worse(first: Row, second: Row) -> Row:
    """Of two verdicts on the same quantity the one to report, with the larger counts."""
    rank = {PROVED: 0, AGREES: 1, UNKNOWN: 2, REFUTED: 3}
    one, other = (rank[first.verdict], first.excess), (rank[second.verdict], second.excess)
    chosen = second if other >= one else first
    return chosen.but(points=max(first.points, second.points), worst=max(first.worst, second.worst))


def _well_inside(exact: Reference, dtype: str) -> Reference:
    """Only what lies well inside the range of the dtype: the promise for own losses ends there."""
    room = FORMATS[dtype].largest_exponent * 0.75
    size = np.abs(exact.high)
    inside = ~np.isfinite(size) | (size == 0) | ((size > 2.0**-room) & (size < 2.0**room))
    return Reference(np.where(inside, exact.high, np.nan), exact.low)
