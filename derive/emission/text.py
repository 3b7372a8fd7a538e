"""Prose in the head of a file and of a function: wrapped, and safe where it stands."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from derive.emission.syntax import Syntax
from derive.program.module import Documentation


def quoted(text: str, syntax: Syntax) -> str:
    """Any text inside a comment of the language, where it means itself."""
    for special, escaped in syntax.escapes.items():
        text = text.replace(special, escaped)
    return text


def paragraph(text: str, width: int, syntax: Syntax, hanging: str = "") -> list[str]:
    """A paragraph as lines of at most `width` columns."""
    lines = textwrap.wrap(
        text, width, initial_indent=hanging, subsequent_indent=hanging + ("  " if hanging else ""),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return [quoted(line, syntax) for line in lines]


def head(documentation: Documentation, syntax: Syntax) -> list[str]:
    """The docstring of a file: formula, domain, what it is, where it is said."""
    lines = paragraph(f"{documentation.title}.", syntax.width - 3, syntax)
    lines.append("")
    for formula in documentation.formula:
        lines += paragraph(formula, syntax.width, syntax, "    ")
    lines.append("")
    for text in _sentences(documentation):
        lines += paragraph(text, syntax.width, syntax)
    return lines


def _sentences(documentation: Documentation) -> Iterable[str]:
    opening = f"{documentation.domain} {documentation.description}".strip()
    source = [f"Source: {documentation.source}."] if documentation.source else []
    return [opening, *documentation.notes, *source]


def fitted(
    items: Sequence[str],
    start: str,
    end: str,
    indent: int = 0,
    each: bool = False,
    width: int = 100,
) -> str:
    """A list between brackets: on one line, on a line of its own, or one item a line.

    each: not on a line of its own, as formatters have it for lists that are values.
    """
    pad, inside = " " * indent, ", ".join(items)
    if len(pad + start + inside + end) <= width:
        return f"{pad}{start}{inside}{end}"
    if not each and indent + 4 + len(inside) <= width:
        return f"{pad}{start}\n{pad}    {inside}\n{pad}{end}"
    lines = "".join(f"{pad}    {item},\n" for item in items)
    return f"{pad}{start}\n{lines}{pad}{end}"
