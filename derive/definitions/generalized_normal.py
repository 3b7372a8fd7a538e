"""The p-th power of the residual: Lp, the exponential power distribution."""

from sympy import Abs, Symbol

from derive.definitions.loss import Loss
from derive.definitions.symbols import scale, x

p = Symbol("p", positive=True)

generalized_normal = Loss(
    name="generalized_normal",
    title="Generalized normal loss (Lp)",
    source="Subbotin, Mat. Sb. 31(2), 1923; Nadarajah, J. Appl. Stat. 32(7), 2005",
    variables=(x, p, scale),
    defaults={p: 1.5},
    loss=(Abs(x) / scale) ** p,
    description="p = 1 is the absolute loss, p = 2 twice the quadratic one; not convex for p < 1.",
)
