"""The squared logarithmic error: the squared difference of logarithms, one added to each."""

from sympy import Interval, Symbol, log, oo

from derive.definitions.loss import Loss

mu, y = Symbol("mu", real=True), Symbol("y", real=True)

squared_logarithmic_error = Loss(
    name="squared_logarithmic_error",
    title="Squared logarithmic error",
    source="scikit-learn, mean_squared_log_error",
    variables=(mu, y),
    predictions=(mu,),
    target=y,
    loss=(log(1 + mu) - log(1 + y)) ** 2,
    domains={mu: Interval.open(-1, oo), y: Interval.open(-1, oo)},
    description="Least where mu = y; what counts is the ratio of 1 + mu to 1 + y.",
)
