"""The entropy of the softmax of scores, in nats."""

from sympy import exp, log

from derive.definitions.classes import Total
from derive.definitions.loss import Along, Loss

z = Along("z", "real")
s = exp(z) / Total(exp(z))

entropy_logits = Loss(
    name="entropy_logits",
    title="Entropy of a softmax",
    source="Shannon, Bell System Technical Journal 27, 1948",
    variables=(z,),
    predictions=(z,),
    loss=-Total(s * log(s)),
    description="A logit of -inf masks its class.",
)
