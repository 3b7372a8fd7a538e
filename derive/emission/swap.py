"""A folder takes another one's place in one step, and what a killed run left is cleared."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


@dataclass(frozen=True)
class Siblings:
    """The names beside an output folder that a writer uses, all on its file system."""

    new: Path
    old: Path
    lock: Path

    @classmethod
    def of(cls, root: Path) -> Siblings:
        def named(role: str) -> Path:
            return root.with_name(f".{root.name}.derive-{role}")

        return cls(named("new"), named("old"), named("lock"))

    def left_behind(self) -> bool:
        """Whether a run was killed here, or is at work."""
        return any(os.path.lexists(path) for path in (self.new, self.old, self.lock))


def recover(root: Path) -> None:
    """Undo or finish what an interrupted run left; the caller holds the lock."""
    beside = Siblings.of(root)
    if os.path.lexists(beside.new):
        remove_tree(beside.new)
    if os.path.lexists(beside.old):
        if not os.path.lexists(root):
            os.rename(beside.old, root)
        else:
            remove_tree(beside.old)


def swap_in(root: Path) -> None:
    """Put the staged folder in root's place; the old tree is then under the staged name.

    Linux: one renameat2(RENAME_EXCHANGE), so at every instant root is the old tree or the new.
    Where the system or the file system cannot exchange: two renames, between which root is
    missing for an instant; a run killed there is put right by `recover` at the next start.
    """
    beside = Siblings.of(root)
    if not os.path.lexists(root):
        os.rename(beside.new, root)
    elif not exchange(beside.new, root):
        os.rename(root, beside.old)
        try:
            os.rename(beside.new, root)
        except BaseException:
            os.rename(beside.old, root)
            raise
        # Under this name a later run never takes it for the tree to restore.
        os.rename(beside.old, beside.new)
    sync_folder(root.parent)


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


def sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:  # some network file systems do not sync folders
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def remove_tree(path: Path) -> None:
    """Remove a file or a folder, folders without write permission included."""
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        os.unlink(path)
        return
    for folder, _, _ in os.walk(path):
        os.chmod(folder, 0o700)
    shutil.rmtree(path)
