"""Poisson's loss: the negative log-likelihood of a count, without terms in the count alone."""

from sympy import Symbol, log

from derive.definitions.loss import Loss

mu, y = Symbol("mu", nonnegative=True), Symbol("y", nonnegative=True)

poisson = Loss(
    name="poisson",
    title="Poisson loss",
    source="Nelder and Wedderburn, J. R. Statist. Soc. A 135(3), 1972",
    variables=(mu, y),
    predictions=(mu,),
    target=y,
    loss=mu - y * log(mu),
    description="mu predicts the mean of a count y; least where mu = y.",
)
