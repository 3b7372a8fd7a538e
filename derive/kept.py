"""Texts that took long to make, kept in the user's cache folder until something of them changes.

Each begins with its own checksum, and is text: nothing that lies in the folder is ever run. What
does not fit its checksum is made again, and a folder that everybody can write to is not used.
DERIVE_CACHE names another folder; DERIVE_CACHE=off keeps nothing. Every file may be deleted.
"""

from __future__ import annotations

import hashlib
import os
import platform
import stat
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from derive.output.staging import replace_file

MOST = 200


def kept(parts: Sequence[str], make: Callable[[], str]) -> str:
    """The text of last time where all parts are the same; else it is made, and kept."""
    folder = _folder()
    if folder is None:
        return make()
    trouble = _distrusted(folder)
    if trouble:
        _warn(f"{folder}: {trouble}; it is not used (DERIVE_CACHE names another folder)")
        return make()
    key = chr(0).join([*parts, platform.python_version()])
    place = folder / f"{_digest(key)[:32]}.txt"
    text = _found(place)
    if text is not None:
        return text
    text = make()
    with suppress(OSError):  # a cache that cannot be written is none
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(place, f"{_digest(text)}\n{text}".encode())
        _thin_out(folder)
    return text


def _found(place: Path) -> str | None:
    """The text in a file, if it is what was put there."""
    try:
        checksum, _, text = place.read_bytes().decode("utf-8").partition("\n")
    except OSError:
        return None
    except UnicodeDecodeError:
        checksum, text = "", ""
    if checksum != _digest(text):
        _warn(f"{place}: damaged; what it held is made again")
        return None
    return text


def _distrusted(folder: Path) -> str:
    """Why what lies in a folder may be somebody else's; empty if it is ours alone."""
    try:
        found = folder.stat()
    except OSError:
        return ""  # not there yet
    if not hasattr(os, "getuid"):  # Windows
        return ""
    if found.st_uid != os.getuid():
        return "the cache folder belongs to another user"
    if found.st_mode & stat.S_IWOTH:
        return "everybody can write to the cache folder"
    return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _warn(text: str) -> None:
    with suppress(OSError, ValueError, AttributeError):  # nobody listens
        print(f"derive: {text}", file=sys.stderr)


def _folder() -> Path | None:
    said = os.environ.get("DERIVE_CACHE", "")
    if said == "off":
        return None
    if said:
        return Path(said)
    with suppress(RuntimeError):  # no home
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(base) / "derive-losses"
    return None


def _thin_out(folder: Path) -> None:
    files = sorted(folder.glob("*.txt"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[MOST:]:
        file.unlink(missing_ok=True)
