"""A derivation as plain text, for `derive show`."""

from __future__ import annotations

from contextlib import suppress

import sympy

from derive.calculus import Derivation
from derive.calculus.classwise import ClasswiseDerivation, on_the_simplex
from derive.calculus.evaluate import NotReal
from derive.calculus.limits import one_sided
from derive.calculus.presented import (
    for_readers,
    gathered_logarithms,
    limit_for_readers,
    within,
)
from derive.calculus.reading import fold, tidy
from derive.calculus.spellings import turned
from derive.definitions.classes import COUNT
from derive.definitions.labels import meeting
from derive.definitions.loss import Loss
from derive.definitions.notation import formula
from derive.errors import BadInput
from derive.estimation.robustness import length_name, robustness, tuning_constant
from derive.lines import broken
from derive.numerics.lower import CannotLower
from derive.program.wording import classes_line, definition_lines, domain_line, roles_line

WIDTH = 96
# A formula that nobody would read is not shown.
LONG = 1000
LONGER = "derive latex FILE --quantity NAME writes one"


def shown(derivation: Derivation, effort: int | None = None) -> str:
    """Definition, derivatives, limits, density and memberships, a section each. effort: as many
    operations as formulas may have together; what is longer is named."""
    loss = derivation.loss
    lines = [loss.title, *_definition(loss), "", *_wrapped(domain_line(loss), "  ")]
    if loss.source:
        lines += _wrapped(f"Source: {loss.source}.", "  ")
    if loss.description:
        lines += _wrapped(loss.description, "  ")
    lines += ["", "Derivatives"]
    written = within(derivation, effort) if effort else list(derivation.quantities)
    for name, value in for_readers(derivation, written).items():
        if name != "loss":
            lines += _wrapped(f"{name} = {formula(value)}", "  ")
    if rest := [name for name in derivation.quantities if name not in written]:
        lines += _wrapped(f"{', '.join(rest)}: too long to be written at once; {LONGER}", "  ")
    if loss.kind == "residual":
        lines += _wrapped(f"weight at {loss.residual} = 0: {_weight(derivation)}", "  ")
    if derivation.limits:
        lines += ["", "Limits (each confirmed at high precision, from each side)"]
        for limit in derivation.limits:
            side = (
                ""
                if limit.direction == "+-" or limit.point.is_infinite
                else f" from {'above' if limit.direction == '+' else 'below'}"
            )
            where = f"{limit.variable} -> {formula(limit.point)}{side}"
            value = limit_for_readers(loss, limit.value)
            text = f"{limit.quantity} -> {formula(value)}  as {where}"
            if limit.value is sympy.nan:
                text = f"{limit.quantity}: no limit found  as {where}"
            if limit.growth is not None:
                text += f", like {formula(fold(loss.where, tidy(loss.where, limit.growth)))}"
            lines += _wrapped(text, "  ")
    facts = _facts(derivation)
    lines += [*(["", "Facts"] if facts else []), *facts, "", "Density", *_density(derivation)]
    with suppress(NotReal, CannotLower, ValueError, ArithmeticError):
        lines += ["", *_estimator(derivation)] if loss.kind == "residual" else []
    for member in derivation.members:
        at = ", ".join(
            f"{k} = {formula(sympy.sympify(v)) if not isinstance(v, str) else v}"
            for k, v in member.at.items()
        )
        lines += _wrapped(f"Equal to {member.wider} at {at}: {member.method}.", "")
    return "\n".join(lines)


def shown_classwise(derivation: ClasswiseDerivation) -> str:
    """A loss over classes: definition, gradients, facts, and the same for probabilities."""
    loss = derivation.loss
    counted = "; sum(1) is their number" if loss.expression.has(COUNT) else ""
    lines = [loss.title, *_definition(loss), *_wrapped(f"{classes_line(loss)}{counted}", "  "), ""]
    lines += _wrapped(roles_line(loss), "  ")
    lines += _wrapped(f"Source: {loss.source}.", "  ") if loss.source else []
    if loss.description:
        lines += _wrapped(loss.description, "  ")
    lines += ["", "Derivatives (each confirmed at 2 to 5 classes by differences of the definition)"]
    lines += _quantities(derivation)
    soft = derivation.probabilities
    if soft is not None:
        lines += ["", f"Where {loss.target} gives each class a probability", ""]
        lines += _wrapped(f"loss = {formula(soft.loss.loss)}", "  ")
        lines += _quantities(soft)
    if derivation.facts:
        lines += [
            "",
            "Facts",
            *(line for fact in derivation.facts for line in _wrapped(fact, "  ")),
        ]
    lines += ["", "Density", "  none: a loss over classes is no function of a residual"]
    return "\n".join(lines)


def _definition(loss: Loss) -> list[str]:
    return [line for told in definition_lines(loss) for line in _wrapped(told, "  ")]


def _quantities(derivation: ClasswiseDerivation) -> list[str]:
    lines = []
    for name, value in derivation.pretty.items():
        if name != "loss":
            text = formula(value)
            text = f"{name} = {text}" if len(text) <= LONG else f"{name}: {len(text)} characters"
            lines += _wrapped(text, "  ")
    return lines + [part for line in on_the_simplex(derivation) for part in _wrapped(line, "  ")]


