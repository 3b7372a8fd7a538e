"""What is told of a text beside a quantity of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr, Symbol

EQUAL, UP_TO, DIFFERENT, UNKNOWN = "equal", "up to", "different", "unknown"


@dataclass(frozen=True)
class Comparison:
    """relation: EQUAL, UP_TO (with `map`), DIFFERENT (with `witness`) or UNKNOWN."""

    relation: str
    verdict: str
    method: str
    detail: str
    map: Mapping[str, object] | None = None
    witness: Mapping[str, str] | None = None
    letters: Mapping[str, str] | None = None


def detail(factor: Expr, offset: Expr, letters: str = "") -> str:
    """A convention in words."""
    said = "ours" if factor == 1 else f"{factor} times ours"
    said = f"this is {said}{letters and f' with {letters}'}"
    said += "" if offset == 0 else f", plus {offset}"
    if factor.is_negative:
        return f"{said}; the factor is negative: it falls where the loss rises"
    if not _is_above(factor):
        return f"{said}; where the factor is negative, it falls where the loss rises"
    return said


def _is_above(factor: Expr) -> bool:
    """Whether it is positive, as far as is known; of extended numbers the finite ones are meant."""
    plain = {s: Symbol(s.name, positive=s.is_extended_positive) for s in factor.free_symbols}
    return factor.xreplace(plain).is_nonnegative is True
