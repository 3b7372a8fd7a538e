"""Cases that leave a part of the line without a value, found at a few points."""

from __future__ import annotations

from itertools import product

import sympy
from sympy import Expr, S

from derive.errors import BadInput
from derive.verification.backend import NeedsPrecision, Undefined
from derive.verification.claims.ball import Balls
from derive.verification.claims.places import fraction


def covers(formula: Expr, where: str) -> None:
    """Refuse cases that leave a part of the line without a value."""
    for piecewise in formula.atoms(sympy.Piecewise):
        conditions = [when for _, when in piecewise.args]
        if any(when == True for when in conditions):  # noqa: E712
            continue
        gap = _uncovered(sympy.Or(*conditions))
        if gap:
            raise BadInput(f"{where}: the cases do not cover {gap}")


def _uncovered(condition: Expr) -> str:
    symbols = sorted(condition.free_symbols, key=str)
    values = [sympy.Rational(t) for t in ("1", "-1", "1/3", "-7/2", "5", "-9", "17/16")]
    for chosen in product(values, repeat=min(len(symbols), 3)):
        at = dict(zip(symbols, (*chosen, *[S.One] * len(symbols)), strict=False))
        try:
            if Balls({v: fraction(x) for v, x in at.items()}, ties=True).truth(condition) is False:
                return ", ".join(f"{v} = {x}" for v, x in at.items())
        except (Undefined, NeedsPrecision):
            continue
    return ""
