"""The Itakura-Saito divergence of power spectra."""

from sympy import Symbol, log

from derive.definitions.loss import Loss

mu, y = Symbol("mu", positive=True), Symbol("y", positive=True)

itakura_saito = Loss(
    name="itakura_saito",
    title="Itakura-Saito divergence",
    source="Itakura and Saito, Proc. 6th Int. Congr. Acoustics, 1968",
    variables=(mu, y),
    predictions=(mu,),
    target=y,
    loss=y / mu - log(y / mu) - 1,
    description="mu predicts the power y; the same function as the gamma deviance.",
)
