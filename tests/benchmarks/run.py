"""How fast the generated losses are beside what one would use or type instead. Asserts nothing.

    python tests/benchmarks/run.py                    PyTorch and NumPy, one core, about 2 minutes
    python tests/benchmarks/run.py --compiled         PyTorch under torch.compile as well
    python tests/benchmarks/run.py --only numpy       one part: torch, numpy or start

The contenders of a row take turns, and the processor's time is counted, so that a busy machine
matters little. The time is the median of the turns; "/ typed" is how many times as long as the
typed formula, the median of the ratios within a turn. "copies" is two plain copies of the array:
reading x and writing a value and a gradient cannot cost much less. "both" is the typed value and
gradient, "float64" what is generated, in float64; the last column is the goal of a row of NumPy's.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from start import show_start

Work = Callable[[], object]
# a label, the times of the contenders, and what the row has to keep ("" for nothing)
Row = tuple[str, Mapping[str, list[float]], str]
SIZES = (100, 4_000_000)
MANY = 1_000_000
TURNS = 15
SHORTEST = 5e-3


def take_turns(contenders: Mapping[str, Work], turns: int = TURNS) -> dict[str, list[float]]:
    """Seconds a call for each contender, turn by turn."""
    repeats = {name: _repeats(work) for name, work in contenders.items()}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(turns):
        for name, work in contenders.items():
            work()  # the first call pays for the memory that the one before gave back
            begun = time.process_time()
            for _ in range(repeats[name]):
                work()
            seconds[name].append((time.process_time() - begun) / repeats[name])
    return seconds


def _repeats(work: Work) -> int:
    """Calls that together are long enough for the clock; the first ones warm up."""
    for _ in range(3):
        work()
    begun = time.process_time()
    work()
    return max(1, round(SHORTEST / max(time.process_time() - begun, 1e-7)))


def show(title: str, rivals: Sequence[str], rows: Iterable[Row]) -> None:
    """Our time, and how many times as long as each rival it is."""
    print(f"\n{title}")
    heads = "".join(f"{'/ ' + rival:>12}" for rival in rivals)
    print(f"{'':<40}{'generated':>12}{heads}")
    for name, seconds, goal in rows:
        ours = seconds["generated"]
        ratios = "".join(f"{_ratio(ours, seconds.get(rival)):>12}" for rival in rivals)
        if goal:
            rival, most = goal.split()
            kept = float(_ratio(ours, seconds.get(rival))) <= float(most)
            ratios += f"   / {rival} <= {most} {'kept' if kept else 'MISSED'}"
        print(f"{name:<40}{statistics.median(ours) * 1e6:>9.1f} us{ratios}", flush=True)


def _ratio(ours: list[float], theirs: list[float] | None) -> str:
    if theirs is None:
        return ""
    return f"{statistics.median(a / b for a, b in zip(ours, theirs, strict=True)):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("torch", "numpy", "start"))
    parser.add_argument("--compiled", action="store_true", help="PyTorch under torch.compile too")
    parser.add_argument("--size", type=int, action="append", help="elements; repeatable")
    parser.add_argument("--turns", type=int, default=TURNS)
    asked = parser.parse_args()
    sizes = tuple(asked.size or SIZES)
    if asked.only in (None, "torch"):
        from with_torch import torch_rows

        for compiled in (False, True) if asked.compiled else (False,):
            found = torch_rows(sizes, compiled, lambda work: take_turns(work, asked.turns))
            rows = ((*row, "") for row in found)
            how = "compiled" if compiled else "eager"
            show(f"PyTorch, {how}: forward and backward", ("torch.nn", "typed", "copies"), rows)
    if asked.only in (None, "numpy"):
        from with_numpy import numpy_rows

        size = max(asked.size or [MANY])
        rows = numpy_rows(size, lambda work: take_turns(work, asked.turns))
        show("NumPy: value and gradient", ("typed", "both", "float64"), rows)
    if asked.only in (None, "start"):
        show_start()


if __name__ == "__main__":
    main()
