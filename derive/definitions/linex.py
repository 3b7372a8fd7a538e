"""LINEX: exponential on one side, nearly linear on the other."""

from sympy import Symbol, exp

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

a = Symbol("a", real=True)

linex = Loss(
    name="linex",
    title="LINEX loss",
    source="Varian, Studies in Bayesian Econometrics and Statistics, 1975",
    variables=(x, a),
    loss=exp(a * x) - a * x - 1,
    description="Exponential above the target for positive a and below it for negative a.",
)
