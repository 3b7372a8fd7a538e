"""The divergence of the target from the prediction: forward Kullback-Leibler."""

from sympy import log

from derive.definitions.classes import Total
from derive.definitions.loss import Along, Loss

q, p = Along("q", "probability"), Along("p", "probability")

kl_divergence = Loss(
    name="kl_divergence",
    title="Kullback-Leibler divergence",
    source="Kullback and Leibler, Ann. Math. Statist. 22(1), 1951",
    variables=(q, p),
    predictions=(q,),
    target=p,
    loss=Total(p * log(p / q)),
    description="q is the prediction. Infinite where only the target has mass.",
)
