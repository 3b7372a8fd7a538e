"""The general adaptive robust loss: from the quadratic to Welsch by one parameter."""

from sympy import Abs, oo

from derive.definitions.loss import Loss, let
from derive.definitions.symbols import alpha, scale, x

s = let("s", (x / scale) ** 2)
b = let("b", Abs(alpha - 2))

barron = Loss(
    name="barron",
    title="General adaptive robust loss",
    source="Barron, CVPR 2019, arXiv:1701.03077, eq. 1",
    variables=(x, alpha, scale),
    where=(s, b),
    loss=b / alpha * ((1 + s / b) ** (alpha / 2) - 1),
    special={alpha: (0, 2, oo, -oo)},
    description="alpha sets the shape: 2 quadratic, 1 Charbonnier, 0 Cauchy, -2 Geman-McClure, "
    "-inf Welsch.",
)
