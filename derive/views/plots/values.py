"""Numbers for pictures: quantities at given parameters, from the formulas at 30 digits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy
from mpmath import mp
from sympy import Expr, Symbol, nan, oo, zoo

from derive.calculus.derivation import Derivation
from derive.calculus.evaluate import NotReal, along, evaluate, truth
from derive.calculus.quadrature import normalizer
from derive.definitions.catalogue import catalogue
from derive.definitions.labels import at_label, labels

# In units of the scale where the loss has one.
REACH = 6.0
POINTS = 301
DIGITS = 30
# A family is drawn at its special points, at its members, and here.
BETWEEN = (sympy.Integer(4),)

Numbers = list[float]
Values = Mapping[Symbol, Expr]


def family_values(derivation: Derivation) -> tuple[Symbol, list[Expr]] | None:
    """The parameter with special points and the values to draw, from above; None without one."""
    loss = derivation.loss
    if loss.target is not None:
        shown = labels(loss) or (sympy.nsimplify(loss.default(loss.target), rational=True),)
        return loss.target, sorted(shown, key=float, reverse=True)
    if not loss.special:
        return None
    parameter = next(p for p in loss.parameters if p in loss.special)
    members = [
        m.member_of[1][parameter.name]
        for m in catalogue()
        if m.member_of and m.member_of[0] == loss.name and parameter.name in m.member_of[1]
    ]
    default = sympy.nsimplify(loss.default(parameter), rational=True)
    wanted = {*loss.special[parameter], *members, *BETWEEN, default}
    domain = loss.domain(parameter)
    allowed = [v for v in wanted if v in (oo, -oo) or domain.contains(v) == sympy.true]
    return parameter, sorted(allowed, key=float, reverse=True)


def defaults(derivation: Derivation) -> dict[Symbol, Expr]:
    """The default parameters as exact numbers."""
    loss = derivation.loss
    values = {p: loss.default(p) for p in loss.held}
    return {
        p: sympy.nsimplify(v, rational=True) if abs(v) < float("inf") else sympy.sympify(v)
        for p, v in values.items()
    }


def at(derivation: Derivation, quantity: str, values: Values) -> Expr | None:
    """A quantity as a function of x alone; at a special point its limit, None without one."""
    expression = derivation.quantities[quantity]
    for parameter, value in values.items():
        found = [
            m.value
            for m in derivation.limits
            if (m.quantity, m.variable, m.point) == (quantity, parameter, value)
        ]
        if found:
            expression = found[0] if len(set(found)) == 1 else nan
        elif value in (oo, -oo):
            return None
        elif parameter == derivation.loss.target:
            expression = at_label(expression, parameter, value)
        else:
            expression = expression.subs(parameter, value)
        if expression.has(nan, oo, -oo, zoo):
            return None
    rest = {p: v for p, v in values.items() if expression.has(p)}
    return expression.subs(rest)


def grid(derivation: Derivation, values: Values) -> Numbers:
    """Residuals within REACH times the scale, 0 among them; of predictions, what their domain has
    of these, without its ends."""
    if derivation.loss.predictions:
        domain = derivation.loss.domain(derivation.loss.residual)
        low, high = max(float(domain.inf), -REACH), min(float(domain.sup), REACH)
        return [low + (high - low) * (k + 1) / (POINTS + 1) for k in range(POINTS)]
    unit = next((float(v) for p, v in values.items() if p.name == "scale"), 1.0)
    half = POINTS // 2
    return [REACH * unit * (k - half) / half for k in range(POINTS)]


def curve(derivation: Derivation, quantity: str, values: Values) -> Numbers | None:
    """A quantity over the grid; None where it does not exist at these parameters."""
    x = derivation.loss.residual
    name = f"d_{x.name}" if quantity == "d_x" else quantity
    expression = at(derivation, "loss" if quantity == "density" else name, values)
    if expression is None:
        return None
    with mp.workdps(DIGITS):
        value = along(expression, x, {})
        shift = mp.mpf(0)
        if quantity == "density":
            total = log_z(derivation, expression, values)
            if total is None:
                return None
            shift = total
        numbers = [_number(value, p, quantity, shift) for p in grid(derivation, values)]
    if quantity == "weight":
        numbers[POINTS // 2] = _at_zero(derivation, values)
    return numbers


def _at_zero(derivation: Derivation, values: Values) -> float:
    value = derivation.weight_at_zero.subs(dict(values))
    return float(value) if value.is_finite else float("nan")


def _number(value: Any, point: float, quantity: str, shift: Any) -> float:
    try:
        found = value(mp.mpf(point))
    except NotReal:
        return float("nan")
    return float(mp.exp(-found - shift)) if quantity == "density" else float(found)


def log_z(derivation: Derivation, expression: Expr, values: Values) -> Any:
    """log Z from its closed form or by quadrature; None where there is no density."""
    density = derivation.density
    finite = {p: v for p, v in values.items() if v not in (oo, -oo)}
    exists = density.exists
    if exists is None:
        return None
    bounds = {p: evaluate(v, {}) if p in finite else mp.inf * int(sympy.sign(v))
              for p, v in values.items()}  # fmt: skip
    if not truth(exists, bounds):
        return None
    if density.log_partition is not None and len(finite) == len(values):
        return evaluate(density.log_partition, bounds)
    for parameter, value, total in density.special:
        if values.get(parameter) == value:
            return evaluate(total, bounds)
    return mp.log(normalizer(expression, derivation.loss.residual, {}))
