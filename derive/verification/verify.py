"""Judges emitted files: every quantity of every loss, in every target and dtype.

The work is cut into units, a loss and a dtype each, and done on all cores by joblib; whoever has
more machines gives it another backend (joblib.parallel_config).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from joblib import Parallel, delayed

from derive.definitions.loss import Loss
from derive.definitions.samples import EVERYDAY, WHOLE
from derive.errors import BadInput
from derive.verification.classwise import classwise_rows
from derive.verification.densities import SAMPLE as DENSITIES
from derive.verification.emitted import Emitted, headers
from derive.verification.implementations import Runners, installed
from derive.verification.report import UNKNOWN, Report, Row
from derive.verification.targets import TargetFiles, file_of
from derive.verification.units import Samples, density_rows, loss_rows

POINTS: Mapping[str, int] = {"everyday": EVERYDAY, "whole": WHOLE}
DENSITY = "density"
# the narrow types have few different numbers
FEWER = {"float16": 0.25, "bfloat16": 0.25}

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Plan:
    """How much is looked at: points for each named sample (special values always), and the seed."""

    points: Mapping[str, int] = field(default_factory=lambda: dict(POINTS))
    seed: int = 0
    densities: bool = True

    @property
    def classwise(self) -> int:
        """Rows of classes in all: each has several numbers, and many derivatives."""
        return max(16, min(self.points.values(), default=0) // 32)

    def of(self, dtype: str) -> dict[str, int]:
        share = FEWER.get(dtype, 1.0)
        return {name: max(1, int(count * share)) for name, count in self.points.items()}


def verify(
    losses: Sequence[Loss],
    root: Path,
    targets: Sequence[TargetFiles],
    plan: Plan | None = None,
    progress: Progress | None = None,
    jobs: int = -1,
) -> Report:
    """Judge the emitted files of the losses below `root`; a file that is missing is BadInput.

    A target whose library is not installed gives a skipped row that says so.
    """
    plan = plan or Plan()
    present = [target for target in targets if installed(target.library)]
    emitted = [
        Emitted(loss, root, target)
        for loss in losses
        for target in present
        if _is_there(loss, root, target)
    ]
    rows = [row for files in emitted for row in headers(files)]
    rows += [_missing_library(target) for target in targets if target not in present]
    units = sorted(_units(emitted, plan), key=lambda unit: -unit.cost)
    for number, (unit, found) in enumerate(_done(units, root, plan, jobs), start=1):
        rows += found
        if progress is not None:
            progress(f"{unit.loss.name} {unit.what}", number, len(units))
    order = {loss.name: k for k, loss in enumerate(losses)}
    rows.sort(key=lambda row: (order.get(row.loss, len(order)), row.sample == DENSITIES))
    return Report(tuple(rows))


def _is_there(loss: Loss, root: Path, target: TargetFiles) -> bool:
    file = file_of(root, target.loss_module(loss.name))
    if not file.is_file():
        raise BadInput(f"{file}: no such file; run derive regenerate for {loss.name} first")
    return True


def _missing_library(target: TargetFiles) -> Row:
    detail = f"{target.library} is not installed, nothing of it was checked"
    return Row("*", "*", target.name, "", "", UNKNOWN, detail=detail, skipped=True)


@dataclass(frozen=True)
class Unit:
    """A loss, and the dtype (or the density) that is judged in one piece, in all its targets."""

    loss: Loss
    what: str
    targets: tuple[TargetFiles, ...]

    @property
    def cost(self) -> float:
        """Long units first, so that no core waits for the last one."""
        size = len(self.loss.variables) ** 2 + 9 * len(self.loss.special)
        return size * {DENSITY: 3.0, "float64": 1.2}.get(self.what, FEWER.get(self.what, 1.0))


def _units(emitted: Sequence[Emitted], plan: Plan) -> Iterator[Unit]:
    by_loss: dict[str, list[Emitted]] = {}
    for files in emitted:
        by_loss.setdefault(files.loss.name, []).append(files)
    for group in by_loss.values():
        loss = group[0].loss
        dtypes = dict.fromkeys(dtype for files in group for dtype in files.target.dtypes)
        for dtype in dtypes:
            yield Unit(loss, dtype, tuple(f.target for f in group if dtype in f.target.dtypes))
        if plan.densities and loss.parameters and not loss.predictions:
            yield Unit(loss, DENSITY, tuple(f.target for f in group))


def _done(
    units: Sequence[Unit], root: Path, plan: Plan, jobs: int
) -> Iterator[tuple[Unit, list[Row]]]:
    run = Parallel(n_jobs=min(jobs, len(units)) or 1, return_as="generator_unordered")
    yield from run(delayed(_work)(unit, root, plan) for unit in units)


_runners: dict[Path, Runners] = {}


def _work(unit: Unit, root: Path, plan: Plan) -> tuple[Unit, list[Row]]:
    """One unit, in the process of a worker, whose child processes live as long as it does."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if root not in _runners:
        _runners[root] = Runners(root)
    emitted = [Emitted(unit.loss, root, target) for target in unit.targets]
    if unit.loss.kind == "classwise":
        found = classwise_rows(
            unit.loss, unit.what, emitted, _runners[root], plan.classwise, plan.seed
        )
        return unit, list(found)
    if unit.what == DENSITY:
        return unit, list(density_rows(unit.loss, emitted, _runners[root], plan.seed))
    samples = Samples(unit.loss, unit.what, plan.of(unit.what), plan.seed)
    return unit, list(loss_rows(samples, emitted, _runners[root]))
