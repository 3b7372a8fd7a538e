"""Half the deviance of Poisson's distribution: 0 where the prediction is right."""

from sympy import Symbol, log

from derive.definitions.loss import Loss

mu, y = Symbol("mu", nonnegative=True), Symbol("y", nonnegative=True)

poisson_deviance = Loss(
    name="poisson_deviance",
    title="Poisson deviance",
    source="Nelder and Wedderburn, J. R. Statist. Soc. A 135(3), 1972",
    variables=(mu, y),
    predictions=(mu,),
    target=y,
    loss=y * log(y / mu) - y + mu,
    description="Half the deviance; mu where y = 0.",
)
