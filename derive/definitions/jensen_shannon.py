"""The Jensen-Shannon divergence, in nats: symmetric, and at most log 2."""

from sympy import log

from derive.definitions.classes import Total
from derive.definitions.loss import Along, Loss

q, p = Along("q", "probability"), Along("p", "probability")

jensen_shannon = Loss(
    name="jensen_shannon",
    title="Jensen-Shannon divergence",
    source="Lin, IEEE Trans. Inform. Theory 37(1), 1991, with equal weights",
    variables=(q, p),
    predictions=(q,),
    target=p,
    loss=(Total(p * log(2 * p / (p + q))) + Total(q * log(2 * q / (p + q)))) / 2,
    description="Its square root is a distance, which is what scipy.spatial calls by this name.",
)
