"""Facts about a loss that other rooms go by, each found once: parity, length, breaks, minimum."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import cache
from typing import Any

import sympy
from mpmath import mp
from sympy import Abs, Dummy, Expr, Function, Pow, Rational, S, Symbol, sign, solve

from derive.calculus.breaks import Break, breaks, one_side
from derive.calculus.derivation import Facts
from derive.calculus.derivatives import partial
from derive.calculus.evaluate import NotReal, along, evaluate
from derive.calculus.reading import readable
from derive.calculus.samples import generic_points
from derive.definitions.loss import Loss
from derive.definitions.relations import in_order

DIGITS = 40
# Places of the loss at which it is looked at: decades on either side of the minimum, in quarters.
DECADES = 12
Points = list[dict[Symbol, Any]]


def facts(loss: Loss) -> Facts:
    """What holds for all parameters. `rises` and a minimum by other means than symmetry are
    checked at generic and at small and large parameters."""
    found = breaks(loss)
    if loss.kind != "residual":
        return Facts(False, None, None, found, None, False)
    with mp.workdps(DIGITS):
        points = _points(loss)
        length, stretch = _length(loss, points)
        minimum = _minimum(loss, found, points[:3])
        rises = minimum is not None and all(_rises(loss, minimum, at, length) for at in points)
        even = is_even(loss) or all(_is_even_at(loss, at) for at in points[:3])
    return Facts(even, length, stretch, found, minimum, rises)


def is_even(loss: Loss) -> bool:
    """Whether the loss is a function of |x|, as it is written."""
    x, y = loss.residual, Dummy("y", positive=True)
    one, other = loss.expression.subs(x, y), loss.expression.subs(x, -y)
    return bool(one == other or sympy.expand(one - other) == 0)


def _is_even_at(loss: Loss, at: Mapping[Symbol, Any]) -> bool:
    """The same of the values, to most of their digits."""
    value = along(loss.expression, loss.residual, at)
    for k in range(-2, 3):
        x = mp.mpf(3) / 11 * mp.mpf(10) ** k
        try:
            one, other = value(x), value(-x)
        except (NotReal, ZeroDivisionError):
            return False
        if not abs(one - other) <= abs(one) * mp.mpf(10) ** (15 - DIGITS):
            return False
    return True


def _points(loss: Loss) -> Points:
    """Generic parameters, and the same with each far below and far above."""
    points = generic_points(loss, 3)
    for factor in (mp.mpf(10) ** -3, mp.mpf(10) ** 3):
        for p in loss.parameters:
            moved = {**points[0], p: points[0][p] * factor}
            inside = loss.domain(p).contains(S(float(moved[p])))
            if inside == S.true:
                points.append(in_order(loss, moved))
    return points


# Length


def _length(loss: Loss, points: Points) -> tuple[Expr | None, Symbol | None]:
    """The length of a loss that is homogeneous of some degree in x and one of its parameters (or
    its root), and the parameter that only stretches x.

    loss(t x, t^k p) = t^m loss(x, p) + a constant, the rest unchanged. The generator of such
    stretches, x d_x + k p d_p - m loss, is constant in x.
    """
    positive = [p for p in loss.parameters if p.is_positive]
    for degrees in (False, True):
        for p in positive:
            k, rest = _exponent(loss, p, points[:3], degrees)
            if k is not None:
                return p ** (1 / k), p if k == 1 and not rest and not degrees else None
    return None, None


def _exponent(loss: Loss, p: Symbol, points: Points, degrees: bool) -> tuple[Expr | None, bool]:
    """k, a simple fraction other than 0, the same at all points, and whether there is a constant;
    None where there is none."""
    x, expression = loss.residual, loss.expression
    terms = [x * partial(expression, x), p * partial(expression, p), S.One]
    terms += [expression] if degrees else []
    found, rest = set(), False
    for at in points:
        rows = []
        for step in range(-5, 7):
            place = (mp.mpf(3) / 2) ** step * (1 if step % 2 else -1)
            try:
                rows.append([evaluate(t, {**at, x: place * mp.mpf(13) / 11}) for t in terms])
            except NotReal:
                return None, False
        matrix, right = mp.matrix([r[1:] for r in rows]), mp.matrix([[-r[0]] for r in rows])
        try:
            answer = mp.lu_solve(matrix, right)
        except (ZeroDivisionError, ValueError):
            return None, False
        if mp.norm(matrix * answer - right) > mp.mpf(10) ** -20 * mp.norm(right):
            return None, False
        found.add(_fraction(answer[0]))
        rest = rest or abs(answer[1]) > mp.mpf(10) ** -15
    (k, *others) = found
    return (k, rest) if k and not others else (None, False)


def _fraction(value: Any) -> Expr | None:
    """The number as a fraction of small whole numbers, if it is one."""
    found = Rational(str(mp.nstr(value, 25))).limit_denominator(12)
    return found if abs(value - mp.mpf(found.p) / found.q) < mp.mpf(10) ** -15 else None


# Minimum


def _minimum(loss: Loss, found: tuple[Break, ...], points: Points) -> Expr | None:
    """Where the loss is least: at 0, at a break, or where a formula for the slope vanishes."""
    candidates = [S.Zero, *(b.place for b in found)]
    try:
        lowest = [_lowest(loss, at) for at in points]
    except NotReal:
        return None
    if any(place is None for place in lowest):
        return None
    # The formulas of the second kind take long: they are looked for where the first do not do.
    later = (_where_flat(loss, *at) for at in [(points[0], lowest[0])])
    for places in itertools.chain([candidates], later):
        for place in places:
            pairs = zip(lowest, points, strict=True)
            try:
                if all(_as_low(loss, place, low, at) for low, at in pairs):
                    return place
            except NotReal:
                continue
    return None


def _as_low(loss: Loss, place: Expr, low: Any, at: Mapping[Symbol, Any]) -> bool:
    """Whether the loss is as low at a place as at the lowest one that was found."""
    x = loss.residual
    here = evaluate(loss.expression, {**at, x: evaluate(place, at)})
    there = evaluate(loss.expression, {**at, x: low})
    return bool(here <= there + mp.mpf(10) ** -25 * (1 + abs(there)))


def _lowest(loss: Loss, at: Mapping[Symbol, Any]) -> Any:
    """The lowest place on a grid, made better by shrinking steps; None where it is at an end."""
    value = cache(along(loss.expression, loss.residual, at))
    places = [mp.mpf(10) ** (mp.mpf(k) / 4) for k in range(-4 * DECADES, 4 * 6 + 1)]
    grid = [*(-p for p in reversed(places)), mp.mpf(0), *places]
    values = [value(p) for p in grid]
    best = min(range(len(grid)), key=lambda i: (values[i], abs(grid[i])))
    if best in (0, len(grid) - 1):
        return None
    low, middle, high = grid[best - 1], grid[best], grid[best + 1]
    for _ in range(300):
        inner = (low + middle) / 2, (middle + high) / 2
        place = min((middle, *inner), key=value)
        if place == middle:
            low, high = inner
        elif place == inner[0]:
            middle, high = inner[0], middle
        else:
            low, middle = middle, inner[1]
        if high - low < mp.mpf(10) ** -35 * (1 + abs(middle)):
            break
    return middle


def _where_flat(loss: Loss, at: Mapping[Symbol, Any], low: Any) -> list[Expr]:
    x = loss.residual
    formula = one_side(loss.expression, {**at, x: low})
    slope = partial(formula, x)
    if slope.count_ops() > 60 or len(_transcendental(slope, x)) > 1:
        return []  # SymPy would look for long, and find nothing
    try:
        return [readable(v) for v in solve(slope, x) if not v.has(x)]
    except NotImplementedError:
        return []


def _transcendental(e: Expr, x: Symbol) -> set[Expr]:
    """The functions and roots of x in a formula."""
    found = {part for part in e.atoms(Function) if not isinstance(part, Abs | sign)}
    found |= {part for part in e.atoms(Pow) if not part.exp.is_Integer}
    return {part for part in found if part.has(x)}


def _rises(loss: Loss, minimum: Expr, at: Mapping[Symbol, Any], length: Expr | None) -> bool:
    """Whether the loss never falls on the way out from its minimum, on a grid of places."""
    value = along(loss.expression, loss.residual, at)
    try:
        middle, unit = evaluate(minimum, at), evaluate(length or S.One, at)
        for side in (1, -1):
            before = value(middle)
            for k in range(-3 * DECADES, 3 * DECADES // 2):
                now = value(middle + side * unit * mp.mpf(10) ** (mp.mpf(k) / 3))
                if now < before - mp.mpf(10) ** -25 * (1 + abs(before)):
                    return False
                before = now
    except NotReal:
        return False
    return True
