"""Formulas in |x| and two lengths, of which neither is a unit: rational parts over one line.

So no ratio of lengths is left whose square leaves the range.
"""

from __future__ import annotations

from itertools import permutations

import sympy
from sympy import Abs, Dummy, Expr, Piecewise, S, Symbol, log, sign

from derive.calculus.reading import operations
from derive.definitions.loss import let
from derive.numerics.atoms import log1p, times_log1p
from derive.numerics.rules import rewrite

_LONGEST = 120  # operations, beyond which factoring takes longer than anybody waits


def in_sizes(expression: Expr, x: Symbol) -> Expr | None:
    """Its rational parts in factors, branch by branch; None where there is nothing to do."""
    if operations(expression) > _LONGEST or not expression.has(Abs(x), sign(x)):
        return None
    if isinstance(expression, Piecewise):
        found = Piecewise(*((_in_factors(e, x), c) for e, c in expression.args))
    else:
        found = _in_factors(expression, x)
    return of_ratios(rewrite(found)[0])


def _in_factors(expression: Expr, x: Symbol) -> Expr:
    """a + b log(…) + …, each of a and b in factors of |x|."""
    size = Dummy("size", positive=True)
    found = of_size(expression, x, size)
    if found is None:
        return expression
    front, right, logs = found
    parts = sympy.collect(sympy.expand(right), list(logs), evaluate=False)
    total = sum((sympy.factor(part) * letter for letter, part in parts.items()), S.Zero)
    return _of_quotients(front * total.subs(logs).subs(size, Abs(x)))


def _of_quotients(product: Expr) -> Expr:
    """(a - b)^2/(c - d)^2 as the square of a quotient, which is in range where the whole is."""
    powers = product.as_powers_dict()
    name = next(n for n in "qrstuvwz" if n not in map(str, product.free_symbols))
    for above, below in permutations((b for b in powers if b.is_Add), 2):
        n = powers[above]
        if n.is_Integer and n > 1 and powers[below] == -n:
            return product * (below / above) ** n * let(name, above / below) ** n
    return product


def of_size(expression: Expr, x: Symbol, size: Expr) -> tuple[Expr, Expr, dict[Expr, Expr]] | None:
    """An even or odd function: 1 or the sign of x, and what it multiplies, a rational function of
    |x| = size and of letters for logarithms, which are told; None where it is no such function."""
    logs: dict[Expr, Expr] = {}

    def of_side(side: int) -> Expr:
        return expression.subs(Abs(x), size).subs(sign(x), side).subs(x, side * size)

    def letter(e: Expr) -> Expr:
        return logs.setdefault(e, Dummy("log"))

    right, left = (of_side(s).replace(lambda e: isinstance(e, log), letter) for s in (1, -1))
    if right.has(sympy.nan, sympy.zoo) or not right.is_rational_function():
        return None
    if sympy.cancel(right - left) == 0:
        front = S.One
    elif sympy.cancel(right + left) == 0:
        front = sign(x)
    else:
        return None
    return front, right, {v: e for e, v in logs.items()}


def of_ratios(expression: Expr) -> Expr:
    """f log(1 + a/b) for a quotient of two sizes, with the f before it."""

    def written(e: Expr) -> Expr:
        above, below = sympy.fraction(e.args[0])
        return e if below.is_number else times_log1p(1, above, below)

    def joined(e: Expr) -> Expr:
        found = [f for f in e.args if isinstance(f, times_log1p)]
        if len(found) != 1 or found[0].args[0] != 1:
            return e
        return times_log1p(e / found[0], *found[0].args[1:])

    found = expression.replace(lambda e: isinstance(e, log1p), written)
    return found.replace(lambda e: e.is_Mul, joined)
