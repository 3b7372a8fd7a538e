"""python -m tools.exhaustive LOSS --file … --folder …: every float32 residual."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from derive.definitions.find import find
from derive.errors import BadInput, DeriveError
from tools.exhaustive.runs import Summary, run
from tools.exhaustive.task import SHARDS, Task, chosen


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.exhaustive",
        description="Check an emitted float32 function at every float32 residual.",
    )
    parser.add_argument("loss", help="a name of the catalogue, or a loss file")
    parser.add_argument("--file", type=Path, required=True, help="the emitted file")
    parser.add_argument("--quantity", default="loss")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--target", choices=("numpy", "torch"), default="numpy")
    parser.add_argument("--device", default="cpu", help="of the tensors, such as cuda")
    parser.add_argument("--folder", type=Path, required=True, help="where results are kept")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--shards", default=f"0:{SHARDS}", help=f"FROM:TO of {SHARDS}")
    return parser.parse_args(arguments)


def _range(text: str) -> range:
    try:
        first, last = (int(part) for part in text.split(":"))
    except ValueError:
        raise BadInput(f"--shards {text}: FROM:TO is wanted, such as 0:16") from None
    return range(first, last)


def main(arguments: Sequence[str] | None = None) -> int:
    given = _arguments(arguments)

    def tell(done: int, total: int, worst: float) -> None:
        if sys.stderr.isatty():
            print(f"\r{done}/{total} shards, worst {worst:.4f} ULP", end="", file=sys.stderr)

    try:
        if not given.file.is_file():
            raise BadInput(f"{given.file}: no such file; derive regenerate makes it")
        values = chosen(find(given.loss), given.set)
        task = Task(given.loss, given.file, given.quantity, values, given.target, given.device)
        found = run(task, given.folder, _range(given.shards), given.jobs, tell)
    except DeriveError as trouble:
        print(f"\n{trouble}", file=sys.stderr)
        return trouble.exit_code
    return _said(found)


def _said(found: Summary) -> int:
    print(f"\n{found.inputs} inputs, {found.misrounded} not correctly rounded", end="")
    print(f", {found.undecided} too near to a tie to tell" if found.undecided else "")
    print(f"worst {found.worst:.4f} ULP at x = {found.x}: expected {found.expected}, ", end="")
    print(f"got {found.got}")
    print(f"beyond kappa {found.excess:.4f} at x = {found.excess_x}; allowed {found.allowed:g}")
    how = "proved" if found.rigorous else "read off as a limit"
    print(f"reference {how}, within {found.bound:.1e} ULP")
    return 0 if found.holds else 1


if __name__ == "__main__":
    sys.exit(main())
