"""python -m tools.mutation [LOSS …]: mutants of formulas and of emitted code, and equal rewrites.

Prints a line for each loss: how many mutants were refuted of how many, which survived, and how many
rewrites raised a false alarm of how many. Exits with 1 if anything survived or was a false alarm.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from joblib import Parallel, delayed

from derive.calculus import derive
from derive.definitions.catalogue import RESIDUAL as NAMES
from derive.definitions.catalogue import load
from derive.definitions.loss import Loss
from derive.errors import DeriveError
from derive.output.folders import default_folder
from derive.pipeline import judged_targets
from derive.verification.formulas.run import judged_formula
from derive.verification.verify import Plan, verify
from tools.mutation.code import around, inside
from tools.mutation.formulas import Variant, equal, mutants, rewrites

DIGITS = 30  # a mutant that agrees with the formula to this many digits everywhere is none


@dataclass(frozen=True)
class Score:
    """caught of all mutants were refuted; survived: what was done to those that were not."""

    what: str
    caught: int
    survived: tuple[str, ...]

    def __str__(self) -> str:
        total = self.caught + len(self.survived)
        left = "".join(f"\n    {what}" for what in self.survived)
        return f"{self.what}: {self.caught} of {total}{left}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.mutation", description=__doc__)
    parser.add_argument("losses", nargs="*", help="names of the catalogue; default: all")
    parser.add_argument("--formulas", type=int, default=100, help="mutants of formulas a loss")
    parser.add_argument("--rewrites", type=int, default=40, help="equal rewrites a loss")
    parser.add_argument("--code", type=int, default=20, help="mutants of code a loss and target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=-1)
    given = parser.parse_args(arguments)
    failed = 0
    with Parallel(n_jobs=given.jobs) as parallel:
        for name in given.losses or NAMES:
            loss = load(name)
            for score in (
                *_formulas(loss, given, parallel),
                *(_code(loss, target.name, given, parallel) for target in judged_targets()),
            ):
                print(score, flush=True)
                failed += len(score.survived)
    return int(failed > 0)


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


def _relation(name: str, quantity: str, text: str) -> str:
    asked = {"text": text, "loss": name, "quantity": quantity, "latex": False}
    try:
        return str(judged_formula(asked)["relation"])
    except DeriveError:
        return "bad input"


def _code(loss: Loss, target: str, given: argparse.Namespace, parallel: Parallel) -> Score:
    """Mutants of the emitted file, each judged at few points."""
    (files,) = (t for t in judged_targets() if t.name == target)
    root = default_folder()
    path = root / files.folder / f"{loss.name}.py"
    source = path.read_text(encoding="utf-8")
    names = [*(f"d_{v.name}" for v in loss.variables), "loss", "weight", "d2_x"]
    library = "torch" if files.tensors else "np"
    wrong = inside(source, names, given.code, given.seed)
    parameters = [p.name for p in loss.parameters]
    wrong += [m for name in ("loss", "d_x") for m in around(name, parameters, library, source)]
    found = parallel(delayed(_refuted)(loss.name, target, m.source) for m in wrong)
    kept = [m.what for m, refuted in zip(wrong, found, strict=True) if not refuted]
    return Score(f"{loss.name}, {target} code refuted", len(wrong) - len(kept), tuple(kept))


def _refuted(name: str, target: str, source: str) -> bool:
    """Whether the judge refutes the file with this text."""
    (files,) = (t for t in judged_targets() if t.name == target)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "generated"
        shutil.copytree(default_folder(), root, ignore=shutil.ignore_patterns("__pycache__"))
        (root / files.folder / f"{name}.py").write_text(source, encoding="utf-8")
        plan = Plan({"everyday": 120, "whole": 80}, densities=False)
        report = verify([load(name)], root, [files], plan, jobs=1)
    return report.exit_code == 1


if __name__ == "__main__":
    sys.exit(main())
