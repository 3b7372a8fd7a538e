"""Binary cross-entropy of a probability."""

from sympy import Interval, Symbol, log

from derive.definitions.loss import Loss

q, y = Symbol("q", nonnegative=True), Symbol("y", nonnegative=True)

binary_cross_entropy = Loss(
    name="binary_cross_entropy",
    title="Binary cross-entropy",
    source="Good, J. R. Statist. Soc. B 14(1), 1952",
    variables=(q, y),
    predictions=(q,),
    target=y,
    loss=-(y * log(q) + (1 - y) * log(1 - q)),
    domains={q: Interval(0, 1), y: Interval(0, 1)},
    description="q predicts the probability y of the label 1; 0 log 0 = 0, nothing is clipped.",
)
