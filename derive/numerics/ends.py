"""Where a form is no number although its limit exists: x = 0, x = ±inf, special parameters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import sympy
from mpmath import mp
from sympy import Expr, Symbol, oo

from derive.calculus.derivation import Derivation
from derive.calculus.evaluate import evaluate
from derive.calculus.limits import at_point
from derive.calculus.reading import readable
from derive.calculus.samples import generic_points
from derive.definitions.loss import Loss
from derive.errors import Undecided
from derive.numerics import measure
from derive.numerics.fit import is_length
from derive.numerics.forms import Regime
from derive.numerics.lower import CannotLower, lower
from derive.numerics.nodes import Name, Node, absolute, call, patch, where
from derive.numerics.rules import rewrite

# Against a length, nothing: any weight that is finite at 0 has its value there.
_NOTHING = 2.0**-100


def at_infinity(derivation: Derivation, name: str, form: Node) -> Node:
    """Where the form is no number at x = ±inf, its limit there."""
    loss, special = derivation.loss, special_points(derivation)
    sample = measure.infinite_points(loss)
    got = measure.evaluate_nodes(form, sample)
    limits = [_limit_at(loss, derivation.quantities[name], sample, i) for i in range(len(sample))]
    wrong = [
        bool(np.isnan(g))
        if limit is None
        else not (g == limit or abs(g - limit) <= 1e-9 * abs(limit))
        for g, limit in zip(got, limits, strict=True)
    ]
    for there in measure.at_special(loss, sample, special):
        wrong += list(np.isnan(measure.evaluate_nodes(form, there)))
    if not any(wrong):
        return form
    endless = call("eq", absolute(Name(loss.residual.name)), float("inf"))
    if special:  # the limit may be another one there: the emitted file reads it off far out
        return patch(endless, call("far_limit", Name(name)), form)
    if all(limit == 0 for limit in limits):
        return patch(endless, 0, form)
    return patch(endless, _derived_limit(derivation, name) or call("far_limit", Name(name)), form)


def _derived_limit(derivation: Derivation, name: str) -> Node | None:
    """The limit as a formula; None where it depends on the values of the parameters."""
    loss, raw = derivation.loss, derivation.quantities[name]
    sides = []
    for end in (oo, -oo):
        try:
            (limit,) = at_point(loss, name, raw, loss.residual, end)
            sides.append(lower(limit.value))
        except (Undecided, CannotLower, ValueError):
            return None
        if limit.value.has(sympy.nan, sympy.zoo):
            return None
    right, left = sides
    return right if right == left else where(Name(loss.residual.name) < 0, left, right)


def at_zero(
    derivation: Derivation, name: str, form: Node, chosen: Mapping[str, Node]
) -> Node:
    """Where the form is no number at x = 0, its continuation."""
    loss = derivation.loss
    inner = measure.infinite_points(loss)
    columns = {**inner.columns, loss.residual.name: np.zeros(len(inner))}
    got = measure.evaluate_nodes(form, measure.Sample(columns))
    if not np.any(np.isnan(got)):
        return form
    if name == "weight":
        return _weight_at_zero(derivation, form, chosen)
    return patch(call("eq", Name(loss.residual.name), 0), 0, form)


def _weight_at_zero(derivation: Derivation, form: Node, chosen: Mapping[str, Node]) -> Node:
    """d2_x(0) where d_x(0) = 0, which may be so for some parameters only; else it is infinite.
    Where x underflows against a length, too."""
    loss, value = derivation.loss, derivation.weight_at_zero
    x = Name(loss.residual.name)
    lengths = [p for p in loss.parameters if is_length(loss, p)]
    z = x / Name(lengths[0].name) if len(lengths) == 1 else x
    if value in (oo, -oo):
        return patch(call("eq", x, 0), lower(value), form)
    if not value.has(sympy.nan, sympy.zoo):
        return patch(absolute(z) < _NOTHING, lower(value), form)
    slope = chosen[f"d_{loss.residual.name}"]
    steep = slope / absolute(x)
    return patch(call("eq", x, 0), where(call("eq", slope, 0), chosen["d2_x"], steep), form)


def _limit_at(loss: Loss, expression: Expr, sample: measure.Sample, index: int) -> float | None:
    """The limit at x = ±inf by the values at two far points, or None where they do not tell."""
    at = sample.point(loss, index)
    direction = mp.sign(at[loss.residual])
    values = []
    with mp.workdps(60):
        for power in (40, 80, 160):
            try:
                values.append(
                    evaluate(expression, {**at, loss.residual: direction * mp.mpf(10) ** power})
                )
            except (ArithmeticError, ValueError, NotImplementedError):
                return None
    first, second, third = (abs(v) for v in values)
    if third == 0 or (third < second * mp.mpf(10) ** -10 and second < first * mp.mpf(10) ** -10):
        return 0.0
    if third > second * mp.mpf("1.5") and second > first * mp.mpf("1.5"):
        return float(mp.sign(values[2])) * float("inf")
    if abs(third - second) < third * mp.mpf(10) ** -30:
        return float(values[2])
    return None


def removable(derivation: Derivation, chosen: Mapping[str, Node]) -> list[Regime]:
    """Parameter values at which a form is no number although the limit exists."""
    loss = derivation.loss
    regimes: list[Regime] = []
    for variable, points in special_points(derivation).items():
        for point in points:
            wanted = _limits(derivation, variable, point)
            if "loss" not in wanted:
                continue
            if all(_is_number(loss, variable, point, form) for form in chosen.values()):
                continue
            condition = call(
                "eq", Name(variable.name), float(point) if not point.is_finite else lower(point)
            )
            forms = {
                name: lower(rewrite(readable(wanted[name]))[0]) if name in wanted else form
                for name, form in chosen.items()
            }
            regimes.append(
                Regime(
                    f"{variable.name}_{len(regimes)}",
                    f"{variable.name} = {point}",
                    condition,
                    forms,
                )
            )
    return regimes


def special_points(derivation: Derivation) -> dict[Symbol, tuple[Expr, ...]]:
    points: dict[Symbol, list[Expr]] = {}
    for limit in derivation.limits:
        points.setdefault(limit.variable, []).append(limit.point)
    return {v: tuple(dict.fromkeys(p)) for v, p in points.items()}


def _limits(derivation: Derivation, variable: Symbol, point: Expr) -> dict[str, Expr]:
    return {
        limit.quantity: limit.value
        for limit in derivation.limits
        if limit.variable == variable and limit.point == point and limit.value is not sympy.nan
    }


def _is_number(loss: Loss, variable: Symbol, point: Expr, form: Node) -> bool:
    at = generic_points(loss, 3, skip=1)
    columns = {
        v.name: np.array([float(p[v]) if v != variable else float(point) for p in at])
        for v in loss.variables
    }
    return bool(np.all(np.isfinite(measure.evaluate_nodes(form, measure.Sample(columns)))))
