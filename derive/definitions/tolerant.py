"""The tolerant loss: small squared residuals cost little, large ones their square."""

from sympy import Symbol, exp, log

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

a, b = (Symbol(letter, positive=True) for letter in "ab")

tolerant = Loss(
    name="tolerant",
    title="Tolerant loss",
    source="Ceres Solver, TolerantLoss, here of s = x^2",
    variables=(x, a, b),
    defaults={b: 0.5},
    loss=b * log(1 + exp((x**2 - a) / b)) - b * log(1 + exp(-a / b)),
    description="A smooth max(x^2 - a, 0): b says how sharp the bend at |x| = sqrt(a) is.",
)