def _weight(derivation: Derivation) -> str:
    """The weight at 0, or in words why there is none."""
    value, loss = derivation.weight_at_zero, derivation.loss
    if value is sympy.nan:
        return "it depends on the parameters, and no formula for all of them was found"
    if value != sympy.zoo:
        return formula(limit_for_readers(loss, value))
    sides = (
        one_sided(loss, "weight", derivation.quantities["weight"], loss.residual, sympy.S.Zero, s)
        for s in ("-", "+")
    )
    below, above = (formula(side.value) for side in sides if side.value is not sympy.nan)
    return f"none, for it is {below} from below and {above} from above"


def _facts(derivation: Derivation) -> list[str]:
    """Parity, length, minimum, kinks and jumps, a line each."""
    facts, x = derivation.facts, derivation.loss.residual
    if derivation.loss.predictions:
        return [*_met(derivation.loss), *_breaks(derivation)]
    words = [f"even in {x}" if facts.even else f"not even in {x}"]
    if facts.stretch is not None:
        words.append(f"{facts.stretch} only stretches {x}")
    elif facts.length is not None:
        words.append(f"length {formula(facts.length)}")
    if facts.minimum is not None:
        rises = "rises on both sides" if facts.rises else "falls again somewhere"
        least = formula(limit_for_readers(derivation.loss, turned(facts.minimum)))
        both = f" and at {x} = {formula(-facts.minimum)}" if facts.even and least != "0" else ""
        words.append(f"least at {x} = {least}{both}, {rises}")
    return [*_wrapped("; ".join(words), "  "), *_breaks(derivation)]


def _met(loss: Loss) -> list[str]:
    """Whether the loss is least where the prediction equals the target, and 0 there."""
    found = meeting(loss)
    place = f"{loss.residual} = {loss.target}"
    if not found.least:
        return []
    return [f"  least at {place}{', where it is 0' if found.zero else ''}"]


def _breaks(derivation: Derivation) -> list[str]:
    x, lines = derivation.loss.residual, []
    for b in derivation.facts.breaks:
        told = _kind(b.order, b.infinite)
        if b.cases:
            *first, (what, _) = b.cases
            several = [f"{_kind(*kind)} if {formula(condition)}" for kind, condition in first]
            told = ", ".join([*several, f"{_kind(*what)} otherwise"])
        told += "".join(f" unless {p} = {formula(v)}" for p, v in b.unless)
        if b.ordered:
            told += f" unless {' < '.join(p.name for p in b.ordered)} (then: {_kind(b.then)})"
        lines += _wrapped(f"{x} = {formula(b.place)}: {told}", "  ")
    return lines


def _kind(order: int, infinite: bool = False) -> str:
    """What a break is, by the first derivative that jumps or is infinite there."""
    if infinite:
        return ("the loss is infinite", "the slope is infinite", "the curvature is infinite")[order]
    return ("the loss jumps", "kink", "the curvature jumps", "smooth to second order")[order]


def _estimator(derivation: Derivation) -> list[str]:
    """What the location estimate that the loss defines is like, at the default parameters."""
    loss = derivation.loss
    defaults = ", ".join(f"{p} = {loss.default(p):g}" for p in loss.parameters)
    found = robustness(derivation)
    is_or_not = ((found.convex, "convex"), (found.redescending, "redescending"),
                 (found.bounded, "bounded"), (found.lipschitz, "Lipschitz"))  # fmt: skip
    kinds = [word if holds else f"not {word}" for holds, word in is_or_not]
    steepest = f" (steepest slope {found.steepest:.6g})" if found.lipschitz else ""
    lines = [f"Location estimate{' at ' if defaults else ''}{defaults}"]
    lines += _wrapped(f"{', '.join(kinds)}{steepest}", "  ")
    told = f"at the normal distribution: efficiency {100 * found.efficiency:.4g} %, "
    lines += _wrapped(f"{told}gross-error sensitivity {found.gross_error_sensitivity:.6g}", "  ")
    with suppress(BadInput):
        name = length_name(derivation)
        constant = tuning_constant(derivation, 0.95)
        lines += _wrapped(f"efficiency 95 % at {name} = {constant:.6g}", "  ")
    return lines


def _density(derivation: Derivation) -> list[str]:
    density = derivation.density
    lines: list[str] = []
    if derivation.loss.predictions:
        return ["  none: exp(-loss) is normalized for losses of a residual only"]
    if density.log_partition is not None:
        lines += _wrapped(f"log Z = {formula(gathered_logarithms(density.log_partition))}", "  ")
    for parameter, value, log_z in density.special:
        lines += _wrapped(
            f"log Z = {formula(gathered_logarithms(log_z))}  at {parameter} = {formula(value)}",
            "  ",
        )
    if density.exists == sympy.false:
        lines += _wrapped(f"none: {density.reason}", "  ")
    elif density.exists is None:
        lines += _wrapped(f"undecided: {density.reason}", "  ")
    elif density.exists != sympy.true:
        lines += _wrapped(f"exists for {formula(density.exists)}: {density.reason}", "  ")
    elif density.log_partition is None:
        lines += _wrapped(f"exists; {density.reason or 'no closed form of log Z'}", "  ")
    if density.rate:
        lines += _wrapped(f"rate: {density.rate}", "  ")
    return lines


def _wrapped(text: str, first: str) -> list[str]:
    return broken(f"{first}{text}", WIDTH)
