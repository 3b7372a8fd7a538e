"""The binary focal loss of a logit: what is nearly right already counts little."""

from sympy import FiniteSet, Symbol, exp, log

from derive.definitions.loss import Loss, let

z, y, gamma = (
    Symbol("z", real=True),
    Symbol("y", nonnegative=True),
    Symbol("gamma", nonnegative=True),
)
v = let("v", (2 * y - 1) * z)

binary_focal = Loss(
    name="binary_focal",
    title="Binary focal loss",
    source="Lin et al., ICCV 2017, arXiv:1708.02002",
    variables=(z, y, gamma),
    predictions=(z,),
    target=y,
    where=(v,),
    loss=log(1 + exp(-v)) / (1 + exp(v)) ** gamma,
    defaults={gamma: 2.0},
    domains={y: FiniteSet(0, 1)},
    description="z predicts the logit of the label 1; cross-entropy at gamma = 0.",
)
