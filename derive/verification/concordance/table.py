"""The table of the losses of other libraries, as data."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sympy import Symbol

from derive.definitions.catalogue import NAMES
from derive.definitions.interval import read_kind

TABLE = Path(__file__).parent / "table.toml"


@dataclass(frozen=True)
class Row:
    """formula(x; letters) = factor * quantity(x; at) + offset, as texts in the library's letters.

    version: of the library that was asked or read, "" where it is not known. call: the function of
    `calls` that asks it, "" where there is none; within: how far its answers may be off.
    """

    library: str
    module: str
    version: str
    loss: str
    symbol: str
    formula: str
    letters: Mapping[str, str] = field(default_factory=dict)
    quantity: str = "loss"
    factor: str = "1"
    at: Mapping[str, str] = field(default_factory=dict)
    offset: str = "0"
    note: str = ""
    call: str = ""
    within: float = 1e-12

    @property
    def title(self) -> str:
        return f"{self.module}: {self.symbol} and {self.loss}"

    def letter(self, name: str) -> Symbol:
        """A letter of the library with what is known of it."""
        return read_kind(self.letters.get(name, "positive"), self.title).symbol(name)


@cache
def table() -> tuple[Row, ...]:
    """Every row that speaks of a loss of the catalogue, library by library."""
    libraries: Mapping[str, Any] = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return tuple(
        Row(library=found["name"], module=module, version=found.get("version", ""), **row)
        for module, found in libraries.items()
        for row in found["rows"]
        if row["loss"] in NAMES
    )


def rows_of(loss: str) -> tuple[Row, ...]:
    """The rows that speak of a loss."""
    return tuple(row for row in table() if row.loss == loss)
