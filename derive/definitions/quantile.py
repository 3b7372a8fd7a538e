"""The check function: its location estimate is the tau-quantile."""

from sympy import Interval, Max, Symbol

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

tau = Symbol("tau", positive=True)

quantile = Loss(
    name="quantile",
    title="Quantile loss (pinball)",
    source="Koenker and Bassett, Econometrica 46(1), 1978",
    variables=(x, tau),
    domains={tau: Interval.open(0, 1)},
    defaults={tau: 0.5},
    loss=Max((1 - tau) * x, -tau * x),
    description="A target above the prediction costs tau a unit, one below it 1 - tau.",
)
