"""Numbers of a convention, told by their digits: SymPy's ways to simplify may take for ever."""

from __future__ import annotations

import sympy
from sympy import Expr, Rational, S

from derive.verification.formulas.convention import tidy

SAMPLES = tuple(map(Rational, ("1/5", "2/7", "1/11", "3/13", "1/17", "2/19")))
MOST = 10_000  # of the denominator of a factor that a person writes


def recognized(ratio: Expr) -> Expr | None:
    """A number as a short fraction, in another base of logarithms too; None where it is none. What
    has letters stays as it is."""
    if not ratio.is_comparable:
        return tidy(ratio)
    for unit in (S.One, 1 / sympy.log(2), 1 / sympy.log(10)):
        value = sympy.N(ratio / unit, 40)
        short = Rational(str(value)).limit_denominator(MOST)
        if abs(value - short) < 1e-30:
            return short * unit
    return None


def is_nearly_zero(e: Expr) -> bool:
    """Whether an expression is 0 to many digits, at simple values of the parameters."""
    numbers = {v: SAMPLES[k] for k, v in enumerate(sorted(e.free_symbols, key=str))}
    found = sympy.N(e.subs(numbers), 40)
    return bool(found.is_finite) and bool(abs(found) < 1e-30)  # an undefined one is no zero
