"""Which densities the room still knows by hand: those of the power family and of Student's t.

Goes when densities are drawn and normalized from the facts of the derivation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy
from mpmath import mp
from sympy import Abs, Expr, Symbol, exp, log

from derive.calculus.evaluate import NotReal, evaluate
from derive.calculus.samples import generic_points
from derive.definitions.loss import Loss

_LIMITS: dict[Expr, Callable[[Expr], Expr]] = {
    sympy.Integer(2): lambda u: u / 2,
    sympy.Integer(0): lambda u: log(1 + u / 2),
    sympy.oo: lambda u: exp(u / 2) - 1,
    -sympy.oo: lambda u: 1 - exp(-u / 2),
}


def definition(u: Expr, a: Expr) -> Expr:
    """k(u, a) as the paper has it, with its limits written out."""
    if a in _LIMITS:
        return _LIMITS[a](u)
    b = Abs(a - 2)
    return b / a * ((1 + u / b) ** (a / 2) - 1)


@dataclass(frozen=True)
class Letters:
    """The names of the variables: the residual, the exponent (None where fixed), the scale."""

    x: str
    a: str | None
    c: str


@dataclass(frozen=True)
class Match:
    """A loss equals k((x/c)^2; a): `a` is a parameter, or a fixed exponent."""

    letters: Letters
    exponent: Expr


def match(loss: Loss) -> Match | None:
    """The family's letters in this loss, or None if it is no member."""
    if len(loss.parameters) not in (1, 2) or loss.expression.has(sympy.Piecewise):
        return None
    for c in loss.parameters:
        if not c.is_positive:
            continue
        others = [p for p in loss.parameters if p != c]
        exponents: list[Expr] = list(others) if others else _fixed_exponents(loss.expression)
        for a in exponents:
            if equal(loss, definition((loss.residual / c) ** 2, a)):
                name = a.name if isinstance(a, Symbol) else None
                return Match(Letters(loss.residual.name, name, c.name), a)
    return None


def _fixed_exponents(expression: Expr) -> list[Expr]:
    found = {2 * p.exp for p in expression.atoms(sympy.Pow) if p.exp.is_Rational}
    named = [sympy.S(k) for k in (2, 1, 0, -2)] + [sympy.oo, -sympy.oo]
    return named + sorted(found - set(named), key=sympy.default_sort_key)


def equal(loss: Loss, candidate: Expr) -> bool:
    """Numbers first, which are quick to say no; then the difference has to vanish."""
    with mp.workdps(60):
        for at in generic_points(loss, 6):
            try:
                difference = evaluate(loss.expression - candidate, at)
            except (NotReal, OverflowError):
                return False
            if abs(difference) > mp.mpf(10) ** -50:
                return False
    return bool(sympy.simplify(loss.expression - candidate) == 0)


def match_student(loss: Loss) -> tuple[str, str] | None:
    """The names of the degrees of freedom and of the scale, or None if it is another loss."""
    if len(loss.parameters) != 2 or not loss.expression.has(log):
        return None
    for n, c in (loss.parameters, loss.parameters[::-1]):
        if c.is_positive and equal(loss, student(loss, n, c)):
            return n.name, c.name
    return None


def student(loss: Loss, n: Expr, c: Expr) -> Expr:
    return (n + 1) / 2 * log(1 + (loss.residual / c) ** 2 / n)
