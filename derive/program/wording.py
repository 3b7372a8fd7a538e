"""The prose about a loss: formulas as people type them, domains, what a function is."""

from __future__ import annotations

from collections.abc import Mapping

import sympy
from sympy import Symbol

from derive.calculus import Derivation
from derive.definitions.loss import Along, Loss
from derive.definitions.notation import formula
from derive.definitions.relations import shown


def definition_lines(loss: Loss) -> list[str]:
    """`loss = …` in the paper's letters, with its named sub-expressions below."""
    lines = [f"loss = {formula(loss.loss)}"]
    lines += [f"{name} = {formula(name.definition)}" for name in loss.where]
    return lines


def domain_line(loss: Loss) -> str:
    parts = [f"{v.name} {rule(loss, v)}" for v in loss.variables]
    parts += [shown(loss.require)] if loss.require else []
    return f"Domain: {', '.join(parts)}."


def classes_line(loss: Loss) -> str:
    return f"sum and max run over {loss.residual.axis}, the classes"


_SORTS = {
    "real": "real over {axis}",
    "probability": "probabilities over {axis}",
    "index": "one of the classes {axis}",
}


def roles_line(loss: Loss) -> str:
    """The domains of the roles and the parameters in words."""
    parts = []
    for v in loss.variables:
        is_role = isinstance(v, Along)
        words = _SORTS[v.sort].format(axis=v.axis) if is_role else rule(loss, v)
        parts.append(f"{v.name} {words}")
    return f"Domain: {', '.join(parts)}."


def rule(loss: Loss, variable: Symbol) -> str:
    """The domain of a variable in words."""
    domain = loss.domain(variable)
    if isinstance(domain, sympy.FiniteSet):
        return " or ".join(formula(label) for label in sorted(domain, key=float))
    low, high = domain.inf, domain.sup
    if (low, high) == (-sympy.oo, sympy.oo):
        extended = domain.contains(sympy.oo) == True  # noqa: E712
        return "in [-inf, inf]" if extended else "real"
    if high == sympy.oo and low == 0 and domain.contains(high) != True:  # noqa: E712
        return "> 0" if domain.contains(low) != True else ">= 0"  # noqa: E712
    left = "[" if domain.contains(low) == True else "("  # noqa: E712
    right = "]" if domain.contains(high) == True else ")"  # noqa: E712
    return f"in {left}{formula(low)}, {formula(high)}{right}"


def requirement(loss: Loss, parameter: Symbol) -> str:
    """What the values of a parameter must be, as an error message says it."""
    text = rule(loss, parameter)
    if text == "real":
        return "a finite number"
    if text == "in [-inf, inf]":
        return "a number in [-inf, inf], not NaN"
    if text.startswith("in "):
        return text
    return f"{text} and finite" if loss.domain(parameter).sup == sympy.oo else text


_MEANING: Mapping[str, str] = {
    "loss": "{title}, elementwise.",
    "weight": "d_{x}/{x}, continued at {x} = 0: for iteratively reweighted least squares.",
    "value_and_grad": "(loss, d_{x}) in one pass.",
}


def meaning(loss: Loss, name: str, by: tuple[str, ...]) -> str:
    """A line on a function of the file."""
    x = loss.residual.name
    if loss.predictions and name == "value_and_grad":
        slopes = ", ".join(f"d_{v.name}" for v in loss.predictions)
        return f"(loss, {slopes}) in one pass."
    if name in _MEANING:
        return _MEANING[name].format(title=loss.title.rstrip("."), x=x)
    if by == (x,) and not loss.predictions:
        return f"The derivative in {x}, the influence."
    if len(by) == 1:
        return f"The derivative in {by[0]}."
    if by[0] == by[1]:
        return f"The second derivative in {by[0]}."
    return f"The mixed second derivative in {by[0]} and {by[1]}."


def jumps(derivation: Derivation) -> tuple[str, ...]:
    """Where the loss jumps, a sentence each; symmetric places as one."""
    x, found = derivation.loss.residual, []
    for jump in derivation.facts.jumps:
        place, at = jump.place, f"{x}"
        if derivation.facts.even:
            if place.could_extract_minus_sign():
                continue
            at = f"|{x}|"
        milder = [" < ".join(p.name for p in jump.ordered)] if jump.ordered else []
        equal = " or ".join([f"{p} = {formula(v)}" for p, v in jump.unless] + milder)
        unless = f" unless {equal}" if equal else ""
        sides = f"from {formula(jump.below)} to {formula(jump.above)}"
        found.append(
            f"the loss jumps at {at} = {formula(place)}{unless}, {sides}: its slope is not its "
            "derivative there"
        )
    return tuple(found)
