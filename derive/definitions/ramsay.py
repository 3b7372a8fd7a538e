"""Ramsay's Ea: the weight falls as an exponential."""

from sympy import Abs, Symbol, exp

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

a = Symbol("a", positive=True)

ramsay = Loss(
    name="ramsay",
    title="Ramsay's Ea",
    source="Ramsay, A comparative study of several robust estimates, JASA 72(359), 1977",
    variables=(x, a),
    defaults={a: 0.3},
    loss=(1 - exp(-a * Abs(x)) * (1 + a * Abs(x))) / a**2,
    description="Its weight is exp(-a |x|); it grows to 1/a^2.",
)
