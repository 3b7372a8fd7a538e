"""The results of a run in its folder: the panels once, a line for each shard, resumable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed

from derive.errors import BadInput, EnvironmentTrouble
from tools.exhaustive.panels import Panels, build, load, save
from tools.exhaustive.shard import Judge, ShardResult
from tools.exhaustive.task import SHARDS, Task

Tell = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Summary:
    """All shards of a run together. holds: within the promise for this quantity and target."""

    inputs: int
    misrounded: int
    undecided: int
    worst: float
    x: str
    expected: str
    got: str
    excess: float
    excess_x: str
    allowed: float
    bound: float
    rigorous: bool

    @property
    def holds(self) -> bool:
        return self.excess <= self.allowed

    @property
    def complete(self) -> bool:
        return self.inputs == 1 << 32


def summary(task: Task, panels: Panels, results: Sequence[ShardResult]) -> Summary:
    worst = max(results, key=lambda r: r.worst)
    excess = max(results, key=lambda r: r.excess)
    return Summary(
        inputs=sum(r.points for r in results),
        misrounded=sum(r.misrounded for r in results),
        undecided=sum(r.undecided for r in results),
        worst=worst.worst,
        x=worst.x,
        expected=worst.expected,
        got=worst.got,
        excess=excess.excess,
        excess_x=excess.excess_x,
        allowed=task.promise.ulp,
        bound=panels.bound,
        rigorous=panels.rigorous,
    )


def prepare(task: Task, folder: Path) -> Panels:
    """The panels of a task, built once for its folder.

    The folder belongs to one task: results of another file, definition or parameters are refused.
    """
    _claim(folder, task.identity())
    panels = load(folder / "panels.npz")
    if panels is None:
        panels = build(task)
        save(panels, folder / "panels.npz")
    return panels


def run(
    task: Task,
    folder: Path,
    shards: Sequence[int] = range(SHARDS),
    jobs: int = 1,
    tell: Tell | None = None,
) -> Summary:
    """Run the shards that the folder lacks, and sum up all that were asked for.

    joblib.parallel_config gives them another backend, of more machines than one.
    """
    panels = prepare(task, folder)
    done = {r.shard: r for r in read_results(folder) if r.shard in shards}
    missing = [s for s in shards if s not in done]
    worst = max((r.worst for r in done.values()), default=0.0)
    work = Parallel(n_jobs=jobs, return_as="generator_unordered")
    for result in work(delayed(one_shard)(task, folder, shard) for shard in missing):
        write_result(folder, result)
        done[result.shard] = result
        worst = max(worst, result.worst)
        if tell is not None:
            tell(len(done), len(shards), worst)
    return summary(task, panels, [done[s] for s in sorted(done)])


def one_shard(task: Task, folder: Path, number: int) -> ShardResult:
    """A shard in a worker process, which keeps its judge."""
    return _judge(task, folder).shard(number)


@cache
def _judge(task: Task, folder: Path) -> Judge:
    return Judge(task, prepare(task, folder))


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


def write_result(folder: Path, result: ShardResult) -> None:
    """The line break first: a line that was cut off stays a line of its own."""
    with (folder / "shards.jsonl").open("a", encoding="utf-8") as stream:
        stream.write("\n" + json.dumps(asdict(result)))


def read_results(folder: Path) -> Iterator[ShardResult]:
    try:
        lines = (folder / "shards.jsonl").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            yield ShardResult(**json.loads(line))
        except (ValueError, TypeError):
            continue  # cut off while it was written: it runs again
