"""Generic points of a loss's domain: fixed numbers, none of them special (scale is never 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy
from mpmath import mp
from sympy import Expr, Symbol

from derive.calculus.evaluate import NotReal, evaluate
from derive.definitions.loss import Loss
from derive.definitions.relations import in_order, satisfied

# Fractions with odd denominators: no zero, one, half or special exponent among them.
REAL = ("7/9", "-23/17", "41/13", "-5/11", "97/29", "-19/7", "3/23", "-61/19", "13/3", "-11/5")
POSITIVE = ("13/7", "8/15", "29/9", "11/17", "5/3", "37/11", "4/9", "23/13", "31/8", "9/16")


def generic_points(
    loss: Loss, count: int, fixed: Mapping[Symbol, Any] | None = None, skip: int = 0
) -> list[dict[Symbol, Any]]:
    """Points where the loss has a real value, spread over the domain of every variable.

    fixed: variables that keep a given value; skip: so many candidates are passed over first.
    """
    points: list[dict[Symbol, Any]] = []
    for index in range(skip, skip + 60):
        at = {v: in_domain(loss.domain(v), index + 3 * i) for i, v in enumerate(loss.variables)}
        at = {**in_order(loss, at), **(fixed or {})}
        if not satisfied(loss, at):
            continue
        try:
            evaluate(loss.expression, at)
        except NotReal:
            continue
        points.append(at)
        if len(points) == count:
            break
    return points


def in_domain(domain: sympy.Set, index: int) -> Any:
    """The number of an index inside an interval."""
    low, high = domain.inf, domain.sup
    if low == -sympy.oo and high == sympy.oo:
        return _fraction(REAL[index % len(REAL)])
    inside = _fraction(POSITIVE[index % len(POSITIVE)])
    if high == sympy.oo:
        return finite(low) + inside
    if low == -sympy.oo:
        return finite(high) - inside
    return finite(low) + (finite(high) - finite(low)) * inside / (1 + inside)


def _fraction(text: str) -> Any:
    numerator, denominator = text.split("/")
    return mp.mpf(int(numerator)) / int(denominator)


def finite(value: Expr) -> Any:
    """A constant expression as a number."""
    return evaluate(value, {})
