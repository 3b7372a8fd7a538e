"""The check function with a smooth corner: its location estimate tends to the tau-quantile."""

from sympy import Interval, Symbol, exp, log

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

tau, c = Symbol("tau", positive=True), Symbol("c", positive=True)

smooth_quantile = Loss(
    name="smooth_quantile",
    title="Smooth quantile loss",
    source="Zheng, Int. J. Mach. Learn. Cybern. 2, 2011, eq. 8",
    variables=(x, tau, c),
    domains={tau: Interval.open(0, 1)},
    defaults={tau: 0.9, c: 0.5},
    loss=(1 - tau) * x + c * log(1 + exp(-x / c)),
    description="The quantile loss for c to 0: a target above the prediction costs tau a unit, one "
    "below it 1 - tau.",
)
