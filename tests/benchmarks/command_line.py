"""How soon the command line answers: best and median of several starts.

Run: python tests/benchmarks/command_line.py [RUNS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

WITHIN = {"--help": 0.4, "list": 1.0}


def seconds(argument: str) -> float:
    begun = time.perf_counter()
    command = [sys.executable, "-m", "derive", argument]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print(f"{'command':<14}{'best s':>8}{'median s':>10}{'promised':>10}")
    for argument, promised in WITHIN.items():
        times = [seconds(argument) for _ in range(runs)]
        line = f"{min(times):>8.3f}{statistics.median(times):>10.3f}{promised:>10.1f}"
        print(f"{'derive ' + argument:<14}{line}")


if __name__ == "__main__":
    main()
