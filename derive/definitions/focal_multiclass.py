"""Softmax cross-entropy with less weight on what is already predicted well."""

from sympy import Symbol, exp, log

from derive.definitions.classes import Total, at_target
from derive.definitions.loss import Along, Loss

z, t = Along("z", "real"), Along("t", "index")
gamma = Symbol("gamma", nonnegative=True)
s = at_target(exp(z) / Total(exp(z)), t)

focal_multiclass = Loss(
    name="focal_multiclass",
    title="Multiclass focal loss",
    source="Lin et al., ICCV 2017, arXiv:1708.02002, over a softmax",
    variables=(z, t, gamma),
    predictions=(z,),
    target=t,
    loss=-((1 - s) ** gamma) * log(s),
    defaults={gamma: 2.0},
)
