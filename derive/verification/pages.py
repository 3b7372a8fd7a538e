"""docs/accuracy.md and docs/special_values.md: pages made from what the judge found."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from itertools import compress

from derive.definitions.loss import Loss
from derive.verification.oracle import Oracle
from derive.verification.report import Report, Row
from derive.verification.shown import NARROW, decimal
from derive.verification.special import has_place, shown_parameters, shown_residuals

ACCURACY = """\
# Accuracy

Made by `derive verify --record`; do not edit. Errors are in units of the last place (ULP) of the
dtype, of the exact value itself: a rigorous enclosure of the raw definition at the same
floating-point inputs. Each figure is the worst error beyond kappa, the condition of the value: the
sum of |v/f df/dv| over the residual and the parameters, which is what rounding each input once
would cost (a parameter at its default or at a special value adds nothing). The last column says
how much is promised, the one before it the input of the figure that is nearest to its promise.
Points are drawn by bit pattern: everyday values, the whole range of the dtype, and the special
values of [special_values.md](special_values.md). Figures are rounded up.
"""

SPECIAL = """\
# Special values

Made by `derive verify --record`; do not edit. The exact value of every quantity, rounded to
float64, at special residuals; both targets give it to within their promise, NaN where x is NaN,
and the same for -0 as for 0. The smallest number is 2^-1074, the largest (2 - 2^-52) 2^1023.
Where a loss is even, derivatives with an odd number of x in their name change sign at -x, and
nothing else does; for the others negative residuals have columns of their own. A dash: no value
(the definition has no limit there).
"""


def pages(report: Report, losses: Sequence[Loss]) -> Mapping[str, str]:
    """The text of each page by its name."""
    return {"accuracy.md": accuracy(report, losses), "special_values.md": special_values(losses)}


def accuracy(report: Report, losses: Sequence[Loss]) -> str:
    """The worst figure of every quantity in every target and dtype."""
    measured = [row for row in report.rows if row.points and row.dtype]
    parts = [ACCURACY, f"\nMeasured on {_machine()}.\n"]
    narrow = [row.excess for row in measured if row.dtype in NARROW]
    if narrow:
        parts.append(
            f"In float16 and bfloat16 nothing is off by more than {max(narrow):.3f} ULP.\n"
        )
    for loss in losses:
        rows = [row for row in measured if row.loss == loss.name and row.dtype not in NARROW]
        if rows:
            parts.append(f"\n## {loss.name}\n\n")
            parts.append(_table(*_figures(rows)))
    return "".join(parts)


def _machine() -> str:
    versions = []
    for library in ("numpy", "torch"):
        try:
            versions.append(f"{library} {metadata.version(library)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join([_processor(), *versions])


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as stream:
            for line in stream:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _figures(rows: Sequence[Row]) -> tuple[Sequence[str], Iterable[Sequence[str]]]:
    """A line a quantity, a column for each target and dtype."""
    columns = sorted(dict.fromkeys((row.target, row.dtype) for row in rows), key=_place)

    def lines() -> Iterator[Sequence[str]]:
        for quantity in dict.fromkeys(row.quantity for row in rows):
            of_it = [row for row in rows if row.quantity == quantity]
            cells = []
            for column in columns:
                found = [row.excess for row in of_it if (row.target, row.dtype) == column]
                cells.append(_figure(max(found)) if found else "")
            worst = max(of_it, key=lambda row: row.excess / row.allowed)
            points = f"{sum(row.points for row in of_it):,}"
            allowed = " / ".join(f"{a:g}" for a in sorted({row.allowed for row in of_it}))
            yield f"`{quantity}`", *cells, points, _point(worst), allowed

    heads = [f"{target} {dtype}" for target, dtype in columns]
    return ("quantity", *heads, "points", "at", "promise"), lines()


def _place(column: tuple[str, str]) -> tuple[str, int]:
    return column[0], -int(column[1].removeprefix("float"))


def _figure(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    return f"{math.ceil(value * 10 - 1e-9) / 10:.1f}" if value < 1000 else f"{value:.0e}"


def _point(row: Row) -> str:
    inputs = ", ".join(f"{name} = {decimal(text)}" for name, text in row.witness.items())
    return f"{inputs} ({row.target} {row.dtype})"


def special_values(losses: Sequence[Loss]) -> str:
    """From the oracle: residuals across, parameters down."""
    parts = [SPECIAL]
    for loss in (one for one in losses if one.kind == "residual"):
        parts.append(f"\n## {loss.name}\n\n")
        parts.append(_table(*_special(loss)))
    return "".join(parts)


def _special(loss: Loss) -> tuple[Sequence[str], Iterable[Sequence[str]]]:
    oracle = Oracle(loss)
    names, x = [v.name for v in loss.held], loss.residual.name
    residuals, heads = list(shown_residuals()), [f"{x} = 0", "smallest", "1", "largest", "inf"]
    if loss.predictions or not _is_even(oracle):
        residuals += [-x for x in residuals[1:]]
        heads += [f"-{head}" for head in heads[1:]]
    inside = [has_place(loss, value) for value in residuals]
    residuals, heads = list(compress(residuals, inside)), list(compress(heads, inside))

    def lines() -> Iterator[Sequence[str]]:
        for quantity in oracle.quantities:
            for parameters in shown_parameters(loss):
                points = (dict(zip(oracle.names, (x, *parameters), strict=True)) for x in residuals)
                found = (oracle.value(quantity, point) for point in points)
                cells = [f"{v.float64():.17g}" if v.defined else "-" for v in found]
                yield f"`{quantity}`", *(_beside(v) for v in parameters), *cells

    return ("quantity", *names, *heads), lines()


def _is_even(oracle: Oracle) -> bool:
    """Whether the loss is the same at x and -x, at a few residuals for every shown parameter."""
    for parameters in shown_parameters(oracle.loss):
        for x in (0.3, 1.0, 7.5):
            here, there = (
                oracle.value("loss", dict(zip(oracle.names, (s * x, *parameters), strict=True)))
                for s in (1, -1)
            )
            if here.float64() != there.float64():
                return False
    return True


def _beside(value: float) -> str:
    named = {2 - 2.0**-52: "2 - 2^-52", 2 + 2.0**-51: "2 + 2^-51"}
    named |= {2.0**-1074: "2^-1074", -(2.0**-1074): "-2^-1074"}
    return named.get(value, f"{value:.17g}")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"
