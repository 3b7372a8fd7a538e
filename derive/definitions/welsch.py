"""Welsch's loss: an inverted Gaussian, blind to residuals far beyond the scale."""

from sympy import exp, oo

from derive.definitions.loss import Loss, let
from derive.definitions.symbols import scale, x

s = let("s", (x / scale) ** 2)

welsch = Loss(
    name="welsch",
    title="Welsch loss (Leclerc)",
    source="Dennis and Welsch, Comm. Statist. B7(4), 1978; in this form Barron, "
    "arXiv:1701.03077, eq. 6",
    variables=(x, scale),
    where=(s,),
    loss=1 - exp(-s / 2),
    member_of=("barron", {"alpha": -oo}),
    description="Bounded by 1; the influence of an outlier falls like a Gaussian.",
)
