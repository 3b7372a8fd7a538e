"""Dynamic covariance scaling: loop closures that do not fit are weighted down in closed form."""

from sympy import Piecewise, Symbol

from derive.definitions.loss import Loss
from derive.definitions.symbols import x

phi = Symbol("phi", positive=True)

dynamic_covariance_scaling = Loss(
    name="dynamic_covariance_scaling",
    title="Dynamic covariance scaling (DCS)",
    source="Agarwal et al., ICRA 2013",
    variables=(x, phi),
    loss=Piecewise(
        (x**2 / 2, x**2 <= phi),
        (2 * phi * x**2 / (phi + x**2) - phi / 2, True),
    ),
    description="Quadratic up to x^2 = phi and bounded beyond, with a continuous slope.",
)
