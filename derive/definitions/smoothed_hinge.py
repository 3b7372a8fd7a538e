"""The hinge loss with a quadratic piece of length gamma before its corner."""

from sympy import FiniteSet, Piecewise, Symbol

from derive.definitions.loss import Loss

f, y, gamma = Symbol("f", real=True), Symbol("y", real=True), Symbol("gamma", positive=True)

smoothed_hinge = Loss(
    name="smoothed_hinge",
    title="Smoothed hinge loss",
    source="Shalev-Shwartz and Zhang, J. Machine Learning Research 14, 2013",
    variables=(f, y, gamma),
    predictions=(f,),
    target=y,
    loss=Piecewise(
        (0, y * f >= 1),
        ((1 - y * f) ** 2 / (2 * gamma), y * f > 1 - gamma),
        (1 - y * f - gamma / 2, True),
    ),
    domains={y: FiniteSet(-1, 1)},
    description="The hinge loss for gamma to 0; its slope is continuous.",
)
