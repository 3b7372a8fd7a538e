"""Andrews' sine: the slope is one arch of a sine, and 0 beyond it."""

from sympy import Abs, Piecewise, Symbol, cos, pi

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

c = Symbol("c", positive=True)

andrews = Loss(
    name="andrews",
    title="Andrews' sine",
    source="Andrews et al., Robust Estimates of Location, Princeton, 1972",
    variables=(x, c),
    defaults={c: 1.339},
    loss=Piecewise(
        (c**2 * (1 - cos(x / c)), Abs(x) <= pi * c),
        (2 * c**2, True),
    ),
    description="Like x^2/2 near zero; constant beyond |x| = pi c.",
)
