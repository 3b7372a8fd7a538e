"""The complete exhaustive runs, as they are published: one entry for each function run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from derive.errors import BadInput
from tools.exhaustive.runs import Summary
from tools.exhaustive.task import Task

RECORD = Path(__file__).with_name("record.json")
KEYS = ("loss", "quantity", "target", "device", "parameters")
Entry = dict[str, Any]


def entry(task: Task, found: Summary, seconds: float) -> Entry:
    """A run as plain data; seconds: how long it took, panels apart."""
    names = [p.name for p in task.loss.parameters]
    values = ", ".join(f"{n}={v!r}" for n, v in zip(names, task.parameters, strict=True))
    return {
        "loss": task.loss.name,
        "quantity": task.quantity,
        "target": task.target,
        "device": task.device,
        "parameters": values,
        "file": str(task.identity()["file"])[:12],
        "seconds": round(seconds, 1),
        **{k: round(v, 4) if k in ("worst", "excess") else v for k, v in asdict(found).items()},
    }


def read(path: Path = RECORD) -> list[Entry]:
    """The entries of a record; none if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return [{**e} for e in found["runs"] if all(k in e for k in KEYS)]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as trouble:
        raise BadInput(f"{path}: not a record of exhaustive runs ({trouble})") from None


def merge(entries: Iterable[Entry], path: Path = RECORD) -> None:
    """Add complete runs to a record; a newer run of the same function replaces the older."""
    known = {tuple(str(e[k]) for k in KEYS): e for e in read(path)}
    for new in entries:
        if new["inputs"] == 1 << 32:
            known[tuple(str(new[k]) for k in KEYS)] = new
    lines = [json.dumps(known[key], sort_keys=True) for key in sorted(known)]
    path.write_text('{"runs": [\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8")
