"""The divergence of the prediction from the target: reverse Kullback-Leibler."""

from sympy import log

from derive.definitions.classes import Total
from derive.definitions.loss import Along, Loss

q, p = Along("q", "probability"), Along("p", "probability")

reverse_kl_divergence = Loss(
    name="reverse_kl_divergence",
    title="Reverse Kullback-Leibler divergence",
    source="Kullback and Leibler, Ann. Math. Statist. 22(1), 1951",
    variables=(q, p),
    predictions=(q,),
    target=p,
    loss=Total(q * log(q / p)),
    description="q is the prediction.",
)
