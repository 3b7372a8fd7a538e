"""The generalized Charbonnier penalty: any power of the root in Charbonnier's loss."""

from sympy import Interval, Symbol

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

eps, a = Symbol("eps", positive=True), Symbol("a", positive=True)

generalized_charbonnier = Loss(
    name="generalized_charbonnier",
    title="Generalized Charbonnier penalty",
    source="Sun, Roth and Black, IJCV 106(2), 2014",
    variables=(x, eps, a),
    domains={a: Interval.Lopen(0, 1)},
    defaults={eps: 0.001, a: 0.45},
    loss=(x**2 + eps**2) ** a,
    description="Convex for a >= 1/2 only; eps^(2 a), not 0, at x = 0.",
)
