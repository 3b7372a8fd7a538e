"""The entropy of a distribution over classes, in nats."""

from sympy import log

from derive.definitions.classes import Total
from derive.definitions.loss import Along, Loss

p = Along("p", "probability")

entropy = Loss(
    name="entropy",
    title="Entropy",
    source="Shannon, Bell System Technical Journal 27, 1948",
    variables=(p,),
    predictions=(p,),
    loss=-Total(p * log(p)),
    description="The slope at a probability of 0 is inf.",
)
