"""Least absolute deviations: the influence of a residual is its sign alone."""

from sympy import Abs

from derive.definitions.loss import Loss
from derive.definitions.symbols import scale, x

absolute = Loss(
    name="absolute",
    title="Absolute loss (L1)",
    source="Laplace, Mémoire sur la probabilité des causes par les évènements, 1774",
    variables=(x, scale),
    loss=Abs(x) / scale,
    description="The magnitude of the residual; its minimizer is the median.",
)
