"""Whether an expression without choices is 0, by steps of simplification that are bounded."""

from __future__ import annotations

import sympy
from sympy import Expr

FOR_SIMPLIFY = 160


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
