"""The arctangent of the square: bounded, with a slope that falls like 1/x^3."""

from sympy import Symbol, atan

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

c = Symbol("c", positive=True)

arctan = Loss(
    name="arctan",
    title="Arctan loss",
    source="SciPy, least_squares(loss='arctan'); Branch, Coleman and Li, 1999",
    variables=(x, c),
    loss=c**2 / 2 * atan((x / c) ** 2),
    description="Like x^2/2 near zero and bounded by pi c^2/4.",
)
