"""What an output folder holds before anything is written to it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from derive.errors import EnvironmentTrouble


@dataclass(frozen=True)
class Found:
    """The paths below an output folder, POSIX and relative; `__pycache__` does not count.

    others: links, pipes and the like, never followed or opened. folders: path -> mode, with ""
    for the output folder itself (absent if there is none). empty: folders that hold nothing.
    """

    root: Path
    files: frozenset[str]
    others: frozenset[str]
    folders: dict[str, int]
    empty: frozenset[str]

    def content(self, path: str) -> bytes | None:
        """The bytes of a regular file; None if there is none."""
        return (self.root / path).read_bytes() if path in self.files else None

    @property
    def entries(self) -> frozenset[str]:
        return self.files | self.others


def survey(root: Path) -> Found:
    """Look through a folder (or none) without following any link."""
    files: set[str] = set()
    others: set[str] = set()
    folders: dict[str, int] = {}
    empty: set[str] = set()
    waiting = [""] if root.exists() else []
    device = root.stat().st_dev if waiting else 0
    while waiting:
        folder = waiting.pop()
        status = (root / folder).lstat() if folder else root.stat()
        if status.st_dev != device:
            raise EnvironmentTrouble(
                f"{root / folder}: is a mount point inside the output folder; unmount it, "
                "or choose another folder with --out"
            )
        folders[folder] = stat.S_IMODE(status.st_mode)
        with os.scandir(root / folder) as entries:
            content = list(entries)
        for entry in content:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    waiting.append(path)
            elif entry.is_file(follow_symlinks=False):
                files.add(path)
            else:
                others.add(path)
        if folder and not content:
            empty.add(folder)
    return Found(root, frozenset(files), frozenset(others), folders, frozenset(empty))


def parents(path: str) -> tuple[str, ...]:
    """The folders a relative path lies in, nearest first, without the root."""
    return tuple(str(parent) for parent in PurePosixPath(path).parents)[:-1]
