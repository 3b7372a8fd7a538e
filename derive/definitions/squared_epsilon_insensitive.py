"""Vapnik's loss, squared: what is nearer than epsilon costs nothing."""

from sympy import Abs, Max, Symbol

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

epsilon = Symbol("epsilon", positive=True)

squared_epsilon_insensitive = Loss(
    name="squared_epsilon_insensitive",
    title="Squared epsilon-insensitive loss",
    source="Vapnik, The Nature of Statistical Learning Theory, 1995",
    variables=(x, epsilon),
    defaults={epsilon: 0.1},
    loss=Max(Abs(x) - epsilon, 0) ** 2,
    description="0 up to |x| = epsilon and the square of the distance beyond.",
)
