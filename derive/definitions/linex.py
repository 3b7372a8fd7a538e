"""LINEX: exponential on one side, linear on the other."""

from sympy import Symbol, exp

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

a = Symbol("a", real=True)

linex = Loss(
    name="linex",
    title="LINEX loss",
    source="Varian, Studies in Bayesian Econometrics and Statistics, 1975",
    variables=(x, a),
    special={a: (0,)},
    defaults={a: 0.5},
    loss=exp(a * x) - a * x - 1,
    description="For a > 0 a prediction that is too high costs more; 0 at a = 0.",
)
