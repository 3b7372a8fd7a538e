"""Rational functions as polynomials in q = 1/(1 + k y^2): no power of y leaves the range."""

from __future__ import annotations

import sympy
from sympy import Expr, Piecewise, Poly, Symbol

from derive.definitions.loss import let

_Q = Symbol("q", positive=True)


def by_quotient(expression: Expr, y: Symbol) -> Expr | None:
    """Each case whose denominator is one such sum to a power; None where there is none."""
    if isinstance(expression, Piecewise):
        found = [by_quotient(e, y) for e, _ in expression.args]
        if not any(e is not None for e in found):
            return None
        pairs = zip(found, expression.args, strict=True)
        return Piecewise(*((e if new is None else new, c) for new, (e, c) in pairs))
    if not expression.is_rational_function(y) or not expression.has(y):
        return None
    above, below = sympy.fraction(sympy.cancel(expression))
    constant, factors = sympy.factor_list(below, y)
    top = Poly(above, y)
    odd = {m % 2 for (m,) in top.monoms()}
    if len(factors) != 1 or len(odd) != 1 or factors[0][1] < 2:
        return None
    ((base, n),) = factors
    *rest, a = Poly(base, y).all_coeffs()
    if len(rest) != 2 or rest[1] != 0 or not (rest[0] / a).is_positive:
        return None
    w = a / rest[0] * (1 / _Q - 1)  # y^2
    one = odd.pop()
    value = sum(c * w ** ((m - one) // 2) for (m,), c in top.terms()) * (_Q / a) ** n / constant
    q = let("q", 1 / (1 + rest[0] / a * y**2))
    return sympy.factor(sympy.cancel(value)).xreplace({_Q: q}) * y**one
