"""The formulas as Markdown with mathematics between dollars, as GitHub and Jupyter show it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from derive.views.latex.entry import Display, Entry, Table

_COMMANDS = (
    (re.compile(r"\\par\\smallskip\\noindent"), ""), (re.compile(r"\\par\\noindent"), ""),
    (re.compile(r"\\textbf\{([^{}]*)\}"), r"**\1**"),
    (re.compile(r"\\texttt\{([^{}]*)\}"), r"`\1`"),
    (re.compile(r"\\textasciicircum\{\}"), "^"), (re.compile(r"\\textbar\{\}"), "|"),
    (re.compile(r"\\textless\{\}"), "<"), (re.compile(r"\\textgreater\{\}"), ">"),
    (re.compile(r"\\textbackslash\{\}"), r"\\\\"), (re.compile(r"\\allowbreak\{\}"), ""),
    (re.compile(r"\{\\textquoteright\}|\{'\}"), "'"), (re.compile(r"\\([_#&%{}$])"), r"\1"),
    (re.compile(r"\{([-\[\]',]+)\}"), r"\1"),
)  # fmt: skip
_ACCENT = re.compile(r"\\([`'^~=\".urHvc])\{(\\?[A-Za-z])\}")
_MARKS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306",
    ".": "\u0307", '"': "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "c": "\u0327",
}  # fmt: skip


def markdown(entries: Sequence[Entry]) -> str:
    """A section a loss."""
    return "\n".join(map(_section, entries))


def _section(e: Entry) -> str:
    parts = [f"## {prose(e.title)}"] if e.title else []
    parts += [prose(p) for p in e.paragraphs]
    parts += [_display(d) for d in e.displays]
    parts += [prose(r) for r in e.remarks]
    parts += [_table(t) for t in e.tables]
    return "\n\n".join(parts) + "\n"


def _display(d: Display) -> str:
    rows = "\n".join(re.sub(r" \\(?:notag|label\{[^{}]*\})", "", row) for row in d.rows)
    inner = re.sub(r" \\\\\*|\\\\\[1ex\]", r" \\\\", rows)
    lead = f"{prose(d.lead)}\n\n" if d.lead else ""
    return f"{lead}$$\n\\begin{{aligned}}\n{inner}\n\\end{{aligned}}\n$$"


def _table(t: Table) -> str:
    head = [prose(cell) for cell in t.head.split(" & ")]
    lines = [prose(t.lead), "", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in t.rows:
        cells = row.removesuffix(r" \\").split(" & ")
        lines.append(f"| {' | '.join(prose(cell) for cell in cells)} |")
    return "\n".join(lines)


def prose(text: str) -> str:
    """TeX prose as Markdown; what stands between dollars stays."""
    parts = text.replace(r"\$", "\0").split("$")
    for k in range(0, len(parts), 2):
        parts[k] = _plain(parts[k])
    return "$".join(parts).replace("\0", r"\$").strip()


def _plain(text: str) -> str:
    text = _ACCENT.sub(
        lambda m: unicodedata.normalize("NFC", m[2].lstrip("\\") + _MARKS[m[1]]), text
    )
    for pattern, by in _COMMANDS:
        text = pattern.sub(by, text)
    return text
