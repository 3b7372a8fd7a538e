"""The logarithm of the hyperbolic cosine: smooth, the square near zero, linear far away."""

from sympy import Symbol, cosh, log

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

c = Symbol("c", positive=True)

log_cosh = Loss(
    name="log_cosh",
    title="Log-cosh loss",
    source="Green, IEEE Trans. Medical Imaging 9(1), 1990",
    variables=(x, c),
    loss=c**2 * log(cosh(x / c)),
    description="Behaves like x^2/2 near zero and like c |x| far away; its slope is c tanh(x/c).",
)
