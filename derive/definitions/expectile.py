"""The asymmetric square: its location estimate is the tau-expectile."""

from sympy import Interval, Piecewise, Symbol

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

tau = Symbol("tau", positive=True)

expectile = Loss(
    name="expectile",
    title="Expectile loss",
    source="Newey and Powell, Econometrica 55(4), 1987",
    variables=(x, tau),
    domains={tau: Interval.open(0, 1)},
    defaults={tau: 0.5},
    loss=Piecewise(((1 - tau) * x**2, x > 0), (tau * x**2, True)),
    description="A target above the prediction costs tau times the square, one below it 1 - tau.",
)
