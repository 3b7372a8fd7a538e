"""The hinge loss of the support vector machine."""

from sympy import FiniteSet, Max, Symbol

from derive.definitions.loss import Loss

f, y = Symbol("f", real=True), Symbol("y", real=True)

hinge = Loss(
    name="hinge",
    title="Hinge loss",
    source="Cortes and Vapnik, Machine Learning 20, 1995",
    variables=(f, y),
    predictions=(f,),
    target=y,
    loss=Max(0, 1 - y * f),
    domains={y: FiniteSet(-1, 1)},
    description="0 where the margin y f is 1 or more.",
)
