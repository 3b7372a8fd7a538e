"""Smooth L1: Huber's loss divided by its threshold, so that the slope beyond it is 1."""

from sympy import Abs, Piecewise

from derive.definitions.loss import Loss
from derive.definitions.symbols import beta, x

smooth_l1 = Loss(
    name="smooth_l1",
    title="Smooth L1 loss",
    source="Girshick, Fast R-CNN, ICCV 2015, arXiv:1504.08083, eq. 3 (there beta = 1)",
    variables=(x, beta),
    loss=Piecewise(
        (x**2 / (2 * beta), Abs(x) <= beta),
        (Abs(x) - beta / 2, True),
    ),
    description="Quadratic up to |x| = beta and of slope 1 beyond; Huber's loss over beta.",
)
