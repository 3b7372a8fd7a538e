"""The quantile loss with its corner rounded by a softplus."""

from sympy import Interval, Rational, Symbol, exp, log

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

tau, c = Symbol("tau", positive=True), Symbol("c", positive=True)

smooth_quantile = Loss(
    name="smooth_quantile",
    title="Smooth quantile loss",
    source="Zheng, Int. J. Machine Learning and Cybernetics 2(3), 2011",
    variables=(x, tau, c),
    domains={tau: Interval.open(0, 1)},
    defaults={tau: 0.9},
    special={tau: (Rational(1, 2),)},
    loss=c * log(1 + exp(x / c)) - tau * x,
    description="The quantile loss for c to 0; c log 2 at x = 0.",
)
