"""The truncated square: far residuals count with a constant."""

from sympy import Min, Symbol

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

c = Symbol("c", positive=True)

talwar = Loss(
    name="talwar",
    title="Talwar loss (truncated quadratic)",
    source="Hinich and Talwar, J. Amer. Statist. Assoc. 70(349), 1975",
    variables=(x, c),
    defaults={c: 2.795},
    loss=Min(x**2 / 2, c**2 / 2),
    description="x^2/2 up to |x| = c and constant beyond.",
)
