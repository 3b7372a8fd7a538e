"""Many inputs at a time: each variable is a column of balls, and so is every value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr

Ball = Any
Column = list[Ball]


class Points:
    """Inputs at which expressions are enclosed.

    keeps: whether the values of every part of an expression are kept for others that share it.
    """

    def __init__(self, columns: Sequence[Column], keeps: bool = False) -> None:
        self.columns, self.keeps = columns, keeps
        self.count = len(columns[0])
        self._known: dict[int, dict[Expr, Column]] = {}
        self._parts: dict[tuple[int, ...], Points] = {}

    def known(self, precision: int) -> dict[Expr, Column] | None:
        """Values at a precision in bits, where any are kept."""
        return self._known.setdefault(precision, {}) if self.keeps else None

    def part(self, rows: Sequence[int]) -> Points:
        """Some of the points, in their order."""
        if len(rows) == self.count:
            return self
        if not self.keeps:
            return self._part(rows, False)
        key = tuple(rows)
        if key not in self._parts:
            self._parts[key] = self._part(rows, True)
        return self._parts[key]

    def unkept(self, rows: Sequence[int]) -> Points:
        """The same, for one use."""
        return self._part(rows, False)

    def _part(self, rows: Sequence[int], keeps: bool) -> Points:
        return Points([[column[k] for k in rows] for column in self.columns], keeps)
