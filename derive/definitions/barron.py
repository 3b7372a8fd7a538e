"""The general adaptive robust loss: from the quadratic to Welsch by one parameter."""

from pathlib import Path

from sympy import Abs, oo

from derive.definitions.loss import Loss, let
from derive.definitions.stored import Stored
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
    log_partition=Stored(
        parameter=alpha,
        stretch=scale,
        place=Path(__file__).with_name("barron_log_partition.json"),
        command="python -m tools.partition",
        origin="from enclosures of the integral",
        squeeze=0.125,
        centre=2.0,
    ),
    description="alpha sets the shape: 2 quadratic, 1 Charbonnier, 0 Cauchy, -2 Geman-McClure, "
    "-inf Welsch.",
)
