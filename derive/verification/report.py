"""Rows of a verification: one for each quantity that was judged, with its verdict."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rich.table import Table

PROVED, AGREES, REFUTED, UNKNOWN = "proved", "agrees", "refuted", "unknown"
METHOD = "rigorous ball arithmetic on the definition"


@dataclass(frozen=True)
class Row:
    """What was found about one quantity of one emitted file.

    worst: largest error in ULP of the dtype; excess: after the allowance for kappa; allowed: the
    promise. witness, expected, got: exact hexadecimal floats. skipped: nobody could look.
    """

    loss: str
    quantity: str
    target: str
    dtype: str
    sample: str
    verdict: str
    points: int = 0
    worst: float = 0.0
    excess: float = 0.0
    allowed: float = 0.0
    kappa: float = 0.0
    witness: Mapping[str, str] = field(default_factory=dict)
    expected: str = ""
    got: str = ""
    detail: str = ""
    skipped: bool = False
    method: str = METHOD

    @property
    def id(self) -> str:
        parts = (self.loss, self.quantity, self.target, self.dtype, self.sample)
        return "/".join(part for part in parts if part)

    def but(self, **changes: Any) -> Row:
        return replace(self, **changes)


@dataclass(frozen=True)
class Report:
    """All rows of a verification. It holds if every row agrees or is proved."""

    rows: tuple[Row, ...]

    @property
    def refuted(self) -> tuple[Row, ...]:
        return tuple(r for r in self.rows if r.verdict == REFUTED)

    @property
    def unknown(self) -> tuple[Row, ...]:
        return tuple(r for r in self.rows if r.verdict == UNKNOWN and not r.skipped)

    @property
    def skipped(self) -> tuple[Row, ...]:
        return tuple(r for r in self.rows if r.skipped)

    @property
    def holds(self) -> bool:
        """Nothing refuted and nothing unknown; what was skipped is said, and not counted."""
        return bool(self.rows) and not self.refuted and not self.unknown

    @property
    def exit_code(self) -> int:
        return 1 if self.refuted else 0 if self.holds else 3

    def to_json(self) -> str:
        """A list of {id, verdict, method, witness, detail, …}; infinities as text."""
        return json.dumps([_plain(row) for row in self.rows], indent=1, sort_keys=True)

    def table(self, every_row: bool = False) -> Table:
        """For people: the worst row of each loss, quantity group and target, or every row."""
        table = Table(title="Verification", title_justify="left")
        table.add_column("loss / quantity", no_wrap=True)
        for name in ("target", "dtype", "sample"):
            table.add_column(name)
        for name in ("points", "worst ULP", "allowed"):
            table.add_column(name, justify="right")
        table.add_column("verdict")
        table.add_column("where, why", overflow="fold")
        for row in self.rows if every_row else summary(self.rows):
            style = {REFUTED: "red", UNKNOWN: "yellow"}.get(row.verdict, "")
            shown = f"{row.worst:.2f}" if row.points else ""
            table.add_row(
                *(f"{row.loss}.{row.quantity}", row.target, row.dtype, row.sample),
                *(str(row.points or ""), shown, f"{row.allowed:g}" if row.allowed else ""),
                *(row.verdict, where(row) if row.verdict in (REFUTED, UNKNOWN) else row.detail),
                style=style,
            )
        return table


def summary(rows: Iterable[Row]) -> list[Row]:
    """Of each loss, target and dtype the row nearest to (or beyond) its promise; all failures."""
    chosen: dict[tuple[str, str, str], Row] = {}
    failures = []
    for row in rows:
        if row.verdict in (REFUTED, UNKNOWN):
            failures.append(row)
            continue
        key = row.loss, row.target, row.dtype
        if key not in chosen or _share(row) > _share(chosen[key]):
            chosen[key] = row
    return [*chosen.values(), *failures]


def _share(row: Row) -> float:
    return row.excess / row.allowed if row.allowed else 0.0


def where(row: Row) -> str:
    """The witness in one line."""
    if not row.witness or row.verdict == UNKNOWN:
        return row.detail
    inputs = ", ".join(f"{name} = {_decimal(text)}" for name, text in row.witness.items())
    found = f"at {inputs}: expected {_decimal(row.expected)}, got {_decimal(row.got)}"
    return f"{found}; {row.detail}" if row.detail else found


def _decimal(text: str) -> str:
    return repr(float.fromhex(text) if "x" in text else float(text))


def _plain(row: Row) -> dict[str, Any]:
    found = {"id": row.id, **asdict(row)}
    return {
        k: repr(v) if isinstance(v, float) and not math.isfinite(v) else v for k, v in found.items()
    }
