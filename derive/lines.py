"""Lines of formulas and of words, broken where a reader would break them."""

from __future__ import annotations


def narrowed(text: str, width: int) -> str:
    """Lines longer than `width` broken, what follows indented; nothing is cut off. What was broken
    for another width (its rest stands further right) is put together again first."""
    whole: list[str] = []
    for line in text.split("\n"):
        if whole and line.strip() and _indent(line) > _indent(whole[-1]) and _indent(line) >= HANGS:
            whole[-1] += f" {line.strip()}"
        else:
            whole.append(line)
    return "\n".join(part for line in whole for part in broken(line, width))


def broken(line: str, width: int) -> list[str]:
    """A line in pieces of at most `width`, broken at the spaces that lie least deep in brackets:
    after a case, before a sign; what follows is indented. A longer word stays whole."""
    first, lines = _indent(line), []
    indent = " " * first
    rest, room = line.strip(), max(width, 20)
    while len(indent) + len(rest) > room:
        place = _place(rest, room - len(indent))
        if place is None:
            break
        lines.append(indent + rest[:place])
        rest, indent = rest[place + 1 :], " " * (first + HANGS - 2)
    return [*lines, indent + rest] if rest else [*lines, ""]


# How far what was broken is indented at the least; how much of a line is filled before a break.
HANGS, FILLED = 6, 0.55


def _place(text: str, room: int) -> int | None:
    """The best space to break at: shallow in brackets, after a comma, before a sign, far right."""
    depth, best, place = 0, (99, 99, 0), None
    last = None
    for k, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if letter != " ":
            continue
        if k > room:
            last = last if last is not None else k
            break
        last = k
        if k < FILLED * room:
            continue
        before, after = text[k - 1], text[k + 1 : k + 3]
        kind = 0 if before == "," else 1 if after in ("+ ", "- ", "if", "ot", "as") else 2
        if before in "+-<>=" or text[:k].endswith(" if"):
            kind = 3
        if (found := (depth, kind, -k)) <= best:
            best, place = found, k
    return place if place is not None else last


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
