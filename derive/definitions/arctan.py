"""The arctangent loss: bounded, as SciPy's least_squares has it."""

from sympy import Symbol, atan

from derive.definitions.loss import Loss, let
from derive.definitions.symbols import x

c = Symbol("c", positive=True)
s = let("s", (x / c) ** 2)

arctan = Loss(
    name="arctan",
    title="Arctan loss",
    source="SciPy, scipy.optimize.least_squares, loss='arctan'",
    variables=(x, c),
    where=(s,),
    loss=c**2 / 2 * atan(s),
    description="Behaves like x^2/2 near zero and is bounded.",
)
