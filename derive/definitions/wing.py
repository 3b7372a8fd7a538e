"""Wing loss: logarithmic for small residuals, linear for large ones."""

from sympy import Abs, Piecewise, Symbol, log

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

w, eps = (Symbol(name, positive=True) for name in ("w", "eps"))

wing = Loss(
    name="wing",
    title="Wing loss",
    source="Feng et al., CVPR 2018, arXiv:1711.06753, eq. 5",
    variables=(x, w, eps),
    defaults={w: 10.0, eps: 2.0},
    loss=Piecewise(
        (w * log(1 + Abs(x) / eps), Abs(x) < w),
        (Abs(x) - w + w * log(1 + w / eps), True),
    ),
    description="Small residuals count more than in the absolute loss; a kink at 0 and at |x| = w.",
)
