"""Tukey's biweight: a smooth truncated square; what is farther than c has no influence."""

from sympy import Abs, Piecewise, Symbol

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

c = Symbol("c", positive=True)

tukey = Loss(
    name="tukey",
    title="Tukey's biweight (bisquare)",
    source="Beaton and Tukey, Technometrics 16(2), 1974",
    variables=(x, c),
    defaults={c: 4.685},
    loss=Piecewise(
        (c**2 / 6 * (1 - (1 - (x / c) ** 2) ** 3), Abs(x) <= c),
        (c**2 / 6, True),
    ),
    description="Behaves like x^2/2 near zero and is constant beyond |x| = c.",
)
