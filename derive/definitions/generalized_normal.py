"""The generalized normal loss: a power of |x|, from the absolute loss over the quadratic on."""

from sympy import Abs

from derive.definitions.loss import Loss
from derive.definitions.symbols import beta, scale, x

generalized_normal = Loss(
    name="generalized_normal",
    title="Generalized normal loss (Lp)",
    source="Subbotin, Mat. Sb. 31(2), 1923",
    variables=(x, beta, scale),
    defaults={beta: 1.5},
    loss=(Abs(x) / scale) ** beta,
    description="Its density is Laplace's at beta = 1, the normal one at beta = 2.",
)
