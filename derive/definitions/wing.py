"""The wing loss: logarithmic for small residuals, so that they count, linear beyond."""

from sympy import Abs, Piecewise, Symbol, log

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

w, epsilon = Symbol("w", positive=True), Symbol("epsilon", positive=True)

wing = Loss(
    name="wing",
    title="Wing loss",
    source="Feng et al., CVPR 2018, arXiv:1711.06753, eq. 5",
    variables=(x, w, epsilon),
    defaults={w: 10.0, epsilon: 2.0},
    loss=Piecewise(
        (w * log(1 + Abs(x) / epsilon), Abs(x) <= w),
        (Abs(x) - (w - w * log(1 + w / epsilon)), True),
    ),
    description="A logarithm up to |x| = w, where it is steeper than beyond, and |x| less a "
    "constant from there on.",
)
