"""A smooth check function: the quantile loss with a rounded corner."""

from sympy import Interval, Symbol, exp, log

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

c = Symbol("c", positive=True)
tau = Symbol("tau", positive=True)

smooth_quantile = Loss(
    name="smooth_quantile",
    title="Smooth quantile loss",
    source="Zheng, Int. J. Machine Learning and Cybernetics 2(3), 2011",
    variables=(x, tau, c),
    domains={tau: Interval.open(0, 1)},
    defaults={tau: 0.5},
    loss=(1 - tau) * x + c * log(1 + exp(-x / c)),
    description="Tends to the quantile loss as c goes to 0; at x = 0 it is c log(2).",
)
