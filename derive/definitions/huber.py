"""Huber's loss: the square near zero, the absolute value beyond delta."""

from sympy import Abs, Piecewise

from derive.definitions.loss import Loss
from derive.definitions.symbols import delta, x

huber = Loss(
    name="huber",
    title="Huber loss",
    source="Huber, Robust estimation of a location parameter, Ann. Math. Statist. 35(1), 1964",
    variables=(x, delta),
    loss=Piecewise(
        (x**2 / 2, Abs(x) <= delta),
        (delta * Abs(x) - delta**2 / 2, True),
    ),
    description="Quadratic up to |x| = delta and linear beyond, with a continuous slope.",
)
