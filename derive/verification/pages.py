"""docs/accuracy.md and docs/special_values.md: pages made from what the judge recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from derive.definitions.catalogue import NAMES, load
from derive.definitions.loss import Loss
from derive.verification.oracle import Oracle
from derive.verification.quantities import quantities
from derive.verification.special import shown_parameters, shown_residuals

Entry = Mapping[str, Any]

ACCURACY = """\
# Accuracy

Made by `derive verify --record`; do not edit. Errors are in units of the last place (ULP) of the
dtype, against a rigorous enclosure of the raw definition at the same floating-point inputs.
'worst' is beyond kappa = |d log f/d log x|, which is what the rounding of x/scale alone costs;
second derivatives are measured against the larger of their value and their terms. 'plain' is the
formula as it stands (SymPy's derivative of the definition, evaluated operation by operation in the
same library and dtype), on the same points. Points are drawn by bit pattern: everyday values, the
whole range of the dtype, and the special values of [special_values.md](special_values.md).
Figures are rounded up.
"""

SPECIAL = """\
# Special values

Made by `derive verify --record`; do not edit. The exact value of every quantity, rounded to
float64, at special residuals; both targets give it to within their promise, NaN where x is NaN,
and the same for -0 as for 0. The smallest number is 2^-1074, the largest (2 - 2^-52) 2^1023.
Every loss of the catalogue is even: at -x the derivatives with an odd number of x in their name
change sign, and nothing else. A dash: no value (the definition has no limit there).
"""


def accuracy(stored: Mapping[str, Sequence[Entry]]) -> str:
    """The page of the record, nothing else: the same record gives the same text."""
    records, plain = stored.get("records", ()), stored.get("plain", ())
    forms = stored.get("forms", ())
    parts = [ACCURACY]
    for name in sorted({str(e["loss"]) for e in records}, key=_place):
        parts.append(f"\n## {name}\n\n")
        parts.append(_table(HEADS, _rows(name, records, plain)))
        used = [f for f in forms if f["loss"] == name]
        if used:
            parts.append("\nWhat was rewritten, and what it gained (ULP in float64 on the points ")
            parts.append("that chose the form):\n\n")
            parts.append(_table(FORM_HEADS, map(_form, used)))
    return "".join(parts)


HEADS = ("quantity", "target", "dtype", "points", "worst ULP", "at", "plain formula", "at")
FORM_HEADS = ("quantity", "plain", "ours", "rules")


def _place(name: str) -> tuple[int, str]:
    return (NAMES.index(name) if name in NAMES else len(NAMES)), name


def _rows(name: str, records: Iterable[Entry], plain: Iterable[Entry]) -> list[Sequence[str]]:
    ours, theirs = (_worst(name, entries) for entries in (records, plain))
    order = list(quantities(load(name))) if name in NAMES else []

    def order_of(key: tuple[str, str, str]) -> tuple[Any, ...]:
        found = order.index(key[0]) if key[0] in order else len(order)
        return found, key[0], key[1], -DTYPES.index(key[2])

    out: list[Sequence[str]] = []
    for key in sorted(ours, key=order_of):
        entry, points = ours[key]
        other = theirs.get(key)
        beside = ("", "") if other is None else (_figure(other[0]["excess"]), _point(other[0]))
        figure, place = _figure(entry["excess"]), _point(entry)
        out.append((f"`{key[0]}`", key[1], key[2], str(points), figure, place, *beside))
    return out


DTYPES = ("bfloat16", "float16", "float32", "float64")


def _worst(name: str, entries: Iterable[Entry]) -> dict[tuple[str, str, str], tuple[Entry, int]]:
    """Of each quantity, target and dtype the worst sample, and the points of all."""
    found: dict[tuple[str, str, str], tuple[Entry, int]] = {}
    for entry in entries:
        if entry["loss"] != name:
            continue
        key = str(entry["quantity"]), str(entry["target"]), str(entry["dtype"])
        before, points = found.get(key, (entry, 0))
        worse = entry if float(entry["excess"]) > float(before["excess"]) else before
        found[key] = worse, points + int(entry["points"])
    return found


def _form(form: Entry) -> Sequence[str]:
    rules = ", ".join(form["rules"]) or "none"
    return f"`{form['quantity']}`", _figure(form["direct"]), _figure(form["worst"]), rules



def _figure(value: Any) -> str:
    number = float(value)
    return f"{number:.1f}" if number < 1000 else f"{number:.0e}"


def _point(entry: Entry) -> str:
    return ", ".join(f"{n} = {_number(_float(v))}" for n, v in entry["witness"].items())


def _float(text: str) -> float:
    return float.fromhex(text) if "x" in text else float(text)


def _number(value: float) -> str:
    return f"{value:.17g}" if value != round(value, 6) else f"{value:.6g}"


def special_values() -> str:
    """The page of special values, from the oracle: residuals across, parameters down."""
    parts = [SPECIAL]
    for name in NAMES:
        loss = load(name)
        parts.append(f"\n## {name}\n\n")
        parts.append(_table(_special_heads(loss), _special_rows(loss)))
    return "".join(parts)


def _special_heads(loss: Loss) -> Sequence[str]:
    names = [p.name for p in loss.parameters]
    shown = ("x = 0", "smallest", "1", "largest", "inf")
    return ("quantity", *names, *shown)


def _special_rows(loss: Loss) -> Iterable[Sequence[str]]:
    oracle = Oracle(loss)
    for quantity in oracle.quantities:
        for parameters in shown_parameters(loss):
            cells = []
            for x in shown_residuals():
                point = dict(zip(oracle.names, (x, *parameters), strict=True))
                found = oracle.value(quantity, point)
                cells.append(f"{found.float64():.17g}" if found.defined else "-")
            values = [_beside(v) for v in parameters]
            yield f"`{quantity}`", *values, *cells


def _beside(value: float) -> str:
    named = {2 - 2.0**-52: "2 - 2^-52", 2 + 2.0**-51: "2 + 2^-51"}
    named |= {2.0**-1074: "2^-1074", -(2.0**-1074): "-2^-1074"}
    return named.get(value, f"{value:.17g}")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"
