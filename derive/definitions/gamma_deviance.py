"""Half the deviance of the gamma distribution: relative errors alone count."""

from sympy import Symbol, log

from derive.definitions.loss import Loss

mu, y = Symbol("mu", positive=True), Symbol("y", positive=True)

gamma_deviance = Loss(
    name="gamma_deviance",
    title="Gamma deviance",
    source="Nelder and Wedderburn, J. R. Statist. Soc. A 135(3), 1972",
    variables=(mu, y),
    predictions=(mu,),
    target=y,
    loss=log(mu / y) + y / mu - 1,
    description="Half the deviance; a function of mu/y.",
)
