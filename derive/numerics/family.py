"""Recognizes Barron's family in a definition, whatever its letters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import sympy
from mpmath import mp
from sympy import Abs, Expr, Rational, Symbol, exp, log

from derive.calculus.evaluate import NotReal, evaluate
from derive.calculus.samples import generic_points
from derive.definitions.loss import Loss
from derive.numerics import powerlaw
from derive.numerics.nodes import Name, Node, call, node

_LIMITS: dict[Expr, Callable[[Expr], Expr]] = {
    sympy.Integer(2): lambda u: u / 2,
    sympy.Integer(0): lambda u: log(1 + u / 2),
    sympy.oo: lambda u: exp(u / 2) - 1,
    -sympy.oo: lambda u: 1 - exp(-u / 2),
}
# Beyond this the kernel equals its limit to the last bit of float64, over the whole range of x.
_FAR = 2**75


def definition(u: Expr, a: Expr) -> Expr:
    """k(u, a) as the paper has it, with its limits written out."""
    if a in _LIMITS:
        return _LIMITS[a](u)
    b = Abs(a - 2)
    return b / a * ((1 + u / b) ** (a / 2) - 1)


@dataclass(frozen=True)
class Match:
    """A loss equals k((x/c)^2; a): `a` is a parameter, or a fixed exponent."""

    letters: powerlaw.Letters
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
                return Match(powerlaw.Letters(loss.residual.name, name, c.name), a)
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


def conditions(letter: str) -> tuple[tuple[str, str, str, Node], ...]:
    """(name, meaning, exponent, condition) of the regimes of an exponent that is a parameter."""
    a = Name(letter)
    return (
        ("quadratic", f"{letter} = 2", "2", call("eq", a, 2)),
        ("logarithm", f"{letter} = 0", "0", call("eq", a, 0)),
        ("bounded", f"{letter} = -inf", "-oo", call("lt", a, -_FAR)),
        ("exponential", f"{letter} = inf", "oo", call("lt", _FAR, a)),
    )


def factors(exponent: Expr | str) -> Callable[[Node], powerlaw.Factors]:
    """The factors at a fixed exponent, as a function of y."""
    text = str(exponent)
    if text in powerlaw.FIXED:
        return powerlaw.FIXED[text]
    value = Rational(text)
    return lambda y: powerlaw.general(y, node(Fraction(int(value.p), int(value.q))))


def general(letter: str) -> Callable[[Node], powerlaw.Factors]:
    """The factors at an exponent that is a parameter, as a function of y."""
    return lambda y: powerlaw.general(y, Name(letter))
