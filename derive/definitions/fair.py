"""Fair's loss: convex, between the square and the absolute value."""

from sympy import Abs, Symbol, log

from derive.definitions.loss import Loss, let
from derive.definitions.symbols import x

c = Symbol("c", positive=True)
u = let("u", Abs(x) / c)

fair = Loss(
    name="fair",
    title="Fair loss",
    source="Fair, Annals of Economic and Social Measurement 3(4), 1974",
    variables=(x, c),
    where=(u,),
    defaults={c: 1.3998},
    loss=c**2 * (u - log(1 + u)),
    description="Behaves like x^2/2 near zero and like c |x| far away; its slope is c x/(c + |x|).",
)
