"""A way to read the letters of a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr, Symbol

MOST = 12  # ways that are tried


@dataclass(frozen=True)
class Matched:
    """expression: the text in our symbols for x and shapes and in its own for the rest.

    letters: what each of ours is in the text's letters, as text. shapes: values of the shape
    parameters, over themselves. others: letters of the text that are left, all positive.
    written: the text's letter for a shape parameter.
    """

    expression: Expr
    letters: Mapping[str, str]
    shapes: Mapping[Symbol, Expr]
    others: tuple[Symbol, ...]
    natural: bool
    written: Mapping[Symbol, str]

    @property
    def is_mirrored(self) -> bool:
        """Whether the residual is one of the other sign."""
        return str(self.letters.get("x", "")).startswith("-")


def stem(name: str) -> str:
    """A letter without its index."""
    return name.partition("_")[0]
