"""Hampel's three parts: square, straight line, and a descent to a constant."""

from sympy import Abs, Piecewise, Symbol

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

a, b, c = (Symbol(letter, positive=True) for letter in "abc")

hampel = Loss(
    name="hampel",
    title="Hampel's three-part loss",
    source="Hampel, J. Amer. Statist. Assoc. 69(346), 1974",
    variables=(x, a, b, c),
    defaults={a: 2.0, b: 4.0, c: 8.0},
    loss=Piecewise(
        (x**2 / 2, Abs(x) <= a),
        (a * (Abs(x) - a / 2), Abs(x) <= b),
        (a * (b + c - a) / 2 - a * (c - Abs(x)) ** 2 / (2 * (c - b)), Abs(x) <= c),
        (a * (b + c - a) / 2, True),
    ),
    description="The slope rises to a, stays up to b, and falls to 0 at c; meant for a < b < c.",
)
