"""Independent confirmation of limits: the raw quantity itself, at high precision, ever closer."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from mpmath import mp
from sympy import Expr, Symbol, oo

from derive.calculus.evaluate import NotReal, evaluate

# Distances from a finite point; their inverses are the magnitudes on the way to infinity.
DISTANCES = (6, 12, 24)
# Two cancelling orders of d2 near a removable point cost three times the digits of the distance.
DIGITS = 40 + 5 * DISTANCES[-1]
CLOSE = mp.mpf(10) ** -5
NOTHING = mp.mpf(10) ** -35


def near(point: Expr, direction: str, digits: int) -> Any:
    """The value of a variable at distance 10**-digits from a point (10**digits at infinity)."""
    step = mp.mpf(10) ** -digits
    if point == oo:
        return 1 / step
    if point == -oo:
        return -1 / step
    return evaluate(point, {}) + (step if direction == "+" else -step)


def confirm(
    quantity: Expr,
    variable: Symbol,
    point: Expr,
    direction: str,
    expected: Expr,
    points: list[dict[Symbol, Any]],
    least: int = 2,
) -> str | None:
    """A sentence with the figures where the quantity tends to `expected`, None where it does not.

    least: how many of the points have to lie where the quantity is real.
    `expected` may depend on the variable: then their ratio is to tend to 1 (a divergence).
    """
    with mp.workdps(DIGITS):
        worst = [mp.mpf(0)] * len(DISTANCES)
        used = 0
        for at in points:
            try:
                errors = _errors(quantity, variable, point, direction, expected, at)
            except NotReal:
                continue
            if not _falls(errors):
                return None
            worst = [max(a, b) for a, b in zip(worst, errors, strict=True)]
            used += 1
        if used < least:
            return None
        figures = ", ".join(
            f"{mp.nstr(error, 2)} at 1e{-d}" for error, d in zip(worst, DISTANCES, strict=True)
        )
    kind = "1/distance" if point in (oo, -oo) else "distance"
    where = f"{used} point{'s' * (used > 1)}, {DIGITS} digits"
    return f"{where}: relative difference {figures} ({kind})"


def _errors(
    quantity: Expr,
    variable: Symbol,
    point: Expr,
    direction: str,
    expected: Expr,
    at: dict[Symbol, Any],
) -> list[Any]:
    errors = []
    away = {**at, variable: near(point, direction, 1)}
    for digits in DISTANCES:
        here = {**at, variable: near(point, direction, digits)}
        value, wanted = evaluate(quantity, here), evaluate(expected, here)
        unit = abs(evaluate(quantity, away)) if wanted == 0 else abs(wanted)
        errors.append(abs(value - wanted) / max(unit, NOTHING))
    return errors


def _falls(errors: list[Any]) -> bool:
    if max(errors) < NOTHING:
        return True
    steps = pairwise(errors)
    return errors[-1] < CLOSE and all(b < a / 2 or b < NOTHING for a, b in steps)
