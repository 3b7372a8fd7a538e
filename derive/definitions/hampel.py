"""Hampel's three-part loss: its slope rises, stays, and comes back to 0."""

from sympy import Abs, Piecewise, Symbol

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

a, b, c = (Symbol(name, positive=True) for name in "abc")

hampel = Loss(
    name="hampel",
    title="Hampel's three-part loss",
    source="Andrews et al., Robust Estimates of Location, 1972; Hampel, JASA 69(346), 1974",
    variables=(x, a, b, c),
    require=(a <= b, b < c),
    defaults={a: 2.0, b: 4.0, c: 8.0},
    loss=Piecewise(
        (x**2 / 2, Abs(x) <= a),
        (a * Abs(x) - a**2 / 2, Abs(x) <= b),
        (
            a * (b - a / 2) + a * (Abs(x) - b) * (2 * c - b - Abs(x)) / (2 * (c - b)),
            Abs(x) <= c,
        ),
        (a * (b + c - a) / 2, True),
    ),
    description="x^2/2 up to |x| = a and a straight line up to b; from there the slope falls to 0, "
    "which it is beyond c.",
)
