"""A judgement on somebody else's function, for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from derive.verification.callables.findings import EQUAL, Finding, Judgement, values_of
from derive.verification.shown import COLOURS, wrapped

Paint = Callable[[str, str], str]
MOST = 6


def shown(found: Judgement, width: int, paint: Paint) -> str:
    """The verdict first, then what it rests on, then how to see the worst point."""
    head = f"{found.verdict}: {found.id}"
    lines = [paint(line, COLOURS[found.verdict]) for line in wrapped(head, width, 0, 2)]
    for text in _said(found):
        lines += _wrapped(text, width, "  ")
    for one in found.findings[:MOST]:
        lines.append("")
        lines += [paint(line, COLOURS[found.verdict]) for line in _wrapped(one.what, width, "  ")]
        for text in _shown(one):
            lines += _wrapped(text, width, "    ")
    if found.script:
        lines += ["", "to see it without derive:"]
        lines += ["  " + line for line in found.script.rstrip().split("\n")]
    return "\n".join(lines) + "\n"


def _said(found: Judgement) -> Iterator[str]:
    relation = found.relation + (f" ({found.convention})" if found.relation != EQUAL else "")
    yield f"relation: {relation}".replace(" ()", "")
    if found.call:
        yield f"called as {found.call}"
    yield found.detail
    for dtype, error in found.worst_ulp.items():
        at = values_of(found.worst_at[dtype])
        else_ = "else " if found.findings else ""
        yield f"{dtype}: {else_}at most {error:.2f} ULP beyond kappa, at {at}"
    if found.special:
        yield "at " + "; ".join(f"{x}: {value}" for x, value in found.special.items())
    wrong = [f"{what}: {said}" for what, said in found.shapes.items() if said != "right"]
    if found.shapes and found.map is not None:  # else all values are of something else
        yield "shapes: " + ("; ".join(wrong) if wrong else "all right")
    for text in found.warnings:
        yield f"a warning escapes: {text}"
    yield from found.notes


def _shown(one: Finding) -> Iterator[str]:
    if one.witness:
        yield f"at {values_of(one.witness)}"
    yield f"expected {one.expected}, got {one.got}"


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return wrapped(text, width, len(indent), len(indent) + 2)
