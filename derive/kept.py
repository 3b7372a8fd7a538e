"""Texts that took long to make, kept in the user's cache folder until something of them changes.

DERIVE_CACHE names another folder; DERIVE_CACHE=off keeps nothing. Every file may be deleted.
"""

from __future__ import annotations

import hashlib
import os
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
    place = folder / f"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}.txt"
    with suppress(OSError, UnicodeDecodeError):
        return place.read_text(encoding="utf-8")
    text = make()
    with suppress(OSError):  # a cache that cannot be written is none
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(place, text.encode("utf-8"))
        _thin_out(folder)
    return text


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
