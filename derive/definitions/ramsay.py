"""Ramsay's Ea: the weight falls exponentially."""

from sympy import Abs, Symbol, exp

from derive.definitions.loss import Loss, let
from derive.definitions.symbols import x

a = Symbol("a", positive=True)
u = let("u", a * Abs(x))

ramsay = Loss(
    name="ramsay",
    title="Ramsay's Ea",
    source="Ramsay, J. Amer. Statist. Assoc. 72(359), 1977",
    variables=(x, a),
    where=(u,),
    defaults={a: 0.3},
    loss=(1 - exp(-u) * (1 + u)) / a**2,
    description="Like x^2/2 near zero and bounded by 1/a^2; its slope is x exp(-a |x|).",
)
