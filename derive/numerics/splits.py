"""Sigmoids and their like, written toward where they cancel: by the sign of x, or around 1/2."""

from __future__ import annotations

from functools import lru_cache

import sympy
from sympy import Expr, Rational, Symbol, log

from derive.calculus.reading import KEPT, MOST_TERMS, term_bound
from derive.numerics import atoms


@lru_cache(maxsize=KEPT)
def split_by_sign(expression: Expr, x: Symbol) -> Expr | None:
    """softplus(g) = g + softplus(-g), sigmoid(g) = 1 - sigmoid(-g) and their like for g > 0: what
    grows is taken out of them and may cancel in the rest."""
    parts = expression.atoms(atoms.softplus, atoms.sigmoid, atoms.logcosh, atoms.stable_tanh)
    arguments = {p.args[0] for p in parts} | {-p.args[0] for p in parts}
    chosen = sorted((g for g in arguments if not g.could_extract_minus_sign()), key=str)
    if len(chosen) != 1:
        return None
    g = chosen[0]

    def toward(big: Expr) -> Expr | None:
        moved = expression.subs(
            {
                atoms.softplus(big): big + atoms.softplus(-big),
                atoms.sigmoid(big): 1 - atoms.sigmoid(-big),
                atoms.logcosh(big): big - log(2) + atoms.softplus(-2 * big),
                atoms.logcosh(-big): big - log(2) + atoms.softplus(-2 * big),
                atoms.stable_tanh(big): 1 - 2 * atoms.sigmoid(-2 * big),
                atoms.stable_tanh(-big): 2 * atoms.sigmoid(-2 * big) - 1,
            }
        )
        if term_bound(moved) > MOST_TERMS:
            return None
        kept = sorted(moved.atoms(atoms.softplus, atoms.sigmoid), key=str)
        return sympy.collect(sympy.expand(moved), [*kept, x])

    above, below = toward(g), toward(-g)
    if above is None or below is None:
        return None
    return sympy.Piecewise((above, g > 0), (below, True))


@lru_cache(maxsize=KEPT)
def centred(expression: Expr, x: Symbol) -> Expr | None:
    """sigmoid(g) = 1/2 + tanh(g/2)/2: constants beside it meet the 1/2 exactly."""
    if not expression.atoms(atoms.sigmoid):
        return None
    moved = expression.replace(
        lambda e: isinstance(e, atoms.sigmoid),
        lambda e: Rational(1, 2) + atoms.stable_tanh(e.args[0] / 2) / 2,
    )
    return sympy.expand(moved) if term_bound(moved) <= MOST_TERMS else None
