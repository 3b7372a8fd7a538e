"""python -m tools.mutation [LOSS …]: mutants of formulas and of emitted code, and equal rewrites.

Prints a line for each loss: how many mutants were refuted of how many, which survived, and how many
rewrites raised a false alarm of how many. Exits with 1 if anything survived or was a false alarm.
--record puts the scores into docs/mutation.md; losses that were not asked for keep theirs.
"""

from __future__ import annotations

import argparse
import atexit
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from joblib import Parallel, delayed

from derive.calculus import derive
from derive.definitions.catalogue import RESIDUAL as NAMES
from derive.definitions.catalogue import load
from derive.definitions.loss import Loss
from derive.errors import BadInput, DeriveError
from derive.output.folders import default_folder
from derive.pipeline import judged_targets
from derive.verification.claims.limited import Worker
from derive.verification.emitted import Emitted
from derive.verification.formulas.run import SECONDS
from derive.verification.implementations import Runners
from derive.verification.report import REFUTED
from derive.verification.targets import TargetFiles, file_of
from derive.verification.units import Samples, loss_rows
from tools.mutation import page
from tools.mutation.code import around, inside
from tools.mutation.formulas import Variant, equal, mutants, rewrites

POINTS = {"everyday": 60, "whole": 60}  # of a mutant of code, beside the special ones
DIGITS = 30  # a mutant that agrees with the formula to this many digits everywhere is none


@dataclass(frozen=True)
class Score:
    """caught of all mutants were refuted; survived: what was done to those that were not."""

    what: str
    caught: int
    survived: tuple[str, ...]

    @property
    def short(self) -> str:
        return f"{self.caught} of {self.caught + len(self.survived)}"

    def __str__(self) -> str:
        left = "".join(f"\n    {what}" for what in self.survived)
        return f"{self.what}: {self.short}{left}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.mutation", description=__doc__)
    parser.add_argument("losses", nargs="*", help="names of the catalogue; default: all")
    parser.add_argument("--formulas", type=int, default=100, help="mutants of formulas a loss")
    parser.add_argument("--rewrites", type=int, default=40, help="equal rewrites a loss")
    parser.add_argument("--code", type=int, default=20, help="mutants of code a loss, target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--record", action="store_true", help="write docs/mutation.md")
    given = parser.parse_args(arguments)
    failed = 0
    with Parallel(n_jobs=given.jobs) as parallel:
        for name in given.losses or NAMES:
            loss, scores = load(name), []
            for score in _scores(loss, given, parallel):
                print(score, flush=True)
                scores.append(score)
                failed += len(score.survived)
            if given.record:
                page.record(name, [(s.what.partition(", ")[2], s.short) for s in scores])
    return int(failed > 0)


def _scores(loss: Loss, given: argparse.Namespace, parallel: Parallel) -> Iterator[Score]:
    if given.formulas:
        yield from _formulas(loss, given, parallel)
    for target in _targets(given.code):
        yield _code(loss, target, given)


def _targets(count: int) -> Sequence[TargetFiles]:
    return judged_targets() if count else ()


def _formulas(loss: Loss, given: argparse.Namespace, parallel: Parallel) -> Iterator[Score]:
    """Mutants that must not be called equal, and rewrites that must be."""
    draw = random.Random(given.seed)
    quantities = derive(loss).quantities
    wrong, right = [], []
    for quantity, formula in quantities.items():
        for variant in mutants(formula, loss.variables):
            wrong.append((quantity, formula, variant))
        for variant in rewrites(formula, loss.residual):
            right.append((quantity, formula, variant))
    draw.shuffle(wrong)
    draw.shuffle(right)
    chosen: list[tuple[str, Variant]] = []
    for quantity, formula, variant in wrong:
        if len(chosen) == given.formulas:
            break
        if not equal(variant.formula, formula, loss, DIGITS):
            chosen.append((quantity, variant))
    found = parallel(delayed(_relation)(loss.name, q, str(v.formula)) for q, v in chosen)
    kept = [
        f"{q}, {v.what}: {r}" for (q, v), r in zip(chosen, found, strict=True)
        if r not in ("different", "up to", "bad input")
    ]  # fmt: skip
    yield Score(f"{loss.name}, formulas refuted", len(chosen) - len(kept), tuple(kept))
    same = [(q, v) for q, _, v in right[: given.rewrites]]
    found = parallel(delayed(_relation)(loss.name, q, str(v.formula)) for q, v in same)
    alarms = [
        f"{q}, {v.what}: {r}" for (q, v), r in zip(same, found, strict=True)
        if r in ("different", "up to")
    ]  # fmt: skip
    yield Score(f"{loss.name}, rewrites without alarm", len(same) - len(alarms), tuple(alarms))


@cache
def _worker() -> Worker:
    """One child for all formulas of this process: starting one takes longer than most verdicts."""
    worker = Worker()
    atexit.register(worker.end)
    return worker


def _relation(name: str, quantity: str, text: str) -> str:
    asked = {"text": text, "loss": name, "quantity": quantity, "latex": False}
    try:
        return str(_worker().ask("formula", asked, SECONDS)["relation"])
    except BadInput:
        return "bad input"
    except DeriveError as trouble:
        return f"unknown ({trouble})"


def _code(loss: Loss, target: TargetFiles, given: argparse.Namespace) -> Score:
    """Mutants of the emitted file, each judged until something refutes it. All of them are asked
    in one child process, and the exact values are had once."""
    path = default_folder() / target.folder / f"{loss.name}.py"
    source = path.read_text(encoding="utf-8")
    names = [*(f"d_{v.name}" for v in loss.variables), "loss", "weight", "d2_x"]
    library = "torch" if target.tensors else "np"
    wrong = inside(source, names, given.code, given.seed)
    parameters = [p.name for p in loss.parameters]
    wrong += [m for name in ("loss", "d_x") for m in around(name, parameters, library, source)]
    samples = [Samples(loss, dtype, POINTS, given.seed) for dtype in ("float64", "float32")]
    kept = []
    with tempfile.TemporaryDirectory() as folder:
        runners = Runners(Path(folder))
        for number, mutant in enumerate(wrong):
            moved = replace(target, folder=f"m{number}.{target.folder}")
            emitted = Emitted(loss, Path(folder), moved)
            file = file_of(Path(folder), moved.loss_module(loss.name))
            file.parent.mkdir(parents=True)
            file.write_text(mutant.source, encoding="utf-8")
            rows = (row for s in samples for row in loss_rows(s, [emitted], runners))
            if not any(row.verdict == REFUTED for row in rows):
                kept.append(mutant.what)
    return Score(f"{loss.name}, {target.name} code refuted", len(wrong) - len(kept), tuple(kept))


if __name__ == "__main__":
    sys.exit(main())
