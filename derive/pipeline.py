"""The whole way: a definition goes in, checked files come out.

derivation = derive(loss)                  Loss -> Derivation: gradients, limits, density
stable = stabilise(derivation)             -> StableForm: what is evaluated where
module = lower_module(derivation, stable)  -> Module: a program without a target
text = render(module, target)              -> the text of one file
write(tree, folder)                        all files at once, or none
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import mpmath
from sympy import Expr, Symbol

from derive import files
from derive.calculus import Derivation
from derive.calculus.evaluate import NotReal, evaluate
from derive.calculus.limits import at_point
from derive.classwise import ClasswiseStages, stages
from derive.definitions.catalogue import NAMES
from derive.definitions.find import find_all
from derive.definitions.loss import Loss
from derive.definitions.specialise import read_settings, specialise
from derive.emission.targets import TARGETS
from derive.emission.validate import Expected, validate
from derive.errors import BadInput, EnvironmentTrouble
from derive.output import writer
from derive.output.folders import default_folder, destination
from derive.output.manifest import is_current
from derive.progress import Progress, Row

if TYPE_CHECKING:
    from derive.verification.report import Report
    from derive.verification.targets import TargetFiles

# Up to this many losses are built one after the other.
FEW = 2


@dataclass(frozen=True)
class Outcome:
    """What a run did. difference: the diff that --check found, empty if there is none."""

    rows: tuple[Row, ...]
    changed: tuple[str, ...] = ()
    up_to_date: bool = False
    difference: str = ""


@dataclass(frozen=True)
class Built:
    """One loss, all the way to text: path -> text, the value that the files must give at x = 1
    and the default parameters (None for a loss over classes), and what is told of it."""

    files: Mapping[str, str]
    expected: Expected | None
    row: Row


def build(
    loss: Loss, targets: Sequence[str], subject: str, progress: Progress, joined: bool = False
) -> Built:
    """The files of one loss, each a text; nothing is written. joined: one file a target."""
    way = stages(loss, subject, progress)
    made = way.files(targets, joined)
    if isinstance(way, ClasswiseStages):
        return Built(made, None, way.row(targets))
    row = files.row(way.derivation, way.stable, targets)
    return Built(made, expected_value(way.derivation), row)


def expected_value(derivation: Derivation, at: float = 1.0) -> Expected:
    """loss(at) at the default parameters, from the definition or its limit, and its kappa."""
    loss = derivation.loss
    point = {p: mpmath.mpf(loss.default(p)) for p in loss.variables}
    if loss.kind == "residual":
        point[loss.residual] = mpmath.mpf(at)
    with mpmath.workdps(60):
        with suppress(NotReal, ZeroDivisionError, OverflowError):
            return replace(_expected(loss.expression, point), at=_roles_at(loss))
        for limit in derivation.limits:
            value = loss.default(limit.variable) if limit.variable in loss.parameters else math.nan
            if limit.quantity == "loss" and float(limit.point) == value:
                return replace(_expected(limit.value, point), at=_roles_at(loss))
    return Expected(math.nan)


def _roles_at(loss: Loss) -> tuple[float, ...] | None:
    """Plain values of the predictions and the target."""
    roles = loss.variables[: len(loss.variables) - len(loss.parameters)]
    return tuple(map(loss.default, roles)) if loss.predictions else None


def _expected(expression: Expr, point: Mapping[Symbol, Any]) -> Expected:
    value, step = evaluate(expression, point), mpmath.mpf(2) ** -60
    kappa = 0.0
    for v, number in point.items():
        if value and number and mpmath.isfinite(number):
            with suppress(NotReal, ZeroDivisionError, OverflowError):
                moved = evaluate(expression, {**point, v: number * (1 + step)})
                kappa += float(abs((moved - value) / value) / step)
    return Expected(float(value), kappa)


def regenerate(
    subjects: Sequence[str],
    *,
    targets: Sequence[str],
    out: Path | None,
    settings: Mapping[str, str],
    check: bool,
    force: bool,
    follow: bool,
    progress: Progress,
    joined: bool = False,
) -> Outcome:
    """Derive, emit, validate and write (or, with `check`, compare) the files of some losses."""
    chosen = _targets(targets)
    folder = destination(out or default_folder(), follow=follow)
    losses = _losses(subjects, settings)
    for loss in losses:
        if not (force or check) and files.replaces_the_catalogues(folder, loss, chosen):
            raise BadInput(
                f"{loss.name}: the catalogue has a loss of that name, and its file is in {folder}; "
                "give yours another name or --out, or say --force"
            )
    partial = bool(subjects) or set(chosen) != set(TARGETS)
    tree = {} if joined else files.shared(chosen)
    settled = [*(f"{k}={v}" for k, v in settings.items()), f"{joined=}"]
    inputs = files.made_from(losses, chosen, settled)
    old = {} if check or force else files.kept(folder, losses, chosen, inputs)
    wanted = [*tree, *(path for found in old.values() for path in found)]
    if len(old) == len(losses) and is_current(folder, inputs, wanted, partial=partial):
        rows = tuple(Row(loss.name, "unchanged", str(folder.name), "") for loss in losses)
        return Outcome(rows, up_to_date=True)
    subject = dict(zip((loss.name for loss in losses), subjects or NAMES, strict=True))
    new = tuple(subject[loss.name] for loss in losses if loss.name not in old)
    built = _all_built(_Work(new, settings, chosen, joined), progress)
    expected = {
        path: one.expected
        for one in built
        for path in one.files
        if one.expected is not None and files.is_loss(path)
    }
    for found in (*old.values(), *(one.files for one in built)):
        tree.update(found)
    rows = tuple(one.row for one in built)
    if check:
        difference = writer.check(tree, folder, partial=partial)
        return Outcome(rows, difference=difference.diff_text if difference else "")
    progress.step("checking the files", len(losses), len(losses))
    validate(tree, expected)
    progress.ready(rows)
    written = writer.write(tree, folder, inputs=inputs, force=force, partial=partial, follow=follow)
    return Outcome(rows, changed=written.changed, up_to_date=not written.changed)


@dataclass(frozen=True)
class _Work:
    """What a run builds, in words that another process understands."""

    subjects: tuple[str, ...]
    settings: Mapping[str, str]
    targets: tuple[str, ...]
    joined: bool

    def build(self, place: int, progress: Progress) -> Built:
        subject = self.subjects[place]
        (loss,) = _losses([subject], self.settings)
        header = typed(subject, self.settings)
        return build(loss, self.targets, header, progress, self.joined)


def _all_built(work: _Work, progress: Progress) -> list[Built]:
    """Every loss of a run; several at once where there are processors for it."""
    count = len(work.subjects)
    if count <= FEW or joblib.cpu_count() == 1:
        return [work.build(place, progress) for place in range(count)]
    found: dict[int, Built] = {}
    several = joblib.Parallel(n_jobs=-1, return_as="generator_unordered")
    progress.step("deriving", 0, count)
    with warnings.catch_warnings():  # a process that has grown is replaced, and nothing is lost
        warnings.filterwarnings("ignore", "A worker stopped", UserWarning)
        for place, one in several(joblib.delayed(_built)(work, place) for place in range(count)):
            found[place] = one
            progress.step(one.row.loss, len(found), count)
    return [found[place] for place in range(count)]


def _built(work: _Work, place: int) -> tuple[int, Built]:
    return place, work.build(place, Progress())


def _targets(wanted: Sequence[str]) -> tuple[str, ...]:
    for name in wanted:
        if name not in TARGETS:
            raise BadInput(f"--target {name}: no such target; choose from {', '.join(TARGETS)}")
    return tuple(name for name in TARGETS if not wanted or name in wanted)


def _losses(subjects: Sequence[str], settings: Mapping[str, str]) -> tuple[Loss, ...]:
    losses = find_all(subjects or NAMES)
    return tuple(settled(loss, settings) for loss in losses)


def settled(loss: Loss, settings: Mapping[str, str]) -> Loss:
    """The loss at fixed values of some parameters; its limit where the formula has no value."""
    return specialise(loss, read_settings(loss, settings), _limit)


def _limit(loss: Loss, parameter: Symbol, value: Expr) -> Expr:
    """The loss at a value of a parameter where only the limit exists."""
    found = at_point(loss, "loss", loss.expression, parameter, value)
    values = {limit.value for limit in found}
    if len(values) != 1:
        raise BadInput(
            f"{loss.name}: the loss has different limits on both sides of {parameter} = {value}; "
            "set another value"
        )
    return values.pop()


def typed(subject: str, settings: Mapping[str, str]) -> str:
    """What to type for this loss: never a path of this machine, only the file's name."""
    name = Path(subject).name if subject.endswith((".toml", ".py")) else subject
    return " ".join([name, *(f"--set {k}={v}" for k, v in settings.items())])


