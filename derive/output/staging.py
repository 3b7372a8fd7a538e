"""The new tree is built beside the old one, complete, before it takes its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from derive.output.copying import sync_folder, take_over
from derive.output.plan import Plan
from derive.output.survey import Found

# Elsewhere a file is opened as bytes in any case.
_AS_BYTES: int = getattr(os, "O_BINARY", 0)


def stage(plan: Plan, found: Found, new: Path, check: Callable[[], None]) -> None:
    """Build the planned tree at `new`, on the disk and not only in its cache.

    What stays is linked, not copied: it keeps its owner, times and identity.
    check: called between files; raises to stop.
    """
    folders = ["", *plan.folders]
    for folder in folders:  # sorted: a folder comes before those inside it
        os.mkdir(new / folder)
    for path in plan.kept:
        check()
        take_over(found.root / path, new / path)
    for path, content in plan.written.items():
        check()
        write_synced(new / path, content)
    for folder in reversed(folders):
        if folder in found.folders:
            os.chmod(new / folder, found.folders[folder])
        sync_folder(new / folder)
    check()


def write_synced(path: Path, content: bytes) -> None:
    """Write a new file and wait until the disk has it."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _AS_BYTES, 0o666)
    try:
        waiting = memoryview(content)
        while waiting:
            waiting = waiting[os.write(handle, waiting) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: Path, content: bytes) -> None:
    """Write one file in one step: a reader, or a kill, meets the old content or the new."""
    new = path.with_name(f".{path.name}.derive-new")
    new.unlink(missing_ok=True)
    try:
        write_synced(new, content)
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextmanager
def made_parents(folder: Path) -> Iterator[None]:
    """Make a folder and those it lies in; take away again what was made if the block fails."""
    missing = []
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = folder.parent
    made = []
    try:
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
            made.append(path)
        yield
    except BaseException:
        for path in reversed(made):
            try:
                path.rmdir()
            except OSError:  # somebody else uses it by now
                break
        raise
