"""The figure beside a function: the worst error that was measured, and over how many points."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derive.definitions.loss import Loss
from derive.numerics.forms import MeasuredError, StableForm

RECORD = Path(__file__).resolve().parent / "verification" / "accuracy.json"
Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Figures:
    """Recorded figures of a catalogue's loss, ours and the plain formula's; of a new one, those
    that chose its form."""

    stable: StableForm
    ours: tuple[Entry, ...]
    plain: tuple[Entry, ...]

    @staticmethod
    def of(stable: StableForm) -> Figures:
        stored = _stored()
        ours, plain = (_about(stable.loss, stored.get(n, ())) for n in ("records", "plain"))
        return Figures(stable, ours, plain)

    def lines(self, target: str) -> dict[str, str]:
        """Two sentences for the docstring of each quantity."""
        found = {}
        for row in self.stable.errors:
            text = self._recorded(row.quantity, target) or (
                f"Worst error: {_shown(row.worst)} ULP in float64 beyond kappa, over {row.points} "
                "points that chose its form."
            )
            plain = [e for e in _of(self.plain, row.quantity, target) if e["dtype"] == "float64"]
            typed = max((float(e["excess"]) for e in plain), default=row.direct)
            found[row.quantity] = text + _gain(row, typed)
        return found

    def _recorded(self, quantity: str, target: str) -> str:
        mine = _of(self.ours, quantity, target)
        parts = []
        points: list[int] = []
        for dtype in ("float64", "float32"):
            errors = [float(e["excess"]) for e in mine if e["dtype"] == dtype]
            if errors:
                parts.append(f"{_shown(max(errors))} ULP in {dtype}")
                points.append(sum(int(e["points"]) for e in mine if e["dtype"] == dtype))
        if not parts:
            return ""
        worst = ", ".join(parts)
        each = " each" if len(points) > 1 else ""
        return f"Worst error beyond kappa: {worst}, over {min(points)} points{each}."


def _about(loss: Loss, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries that were measured on this very definition."""
    return tuple(
        e for e in entries if e["loss"] == loss.name and e.get("digest", loss.digest) == loss.digest
    )


def _of(entries: Iterable[Entry], quantity: str, target: str) -> list[Entry]:
    wanted = quantity, target
    return [
        e
        for e in entries
        if (e["quantity"], e["target"]) == wanted and e["sample"] != "special values"
    ]


def _gain(row: MeasuredError, typed: float) -> str:
    """What the formula as typed reaches, where that is much worse, and what was rewritten."""
    if not row.rules or typed < 10 * max(row.worst, 1.0):
        return ""
    reached = f"{_shown(typed)} ULP" if math.isfinite(typed) else "no number"
    return f" As typed: {reached}; rewritten: {', '.join(row.rules)}."


def _shown(value: float) -> str:
    return f"{value:.1f}" if value < 1e4 else f"{value:.0e}"


def _stored() -> Mapping[str, Any]:
    try:
        return dict(json.loads(RECORD.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
