"""Cross-entropy of predicted probabilities: what the class that came true would have cost."""

from sympy import log

from derive.definitions.classes import Entry
from derive.definitions.loss import Along, Loss

q, t = Along("q", "probability"), Along("t", "index")

cross_entropy = Loss(
    name="cross_entropy",
    title="Cross-entropy of probabilities",
    source="Shannon, Bell System Technical Journal 27, 1948; torch.nn.NLLLoss of logarithms",
    variables=(q, t),
    predictions=(q,),
    target=t,
    loss=-log(Entry(q, t)),
)
