"""Poisson's loss where the logarithm of the mean is predicted."""

from sympy import Symbol, exp

from derive.definitions.loss import Loss

f, y = Symbol("f", real=True), Symbol("y", nonnegative=True)

poisson_with_log_input = Loss(
    name="poisson_with_log_input",
    title="Poisson loss of the log of the mean",
    source="Nelder and Wedderburn, J. R. Statist. Soc. A 135(3), 1972",
    variables=(f, y),
    predictions=(f,),
    target=y,
    loss=exp(f) - y * f,
    description="f predicts the logarithm of the mean of a count y.",
)
