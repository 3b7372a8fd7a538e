"""Divided differences of the exponential: what is left of slopes and remainders that cancel.

For rates r_0, …, r_n (repeated ones allowed)

    D(L; r_0, …, r_n) = L^n exp[r_0 L, …, r_n L]

is the divided difference of exp, times L^n. It is an integral of exponentials over a simplex
(Hermite and Genocchi), so it is positive for L > 0: nothing cancels in it. It begins with L^n/n!,
it solves (d/dL - r_n) D(r_0, …, r_n) = D(r_0, …, r_{n-1}), and its slope in a rate is the same
thing with that rate once more. log(1 + w) - w/(1 + w), ((1 + w)^p - 1)/p and every slope of it in
w and p, exp(z) - 1 - z and their like are all of this kind, with L = log(1 + w) or z.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import factorial
from typing import Any

import sympy
from sympy import Expr, S, exp

# (whether the parameter p is added, a number): a rate of a pattern.
Rate = tuple[bool, Fraction]


class NoPattern(ValueError):
    """The rates are no numbers beside one parameter."""


def basis(rates: Sequence[Any]) -> dict[tuple[Any, int], Any]:
    """D as a sum of c L^m exp(r L): the coefficients c by (r, m), which are the residues of
    exp(s L)/prod(s - r_i)."""
    counts = Counter(rates)
    found: dict[tuple[Any, int], Any] = {}
    for r, count in counts.items():
        one = S.One if isinstance(r, Expr) else r**0
        taylor: list[Any] = [one, *[0 * one] * (count - 1)]
        for other in counts.elements():
            if other == r:
                continue
            for k in range(count):  # divided by (r - other) + (s - r)
                taylor[k] = (taylor[k] - (taylor[k - 1] if k else 0)) / (r - other)
        for m in range(count):
            found[r, m] = taylor[count - 1 - m] / factorial(m)
    return found


def spelled(argument: Expr, *rates: Expr) -> Expr:
    """D in exponentials."""
    terms = basis(rates).items()
    return sum((c * argument**m * exp(r * argument) for (r, m), c in terms), S.Zero)


def pattern(rates: Sequence[Expr]) -> tuple[Expr, tuple[Rate, ...]]:
    """(p, the rates as numbers and p plus numbers). Raises NoPattern where that is not all."""
    parts = [sympy.expand(rate).as_coeff_Add() for rate in rates]
    moving = list(dict.fromkeys(rest for _, rest in parts if rest != 0))
    if len(moving) > 1 or not all(number.is_Rational for number, _ in parts):
        raise NoPattern
    found = sorted((rest != 0, Fraction(int(n.p), int(n.q))) for n, rest in parts)
    return (moving[0] if moving else S.Zero), tuple(found)
