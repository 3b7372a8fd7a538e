"""What follows from the losses of the catalogue, as it was derived when this package was made.

Deriving all of it takes a minute; nobody has to wait for what every copy of the package would find
again. A record counts only as long as nothing that it comes from has changed since
(`python -m tools.record` makes new ones); else everything is derived anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent
FOLDER = PACKAGE / "records"
# What a text about a loss comes from.
ROOMS = (
    "definitions",
    "calculus",
    "numerics",
    "estimation",
    "program",
    "views",
    "lines.py",
    "showing.py",
)


def recorded(name: str) -> Mapping[str, Any] | None:
    """The record of a loss of the catalogue; None where there is none that still counts."""
    with suppress(OSError, ValueError):
        record = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        if record["made_from"] == made_from():
            found: Mapping[str, Any] = record
            return found
    return None


@cache
def made_from() -> str:
    """A digest of the source that records come from."""
    whole = hashlib.sha256()
    rooms = [PACKAGE / room for room in ROOMS]
    for file in sorted(f for room in rooms for f in (room.rglob("*.py"), [room])[room.is_file()]):
        whole.update(f"{file.relative_to(PACKAGE).as_posix()}\0".encode())
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()[:16]
