"""The recorded accuracy of everything emitted: it may get better, never worse.

Samples are the same on every machine; the last bits are not, as another libm, another vector unit
or another PyTorch rounds some functions differently. A figure may therefore exceed the recorded
one by SLACK of an ULP and by SHARE of itself before it counts as worse; beyond the promise it is
refuted in any case. Recording is deliberate (`derive verify --record`), and the difference of
accuracy.json shows what got worse.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from derive.errors import BadInput
from derive.verification.report import AGREES, REFUTED, Row

RECORD = Path(__file__).with_name("accuracy.json")
SLACK, SHARE = 0.5, 0.25

KEYS = ("loss", "quantity", "target", "dtype", "sample")
Key = tuple[str, str, str, str, str]


def _key(entry: Any) -> Key:
    loss, quantity, target, dtype, sample = (str(entry[k]) for k in KEYS)
    return loss, quantity, target, dtype, sample


def read(path: Path = RECORD) -> dict[Key, dict[str, Any]]:
    """The record, by loss, quantity, target, dtype and sample; empty if there is none."""
    try:
        return {_key(entry): entry for entry in stored(path).get("records", ())}
    except (KeyError, TypeError) as trouble:
        raise BadInput(f"{path}: not a record of accuracy ({trouble}); restore the file") from None


def stored(path: Path = RECORD) -> dict[str, list[dict[str, Any]]]:
    """Everything recorded: 'records', 'plain' and 'forms'; empty if there is no record."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): list(entries) for name, entries in found.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError, TypeError) as trouble:
        raise BadInput(f"{path}: not a record of accuracy ({trouble}); restore the file") from None


def compare(rows: Iterable[Row], record: dict[Key, dict[str, Any]]) -> tuple[Row, ...]:
    """The rows, refuted where an error is larger than the recorded one over as many points."""
    return tuple(_compared(row, record) for row in rows)


def _compared(row: Row, record: dict[Key, dict[str, Any]]) -> Row:
    entry = record.get((row.loss, row.quantity, row.target, row.dtype, row.sample))
    if entry is None or row.verdict != AGREES or row.points > entry["points"]:
        return row
    recorded = float(entry["excess"])
    if row.excess <= recorded * (1 + SHARE) + SLACK:
        return row
    detail = f"{row.excess:.2f} ULP, worse than the recorded {recorded:.2f}"
    return row.but(verdict=REFUTED, detail=detail)


def record(
    rows: Iterable[Row],
    path: Path = RECORD,
    plain: Iterable[Row] = (),
    forms: Iterable[Mapping[str, Any]] = (),
    digests: Mapping[str, str] | None = None,
) -> None:
    """Write the rows as the new record, keeping what they do not speak of.

    plain: the same measured on the formula as it stands; forms: the rules used where (plain data,
    with 'loss' and 'quantity'); digests: of the definitions, by loss.
    """
    before = stored(path)
    said = digests or {}
    ours = [entry for row in rows if (entry := _entry(row, said))]
    theirs = [entry for row in plain if (entry := _entry(row, said))]
    parts = []
    for name, new, key in (
        ("records", ours, _key),
        ("plain", theirs, _key),
        ("forms", list(map(dict, forms)), _form_key),
    ):
        known = {key(entry): entry for entry in [*before.get(name, ()), *new]}
        lines = [json.dumps(known[k]) for k in sorted(known)]
        parts.append(f'"{name}": [\n' + ",\n".join(lines) + "\n]")
    path.write_text("{" + ",\n".join(parts) + "}\n", encoding="utf-8")


def _form_key(entry: Any) -> tuple[str, ...]:
    return str(entry["loss"]), str(entry["quantity"])


def _entry(row: Row, digests: Mapping[str, str]) -> dict[str, Any] | None:
    """A row as plain data; figures rounded up to a tenth, so that they say at most."""
    if not row.points:
        return None
    entry: dict[str, Any] = {
        "loss": row.loss,
        "quantity": row.quantity,
        "target": row.target,
        "dtype": row.dtype,
        "sample": row.sample,
        "points": row.points,
        "worst": _upward(row.worst),
        "excess": _upward(row.excess),
        "allowed": row.allowed,
        "witness": dict(row.witness),
    }
    if row.loss in digests:
        entry["digest"] = digests[row.loss]
    return entry


def _upward(value: float) -> float | str:
    """To a tenth, or two digits; infinities as text, since JSON has none."""
    if not math.isfinite(value):
        return "inf"
    if value < 1000:
        return math.ceil(value * 10 - 1e-9) / 10
    return float(f"{value:.1e}")
