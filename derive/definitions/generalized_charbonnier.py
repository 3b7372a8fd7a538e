"""A power of x^2 + eps^2: the penalty of optical flow."""

from sympy import Interval, Symbol

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

eps, a = (Symbol(name, positive=True) for name in ("eps", "a"))

generalized_charbonnier = Loss(
    name="generalized_charbonnier",
    title="Generalized Charbonnier loss",
    source="Sun, Roth and Black, Int. J. Comput. Vision 106(2), 2014",
    variables=(x, eps, a),
    domains={a: Interval.Lopen(0, 1)},
    defaults={eps: 1e-3, a: 0.45},
    loss=(x**2 + eps**2) ** a,
    description="a = 1/2 is a Charbonnier loss with an offset; at x = 0 it is eps^(2 a).",
)
