"""The exponential loss of AdaBoost."""

from sympy import FiniteSet, Symbol, exp

from derive.definitions.loss import Loss

f, y = Symbol("f", real=True), Symbol("y", real=True)

exponential = Loss(
    name="exponential",
    title="Exponential loss",
    source="Freund and Schapire, J. Computer and System Sciences 55(1), 1997",
    variables=(f, y),
    predictions=(f,),
    target=y,
    loss=exp(-y * f),
    domains={y: FiniteSet(-1, 1)},
    description="Of the margin y f, what AdaBoost minimizes.",
)
