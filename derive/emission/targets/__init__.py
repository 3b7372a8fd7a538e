"""The targets, one file each, found by listing this folder."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from derive.emission.target import Target


def found() -> dict[str, Target]:
    """name -> target, one for each file in this folder."""
    files = (path for folder in __path__ for path in Path(folder).glob("*.py"))
    names = sorted(path.stem for path in files if path.stem != "__init__")
    return {name: import_module(f"{__name__}.{name}").TARGET for name in names}


TARGETS: dict[str, Target] = found()

__all__ = ["TARGETS", "Target", "found"]
