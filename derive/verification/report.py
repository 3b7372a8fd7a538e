"""Rows of a verification: one for each quantity that was judged, with its verdict."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

PROVED, AGREES, REFUTED, UNKNOWN = "proved", "agrees", "refuted", "unknown"
METHOD = "rigorous ball arithmetic on the definition"


@dataclass(frozen=True)
class Row:
    """What was found about one quantity of one emitted file.

    excess: the worst error beyond kappa, in ULP of the dtype; allowed: the promise, in the same;
    error, kappa: all of the error there, and what kappa allowed of it. witness, expected, got:
    exact hexadecimal floats. skipped: nobody could look.
    """

    loss: str
    quantity: str
    target: str
    dtype: str
    sample: str
    verdict: str
    points: int = 0
    excess: float = 0.0
    allowed: float = 0.0
    error: float = 0.0
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
        """A list of {id, verdict, method, witness, detail, …}; infinities and NaN as text."""
        return json.dumps([_plain(row) for row in self.rows], indent=1, sort_keys=True)


def _plain(row: Row) -> dict[str, Any]:
    found = {"id": row.id, **asdict(row)}
    return {
        k: repr(v) if isinstance(v, float) and not math.isfinite(v) else v for k, v in found.items()
    }
