"""What the head of a file says: the formula, its domain, its limits, its source."""

from __future__ import annotations

import sympy

from derive.calculus import Derivation
from derive.definitions.notation import formula
from derive.program.module import Documentation
from derive.program.wording import definition_lines, domain_line, jumps


def documentation(derivation: Derivation) -> Documentation:
    """Derivation -> Documentation."""
    loss = derivation.loss
    return Documentation(
        loss.title.rstrip("."),
        tuple(definition_lines(loss)),
        domain_line(loss),
        loss.description,
        tuple(n for n in (_limits(derivation), _divergence(derivation), *_jumps(derivation)) if n),
        loss.source.rstrip("."),
    )


def _jumps(derivation: Derivation) -> tuple[str, ...]:
    return tuple(f"{text[:1].upper()}{text[1:]}." for text in jumps(derivation))


def _limits(derivation: Derivation) -> str:
    parts = []
    for limit in derivation.limits:
        if limit.quantity == "loss" and limit.value not in (sympy.nan,):
            at = f"{limit.variable} = {formula(limit.point)}"
            parts.append(f"{formula(limit.value)} at {at}")
    return f"Limits of the loss: {'; '.join(parts)}." if parts else ""


def _divergence(derivation: Derivation) -> str:
    x = derivation.loss.residual.name
    for limit in derivation.limits:
        name = limit.variable.name
        if limit.quantity == f"d_{name}" and limit.value == sympy.oo and limit.growth is not None:
            return (
                f"d_{name} is +inf at {name} = {formula(limit.point)} for {x} != 0: it grows like "
                f"{formula(limit.growth)}."
            )
    return ""
