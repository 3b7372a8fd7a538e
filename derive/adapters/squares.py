"""A loss as a function of the squared residual, as solvers of least squares want it.

With z = x^2: rho(z) = 2 loss(sqrt(z)), rho'(z) = d_x/x, which is the weight, and
rho''(z) = (d2_x - weight)/(2 z) = (d weight/d x)/(2 x). The last one is derived from the weight, so
that nothing cancels as z goes to 0, and is written in a stable form like every other quantity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Expr, Float, Piecewise

from derive.calculus import Derivation, derive
from derive.calculus.derivatives import over_residual, partial
from derive.calculus.limits import at_point
from derive.calculus.reading import readable
from derive.definitions.find import find
from derive.definitions.floats import Floats
from derive.definitions.loss import Loss
from derive.definitions.specialise import read_settings, specialise
from derive.errors import BadInput
from derive.numerics.evaluate import evaluate
from derive.numerics.nodes import Node
from derive.numerics.stabilise import form_of

BEND = "bend"  # rho''


@dataclass(frozen=True, eq=False)  # SciPy looks it up among names: it has to have a hash
class SquaresView:
    """`loss=` of scipy.optimize.least_squares: the rows rho, rho', rho'' of z = (x/f_scale)^2."""

    residual: str
    rows: Mapping[str, Node]
    parameters: Mapping[str, float]

    def __call__(self, z: Any) -> Floats:
        size = np.sqrt(np.asarray(z, dtype=np.float64))
        values = {self.residual: size, **{k: np.float64(v) for k, v in self.parameters.items()}}
        found = [np.broadcast_to(evaluate(row, values), size.shape) for row in self.rows.values()]
        loss, weight, bend = found
        return np.array([2 * loss, weight, bend])


def least_squares(loss: str | Loss, **parameters: float) -> SquaresView:
    """The view of a loss at fixed parameters (its defaults where none are given).

    BadInput for a loss that is not even, or whose weight is infinite at 0.
    """
    known = find(loss) if isinstance(loss, str) else loss
    settings = {p.name: parameters.get(p.name, known.default(p)) for p in known.parameters}
    for name in parameters:
        if name not in settings:
            raise BadInput(f"{known.name} has no parameter {name!r}; it has {', '.join(settings)}")
    special = _at_special_points(known, settings)
    known = specialise(known, special, _limit)
    derivation = derive(known)
    _refuse(derivation)
    seen = with_bend(derivation)
    rows = {name: form_of(seen, name) for name in ("loss", "weight", BEND)}
    left = {p.name: float(settings[p.name]) for p in known.parameters}
    return SquaresView(known.residual.name, rows, left)


def with_bend(derivation: Derivation) -> Derivation:
    """The derivation with rho'' as one more quantity."""
    x = derivation.loss.residual
    bend = _bend(derivation.quantities["weight"], derivation)
    pretty = readable(bend) if not bend.has(Piecewise) else bend
    assert x in derivation.loss.variables
    return replace(
        derivation,
        quantities={**derivation.quantities, BEND: bend},
        pretty={**derivation.pretty, BEND: pretty},
    )


def _bend(weight: Expr, derivation: Derivation) -> Expr:
    x = derivation.loss.residual
    return over_residual(partial(weight, x), x) / 2


def _refuse(derivation: Derivation) -> None:
    name = derivation.loss.name
    if not derivation.facts.even:
        raise BadInput(f"{name}: a solver of least squares sees x^2 alone; the loss is not even")
    if derivation.weight_at_zero.has(Float) or not derivation.weight_at_zero.is_finite:
        raise BadInput(f"{name}: its weight is infinite at x = 0, which such a solver refuses")


def _at_special_points(loss: Loss, settings: Mapping[str, float]) -> Mapping[Any, Expr]:
    """The parameters that have a value at which only the limit exists."""
    special = {
        p.name: str(point)
        for p, points in loss.special.items()
        for point in points
        if float(point) == settings[p.name]
    }
    return read_settings(loss, special)


def _limit(loss: Loss, parameter: Any, value: Expr) -> Expr:
    values = {found.value for found in at_point(loss, "loss", loss.expression, parameter, value)}
    if len(values) != 1:
        raise BadInput(f"{loss.name}: no single limit at {parameter} = {value}")
    return values.pop()
