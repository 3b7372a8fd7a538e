"""The modified Huber loss: the squared hinge, continued by its tangent for margins below -1."""

from sympy import FiniteSet, Max, Piecewise, Symbol

from derive.definitions.loss import Loss

f, y = Symbol("f", real=True), Symbol("y", real=True)

modified_huber = Loss(
    name="modified_huber",
    title="Modified Huber loss",
    source="Zhang, Proc. 21st Int. Conf. Machine Learning, 2004",
    variables=(f, y),
    predictions=(f,),
    target=y,
    loss=Piecewise((Max(0, 1 - y * f) ** 2, y * f >= -1), (-4 * y * f, True)),
    domains={y: FiniteSet(-1, 1)},
    description="The squared hinge loss down to the margin -1, linear beyond.",
)
