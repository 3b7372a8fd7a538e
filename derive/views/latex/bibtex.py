"""The sources of losses as BibTeX: what a source says is kept whole; author, year and arXiv number
are read off it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from derive.definitions.loss import Loss
from derive.views.latex import escape

_YEAR = re.compile(r"\b(1[89]\d\d|20\d\d)\b")
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})", re.IGNORECASE)


def bibliography(losses: Sequence[Loss]) -> str:
    """An entry a loss that has a source, in their order."""
    return "\n".join(_entry(loss) for loss in losses if loss.source.strip())


def _entry(loss: Loss) -> str:
    source = " ".join(loss.source.split()).rstrip(".")
    fields = {"author": _authors(source), "title": escape.text(loss.title)}
    year, arxiv = _YEAR.search(source), _ARXIV.search(source)
    if year:
        fields["year"] = year[0]
    if arxiv:
        fields |= {"eprint": arxiv[1], "archiveprefix": "arXiv"}
    fields["note"] = escape.text(source)
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{loss.name},", *lines, "}", ""])


def _authors(source: str) -> str:
    """What stands before the first comma or year that no name goes on behind."""
    names = re.split(r",|\bet al\.?", source)[0].strip()
    parts = re.split(r",\s*|\s+and\s+", source)
    found = [names] if " and " not in names else names.split(" and ")
    for part in parts[len(found) :]:
        if not re.fullmatch(r"[A-Z][\w'-]+", part) or _YEAR.search(part) or part.isupper():
            break
        if " and " in source.split(part)[0] or f"{part} and " in source or f"and {part}" in source:
            found.append(part)
    told = [escape.text(name) for name in found if name and not _YEAR.search(name)]
    return " and ".join([*told, *(["others"] if " et al" in source else [])])
