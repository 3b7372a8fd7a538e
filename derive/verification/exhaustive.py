"""Every float32 residual for one choice of parameters: 2^32 inputs, in shards that can be resumed.

The emitted float32 function is compared with the emitted float64 function of the same file at the
same inputs. That one is trusted to BOUND only (the sampled verification measures it, and random
points of every shard are checked against the oracle); wherever it is too near to the middle
between two float32 numbers to tell the rounding, the oracle decides.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from derive.definitions.find import find
from derive.definitions.loss import Loss
from derive.errors import BadInput, DeriveError, EnvironmentTrouble, Refuted
from derive.verification.implementations import Route, Runner
from derive.verification.oracle import Oracle
from derive.verification.reference import values
from derive.verification.sampling import Group, Sample
from derive.verification.ulp import Floats, errors_in_ulp, hexadecimal

SHARDS = 1024
SHARD = (1 << 32) // SHARDS
BOUND = 2.0**-12  # trust in the float64 function, in ULP of float32
PROMISED = 1.0  # ULP of float32, in NumPy
SPOT_CHECKS = 50
MOST_ASKED = 20000  # per shard; more than that says that the float64 function is no reference

Tell = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Task:
    """What is compared: a function of a file, at fixed parameters (travels between processes).

    subject: a catalogue name, or the path of a loss file.
    """

    subject: str
    file: Path
    quantity: str
    parameters: tuple[float, ...]

    @cached_property
    def loss(self) -> Loss:
        return find(self.subject)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "loss"}

    def identity(self) -> dict[str, Any]:
        """What a folder of results belongs to."""
        return {
            "loss": self.loss.name,
            "definition": self.loss.digest,
            "file": hashlib.sha256(self.file.read_bytes()).hexdigest(),
            "quantity": self.quantity,
            "parameters": [hexadecimal(p) for p in self.parameters],
            "shards": SHARDS,
        }


@dataclass(frozen=True)
class ShardResult:
    """worst: largest error in ULP of float32, at x; misrounded: results that are not nearest.

    asked: points that the oracle decided; reference: the largest error of the float64 function
    at the points that the oracle saw, in ULP of float32.
    """

    shard: int
    points: int
    worst: float
    x: str
    expected: str
    got: str
    misrounded: int
    asked: int
    reference: float


def patterns(shard: int) -> Floats:
    """The residuals of a shard: consecutive bit patterns of float32, NaN included."""
    first = np.uint64(shard) * np.uint64(SHARD)
    bits = (np.arange(SHARD, dtype=np.uint64) + first).astype(np.uint32)
    with np.errstate(invalid="ignore"):  # signalling NaN
        return bits.view(np.float32).astype(np.float64)


def run_shard(task: Task, shard: int) -> ShardResult:
    """Compare all inputs of one shard."""
    x = patterns(shard)
    with Runner("numpy") as runner:
        narrow = _computed(runner, task, x, "float32")
        wide = _computed(runner, task, x, "float64")
    oracle = Oracle(task.loss)
    low = np.zeros_like(wide)
    error = errors_in_ulp(narrow, wide, low, "float32")
    error = np.where(np.isnan(x), np.where(np.isnan(narrow), 0.0, np.inf), error)
    error = np.where(np.isnan(wide) & ~np.isnan(x), np.inf, error)
    doubtful = np.flatnonzero((np.abs(error - 0.5) < BOUND) | ~np.isfinite(error))
    rng = np.random.Generator(np.random.PCG64(shard))
    spots = rng.integers(0, SHARD, size=SPOT_CHECKS)
    asked = np.union1d(doubtful[:MOST_ASKED], spots[~np.isnan(x[spots])])
    columns = {oracle.names[0]: x[asked]}
    for name, value in zip(oracle.names[1:], task.parameters, strict=True):
        columns[name] = np.full(len(asked), value)
    exact = values(oracle, task.quantity, columns)
    judged = np.nan_to_num(errors_in_ulp(narrow[asked], exact.high, exact.low, "float32"), nan=0.0)
    judged = np.where(np.isnan(x[asked]), error[asked], judged)
    error[asked] = judged
    trust = errors_in_ulp(wide[asked], exact.high, exact.low, "float64") * 2.0**-29
    reference = float(np.max(np.nan_to_num(trust, nan=0.0), initial=0.0))
    at = int(np.argmax(error))
    return ShardResult(
        shard=shard,
        points=len(x),
        worst=float(error[at]),
        x=hexadecimal(float(x[at])),
        expected=hexadecimal(float(wide[at])),
        got=hexadecimal(float(narrow[at])),
        misrounded=int(np.count_nonzero(error > 0.5)),
        asked=len(asked),
        reference=reference,
    )


def _computed(runner: Runner, task: Task, x: Floats, dtype: str) -> Floats:
    names = tuple(v.name for v in task.loss.variables)
    sample = Sample("exhaustive", dtype, names, (Group(task.parameters, x),))
    outcome = runner.run(task.file, Route(task.quantity, numbers=True), sample)
    if outcome.values is None:
        raise Refuted(f"{task.file}: {task.quantity} in {dtype}: {outcome.error}")
    return outcome.values


def run(
    task: Task,
    folder: Path,
    shards: Sequence[int] = range(SHARDS),
    jobs: int = 1,
    tell: Tell | None = None,
) -> tuple[ShardResult, ...]:
    """Run the shards that the folder lacks, and give the results of all that were asked for.

    The folder belongs to one task: results of another file, definition or parameters are refused.
    """
    _claim(folder, task.identity())
    done = {s: r for s in shards if (r := _read(folder, s)) is not None}
    missing = [s for s in shards if s not in done]
    worst = max((r.worst for r in done.values()), default=0.0)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        running = [pool.submit(run_shard, task, s) for s in missing]
        for finished in as_completed(running):
            result = finished.result()
            _write(folder, result)
            done[result.shard] = result
            worst = max(worst, result.worst)
            if tell is not None:
                tell(len(done), len(shards), worst)
    return tuple(done[s] for s in sorted(done))


def _claim(folder: Path, identity: Mapping[str, Any]) -> None:
    path = folder / "task.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(json.dumps(identity, indent=1, sort_keys=True), encoding="utf-8")
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as trouble:
        raise EnvironmentTrouble(f"{folder}: {trouble}") from trouble
    except ValueError as trouble:
        raise BadInput(f"{path} is not JSON ({trouble}); use an empty folder") from None
    if found != identity:
        raise BadInput(f"{folder} holds results of another file or parameters; use an empty one")


def _path(folder: Path, shard: int) -> Path:
    return folder / f"shard-{shard:04d}.json"


def _read(folder: Path, shard: int) -> ShardResult | None:
    try:
        return ShardResult(**json.loads(_path(folder, shard).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None  # never run, or cut off while it was written: it runs again


def _write(folder: Path, result: ShardResult) -> None:
    path = _path(folder, result.shard)
    staged = path.with_suffix(".part")
    staged.write_text(json.dumps(asdict(result)), encoding="utf-8")
    staged.replace(path)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Check every float32 residual of a function.")
    parser.add_argument("loss", help="a name of the catalogue, or a loss file")
    parser.add_argument("--file", type=Path, required=True, help="the emitted NumPy file")
    parser.add_argument("--quantity", default="loss")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--folder", type=Path, required=True, help="where results are kept")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--shards", default=f"0:{SHARDS}", help=f"FROM:TO of {SHARDS}")
    return parser.parse_args(arguments)


def _task(given: argparse.Namespace) -> Task:
    loss = find(given.loss)
    chosen = {p.name: loss.default(p) for p in loss.parameters}
    for text in given.set:
        name, _, value = text.partition("=")
        if name not in chosen:
            raise BadInput(f"--set {text}: {loss.name} has the parameters {', '.join(chosen)}")
        try:
            chosen[name] = float(np.float32(value))
        except ValueError:
            raise BadInput(f"--set {text}: {value!r} is not a number") from None
    if not given.file.is_file():
        raise BadInput(f"{given.file}: no such file; derive regenerate makes it")
    return Task(given.loss, given.file, given.quantity, tuple(chosen.values()))


def main(arguments: Sequence[str] | None = None) -> int:
    given = _arguments(arguments)

    def tell(done: int, total: int, worst: float) -> None:
        print(f"\r{done}/{total} shards, worst {worst:.4f} ULP", end="", file=sys.stderr)

    try:
        first, last = (int(part) for part in given.shards.split(":"))
        results = run(_task(given), given.folder, range(first, last), given.jobs, tell)
    except ValueError:
        print(f"--shards {given.shards}: FROM:TO is wanted, such as 0:16", file=sys.stderr)
        return 2
    except DeriveError as trouble:
        print(f"\n{trouble}", file=sys.stderr)
        return trouble.exit_code
    return _summary(results)


def _summary(results: Sequence[ShardResult]) -> int:
    worst = max(results, key=lambda r: r.worst)
    total, misrounded = sum(r.points for r in results), sum(r.misrounded for r in results)
    print(f"\n{total} inputs, {misrounded} not correctly rounded, worst {worst.worst:.4f} ULP")
    print(f"at x = {worst.x}: expected {worst.expected}, got {worst.got}")
    if max(r.reference for r in results) > BOUND:
        print("the float64 function is not exact enough to judge by", file=sys.stderr)
        return 3
    return 0 if worst.worst <= PROMISED else 1


if __name__ == "__main__":
    sys.exit(main())
