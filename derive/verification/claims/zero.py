"""Whether an expression is 0 on the whole domain, algebraically: piece by piece, by simplification.

A candidate is written with positive symbols on each piece; what simplifies to the literal 0 is 0.
"""

from __future__ import annotations

import sympy
from sympy import Expr

from derive.definitions.loss import Loss
from derive.definitions.relations import required
from derive.verification.claims.regions import pieces
from derive.verification.claims.simplify import is_zero


def vanishes(expression: Expr, loss: Loss, where: object = sympy.true) -> bool:
    """Whether the expression is proved to be 0 on every piece of the domain."""
    compared = required(loss, expression.free_symbols)
    found = pieces(expression, loss, sympy.And(where, compared))
    if found is None:
        return False
    return all(is_zero(piece.expression) for piece in found)
