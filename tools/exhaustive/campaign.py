"""python -m tools.exhaustive.campaign: many exhaustive runs within a time limit.

Panels are built on all cores first; NumPy's shards run there too, and PyTorch's on its device in
this process. What is not complete at the limit is resumed by the same command, and not reported.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from joblib import Parallel, delayed

from derive.definitions.catalogue import RESIDUAL as NAMES
from derive.definitions.find import find
from derive.errors import DeriveError
from tools.exhaustive import record
from tools.exhaustive.panels import build, save
from tools.exhaustive.runs import Summary, run
from tools.exhaustive.task import Task, chosen

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
        """Panels first; then PyTorch's device in this thread, processors in another."""
        (self.out / "panels").mkdir(parents=True, exist_ok=True)
        wanted = {self.panels_of(task): replace(task, device="cpu") for task in reversed(todo)}
        work = Parallel(n_jobs=self.jobs, return_as="generator_unordered")
        missing = [(task, path) for path, task in reversed(wanted.items()) if not path.exists()]
        for trouble in work(delayed(build_panels)(task, path) for task, path in missing):
            if trouble:
                print(trouble, file=sys.stderr)
            if self.late:
                return
        on_device = [t for t in todo if t.target == "torch" and t.device != "cpu"]
        here = [t for t in todo if t not in on_device]
        worker = threading.Thread(target=self.each, args=(here, self.jobs))
        worker.start()
        self.each(on_device, 1)
        worker.join()

    def panels_of(self, task: Task) -> Path:
        known = task.identity()
        parts = [known["loss"], known["definition"], task.quantity, *known["parameters"]]
        return self.out / "panels" / ("_".join(map(str, parts)) + ".npz")

    def folder(self, task: Task) -> Path:
        return self.out / f"{task.target}_{task.device}_{self.panels_of(task).stem}"

    @property
    def late(self) -> bool:
        return time.monotonic() > self.deadline

    def each(self, todo: Sequence[Task], jobs: int) -> None:
        """Task after task: as many as possible are complete at the limit."""
        for task in todo:
            path, folder = self.panels_of(task), self.folder(task)
            if self.late:
                return
            if not path.exists():
                continue
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / "panels.npz").exists():
                shutil.copyfile(path, folder / "panels.npz")
            begin = time.monotonic()
            try:
                found = run(task, folder, jobs=jobs, tell=self.stop)
            except (DeriveError, TimeoutError) as trouble:
                print(f"{folder.name}: stopped: {trouble}", file=sys.stderr)
                continue
            self.note(task, found, time.monotonic() - begin)

    def stop(self, done: int, total: int, worst: float) -> None:
        if self.late and done < total:
            raise TimeoutError("out of time; the same command resumes it")

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


def build_panels(task: Task, path: Path) -> str:
    """In a worker process: the panels of a task, for every target. What went wrong, if it did."""
    try:
        save(build(task), path)
    except DeriveError as trouble:
        return f"{path.stem}: {trouble}"
    return ""


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
