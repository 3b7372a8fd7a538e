"""One writer at a time for an output folder."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from derive.errors import EnvironmentTrouble

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

PATIENCE = 10.0
_PAUSE = 0.02


@contextmanager
def locked(
    path: Path, what: Path, check: Callable[[], None], patience: float = PATIENCE
) -> Iterator[None]:
    """Hold the lock file `path` while working on the folder `what`.

    Waits up to `patience` seconds, then raises EnvironmentTrouble. The kernel drops the lock when
    its holder dies, so a lock file that a killed run left behind stops nobody.
    """
    if fcntl is None:
        raise EnvironmentTrouble(
            f"{what}: writing needs POSIX file locks; run derive on Linux, macOS or WSL"
        )
    deadline = time.monotonic() + patience
    while (handle := _acquire(path)) is None:
        check()
        if time.monotonic() >= deadline:
            raise EnvironmentTrouble(
                f"{what}: locked, another derive is writing there; run again when it has finished"
            )
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        # Removed while still held: whoever opened the old file notices below, and starts over.
        try:
            os.unlink(path)
        finally:
            os.close(handle)


def _acquire(path: Path) -> int | None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), os.stat(path, follow_symlinks=False)):
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None
