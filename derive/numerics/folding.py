"""Constants of a formula as numbers of many digits."""

from __future__ import annotations

import sympy
from sympy import Expr

DIGITS = 40


def folded(expression: Expr) -> Expr:
    """Irrational constants as one number of many digits, wherever they stand."""
    if expression.is_Rational or expression.is_Symbol:
        return expression
    if not expression.free_symbols:
        return sympy.Float(expression.evalf(DIGITS), DIGITS)
    if isinstance(expression, sympy.Piecewise):
        return sympy.Piecewise(*((folded(e), condition) for e, condition in expression.args))
    args = [folded(a) for a in expression.args]
    if expression.is_Add or expression.is_Mul:
        constants = [a for a in args if not a.free_symbols]
        if any(not a.is_Rational for a in constants):
            rest = [a for a in args if a.free_symbols]
            whole = expression.func(*constants).evalf(DIGITS)
            if expression.is_Mul:
                whole = expression.func(*(a for a in expression.args if not a.free_symbols))
                whole = whole.evalf(DIGITS)
            return expression.func(sympy.Float(whole, DIGITS), *rest)
    return expression.func(*args)
