"""Supremum and infimum of a line: values at corners, limits at ends, stationary points inside."""

from __future__ import annotations

import itertools
from fractions import Fraction

from sympy import Expr, Integer, Rational, oo, true

from derive.verification.backend import NeedsPrecision, Undefined, arb
from derive.verification.claims.ball import Number, ball
from derive.verification.claims.line import Line, number
from derive.verification.claims.values import compare

STEPS = 48
BISECTIONS = 220
# An extremum may lie far from every size that the formula names, such as at a squared difference.
OUTER = (-30, -24, -18, -15, -12, -10, -8, -7, 8, 9, 11, 14, 18, 24, 30)


def extremum(line: Line, largest: bool) -> Number:
    """The least upper bound (or the greatest lower one) of the values; ±oo where there is none."""
    found: list[Number] = [number(line.side(point, d)) for point, d in line.ends]
    for point in (
        *line.cuts,
        *(p for p in (line.domain.inf, line.domain.sup) if line.domain.contains(p) is true),
    ):
        own = line.at(point) if point not in (oo, -oo) else None
        if own is not None:
            found.append(own)
    slope = line.derivative()
    for low, high in line.pieces():
        points = scaled_grid(line, low, high)
        found += [value for point in points if (value := line.at(point)) is not None]
        found += [value for value in stationary(line, slope, points) if value is not None]
    best = found[0]
    for value in found[1:]:
        order = compare(value, best)
        if order is None:
            best = ball(best).union(ball(value)) if ball(value).rad() > ball(best).rad() else best
        elif order == (1 if largest else -1):
            best = value
    return best


def scaled_grid(line: Line, low: Expr, high: Expr) -> list[Expr]:
    """A grid of an interval for every size on which the line changes."""
    if low != -oo and high != oo:
        return grid(low, high)
    points: dict[Expr, None] = {}
    for unit in line.units:
        ends = [e if e in (oo, -oo) else e / unit for e in (low, high)]
        points.update(dict.fromkeys(unit * p for p in grid(*ends)))
    return sorted(points)


def grid(low: Expr, high: Expr, steps: int = STEPS) -> list[Expr]:
    """Points inside an interval, denser towards finite ends, far out towards infinite ones."""
    if low == -oo and high == oo:
        half = grid(Integer(0), oo, steps // 2)
        return [*(-p for p in reversed(half)), Integer(0), *half]
    if high == oo or low == -oo:
        start, sign = (low, 1) if high == oo else (high, -1)
        sizes = [Rational(3) ** k / Rational(8) ** 2 for k in range(-8, 18)]
        if steps >= STEPS // 2:
            sizes += [s * Rational(3, 2) for s in sizes]
            sizes += [Rational(10) ** k for k in OUTER]
        points = [start + sign * s for s in sizes]
        return sorted(points)
    width = high - low
    inner = [Rational(k, steps) for k in range(1, steps)]
    near = (3, 6, 9, 12, 18, 27)
    inner += [Rational(1, 10**k) for k in near] + [1 - Rational(1, 10**k) for k in near]
    return sorted(low + width * part for part in inner)


def stationary(line: Line, slope: Line, points: list[Expr]) -> list[Number | None]:
    """Values where the slope changes its sign, each enclosed over the last bracket."""
    signs = [(p, _sign(slope, p)) for p in points]
    values = []
    for (a, sa), (b, sb) in itertools.pairwise(signs):
        if sa * sb < 0:
            values.append(_value(line, slope, a, b, sa))
        elif sb == 0:
            values.append(line.at(b))
    return values


def _value(line: Line, slope: Line, low: Expr, high: Expr, start: int) -> Number | None:
    a, b = _fraction(low), _fraction(high)
    for _ in range(BISECTIONS):
        middle = (a + b) / 2
        if middle.denominator >> 200:
            middle = middle.limit_denominator(1 << 120)
        found = _sign(slope, Rational(middle.numerator, middle.denominator))
        if found == 0:
            break
        if found == start:
            a = middle
        else:
            b = middle
        if b - a < Fraction(1, 1 << 100) * max(abs(a), Fraction(1, 1 << 60)):
            break
    at = Rational(middle.numerator, middle.denominator)
    value = line.at(at)
    if value is None or slope.at(at) == Fraction(0):
        return value
    # The slope falls or grows through 0 between a and b: no value there is further away than this.
    steps = [slope.at(Rational(end.numerator, end.denominator)) for end in (a, b)]
    if any(step is None for step in steps):
        return None
    steepest = sum((abs(ball(step)).upper() for step in steps if step is not None), arb(0))
    top = ball(value)
    room = 2 * steepest * ball(b - a) + abs(top).upper() * arb((1, -90))
    return top + arb(0, 1) * room


def _fraction(value: Expr) -> Fraction:
    rational = value if value.is_Rational else Rational(str(value.evalf(30)))
    return Fraction(int(rational.p), int(rational.q))


def _sign(line: Line, point: Expr) -> int:
    try:
        value = line.at(point)
    except (Undefined, NeedsPrecision):
        return 0
    return 0 if value is None else compare(value, Fraction(0)) or 0
