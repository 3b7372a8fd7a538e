"""Huber's loss, tilted: the quantile loss with a parabola in place of its corner."""

from sympy import Abs, Interval, Piecewise, Symbol

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

tau, kappa = Symbol("tau", positive=True), Symbol("kappa", positive=True)

quantile_huber = Loss(
    name="quantile_huber",
    title="Quantile Huber loss",
    source="Dabney et al., AAAI 2018, arXiv:1710.10044, eq. 10",
    variables=(x, tau, kappa),
    domains={tau: Interval.open(0, 1)},
    defaults={tau: 0.9},
    loss=Piecewise((1 - tau, x > 0), (tau, True))
    * Piecewise(
        (x**2 / 2, Abs(x) <= kappa),
        (kappa * (Abs(x) - kappa / 2), True),
    )
    / kappa,
    description="Huber's loss over kappa, times tau for a target above the prediction and 1 - tau "
    "for one below; the quantile loss for kappa to 0.",
)
