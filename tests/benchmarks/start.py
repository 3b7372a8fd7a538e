"""How soon things answer: the command line, and an import of a generated file."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

IMPORT = "import {library}, time; t = time.perf_counter(); import generated.for_{library}.{loss}"
PRINT = "; print(time.perf_counter() - t)"


def command_seconds(argument: str) -> float:
    """Wall time of `derive ARGUMENT`, the interpreter's start included."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "derive", argument]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def import_seconds(library: str, loss: str) -> float:
    """What the import of a generated file adds to the import of its library."""
    code = IMPORT.format(library=library, loss=loss) + PRINT
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout)


def show_start(runs: int = 5) -> None:
    print(f"\n{'Start':<44}{'best':>10}{'median':>10}{'promised':>10}")
    for argument, promised in {"--help": "0.4 s", "list": "1.0 s"}.items():
        times = [command_seconds(argument) for _ in range(runs)]
        _line(f"derive {argument}", times, promised)
    for library in ("numpy", "torch"):
        for loss in ("huber", "barron"):
            times = [import_seconds(library, loss) for _ in range(runs)]
            _line(f"import generated.for_{library}.{loss}", times)


def _line(name: str, times: list[float], promised: str = "") -> None:
    best, median = min(times), statistics.median(times)
    print(f"{name:<44}{best:>8.3f} s{median:>8.3f} s{promised:>10}")


if __name__ == "__main__":
    show_start()
