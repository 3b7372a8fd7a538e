"""Vapnik's loss: what is nearer than epsilon costs nothing."""

from sympy import Abs, Max, Symbol

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

epsilon = Symbol("epsilon", positive=True)

epsilon_insensitive = Loss(
    name="epsilon_insensitive",
    title="Epsilon-insensitive loss",
    source="Vapnik, The Nature of Statistical Learning Theory, 1995",
    variables=(x, epsilon),
    defaults={epsilon: 0.1},
    loss=Max(Abs(x) - epsilon, 0),
    description="0 up to |x| = epsilon and linear beyond, as in support vector regression.",
)
