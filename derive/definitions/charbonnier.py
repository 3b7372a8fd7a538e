"""Charbonnier's loss: a smooth absolute value, quadratic near zero."""

from sympy import sqrt

from derive.definitions.loss import Loss, let
from derive.definitions.symbols import scale, x

s = let("s", (x / scale) ** 2)

charbonnier = Loss(
    name="charbonnier",
    title="Charbonnier loss (pseudo-Huber)",
    source="Charbonnier et al., ICIP 1994; in this form Barron, arXiv:1701.03077, eq. 3",
    variables=(x, scale),
    where=(s,),
    loss=sqrt(1 + s) - 1,
    member_of=("barron", {"alpha": 1}),
    description="Behaves like (x/scale)^2/2 near zero and like |x|/scale far away.",
)
