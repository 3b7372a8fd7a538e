"""Whether an expression without choices is 0, by steps of simplification that are bounded."""

from __future__ import annotations

from functools import reduce
from math import gcd

import sympy
from sympy import Add, Expr, Pow, Rational, S, exp

FOR_SIMPLIFY = 160
HIGHEST = 120


def is_high(e: Expr) -> bool:
    """Whether it is a polynomial of a very high degree, as one in exp(x/10000) is that holds
    exp(x), too: ways to simplify make it out, and need more than there is."""
    powers: dict[tuple[Expr, Expr], list[Rational]] = {}
    for power in e.atoms(Pow, exp):
        base, exponent = power.as_base_exp()
        for term in Add.make_args(exponent):
            number, rest = term.as_coeff_Mul()
            if number.is_Rational and number != 0:
                powers.setdefault((base, rest), [S.One] if rest == 1 else []).append(number)
    return any(max(map(abs, found)) > HIGHEST * _unit(found) for found in powers.values())


def _unit(numbers: list[Rational]) -> Rational:
    """Of which all of them are whole multiples."""
    return reduce(lambda a, b: Rational(gcd(a.p * b.q, b.p * a.q), a.q * b.q), numbers)


def simplified(e: Expr) -> Expr:
    """SymPy's shorter form, where there is no danger in it."""
    return e if is_high(e) else sympy.simplify(e)


def is_zero(e: Expr) -> bool:
    """Whether an expression without choices simplifies to 0."""
    if e == 0:
        return True
    if is_high(e):
        return bool(sympy.powsimp(e) == 0)
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
