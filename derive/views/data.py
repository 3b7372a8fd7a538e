"""A derivation as plain data; its formulas are such as SymPy and loss files read."""

from __future__ import annotations

from typing import Any

import sympy

from derive.calculus.derivation import Derivation
from derive.definitions.interval import shown
from derive.definitions.loss import Loss


def as_data(derivation: Derivation) -> dict[str, Any]:
    """Definition, quantities, limits, facts, density and memberships."""
    loss = derivation.loss
    return {
        **_definition(loss),
        "quantities": {str(name): str(value) for name, value in derivation.quantities.items()},
        "weight_at_zero": _value(derivation.weight_at_zero),
        "limits": [
            {
                "quantity": limit.quantity,
                "variable": limit.variable.name,
                "point": str(limit.point),
                "side": limit.direction,
                "value": _value(limit.value),
                "growth": None if limit.growth is None else str(limit.growth),
                "confirmation": limit.confirmation,
            }
            for limit in derivation.limits
        ],
        "facts": _facts(derivation),
        "density": _density(derivation),
        "members": [
            {"of": m.wider, "at": {k: str(v) for k, v in m.at.items()}, "method": m.method}
            for m in derivation.members
        ],
    }


def _definition(loss: Loss) -> dict[str, Any]:
    return {
        "name": loss.name,
        "title": loss.title,
        "source": loss.source,
        "description": loss.description,
        "digest": loss.digest,
        "variables": [
            {
                "name": v.name,
                "domain": shown(loss.domain(v)),
                "default": None if v not in loss.parameters else str(loss.default(v)),
            }
            for v in loss.variables
        ],
        "where": {v.name: str(v.definition) for v in loss.where},
        "loss": str(loss.loss),
    }


def _facts(derivation: Derivation) -> dict[str, Any]:
    facts = derivation.facts
    return {
        "even": facts.even,
        "length": None if facts.length is None else str(facts.length),
        "minimum": None if facts.minimum is None else str(facts.minimum),
        "breaks": [{"at": str(b.place), "order": b.order} for b in facts.breaks],
    }


def _density(derivation: Derivation) -> dict[str, Any]:
    density = derivation.density
    closed = density.log_partition
    return {
        "exists": None if density.exists is None else str(density.exists),
        "log_partition": None if closed is None else str(closed),
        "reason": density.reason,
        "special": [
            {"parameter": p.name, "value": str(v), "log_partition": str(log_z)}
            for p, v, log_z in density.special
        ],
    }


def _value(value: sympy.Expr) -> str | None:
    """None where there is no value to give."""
    return None if value in (sympy.nan, sympy.zoo) else str(value)
