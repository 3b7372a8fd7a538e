"""Softmax cross-entropy with a share eps of the target spread over all classes alike."""

from sympy import Interval, Symbol, exp, log

from derive.definitions.classes import COUNT, Entry, Total
from derive.definitions.loss import Along, Loss

z, t = Along("z", "real"), Along("t", "index")
eps = Symbol("eps", nonnegative=True)

label_smoothed_cross_entropy = Loss(
    name="label_smoothed_cross_entropy",
    title="Label-smoothed cross-entropy",
    source="Szegedy et al., CVPR 2016, section 7; eps over all classes, the target's too",
    variables=(z, t, eps),
    predictions=(z,),
    target=t,
    loss=log(Total(exp(z))) - (1 - eps) * Entry(z, t) - eps / COUNT * Total(z),
    domains={eps: Interval(0, 1)},
    defaults={eps: 0.1},
)
