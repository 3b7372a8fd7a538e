"""Run by test_writer_process.py in a process of its own: writes, and is killed while it does.

`killed.py every FOLDER exchange|renames|overlay`: kill -9 before every system call of a write.
`killed.py loop FOLDER`: alternate two generations until the parent kills it.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from derive.output import swap
from derive.output.swap import recover
from derive.output.writer import check, write

GENERATIONS = {
    letter: {
        f"{folder}/{name}.py": f"# generation {letter}: {name}\n" * 50
        for folder in ("for_numpy", "for_torch")
        for name in names
    }
    for letter, names in (
        ("A", ("huber", "barron", "cauchy")),
        ("B", ("huber", "barron", "welsch")),
    )
}
CALLS = ("mkdir", "link", "write", "fsync", "rename", "unlink", "rmdir", "open", "chmod", "close")


def state(root: Path) -> str:
    """A or B for a whole generation, '' for none at all; anything else is a mixture."""
    if not root.exists():
        return ""
    for letter, tree in GENERATIONS.items():
        if not check(tree, root):
            return letter
    raise AssertionError(f"a mixture: {check(GENERATIONS['A'], root)}")


def countdown(calls: int) -> None:
    """Kill this process before the next system call once `calls` of them have been made."""
    left = [calls]

    def counted(function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return function(*arguments, **options)

        return call

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
    swap.exchange = counted(swap.exchange)  # type: ignore[assignment]


def cannot(one: Path, other: Path) -> bool:
    raise OSError(errno.EXDEV, "Invalid cross-device link")


def every(root: Path, way: str) -> None:
    if way == "renames":
        swap.exchange = lambda one, other: False
    elif way == "overlay":
        swap.exchange = cannot
    seen: dict[str, int] = {"A": 0, "B": 0, "": 0}
    calls = 0
    while True:
        write(GENERATIONS["A"], root)
        child = os.fork()
        if child == 0:
            countdown(calls)
            write(GENERATIONS["B"], root)
            os._exit(0)
        finished = os.waitpid(child, 0)[1] == 0
        if way == "overlay":
            recover(root)
        seen[state(root)] += 1
        write(GENERATIONS["B"], root)
        assert state(root) == "B"
        beside = sorted(path.name for path in root.parent.iterdir())
        assert beside == [root.name], beside
        if finished:
            break
        calls += 1
    print(calls, seen["A"], seen["B"], seen[""])


def loop(root: Path) -> None:
    print("ready", flush=True)
    while True:
        for tree in GENERATIONS.values():
            write(tree, root)


if __name__ == "__main__":
    if sys.argv[1] == "every":
        every(Path(sys.argv[2]), sys.argv[3])
    else:
        loop(Path(sys.argv[2]))
