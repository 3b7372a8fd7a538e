"""What `derive verify` can be asked about statements. Imports nothing: the help is quick."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Statements:
    """The options that speak of formulas and claims."""

    formula: str | None = None
    latex: str | None = None
    loss: str | None = None
    quantity: str = "loss"
    exact: bool = False
    explain: bool = False
    seed: int = 0

    @property
    def has_text(self) -> bool:
        return self.formula is not None or self.latex is not None
