"""The targets, one file each, found by listing this folder."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from derive.emission.target import Target


def _found() -> dict[str, Target]:
    names = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem != "__init__")
    return {name: import_module(f"{__name__}.{name}").TARGET for name in names}


TARGETS: dict[str, Target] = _found()

__all__ = ["TARGETS", "Target"]
