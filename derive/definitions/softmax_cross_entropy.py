"""Softmax cross-entropy: the negative log-likelihood of a class under the softmax of its scores."""

from sympy import Symbol, exp, log

from derive.definitions.classes import Entry, Total
from derive.definitions.loss import Along, Loss

z, t = Along("z", "real"), Along("t", "index")
T = Symbol("T", positive=True)

softmax_cross_entropy = Loss(
    name="softmax_cross_entropy",
    title="Softmax cross-entropy",
    source="Bridle, in Neurocomputing, 1990; torch.nn.CrossEntropyLoss",
    variables=(z, t, T),
    predictions=(z,),
    target=t,
    loss=log(Total(exp(z / T))) - Entry(z, t) / T,
    description="T is the temperature. A logit of -inf masks its class.",
)
