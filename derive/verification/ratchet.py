"""The recorded accuracy of everything emitted: it may get better, never worse."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from derive.errors import BadInput
from derive.verification.report import AGREES, REFUTED, Row

RECORD = Path(__file__).with_name("accuracy.json")
SLACK = 0.5  # another libm rounds some last bits differently

KEYS = ("loss", "quantity", "target", "dtype", "sample")
Key = tuple[str, str, str, str, str]


def _key(entry: Any) -> Key:
    loss, quantity, target, dtype, sample = (str(entry[k]) for k in KEYS)
    return loss, quantity, target, dtype, sample


def read(path: Path = RECORD) -> dict[Key, dict[str, Any]]:
    """The record, by loss, quantity, target, dtype and sample; empty if there is none."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["records"]
        return {_key(entry): entry for entry in entries}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as trouble:
        raise BadInput(f"{path}: not a record of accuracy ({trouble}); restore the file") from None


def compare(rows: Iterable[Row], record: dict[Key, dict[str, Any]]) -> tuple[Row, ...]:
    """The rows, refuted where an error is larger than the recorded one over as many points."""
    return tuple(_compared(row, record) for row in rows)


def _compared(row: Row, record: dict[Key, dict[str, Any]]) -> Row:
    entry = record.get((row.loss, row.quantity, row.target, row.dtype, row.sample))
    if entry is None or row.verdict != AGREES or row.points > entry["points"]:
        return row
    if row.excess <= entry["excess"] + SLACK:
        return row
    detail = f"{row.excess:.2f} ULP, worse than the recorded {entry['excess']:.2f}"
    return row.but(verdict=REFUTED, detail=detail)


def record(rows: Iterable[Row], path: Path = RECORD) -> None:
    """Write the rows as the new record, keeping what they do not speak of."""
    known = read(path)
    for row in rows:
        if row.points and math.isfinite(row.worst) and math.isfinite(row.excess):
            entry = {
                "loss": row.loss,
                "quantity": row.quantity,
                "target": row.target,
                "dtype": row.dtype,
                "sample": row.sample,
                "points": row.points,
                "worst": round(row.worst, 3),
                "excess": round(row.excess, 3),
                "allowed": row.allowed,
                "witness": dict(row.witness),
            }
            known[_key(entry)] = entry
    lines = [json.dumps(known[key], sort_keys=True) for key in sorted(known)]
    text = '{"records": [\n' + ",\n".join(lines) + "\n]}\n"
    path.write_text(text, encoding="utf-8")
