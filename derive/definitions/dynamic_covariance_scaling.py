"""Dynamic covariance scaling: a switch for each residual, minimised out."""

from sympy import Piecewise, Symbol

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

phi = Symbol("phi", positive=True)

dynamic_covariance_scaling = Loss(
    name="dynamic_covariance_scaling",
    title="Dynamic covariance scaling",
    source="Agarwal et al., ICRA 2013",
    variables=(x, phi),
    loss=Piecewise(
        (x**2 / 2, x**2 <= phi),
        (2 * phi * x**2 / (phi + x**2) - phi / 2, True),
    ),
    description="x^2/2 up to |x| = sqrt(phi), then bounded by 3 phi/2.",
)
