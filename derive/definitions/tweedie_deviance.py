"""Half the deviance of Tweedie's family: the variance grows like the mean to the power p."""

from sympy import Interval, Symbol

from derive.definitions.loss import Loss

mu, y, p = Symbol("mu", positive=True), Symbol("y", nonnegative=True), Symbol("p", nonnegative=True)

tweedie_deviance = Loss(
    name="tweedie_deviance",
    title="Tweedie deviance",
    source="Jorgensen, J. R. Statist. Soc. B 49(2), 1987",
    variables=(mu, y, p),
    predictions=(mu,),
    target=y,
    loss=y ** (2 - p) / ((1 - p) * (2 - p)) - y * mu ** (1 - p) / (1 - p) + mu ** (2 - p) / (2 - p),
    defaults={p: 1.5},
    domains={p: Interval(0, 3)},
    special={p: (1, 2)},
    description="Half the deviance: squared error at p = 0, Poisson at 1, gamma at 2.",
)
