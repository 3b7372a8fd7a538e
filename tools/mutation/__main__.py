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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from joblib import Parallel, delayed

from derive.definitions.catalogue import NAMES, load
from derive.definitions.loss import Loss
from derive.errors import BadInput, DeriveError
from derive.output.folders import default_folder
from derive.pipeline import judged_targets
from derive.verification.claims.limited import Worker
from derive.verification.classwise import classwise_rows
from derive.verification.emitted import Emitted
from derive.verification.formulas.run import SECONDS
from derive.verification.implementations import Runners
from derive.verification.report import REFUTED, Row
from derive.verification.targets import TargetFiles, file_of
from derive.verification.units import Samples, loss_rows
from derive.verification.verify import Plan
from tools.mutation import page
from tools.mutation.code import around, inside
from tools.mutation.dense import does_harm
from tools.mutation.formulas import Variant, right, text, wrong

# What most mutants of code are refuted at already, beside the special points.
FEW = Plan({"everyday": 60, "whole": 60})
DTYPES = ("float64", "float32")

Rows = Callable[[Sequence[Emitted], Runners], Iterator[Row]]


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
    parser.add_argument("--rewrites", type=int, default=20, help="equal rewrites a loss")
    parser.add_argument("--code", type=int, default=12, help="mutants of code a loss, target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--record", action="store_true", help="write docs/mutation.md")
    parser.add_argument("--new", action="store_true", help="only what the page has no row of")
    given = parser.parse_args(arguments)
    failed, known = 0, page.rows() if given.new else {}
    with Parallel(n_jobs=given.jobs) as parallel:
        for name in given.losses or NAMES:
            if name in known:
                continue
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
    """Mutants that must not be called equal, and rewrites that must be. Another convention is none
    of these: it is told and, where the same is asked for (--exact), refuted."""
    draw = random.Random(given.seed)

    def asked(chosen: Sequence[tuple[str, Variant]], bad: tuple[str, ...], what: str) -> Score:
        found = parallel(delayed(_relation)(loss.name, q, text(v.formula)) for q, v in chosen)
        kept = [
            f"{q}, {v.what}: {r}" for (q, v), r in zip(chosen, found, strict=True)
            if r.startswith(bad)
        ]  # fmt: skip
        return Score(f"{loss.name}, {what}", len(chosen) - len(kept), tuple(kept))

    yield asked(wrong(loss, given.formulas, draw), ("equal", "unknown"), "formulas refuted")
    yield asked(
        right(loss, given.rewrites, draw), ("different", "up to", "bad"), "rewrites without alarm"
    )


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
    """Mutants of the emitted file, each judged until something refutes it, at few points first.
    What keeps every promise at many more points than the judge looks at is no fault."""
    path = default_folder() / target.folder / f"{loss.name}.py"
    source = path.read_text(encoding="utf-8")
    names = [*(f"d_{v.name}" for v in loss.variables), "d_x", "loss", "weight", "d2_x"]
    names += [f"d2_{loss.residual}", "hessian_product"]
    made = [
        m for name in ("loss", f"d_{loss.residual}") for m in around(name, loss, target, source)
    ]
    random.Random(f"{loss.name} {target.name} {given.seed}").shuffle(made)
    wrong = made[: given.code // 2]
    wrong += inside(source, names, given.code - len(wrong), given.seed)
    few, all_of_them = _asked(loss, given.seed, FEW), _asked(loss, given.seed, Plan())
    kept, harmless = [], 0
    with tempfile.TemporaryDirectory() as folder:
        runners = Runners(Path(folder))
        right = _placed(source, loss, Path(folder), target, "right")
        for number, mutant in enumerate(wrong):
            made = _placed(mutant.source, loss, Path(folder), target, f"m{number}")
            if _is_refuted(few, made, runners) or _is_refuted(all_of_them, made, runners):
                continue
            if does_harm(loss, right, made, runners.of(target), given.seed):
                kept.append(mutant.what)
            else:
                harmless += 1
    caught = len(wrong) - len(kept) - harmless
    return Score(f"{loss.name}, {target.name} code refuted", caught, tuple(kept))


def _placed(text: str, loss: Loss, root: Path, target: TargetFiles, name: str) -> Emitted:
    """A file of its own for a text."""
    moved = replace(target, folder=f"{name}.{target.folder}")
    file = file_of(root, moved.loss_module(loss.name))
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    return Emitted(loss, root, moved)


def _is_refuted(rows: Rows, made: Emitted, runners: Runners) -> bool:
    return any(row.verdict == REFUTED for row in rows([made], runners))


def _asked(loss: Loss, seed: int, plan: Plan) -> Rows:
    """The judge's rows on one file, its exact values had once."""
    if loss.kind == "classwise":
        return lambda emitted, runners: (
            row for dtype in DTYPES
            for row in classwise_rows(loss, dtype, emitted, runners, plan.classwise, seed)
        )  # fmt: skip
    samples = [Samples(loss, dtype, plan.of(dtype), seed) for dtype in DTYPES]
    return lambda emitted, runners: (row for s in samples for row in loss_rows(s, emitted, runners))


if __name__ == "__main__":
    # Other processes find what is kept between calls in a module with a name of its own.
    from tools.mutation import __main__ as named

    sys.exit(named.main())
