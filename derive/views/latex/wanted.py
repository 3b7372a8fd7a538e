"""What is wanted of the formulas: how wide, which ones, in which letters, numbered or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from derive.views.latex.layout import COLUMN, LINE, NUMBER


@dataclass(frozen=True)
class Wanted:
    """quantities: names of those that are shown alone; all of them where there are none.

    symbols: letters for variables, by name, instead of the usual ones. numbered: equation numbers
    with labels eq:LOSS:QUANTITY. columns: of the page; in two of them a line is 3.4 inches wide.
    """

    quantities: tuple[str, ...] = ()
    symbols: Mapping[str, str] = field(default_factory=dict)
    numbered: bool = False
    columns: int = 2

    @property
    def line(self) -> float:
        return (LINE if self.columns == 1 else COLUMN) - (NUMBER if self.numbered else 0.0)
