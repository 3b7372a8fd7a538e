"""Values that were compared, point by point, and the finding that they make."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.verification.callables.findings import Finding


@dataclass(frozen=True)
class Point:
    """One value that was asked for."""

    x: float  # of a row of classes, the largest
    settings: Mapping[str, Any]
    dtype: str
    got: float
    expected: float
    error: float  # in ULP beyond kappa
    near: bool  # beside a special value of a parameter
    form: str  # the dtype of these ULP
    row: list[float] | None = None
    place: int = 0  # in its row

    @property
    def given(self) -> float | list[float]:
        """The prediction or the residual, as it went in."""
        return self.x if self.row is None else self.row

    def witness(self, names: Sequence[str]) -> dict[str, Any]:
        return {names[0]: self.given, **self.settings, "dtype": self.dtype}


@dataclass(frozen=True)
class Raised:
    """A number at which there is an error and no value."""

    given: Any
    settings: Mapping[str, Any]
    error: str


@dataclass(frozen=True)
class Compared:
    """worst: the largest error beyond kappa that is no fault; faults: the others.

    stopped: what ended the process, and where. raised: errors for some numbers but not for all.
    """

    points: int
    worst: Point | None
    faults: tuple[Point, ...]
    near: tuple[Point, ...]
    errors: tuple[str, ...]
    out: str
    warnings: tuple[str, ...]
    size: int = 0  # of the arrays
    stopped: tuple[str, Mapping[str, Any]] | None = None
    raised: tuple[Raised, ...] = ()


def finding(points: Sequence[Point], names: Sequence[str]) -> Finding:
    """The most ordinary of some faulty points."""

    def oddness(p: Point) -> tuple[bool, bool, bool, int, float]:
        size = abs(math.log10(abs(p.x))) if p.x and math.isfinite(p.x) else 3.0
        digits = sum(len(repr(v)) for v in (p.x, *p.settings.values()))
        return not math.isfinite(p.x), p.dtype != "float64", size > 8, digits, size

    p = min(points, key=oddness)
    kinds = {math.isnan(p.got): "NaN", math.isinf(p.got): "infinite", p.got == 0: "0"}
    what = kinds.get(True, "wrong")
    if what == "wrong" and p.error < 1e12 and p.dtype == "float64":
        what = "digits are lost"
    return Finding(
        f"{what} at {len(points)} of the points, {stratum(p)}",
        p.witness(names), repr(p.expected), repr(p.got), stratum(p),
    )  # fmt: skip


def finding_of_errors(raised: Sequence[Raised], names: Sequence[str]) -> Finding:
    """The most ordinary number that is refused."""
    first = min(raised, key=lambda r: (np.max(np.abs(r.given)) > 1e8, len(repr(r.given))))
    what = f"{first.error.partition(chr(10))[0][:80]}, at {len(raised)} of the points"
    return Finding(what, {names[0]: first.given, **first.settings}, "a value", "an error")


def stratum(p: Point) -> str:
    """Where a point lies, in words."""
    if math.isnan(p.x):
        where = "NaN in x"
    elif math.isinf(p.x):
        where = "infinite x"
    elif abs(p.x) in (abs(v) for v in p.settings.values() if not isinstance(v, list)):
        where = "x at a parameter"
    elif p.x == 0:
        where = "x = 0"
    else:
        size = abs(p.x)
        where = "|x| below 1e-8" if size < 1e-8 else "|x| above 1e6" if size > 1e6 else "everyday x"
    return where if p.dtype == "float64" else f"{where}, {p.dtype}"
