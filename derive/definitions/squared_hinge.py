"""The squared hinge loss."""

from sympy import FiniteSet, Max, Symbol

from derive.definitions.loss import Loss

f, y = Symbol("f", real=True), Symbol("y", real=True)

squared_hinge = Loss(
    name="squared_hinge",
    title="Squared hinge loss",
    source="Cortes and Vapnik, Machine Learning 20, 1995",
    variables=(f, y),
    predictions=(f,),
    target=y,
    loss=Max(0, 1 - y * f) ** 2,
    domains={y: FiniteSet(-1, 1)},
    description="0 where the margin y f is 1 or more, with a continuous slope.",
)
