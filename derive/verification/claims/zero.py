"""Whether an expression is 0 on the whole domain, algebraically: piece by piece, by simplification.

A candidate is written with positive symbols on each piece; what simplifies to the literal 0 is 0.
"""

from __future__ import annotations

import sympy
from sympy import Expr

from derive.definitions.loss import Loss
from derive.verification.claims.regions import pieces

FOR_SIMPLIFY = 160


def vanishes(expression: Expr, loss: Loss, where: object = sympy.true) -> bool:
    """Whether the expression is proved to be 0 on every piece of the domain."""
    found = pieces(expression, loss, where)
    if found is None:
        return False
    return all(is_zero(piece.expression) for piece in found)


def is_zero(e: Expr) -> bool:
    """Whether an expression without choices simplifies to 0."""
    if e == 0:
        return True
    for step in (sympy.expand, sympy.factor, _logs, _powers, _simplified):
        try:
            e = step(e)
        except (ValueError, NotImplementedError, sympy.PolynomialError, TypeError):
            continue
        if e == 0:
            return True
    return False


def _logs(e: Expr) -> Expr:
    return sympy.expand(sympy.expand_log(e, force=False))


def _powers(e: Expr) -> Expr:
    return sympy.powsimp(sympy.expand(sympy.powdenest(sympy.together(e))))


def _simplified(e: Expr) -> Expr:
    if sympy.count_ops(e) > FOR_SIMPLIFY:
        return e
    return sympy.simplify(e)
