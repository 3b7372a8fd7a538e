"""Integrals by antiderivatives: SymPy's are candidates, and count when their derivative checks."""

from __future__ import annotations

import itertools

import sympy
from sympy import Dummy, Expr, S, Symbol, oo

from derive.verification.claims.cuts import (
    Unclear,
    between,
    choices,
    chosen,
    compare_plainly,
    ordered,
    roots_of,
)
from derive.verification.claims.expansion import side_limit
from derive.verification.claims.regions import Piece
from derive.verification.claims.simplify import is_zero


def integral(e: Expr, v: Symbol, low: Expr, high: Expr, cell: Piece) -> Expr:
    """The integral over [low, high]. Unclear where no antiderivative is found and checked."""
    if low in (oo,) or high in (-oo,) or compare_plainly(low, high) not in (-1, 0):
        raise Unclear("the ends of the integral")
    cuts = [r for part in choices(e) if part.has(v) for r in roots_of(part, v)]
    if low == -oo or high == oo:
        cuts.append(S.Zero)
    inner = [c for c in ordered(list(dict.fromkeys(map(sympy.simplify, cuts))))
             if compare_plainly(low, c) == -1 and compare_plainly(c, high) == -1]  # fmt: skip
    total = S.Zero
    ends = [low, *inner, high]
    for a, b in itertools.pairwise(ends):
        total += _over(e, v, a, b, cell)
    return total


def _over(e: Expr, v: Symbol, a: Expr, b: Expr, cell: Piece) -> Expr:
    """Over one piece, on which nothing is chosen."""
    t = Dummy("t", positive=True)
    sample = {**cell.sample, t: sympy.Rational(3, 7)}
    form = chosen(e.subs(v, between(a, b, t, S.One)), sample)
    if form == 0:
        return S.Zero
    y = Dummy("y", positive=True) if a == 0 or a.is_positive else Dummy("y", real=True)
    plain = _back(e, v, y, between(a, b, t, S.One).subs(sample), sample, cell)
    found = sympy.integrate(plain, y)
    if found.has(sympy.Integral) or not is_zero(sympy.diff(found, y) - plain):
        raise Unclear("no antiderivative")
    top = side_limit(found, y, b, "-")
    bottom = side_limit(found, y, a, "+")
    if top is None or bottom is None or oo in (abs(top), abs(bottom)):
        raise Unclear("no limit of the antiderivative")
    return top - bottom


def _back(
    e: Expr, v: Symbol, y: Symbol, here: Expr, sample: dict[Symbol, Expr], cell: Piece
) -> Expr:
    """The integrand in its variable, the choices made as at a sample point of the piece."""
    del cell
    return sympy.simplify(chosen(e.subs(v, y), {**sample, y: here}))
