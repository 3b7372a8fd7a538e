"""The negative log-likelihood of the normal distribution, its mean and its variance predicted."""

from sympy import Symbol, log

from derive.definitions.loss import Loss

mu, v, y = Symbol("mu", real=True), Symbol("v", positive=True), Symbol("y", real=True)

gaussian_nll = Loss(
    name="gaussian_nll",
    title="Gaussian negative log-likelihood",
    source="Nix and Weigend, Proc. IEEE Int. Conf. Neural Networks, 1994",
    variables=(mu, v, y),
    predictions=(mu, v),
    target=y,
    loss=(log(v) + (y - mu) ** 2 / v) / 2,
    description="mu predicts the mean, v the variance; without the constant log(2 pi)/2.",
)
