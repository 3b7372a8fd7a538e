"""A folder takes another one's place in one step, and what a killed run left is cleared."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from derive.output.copying import duplicate, remove_tree, sync_folder

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


@dataclass(frozen=True)
class Siblings:
    """The names beside an output folder that a writer uses, all on its file system.

    new: the staged tree, or the previous one on its way out. old: the previous tree between two
    renames. undo: a complete copy of the previous tree while that is taken apart.
    """

    new: Path
    old: Path
    undo: Path
    lock: Path

    @classmethod
    def of(cls, root: Path) -> Siblings:
        def named(role: str) -> Path:
            return root.with_name(f".{root.name}.derive-{role}")

        return cls(named("new"), named("old"), named("undo"), named("lock"))

    def left_behind(self) -> bool:
        """Whether a run was killed here, or is at work."""
        return any(os.path.lexists(path) for path in (self.new, self.old, self.undo, self.lock))


def recover(root: Path) -> None:
    """Undo or finish what an interrupted run left; the caller holds the lock."""
    beside = Siblings.of(root)
    if os.path.lexists(beside.undo):
        if os.path.lexists(beside.new):  # the staged tree had not yet taken root's place
            if os.path.lexists(root):
                remove_tree(root)
            os.rename(beside.undo, root)
        else:
            remove_tree(beside.undo)
    if os.path.lexists(beside.old):
        if not os.path.lexists(root):
            os.rename(beside.old, root)
        else:
            remove_tree(beside.old)
    if os.path.lexists(beside.new):
        remove_tree(beside.new)


def swap_in(root: Path) -> None:
    """Put the staged folder in root's place; what remains of the old tree has the staged name.

    Linux: one renameat2(RENAME_EXCHANGE), so at every instant root is the old tree or the new.
    Where the system or the file system cannot exchange: two renames, between which root is
    missing for an instant. Where a folder cannot even be renamed (it comes from an image below a
    container's overlay): the old tree is duplicated, taken apart, and the new one renamed, once;
    from then on it can be exchanged. A run killed in either is undone or finished by `recover`
    at the start of the next.
    """
    beside = Siblings.of(root)
    try:
        if not os.path.lexists(root):
            os.rename(beside.new, root)
        elif not exchange(beside.new, root):
            _rename_twice(root, beside)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _take_apart(root, beside)
    sync_folder(root.parent)


def _rename_twice(root: Path, beside: Siblings) -> None:
    os.rename(root, beside.old)
    try:
        os.rename(beside.new, root)
    except BaseException:
        os.rename(beside.old, root)
        raise
    # Under this name a later run never takes it for the tree to restore.
    os.rename(beside.old, beside.new)


def _take_apart(root: Path, beside: Siblings) -> None:
    try:
        duplicate(root, beside.old)  # a copy not yet complete: `recover` drops it
        os.rename(beside.old, beside.undo)
        remove_tree(root)
        os.rename(beside.new, root)
    except BaseException:
        recover(root)
        raise
    remove_tree(beside.undo)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two names atomically; False where that does not exist."""
    if not sys.platform.startswith("linux"):
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    done = renameat2(
        ctypes.c_int(_AT_FDCWD),
        ctypes.c_char_p(os.fsencode(one)),
        ctypes.c_int(_AT_FDCWD),
        ctypes.c_char_p(os.fsencode(other)),
        ctypes.c_uint(_RENAME_EXCHANGE),
    )
    if done == 0:
        return True
    code = ctypes.get_errno()
    if code in _CANNOT:
        return False
    raise OSError(code, os.strerror(code), str(other))