def verify(
    subjects: Sequence[str],
    *,
    generated: Path | None,
    seed: int,
    samples: int | None,
    record: bool,
    progress: Progress,
) -> Report:
    """Judge the generated files of some losses, or of the catalogue, against their definitions."""
    folder = generated or default_folder()
    losses = find_all(subjects or NAMES)
    report = judged(losses, folder, seed, samples, progress)
    if record:
        _record(report, losses, folder.parent / "docs")
    return report


def judged(
    losses: Sequence[Loss], folder: Path, seed: int, samples: int | None, progress: Progress
) -> Report:
    """The files of some losses in a folder against their definitions."""
    from derive.verification import verify as judge

    if not folder.is_dir():
        raise BadInput(f"{folder}: no generated files there; run derive regenerate first")
    points = dict.fromkeys(judge.POINTS, samples) if samples else judge.POINTS
    plan = judge.Plan(points, seed)
    return judge.verify(losses, folder.resolve(), judged_targets(), plan, progress.step)


def judged_targets() -> tuple[TargetFiles, ...]:
    """What the judge has to know of each target that it can run."""
    from derive.verification.targets import TargetFiles

    return tuple(
        TargetFiles(t.name, t.folder, t.library, **t.judged) for t in TARGETS.values() if t.judged
    )


def shown(report: Report, width: int, paint: Callable[[str, str], str]) -> str:
    """A report for people."""
    from derive.verification.shown import shown as as_text

    return as_text(report, width, paint)


def _record(report: Report, losses: Sequence[Loss], docs: Path) -> None:
    """The pages that hold what the judge found."""
    from derive.verification import pages

    try:
        docs.mkdir(exist_ok=True)
        for name, text in pages.pages(report, losses).items():
            (docs / name).write_text(text, encoding="utf-8")
    except OSError as trouble:
        raise EnvironmentTrouble(f"{trouble.filename}: {trouble.strerror}") from None
