"""python -m tools.exhaustive.campaign: many exhaustive runs within a time limit.

Panels are built in parallel processes; NumPy's shards run there too, and PyTorch's on its device
in this process. What is not complete at the limit is resumed by the same command, and not reported.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

from derive.definitions.catalogue import NAMES
from derive.definitions.find import find
from derive.errors import DeriveError
from tools.exhaustive import record
from tools.exhaustive.panels import build, save
from tools.exhaustive.runs import (
    Summary,
    one_shard,
    prepare,
    read_results,
    run,
    summary,
    write_result,
)
from tools.exhaustive.task import SHARDS, Task, chosen

# barron: from bounded to exponential, at, beside and between its special points
ALPHAS = ("1.5", "0", "-2", "2", "1.999", "1", "2.5", "-0.001", "1e-8", "10", "inf", "-inf")
SETTINGS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "barron": tuple((f"alpha={a}", "scale=0.7") for a in ALPHAS),
    "huber": (("delta=1.345",), ("delta=0.1",)),
    "smooth_l1": (("beta=0.3",), ("beta=2.5",)),
}
ELSEWHERE: tuple[tuple[str, ...], ...] = (("scale=0.7",), ("scale=23.5",))
QUANTITIES: Mapping[str, tuple[str, ...]] = {"barron": ("loss", "d_x", "d_alpha", "weight")}


def cases() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(loss, quantity, settings), the first settings of every loss before the others."""
    deepest = max(len(SETTINGS.get(name, ELSEWHERE)) for name in NAMES)
    for row in range(deepest):
        for name in NAMES:
            settings = SETTINGS.get(name, ELSEWHERE)
            if row < len(settings):
                for quantity in QUANTITIES.get(name, ("loss", "d_x")):
                    yield name, quantity, settings[row]


def tasks(generated: Path, targets: Sequence[str], device: str) -> Iterator[Task]:
    for name, quantity, settings in cases():
        if quantity == "d_alpha" and "alpha=2" in settings:
            continue  # infinite
        values = chosen(find(name), settings)
        for target in targets:
            file = generated / f"for_{target}" / f"{name}.py"
            where = device if target == "torch" else "cpu"
            yield Task(name, file, quantity, values, target, where)


