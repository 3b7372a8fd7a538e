"""One writer at a time for an output folder."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from derive.errors import EnvironmentTrouble

PATIENCE = 10.0
_PAUSE = 0.02


@contextmanager
def locked(
    path: Path, what: Path, check: Callable[[], None], patience: float = PATIENCE
) -> Iterator[None]:
    """Hold the lock file `path` while working on the folder `what`.

    Waits up to `patience` seconds, then raises EnvironmentTrouble. The system drops the lock when
    its holder dies, so a lock file that a killed run left behind stops nobody.
    """
    lock = FileLock(path, timeout=0)
    deadline = time.monotonic() + patience
    while not _acquired(lock):
        check()
        if time.monotonic() >= deadline:
            raise EnvironmentTrouble(
                f"{what}: locked, another derive is writing there; run again when it has finished"
            )
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        # Removed while still held: whoever waits for the old file notices and starts over.
        # (Windows keeps an open file; there the lock removes it itself.)
        with suppress(OSError):
            os.unlink(path)
        lock.release()


def _acquired(lock: FileLock) -> bool:
    try:
        lock.acquire()
    except Timeout:
        return False
    return True
