"""Writes requirements-dev.lock: every package that the tests need, at the version installed here.

Run in an environment made by `pip install -e ".[test]"`: python -m tools.lock
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = Path(__file__).resolve().parents[1] / "requirements-dev.lock"
HEAD = "# Written by `python -m tools.lock`: what the tests were run with.\n"


def locked(distribution: str = "derive-losses", extra: str = "test") -> dict[str, str]:
    """name -> version of what a distribution with an extra needs, itself left out."""
    found: dict[str, str] = {}
    waiting = [(distribution, frozenset([extra]))]
    seen = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found[name] = metadata.version(name).partition("+")[0]
        for text in metadata.requires(name) or ():
            needed = Requirement(text)
            markers = [{"extra": e} for e in extras] or [{"extra": ""}]
            if needed.marker is None or any(needed.marker.evaluate(m) for m in markers):
                waiting.append((canonicalize_name(needed.name), frozenset(needed.extras)))
    found.pop(distribution)
    return dict(sorted(found.items()))


if __name__ == "__main__":
    lines = [f"{name}=={version}\n" for name, version in locked().items()]
    LOCK.write_text(HEAD + "".join(lines), encoding="utf-8")
