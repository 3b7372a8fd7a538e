"""Files and folders taken over, synced and removed: the steps that staging and swapping share."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path


def take_over(source: Path, place: Path) -> None:
    """Give an entry that is no folder a second name, or a copy where there are no hard links."""
    try:
        os.link(source, place, follow_symlinks=False)
        return
    except (OSError, NotImplementedError):  # no hard links here, or not for others' files
        mode = source.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise
    shutil.copy2(source, place, follow_symlinks=False)
    if not place.is_symlink():
        with place.open("rb") as file:
            os.fsync(file.fileno())


def duplicate(folder: Path, place: Path) -> None:
    """A second folder with the same entries; links inside are copied, not followed."""
    os.mkdir(place)
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                duplicate(folder / entry.name, place / entry.name)
            else:
                take_over(folder / entry.name, place / entry.name)
    os.chmod(place, stat.S_IMODE(folder.stat().st_mode))
    sync_folder(place)


def sync_folder(path: Path) -> None:
    """Wait until the disk has a folder's names; where folders cannot be opened it is not needed."""
    if os.name == "nt":
        return
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
