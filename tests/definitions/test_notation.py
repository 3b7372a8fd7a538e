"""Formulas as people type them, and read back to what they came from."""

from __future__ import annotations

import pytest
import sympy
from sympy import Abs, Max, Piecewise, Symbol, cosh, exp, log, oo, sign, sqrt, tanh

from derive.definitions.catalogue import ELEMENTWISE as NAMES
from derive.definitions.catalogue import load
from derive.definitions.formula import read
from derive.definitions.notation import condition, formula

x = Symbol("x", real=True)
c, s, b = (Symbol(n, positive=True) for n in ("c", "s", "b"))
alpha = Symbol("alpha", extended_real=True)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (s / b + 1, "1 + s/b"),
        (alpha - 2, "alpha - 2"),
        (Abs(alpha - 2), "|alpha - 2|"),
        (1 / (1 + Abs(x) / c) ** 2, "1/(1 + |x|/c)^2"),
        (-x / c**2, "-x/c^2"),
        (x**2 / 2 / c**2, "x^2/(2*c^2)"),
        (b / alpha * ((1 + s / b) ** (alpha / 2) - 1), "b*((1 + s/b)^(alpha/2) - 1)/alpha"),
        (sqrt(1 + x**2) - 1, "sqrt(1 + x^2) - 1"),
        (exp(-x / c), "exp(-x/c)"),
        (tanh(x) - sign(x), "tanh(x) - sign(x)"),
        (1 / cosh(x) ** 2, "1/cosh(x)^2"),
        (Max(x, 0), "max(0, x)"),
        (oo, "inf"),
        (-oo, "-inf"),
        (x ** (-sympy.Rational(1, 2)), "1/sqrt(x)"),
        ((-x) ** 3, "-x^3"),
        (2 ** (-x), "2^(-x)"),
        (x * log(1 + x) - x, "x*log(1 + x) - x"),
        (sqrt(2) * c / 2, "c/sqrt(2)"),
        (sqrt(2) * sqrt(c) / 2, "sqrt(c/2)"),
        (c * sqrt(2) / (2 * sqrt(b)), "c/sqrt(2*b)"),
        (sqrt(2 * sympy.pi) / sqrt(b), "sqrt(2*pi/b)"),
        (c * sqrt(2) / (2 * sqrt(1 + b)), "c/sqrt(2*(1 + b))"),
    ],
)
def test_as_typed(expression, text):
    assert formula(expression) == text


def test_cases_are_bracketed_where_they_are_a_factor():
    cases = Piecewise((x**2, Abs(x) <= c), (c * Abs(x), True))
    assert formula(cases) == "x^2 if |x| <= c, c*|x| otherwise"
    assert formula(cases / c**2) == "(x^2 if |x| <= c, c*|x| otherwise)/c^2"
    assert formula(1 + cases).count("(") == 1


def test_what_is_bounded_stands_on_the_left():
    assert condition(c >= Abs(x)) == "|x| <= c"
    assert condition(sympy.Ge(0, x, evaluate=False)) == "x <= 0"


@pytest.mark.parametrize("name", NAMES)
def test_the_text_means_the_formula(name):
    """Read by the project's own reader, at numbers."""
    loss = load(name)
    expression = loss.loss
    if expression.has(Piecewise):
        pytest.skip("cases have a notation of their own")
    letters = {v.name: v for v in expression.free_symbols}
    text = formula(expression)
    while "|" in text:
        text = text.replace("|", "abs(", 1).replace("|", ")", 1)
    again = read(text.replace("^", "**"), letters, name)
    at = {v: sympy.Rational(3 + i, 7) for i, v in enumerate(sorted(letters.values(), key=str))}
    assert abs(sympy.N(again.subs(at) - expression.subs(at), 30)) < 1e-25
