"""Geman and McClure's loss: bounded by 2, so that an outlier's influence vanishes."""

from derive.definitions.loss import Loss, let
from derive.definitions.symbols import scale, x

s = let("s", (x / scale) ** 2)

geman_mcclure = Loss(
    name="geman_mcclure",
    title="Geman-McClure loss",
    source="Geman and McClure, Proc. ASA 1985; in this form Barron, arXiv:1701.03077, eq. 5",
    variables=(x, scale),
    where=(s,),
    loss=2 * s / (s + 4),
    member_of=("barron", {"alpha": -2}),
    description="Bounded by 2; the influence of an outlier falls as 1/x^3.",
)
