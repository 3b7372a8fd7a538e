"""Names of quantities that know what they name."""

from __future__ import annotations

from typing import Any, Self

from sympy import Symbol


class Quantity(str):
    """The loss, its weight, or a derivative: the name that it has in files, with its parts.

    of: "loss" or "weight". by: the variables of a derivative, in the order of the signature. It
    compares like the name, so that mappings of quantities are looked up by either.
    """

    __slots__ = ("by", "of")
    of: str
    by: tuple[Symbol, ...]

    def __new__(cls, of: str, by: tuple[Symbol, ...] = ()) -> Self:
        letters = "_".join(dict.fromkeys(v.name for v in by))
        made = super().__new__(cls, f"d{len(by) if len(by) > 1 else ''}_{letters}" if by else of)
        made.of, made.by = of, by
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self.of, self.by

    @property
    def name(self) -> str:
        return str(self)
