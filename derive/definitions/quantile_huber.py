"""The quantile loss with Huber's parabola at the corner."""

from sympy import Abs, Interval, Piecewise, Symbol

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

kappa = Symbol("kappa", positive=True)
tau = Symbol("tau", positive=True)

quantile_huber = Loss(
    name="quantile_huber",
    title="Quantile Huber loss",
    source="Dabney et al., AAAI 2018, arXiv:1710.10044, eq. 10",
    variables=(x, tau, kappa),
    domains={tau: Interval.open(0, 1)},
    defaults={tau: 0.5},
    loss=Piecewise((1 - tau, x >= 0), (tau, True))
    * Piecewise(
        (x**2 / 2, Abs(x) <= kappa),
        (kappa * (Abs(x) - kappa / 2), True),
    )
    / kappa,
    description="Huber's loss over kappa, times tau where the target is above the prediction.",
)
