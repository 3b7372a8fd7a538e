"""Tables in plain text: no colours, no borders, nothing cut off."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

_GAP = "  "


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]], width: int = 80) -> str:
    """Columns as wide as their content; the widest are wrapped at spaces to fit `width`.

    A single word (a path, a number) is never broken: then a line is longer instead.
    """
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    least = [
        max(len(word) for cell in column for word in [*cell.split(), ""])
        for column in zip(*cells, strict=True)
    ]
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    while excess > 0:
        room = [wide - narrow for wide, narrow in zip(widths, least, strict=True)]
        if not any(room):
            break
        widest = max((i for i, spare in enumerate(room) if spare), key=lambda i: widths[i])
        widths[widest] -= 1
        excess -= 1
    return "".join(_line(row, widths) for row in cells)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    columns = [_wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
    height = max(len(column) for column in columns)
    lines = []
    for number in range(height):
        parts = [column[number] if number < len(column) else "" for column in columns]
        padded = [part.ljust(width) for part, width in zip(parts, widths, strict=True)]
        lines.append(_GAP.join(padded).rstrip() + "\n")
    return "".join(lines)


def _wrapped(cell: str, width: int) -> list[str]:
    if len(cell) <= width:
        return [cell]
    return textwrap.wrap(cell, width, break_long_words=False, break_on_hyphens=False) or [""]
