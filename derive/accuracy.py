"""The figure beside a function: the worst error that was measured, and over how many points."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derive.numerics.forms import Reach, StableForm

RECORD = Path(__file__).resolve().parent / "verification" / "accuracy.json"


@dataclass(frozen=True)
class Figures:
    """Recorded figures of a catalogue's loss; of a new one, those that chose its form."""

    stable: StableForm
    recorded: tuple[Mapping[str, Any], ...]

    @staticmethod
    def of(stable: StableForm) -> Figures:
        loss = stable.loss
        entries = _entries()
        return Figures(
            stable,
            tuple(
                e
                for e in entries
                if e["loss"] == loss.name and e.get("digest", loss.digest) == loss.digest
            ),
        )

    def lines(self, target: str) -> dict[str, str]:
        """A line for the docstring of each quantity."""
        found = {}
        for row in self.stable.reach:
            text = self._recorded(row.quantity, target) or (
                f"Worst error: {_shown(row.worst)} ULP in float64 beyond kappa, over {row.points} "
                "points that chose its form."
            )
            found[row.quantity] = text + _gain(row)
        return found

    def _recorded(self, quantity: str, target: str) -> str:
        mine = [
            entry
            for entry in self.recorded
            if (entry["quantity"], entry["target"]) == (quantity, target)
            and entry["sample"] != "special values"
        ]
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


def _gain(row: Reach) -> str:
    """What the formula as typed reaches, where that is much worse, and what was rewritten."""
    if not row.rules or row.direct < 10 * max(row.worst, 1.0):
        return ""
    typed = f"{_shown(row.direct)} ULP" if math.isfinite(row.direct) else "no number"
    return f" As typed: {typed}; rewritten: {', '.join(row.rules)}."


def _shown(value: float) -> str:
    return f"{value:.1f}" if value < 1e4 else f"{value:.0e}"


def _entries() -> tuple[Mapping[str, Any], ...]:
    try:
        return tuple(json.loads(RECORD.read_text(encoding="utf-8"))["records"])
    except FileNotFoundError:
        return ()
