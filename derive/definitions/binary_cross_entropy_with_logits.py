"""Binary cross-entropy of a logit: the logistic loss."""

from sympy import Interval, Symbol, exp, log

from derive.definitions.loss import Loss

z, y = Symbol("z", real=True), Symbol("y", nonnegative=True)
pos_weight = Symbol("pos_weight", positive=True)

binary_cross_entropy_with_logits = Loss(
    name="binary_cross_entropy_with_logits",
    title="Binary cross-entropy of logits",
    source="Cox, J. R. Statist. Soc. B 20(2), 1958",
    variables=(z, y, pos_weight),
    predictions=(z,),
    target=y,
    loss=pos_weight * y * log(1 + exp(-z)) + (1 - y) * log(1 + exp(z)),
    domains={y: Interval(0, 1)},
    description="z predicts the logit of the probability y of label 1, which pos_weight weighs.",
)
