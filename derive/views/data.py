"""A derivation as plain data; its formulas are such as SymPy and loss files read."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Symbol

from derive.calculus.breaks import Break
from derive.calculus.classwise import ClasswiseDerivation
from derive.calculus.derivation import Derivation
from derive.definitions.interval import shown
from derive.definitions.loss import Along, Loss
from derive.definitions.notation import formula


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


def classwise_as_data(derivation: ClasswiseDerivation) -> dict[str, Any]:
    """The same of a loss over classes: formulas as `derive show` writes them, since entries of
    vectors are nothing that SymPy reads."""
    soft = derivation.probabilities
    return {
        "name": derivation.loss.name,
        "title": derivation.loss.title,
        "source": derivation.loss.source,
        "description": derivation.loss.description,
        "digest": derivation.loss.digest,
        "variables": [_role(derivation.loss, v) for v in derivation.loss.variables],
        "loss": formula(derivation.loss.loss),
        "quantities": _over_classes(derivation),
        "for_probabilities": None if soft is None else _over_classes(soft),
        "facts": list(derivation.facts),
    }


def _role(loss: Loss, v: Symbol) -> dict[str, Any]:
    if isinstance(v, Along):
        return {"name": v.name, "kind": v.sort, "axis": v.axis}
    return {"name": v.name, "domain": shown(loss.domain(v)), "default": str(loss.default(v))}


def _over_classes(derivation: ClasswiseDerivation) -> dict[str, str]:
    return {name: formula(e) for name, e in derivation.pretty.items() if name != "loss"}


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
        "breaks": [_break(b) for b in facts.breaks],
    }


def _break(b: Break) -> dict[str, Any]:
    """The place, the first derivative that jumps (or is infinite) there, and at which parameters it
    is another."""
    cases = [{"if": str(when), "order": order} for (order, _), when in b.cases]
    unless = [{p.name: str(v)} for p, v in b.unless]
    ordered = [{"ordered": [p.name for p in b.ordered]}] if b.ordered else []
    return {"at": str(b.place), "order": b.order, "unless": unless + ordered, "cases": cases}


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
