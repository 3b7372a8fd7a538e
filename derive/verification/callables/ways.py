"""Ways to call what cannot be guessed: ways.toml, as calls."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from derive.verification.callables.call import Call


def known_ways(told: Mapping[str, Any], given: Sequence[str]) -> Iterator[Call]:
    """Ways that a page of ours tells for functions whose arguments cannot be guessed."""
    for way in _ways():
        match = re.fullmatch(way["subject"], told["subject"])
        if match is None:
            continue
        text = match.expand(way["call"]).replace("{parameters}", ", ".join(given))
        letters = tuple(n for n in (way.get("letters") or given) if re.search(rf"\b{n}\b", text))
        for choice in told.get("words", ()) if "{word}" in text else ("",):
            yield Call(
                way.get("library", "arrays"), (), expression=text.replace("{word}", choice),
                letters=letters, each=bool(way.get("each", False)),
            )  # fmt: skip


@cache
def _ways() -> list[dict[str, Any]]:
    page = Path(__file__).with_name("ways.toml")
    return list(tomllib.loads(page.read_text(encoding="utf-8"))["way"])
