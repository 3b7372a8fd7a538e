"""Andrews' sine: one arch of a cosine, then constant."""

from sympy import Abs, Piecewise, Symbol, cos, pi

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

c = Symbol("c", positive=True)

andrews = Loss(
    name="andrews",
    title="Andrews' sine (wave)",
    source="Andrews et al., Robust Estimates of Location, Princeton, 1972",
    variables=(x, c),
    defaults={c: 1.339},
    loss=Piecewise(
        (c**2 * (1 - cos(x / c)), Abs(x) <= pi * c),
        (2 * c**2, True),
    ),
    description="Its slope is c sin(x/c) up to the first zero of it and zero beyond.",
)
