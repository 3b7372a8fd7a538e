"""A loss at fixed values of some parameters: fewer variables, the same residual."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sympy import Expr, Symbol, nan, oo, true, zoo

from derive.definitions.formula import read_number
from derive.definitions.interval import shown
from derive.definitions.loss import Loss, let
from derive.definitions.relations import domains_beside, refuse
from derive.definitions.singular import critical_parts
from derive.errors import BadInput

Limit = Callable[[Loss, Symbol, Expr], Expr]


class NeedsLimit(BadInput):
    """The value is a point where the formula must be continued by its limit."""


def read_settings(loss: Loss, settings: Mapping[str, str]) -> dict[Symbol, Expr]:
    """Exact values from text such as 1, 1/2, 0.5 or -oo; BadInput outside of the domain."""
    parameters = {v.name: v for v in loss.parameters}
    values: dict[Symbol, Expr] = {}
    for name, text in settings.items():
        if name not in parameters:
            declared = ", ".join(parameters) or "none"
            raise BadInput(f"{loss.name}: no parameter {name[:40]!a} (it has: {declared})")
        parameter = parameters[name]
        spelt = {"inf": "oo", "+inf": "oo", "-inf": "-oo"}.get(text.strip(), text)
        value = read_number(spelt, f"{loss.name}, {name}")
        domain = loss.domain(parameter)
        if domain.contains(value) is not true:
            raise BadInput(f"{loss.name}, {name}: {value} is outside of {shown(domain)}")
        values[parameter] = value
    return values


def specialise(
    loss: Loss, values: Mapping[Symbol, Expr], limit: Limit | None = None, name: str | None = None
) -> Loss:
    """The loss with each parameter of `values` fixed there.

    At a special point, or where the formula has no value, `limit(loss, parameter, value)` gives
    the continued loss; without one NeedsLimit is raised. `name` renames the result.
    """
    refuse(loss, values)
    for parameter, value in values.items():
        loss = _fixed(loss, parameter, value, limit)
    return replace(loss, name=name) if name else loss


def _fixed(loss: Loss, parameter: Symbol, value: Expr, limit: Limit | None) -> Loss:
    kept: dict[str, Any] = {
        "variables": tuple(v for v in loss.variables if v != parameter),
        "special": {v: points for v, points in loss.special.items() if v != parameter},
        "defaults": {v: default for v, default in loss.defaults.items() if v != parameter},
        "domains": {
            **{v: domain for v, domain in loss.domains.items() if v != parameter},
            **domains_beside(loss, parameter, value),
        },
        "require": tuple(r for r in loss.require if not r.has(parameter)),
        "title": f"{loss.title}, {parameter.name} = {value}",
        "member_of": None,
        "log_partition": None,
        "narrowed": True,
    }
    if value in loss.special.get(parameter, ()) or _needs_limit(loss.expression, parameter, value):
        if limit is None:
            raise NeedsLimit(
                f"{loss.name}: at {parameter.name} = {value} the loss is the limit of its formula"
            )
        return replace(loss, loss=limit(loss, parameter, value), where=(), **kept)

    meaning: dict[Expr, Expr] = {parameter: value}
    lets = []
    for named in loss.where:
        definition = named.definition.subs(meaning)
        if definition == named.definition:
            lets.append(named)
            continue
        made = let(named.name, definition)
        meaning[named] = definition if definition.is_number else made
        if not definition.is_number:
            lets.append(made)
    return replace(loss, loss=loss.loss.subs(meaning), where=tuple(lets), **kept)


def _needs_limit(expression: Expr, parameter: Symbol, value: Expr) -> bool:
    """Whether plain substitution has no value, or one that SymPy made up (0*zoo, 1/oo)."""
    if value.is_infinite:
        return True
    parts = [part.subs(parameter, value) for part in critical_parts(expression)]
    if any(part.is_zero or part.has(nan, zoo) for part in parts):
        return True
    return bool(expression.subs(parameter, value).has(nan, zoo, oo, -oo))