@dataclass
class Campaign:
    """Runs of many tasks; `out` keeps everything, `deadline` is on time.monotonic's clock."""

    out: Path
    deadline: float
    jobs: int
    entries: list[record.Entry] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, todo: Sequence[Task]) -> None:
        (self.out / "panels").mkdir(parents=True, exist_ok=True)
        on_device = [t for t in todo if t.target == "torch" and t.device != "cpu"]
        here = [t for t in todo if t not in on_device]
        with ProcessPoolExecutor(self.jobs, mp_context=get_context("spawn")) as pool:
            built: dict[Path, Future[None]] = {}
            for task in todo:
                path = self.panels_of(task)
                if path not in built:
                    built[path] = pool.submit(build_panels, replace(task, device="cpu"), path)
            worker = threading.Thread(target=self.on_processors, args=(pool, here, built))
            worker.start()
            for task in on_device:
                self.on_device(task, built)
            worker.join()
            pool.shutdown(cancel_futures=True)

    def panels_of(self, task: Task) -> Path:
        known = task.identity()
        parts = [known["loss"], known["definition"], task.quantity, *known["parameters"]]
        return self.out / "panels" / ("_".join(map(str, parts)) + ".npz")

    def folder(self, task: Task) -> Path:
        return self.out / f"{task.target}_{task.device}_{self.panels_of(task).stem}"

    @property
    def late(self) -> bool:
        return time.monotonic() > self.deadline

    def ready(self, task: Task, built: Mapping[Path, Future[None]]) -> bool:
        """The task's folder, with its panels; False if they cannot be had in time."""
        path = self.panels_of(task)
        try:
            built[path].result(timeout=max(self.deadline - time.monotonic(), 0.0))
        except DeriveError as trouble:
            print(f"{self.folder(task).name}: {trouble}", file=sys.stderr)
            return False
        except TimeoutError:
            return False
        folder = self.folder(task)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "panels.npz").exists():
            shutil.copyfile(path, folder / "panels.npz")
        return True

    def on_device(self, task: Task, built: Mapping[Path, Future[None]]) -> None:
        if self.late or not self.ready(task, built):
            return
        begin = time.monotonic()

        def stop(done: int, total: int, worst: float) -> None:
            if self.late:
                raise TimeoutError

        try:
            found = run(task, self.folder(task), tell=stop)
        except (DeriveError, TimeoutError) as trouble:
            print(f"{self.folder(task).name}: stopped: {trouble}", file=sys.stderr)
            return
        self.note(task, found, time.monotonic() - begin)

    def on_processors(
        self,
        pool: ProcessPoolExecutor,
        todo: Sequence[Task],
        built: Mapping[Path, Future[None]],
    ) -> None:
        """Shard by shard, task after task: as many tasks as possible are complete at the limit."""
        for task in todo:
            if self.late:
                return
            if not self.ready(task, built):
                continue
            folder, begin = self.folder(task), time.monotonic()
            panels = prepare(task, folder)
            done = {r.shard: r for r in read_results(folder)}
            running = [
                pool.submit(one_shard, task, folder, s) for s in range(SHARDS) if s not in done
            ]
            try:
                for future in running:
                    result = future.result(timeout=max(self.deadline - time.monotonic(), 0.0))
                    write_result(folder, result)
                    done[result.shard] = result
            except (DeriveError, TimeoutError) as trouble:
                for future in running:
                    future.cancel()
                print(f"{folder.name}: stopped: {trouble}", file=sys.stderr)
                continue
            found = summary(task, panels, list(done.values()))
            self.note(task, found, time.monotonic() - begin)

    def note(self, task: Task, found: Summary, seconds: float) -> None:
        with self.lock:
            self.entries.append(record.entry(task, found, seconds))
            record.merge(self.entries, self.out / "results.json")
            told = self.entries[-1]
        print(
            f"{told['loss']}.{told['quantity']} {told['target']} {told['device']} "
            f"{told['parameters']}: worst {found.worst:.3f}, beyond kappa {found.excess:.3f} of "
            f"{found.allowed:g}, misrounded {found.misrounded}, {seconds:.0f} s",
            flush=True,
        )


def build_panels(task: Task, path: Path) -> None:
    """In a worker process: the panels of a task, for every target."""
    if not path.exists():
        save(build(task), path)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.exhaustive.campaign",
        description="Run every float32 residual for the whole catalogue, within a time limit.",
    )
    parser.add_argument("--generated", type=Path, default=Path("generated"))
    parser.add_argument("--out", type=Path, help="where results are kept; resumable")
    parser.add_argument("--limit", type=float, default=540.0, help="seconds")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--targets", default="numpy,torch")
    parser.add_argument("--device", default="cpu", help="of PyTorch's tensors, such as cuda")
    parser.add_argument("--only", default="", help="names of losses, with commas between")
    parser.add_argument("--first", type=int, help="only so many tasks")
    parser.add_argument("--merge", type=Path, help="add these results to the published record")
    given = parser.parse_args(arguments)
    try:
        if given.merge is not None:
            record.merge(record.read(given.merge))
            return 0
        if given.out is None:
            parser.error("--out is needed")
        names = given.only.split(",") if given.only else list(NAMES)
        todo = [
            task
            for task in tasks(given.generated, given.targets.split(","), given.device)
            if task.subject in names
        ]
        campaign = Campaign(given.out, time.monotonic() + given.limit, given.jobs)
        campaign.run(todo[: given.first])
    except DeriveError as trouble:
        print(trouble, file=sys.stderr)
        return trouble.exit_code
    refused = [e for e in campaign.entries if e["excess"] > e["allowed"]]
    print(f"{len(campaign.entries)} runs complete, {len(refused)} beyond their promise")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
