"""Least squares: every residual counts by its square, an outlier most of all."""

from derive.definitions.loss import Loss
from derive.definitions.symbols import scale, x

quadratic = Loss(
    name="quadratic",
    title="Quadratic loss (L2)",
    source="Legendre, Nouvelles méthodes pour la détermination des orbites des comètes, 1805",
    variables=(x, scale),
    loss=(x / scale) ** 2 / 2,
    member_of=("barron", {"alpha": 2}),
    description="Half of the squared residual; its minimizer is the mean.",
)
