"""The table of the audit, as the page docs/field.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

HEAD = """# The field

What `python -m tools.audit` found: functions of public packages, each called in a process of its
own and compared with ball arithmetic on the definition of the loss that it is meant to be, in
float64 and float32, over the whole range of the dtype, at special values, and under unusual use
(views, lengths, integers, NaN, a second call). *equal* and *up to* hold at every point that was
looked at; *different* has a witness: an input at which what comes out is not the value. Many are
right for everyday residuals and lose digits, overflow or give NaN elsewhere: the witness says
where. The worst error is that of the points that agree, in ULP beyond what the condition of the
formula explains. A convention of its own (a factor, another length) is no fault.

"""
COLUMNS = ("package", "function", "is meant as", "relation", "convention", "worst error", "witness")


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """The whole page."""
    counts = Counter(row["relation"] for row in rows)
    said = ", ".join(
        f"{name} {counts[name]}" for name in ("equal", "up to", "different", "unknown")
    )
    packages = len({row["package"] for row in rows})
    summary = f"{len(rows)} functions of {packages} packages: {said}.\n\n"
    lines = [_line(COLUMNS), _line(["---"] * len(COLUMNS)), *(_line(_cells(row)) for row in rows)]
    return HEAD + summary + "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _cells(row: Mapping[str, Any]) -> Iterator[str]:
    _, _, function = row["subject"].partition(":")
    at = ", ".join(f"{name} = {value:g}" for name, value in row["at"].items())
    yield f"{row['package']} {row['version']}"
    yield f"`{row['call'] or function}`" + (f" at {at}" if at and not row["call"] else "")
    yield f"`{row['quantity']}` of {row['loss']}"
    yield row["relation"]
    yield row["convention"] or row["detail"][:90]
    yield ", ".join(f"{dtype} {_number(e)} ULP" for dtype, e in row["worst_ulp"].items())
    yield _witness(row)


def _number(error: float) -> str:
    return f"{error:.1f}" if error < 1e4 else f"{error:.0e}"


def _witness(row: Mapping[str, Any]) -> str:
    if not row["witness"] or not row["findings"]:
        return ""
    at = {k: v for k, v in row["witness"].items() if k not in ("expected", "got")}
    x = ", ".join(f"{k} = {_short(v)}" for k, v in at.items() if k not in row["at"])
    found = row["findings"][0]
    return f"{found['what']}: at {x}, {_short(found['got'])} for {_short(found['expected'])}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 44 else text[:40] + " …"
