"""Cauchy's loss: the negative log-likelihood of a Cauchy distribution, up to a constant."""

from sympy import log

from derive.definitions.loss import Loss, let
from derive.definitions.symbols import scale, x

s = let("s", (x / scale) ** 2)

cauchy = Loss(
    name="cauchy",
    title="Cauchy loss (Lorentzian)",
    source="Black and Anandan, CVIU 63(1), 1996; in this form Barron, arXiv:1701.03077, eq. 4",
    variables=(x, scale),
    where=(s,),
    loss=log(1 + s / 2),
    member_of=("barron", {"alpha": 0}),
    description="Grows like the logarithm: the influence of an outlier falls as 1/x.",
)
