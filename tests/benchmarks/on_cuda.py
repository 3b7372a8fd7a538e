"""PyTorch on a GPU: forward and backward beside torch.nn and a plain copy, and host reads.

    python tests/benchmarks/on_cuda.py                4e6 and 6.4e7 elements, float32

A step is the mean over input and target and its backward; the time is the median of 30 steps
by CUDA's own events. "/ copy" is how many times as long as copying the input once. "reads" is
how often a step waits for a value from the device, as the profiler counts them.
"""

from __future__ import annotations

import importlib
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile
from with_torch import reference

SIZES = (4_000_000, 64_000_000)
STEPS = 30
READS = ("aten::_local_scalar_dense", "aten::is_nonzero", "cudaStreamSynchronize")


def seconds(work: Callable[[], object]) -> float:
    for _ in range(5):
        work()
    found = []
    for _ in range(STEPS):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        work()
        end.record()
        torch.cuda.synchronize()
        found.append(start.elapsed_time(end) / 1e3)
    return statistics.median(found)


def reads(work: Callable[[], object]) -> int:
    work()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as found:
        work()
    rows = {row.key: row.count for row in found.key_averages()}
    return sum(rows.get(name, 0) for name in READS)


def steps(size: int, compiled: bool) -> dict[str, Callable[[], object]]:
    x = torch.randn(size, device="cuda", requires_grad=True)
    y = torch.randn(size, device="cuda")
    numbers: list[Any] = [torch.tensor(v, device="cuda") for v in (0.5, 1.3)]
    learned: list[Any] = [torch.nn.Parameter(v.clone()) for v in numbers]
    huber = importlib.import_module("generated.for_torch.huber").HuberLoss
    barron = importlib.import_module("generated.for_torch.barron").BarronLoss
    works: dict[str, Callable[..., torch.Tensor]] = {
        "F.huber_loss": functional.huber_loss,
        "huber": huber(),
        "barron's reference": lambda a, b: reference(a - b, *numbers).mean(),
        "barron, numbers": barron(0.5, 1.3),
        "barron's reference, learned": lambda a, b: reference(a - b, *learned).mean(),
        "barron, learned": barron(*learned),
    }

    def step(work: Callable[..., torch.Tensor]) -> Callable[[], object]:
        def once() -> None:
            x.grad = None
            for p in learned:
                p.grad = None
            work(x, y).backward()

        return once

    torch.compiler.reset()
    made = {n: torch.compile(w, fullgraph=True) if compiled else w for n, w in works.items()}
    plain = x.detach()
    return {"copy": plain.clone, **{name: step(work) for name, work in made.items()}}


def main() -> None:
    if not torch.cuda.is_available():
        sys.exit("no CUDA device here")
    print(torch.cuda.get_device_name(), "torch", torch.__version__)
    for size in SIZES:
        for compiled in (False, True):
            print(f"\n{size:,} elements, {'compiled' if compiled else 'eager'}")
            copied = 0.0
            for name, work in steps(size, compiled).items():
                took = seconds(work)
                copied = copied or took
                print(
                    f"{name:<30}{took * 1e6:>10.1f} us{took / copied:>8.2f} / copy"
                    f"{reads(work):>4} reads",
                    flush=True,
                )
            print(f"copy: {2 * 4 * size / copied / 1e12:.2f} TB/s")


if __name__ == "__main__":
    main()
