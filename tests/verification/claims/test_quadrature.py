"""Integrals by numbers: what their balls say is so, also for heavy tails and at poles."""

from __future__ import annotations

import pytest
from sympy import Abs, Integer, Interval, Rational, Symbol, exp, log, oo

from derive.verification.backend import arb
from derive.verification.claims.line import Line
from derive.verification.claims.quadrature import quadrature

x = Symbol("x", real=True)


@pytest.mark.parametrize(
    ("integrand", "ends", "right"),
    [
        ((1 + 5 * x**2 / 48) ** Rational(-4, 5), (-oo, oo), "14.111425784741579099"),
        ((1 + 25 * x**2 / 4) ** Rational(-101, 200), (-oo, oo), "80.553155339878454925"),
        (exp(-(x**2)) * Abs(x) ** Rational(-19, 20), (-oo, oo), "39.446958525930149461"),
        (Abs(x - 2) ** Rational(-9, 10), (0, 3), "20.717734625362931642"),
        (log(1 + x**2) / (1 + x**2), (-oo, oo), "4.3551721806072042610"),
        (exp(-(x**2) / 2), (-oo, oo), "2.5066282746310005024"),
    ],
)
def test_integrals_of_powers_at_their_ends_are_inside_their_balls(integrand, ends, right) -> None:
    line = Line(integrand, x, Interval(*ends), (), (Integer(1),))
    found = quadrature(line, {end: line.order(*end) for end in line.ends})
    assert found.contains(arb(right)) or found.overlaps(arb(right, 1e-18))
    assert found.rad() < 1e-10 * found
