"""What lies on the disk against what derive writes, as a diff for people."""

from __future__ import annotations

import difflib
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """How an output folder differs from the tree that belongs there; false if it does not."""

    missing: tuple[str, ...]
    extra: tuple[str, ...]
    changed: tuple[str, ...]
    diff_text: str

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.changed)


def unified(path: str, on_disk: bytes, derived: bytes) -> str:
    """A unified diff from the file on the disk to the derived text; control characters shown."""
    lines = difflib.unified_diff(
        _lines(on_disk), _lines(derived), f"{path} (on disk)", f"{path} (derived)", lineterm=""
    )
    return "".join(f"{line}\n" for line in lines)


def _lines(content: bytes) -> list[str]:
    text = content.decode("utf-8", "backslashreplace")
    lines = [visible(line) for line in text.split("\n")]
    if lines[-1]:
        lines[-1] += "\\ (no newline at the end)"
    else:
        lines.pop()
    return lines


def visible(text: str) -> str:
    """The text with everything that could steer a terminal written out."""
    return "".join(c if c == "\t" or c.isprintable() else ascii(c)[1:-1] for c in text)
