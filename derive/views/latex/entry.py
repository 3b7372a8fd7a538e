"""The parts of which an entry consists; their fields are the variables of the templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Display:
    """A lead-in and the rows of one displayed formula, row ends included."""

    lead: str
    environment: str
    columns: str
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A lead-in, the columns' alignment, their heads, and the rows, row ends included."""

    lead: str
    columns: str
    head: str
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One loss as a reader sees it: words, formulas, remarks, tables, in this order."""

    name: str
    title: str
    paragraphs: tuple[str, ...]
    displays: tuple[Display, ...]
    remarks: tuple[str, ...]
    tables: tuple[Table, ...]


def aligned(
    lead: str, rows: Sequence[str], environment: str = "align*", columns: str = ""
) -> Display:
    """A display of rows; all but the last end in a line break."""
    closed = (*(row + r" \\" for row in rows[:-1]), rows[-1])
    return Display(lead, environment, columns, closed)


def restored(record: Mapping[str, Any]) -> Entry:
    """An entry from its JSON."""
    return Entry(
        record["name"], record["title"], tuple(record["paragraphs"]),
        tuple(Display(d["lead"], d["environment"], d["columns"], tuple(d["rows"]))
              for d in record["displays"]),
        tuple(record["remarks"]),
        tuple(Table(t["lead"], t["columns"], t["head"], tuple(t["rows"]))
              for t in record["tables"]),
    )  # fmt: skip
