"""What a generated file says beside its formulas: policies, the density's verdict, its value."""

from __future__ import annotations

import math

import sympy
from mpmath import mp

from derive.calculus import Derivation
from derive.calculus.evaluate import NotReal, evaluate
from derive.emission.wording import formula

CONSTANTS = (
    "Gradients flow through the loss and its first derivatives, in every argument that is a "
    "tensor. Second derivatives and the weight are constants to autograd."
)


def notes(derivation: Derivation, target: str) -> tuple[str, ...]:
    """Paragraphs for the head of a file, an empty line after each."""
    lines: list[str] = []
    for paragraph in (
        _limits(derivation),
        _divergence(derivation, target),
        _density(derivation),
        CONSTANTS if target == "torch" else "",
    ):
        if paragraph:
            lines += [paragraph, ""]
    return tuple(lines)


def _limits(derivation: Derivation) -> str:
    parts = []
    for limit in derivation.limits:
        if limit.quantity == "loss" and limit.value not in (sympy.nan,):
            at = f"{limit.variable} = {formula(limit.point)}"
            parts.append(f"{formula(limit.value)} at {at}")
    return f"Limits of the loss: {'; '.join(parts)}." if parts else ""


def _divergence(derivation: Derivation, target: str) -> str:
    x = derivation.loss.residual.name
    for limit in derivation.limits:
        name = limit.variable.name
        if limit.quantity == f"d_{name}" and limit.value == sympy.oo and limit.growth is not None:
            text = (
                f"d_{name} is +inf at {name} = {formula(limit.point)} for {x} != 0: it grows like "
                f"{formula(limit.growth)}."
            )
            if target == "torch":
                text += (
                    f" autograd takes its value at the nearest {name} below, which is finite and "
                    "right in sign and order."
                )
            return text
    return ""


def _density(derivation: Derivation) -> str:
    density = derivation.density
    if density.exists == sympy.false:
        rate = f" {density.rate[:1].upper()}{density.rate[1:]}." if density.rate else ""
        return f"No density: {density.reason.rstrip('.')}.{rate}"
    if density.exists is None:
        return f"No density is emitted: {density.reason.rstrip('.')}."
    if density.exists != sympy.true:
        return f"The density exists for {formula(density.exists)}: {density.reason.rstrip('.')}."
    if density.log_partition is None:
        return "The density exists; no closed form of its normalizer is known."
    return ""


def expected_value(derivation: Derivation, at: float = 1.0) -> float:
    """loss(at) at the default parameters, from the definition or its limit."""
    loss = derivation.loss
    point = {p: mp.mpf(loss.default(p)) for p in loss.parameters}
    point[loss.residual] = mp.mpf(at)
    with mp.workdps(40):
        try:
            return float(evaluate(loss.expression, point))
        except (NotReal, ZeroDivisionError, OverflowError):
            pass
        for limit in derivation.limits:
            value = loss.default(limit.variable) if limit.variable in loss.parameters else math.nan
            if limit.quantity == "loss" and float(limit.point) == value:
                return float(evaluate(limit.value, point))
    return math.nan
