"""Values by balls: exact where they can be, undefined where there is none, never wrong."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy
from sympy import Abs, Eq, Piecewise, Rational, Symbol, besselk, exp, log, oo, sqrt

from derive.verification.backend import Undefined
from derive.verification.claims.ball import Balls, ball, enclose

x = Symbol("x", real=True)


@pytest.mark.parametrize(
    ("expression", "at", "value"),
    [
        (x**2 / 3, 2, Fraction(4, 3)),
        (Abs(x) ** Rational(3, 2), -4, Fraction(8)),
        (Piecewise((x, x < Rational(1, 3)), (7, True)), Rational(1, 3), Fraction(7)),
        (Piecewise((1, Eq(x, oo)), (2, True)), 5, Fraction(2)),
        (exp(x) - 1, 0, Fraction(0)),
        (sympy.Max(x, 1 - x), Rational(1, 4), Fraction(3, 4)),
    ],
    ids=str,
)
def test_exact_values(expression: sympy.Expr, at: sympy.Rational, value: Fraction) -> None:
    here = sympy.Rational(at)
    assert enclose(expression, {x: Fraction(int(here.p), int(here.q))}) == value


@pytest.mark.parametrize("expression", [log(x), sqrt(x), 1 / (x + 1), x ** Rational(1, 3)], ids=str)
def test_what_has_no_real_value_is_undefined(expression: sympy.Expr) -> None:
    with pytest.raises(Undefined):
        enclose(expression, {x: Fraction(-1)})


def test_enclosures_hold_the_value() -> None:
    found = ball(enclose(besselk(1, x), {x: Fraction(1)}, 100))
    assert found.rel_accuracy_bits() > 90
    assert abs(float(found) - 0.6019072301972346) < 1e-15


def test_a_sum_that_cancels_gets_more_digits() -> None:
    tiny = Fraction(1, 10**60)
    found = ball(enclose(exp(x) - 1 - x, {x: tiny}))
    assert found.rel_accuracy_bits() > 60
    assert abs(float(found * 2 * 10**120) - 1) < 1e-9


def test_over_a_box_an_open_choice_gives_both_branches() -> None:
    from derive.verification.backend import arb

    found = Balls({x: arb(0, 1)}, hull=True).value(Piecewise((-5, x < 0), (5, True)))
    assert found.contains(-5)
    assert found.contains(5)


def test_powers_of_differences_that_cancel_have_a_value() -> None:
    y, one = Symbol("y", real=True), Fraction(1)
    for power in (2, 3):
        value = enclose((log(x + 1) - log(y + 1)) ** power, {x: one, y: one})
        assert abs(value) < 1e-300
