"""The zero-one loss: whether a decision is wrong."""

from sympy import FiniteSet, Piecewise, Symbol

from derive.definitions.loss import Loss

f, y = Symbol("f", real=True), Symbol("y", real=True)

zero_one = Loss(
    name="zero_one",
    title="Zero-one loss",
    source="Vapnik, The Nature of Statistical Learning Theory, 1995",
    variables=(f, y),
    predictions=(f,),
    target=y,
    loss=Piecewise((1, y * f <= 0), (0, True)),
    domains={y: FiniteSet(-1, 1)},
    description="1 where the sign of f is wrong or undecided. Its gradient is 0 almost everywhere: "
    "there is nothing to learn from.",
)
