"""A report for people: a line a quantity, grouped by loss; what is refuted in full below.

Columns that do not fit the width are left out, the least important first; nothing is cut off.
"""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from derive.verification.report import AGREES, PROVED, REFUTED, UNKNOWN, Report, Row

COLOURS = {PROVED: "", AGREES: "", REFUTED: "red", UNKNOWN: "yellow"}
NARROW = ("float16", "bfloat16")
MOST = 4  # witnesses that are shown of one quantity

Paint = Callable[[str, str], str]


def plain(text: str, _colour: str) -> str:
    """Text without colours."""
    return text


def wrapped(text: str, width: int, first: int = 0, then: int = 0) -> list[str]:
    """Lines of at most this width, but for words that are longer; nothing is cut off."""
    return textwrap.wrap(
        text, max(width, 30), initial_indent=" " * first, subsequent_indent=" " * then,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def shown(report: Report, width: int = 80, paint: Paint = plain) -> str:
    """The report as text; paint(text, colour) gives a line its colour."""
    lines: list[str] = []
    for name, group in groupby(report.rows, key=lambda row: row.loss):
        rows = list(group)
        if name != "*":
            lines += [name, *_of_loss(rows, width, paint), ""]
    for row in report.rows:
        if row.loss == "*":
            lines.append(paint(f"{row.target}: {row.detail}", COLOURS[UNKNOWN]))
    lines += _ending(report, width)
    return "\n".join(lines) + "\n"


def _of_loss(rows: Sequence[Row], width: int, paint: Paint) -> Iterator[str]:
    cells = []
    for quantity in dict.fromkeys(row.quantity for row in rows):
        of_it = [row for row in rows if row.quantity == quantity]
        worst = max(of_it, key=_rank)
        verdict = "skipped" if worst.skipped else worst.verdict
        figure = f"{_number(worst.excess)} of {worst.allowed:g} ULP" if worst.allowed else ""
        where = " ".join(part for part in (worst.target, worst.dtype) if part)
        points = sum(row.points for row in of_it)
        count = f"{points:,} points" if points else ""
        said = worst.detail if not worst.points and verdict != REFUTED else worst.sample
        cells.append((verdict, (quantity, verdict, figure, where, said, count)))
    yield from _columns(cells, width, paint)
    for row in _to_tell(rows):
        yield from _told(row, width, paint)


def _columns(
    cells: Sequence[tuple[str, tuple[str, ...]]], width: int, paint: Paint
) -> Iterator[str]:
    widths = [max(len(line[k]) for _, line in cells) for k in range(len(cells[0][1]))]
    shown_columns, used = [], 0
    for k in (0, 1, 2, 3, 5, 4):
        if used + 2 + widths[k] <= width or k < 2:
            shown_columns.append(k)
            used += 2 + widths[k]
    for verdict, line in cells:
        text = "".join("  " + line[k].ljust(widths[k]) for k in sorted(shown_columns))
        yield paint(text.rstrip(), COLOURS.get(verdict, COLOURS[UNKNOWN]))


def _rank(row: Row) -> tuple[int, float]:
    rank = {PROVED: 0, AGREES: 1, UNKNOWN: 2, REFUTED: 3}[row.verdict]
    share = row.excess / row.allowed if row.allowed else 0.0
    # the narrow types are rounded once: always 0.5 of 0.51
    return rank - 2 * row.skipped, share - (row.dtype in NARROW)


def _to_tell(rows: Iterable[Row]) -> Iterator[Row]:
    """Refuted and undecided rows, a few of each quantity, the worst first."""
    bad = [row for row in rows if row.verdict in (REFUTED, UNKNOWN) and not row.skipped]
    told: Counter[str] = Counter()
    for row in sorted(bad, key=_rank, reverse=True):
        told[row.quantity] += 1
        if told[row.quantity] <= MOST:
            yield row


def _told(row: Row, width: int, paint: Paint) -> Iterator[str]:
    place = ", ".join(part for part in (row.quantity, row.target, row.dtype, row.sample) if part)
    for line in wrapped(f"{row.verdict}: {place}", width, 2, 4):
        yield paint(line, COLOURS[row.verdict])
    for text in _details(row):
        yield from wrapped(text, width, 4, 6)


def _details(row: Row) -> Iterator[str]:
    if row.witness and row.verdict == REFUTED:
        inputs = ", ".join(f"{name} = {decimal(text)}" for name, text in row.witness.items())
        yield f"at {inputs}"
        yield f"expected {decimal(row.expected)}, got {decimal(row.got)}"
    if row.allowed and row.verdict == REFUTED:
        beyond = f" + {_number(row.kappa)} for kappa" if row.kappa else ""
        yield f"off by {_number(row.error)} ULP, allowed {row.allowed:g}{beyond}"
    if row.detail:
        yield row.detail


def _ending(report: Report, width: int) -> Iterator[str]:
    counts = Counter("skipped" if row.skipped else row.verdict for row in report.rows)
    said = ", ".join(f"{verdict} {count:,}" for verdict, count in counts.most_common())
    yield from textwrap.wrap(f"{len(report.rows):,} checks: {said}", width)
    losses = list(dict.fromkeys(row.loss for row in report.refuted))
    if losses:
        names = " ".join(losses[:3]) + (" …" if len(losses) > 3 else "")
        yield from textwrap.wrap(
            f"next: derive regenerate {names}, and verify again; what is refuted then loses digits "
            "at the inputs above. --json has every row.",
            width,
        )


def _number(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    return f"{value:.1f}" if value < 1e4 else f"{value:.1e}"


def decimal(text: str) -> str:
    """An exact hexadecimal float as the shortest decimal that gives it back."""
    return repr(float.fromhex(text) if "x" in text else float(text)) if text else "nothing"
