"""How a text's convention may differ from ours: a factor, an offset and another scale.

Ours is F(x, s) = s^h F(x/s, 1) in its scale s. Two orders of the series at 0, or a corner, of the
text give s; the lowest order gives the factor. What is found is a candidate: `compare` decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy
from sympy import Abs, Expr, Piecewise, S, Symbol, nan, oo, zoo

from derive.verification.backend import NeedsPrecision, Undefined
from derive.verification.claims.ball import ball, enclose
from derive.verification.claims.derivative import derivative, without_extremes
from derive.verification.claims.places import fraction
from derive.verification.claims.samples import deciding, number
from derive.verification.claims.simplify import is_high, simplified

ORDERS = 6
LONGEST = 400  # operations of a derivative that is differentiated once more
SAMPLES = ("7/4", "5/8", "13/16", "3", "11/8")


@dataclass(frozen=True)
class Convention:
    """text = factor * ours(scale) + offset."""

    factor: Expr
    offset: Expr
    scale: Expr | None


def degree(ours: Expr, x: Symbol, scale: Symbol) -> Expr | None:
    """h where ours(t x, t s) = t^h ours(x, s) up to an offset in t; None where there is none."""
    slope = derivative(ours, x)
    points = [{v: number(SAMPLES[(k + i) % 5]) for i, v in enumerate(sorted(
        slope.free_symbols, key=str))} for k in range(3)]  # fmt: skip
    found = set()
    for h in (-3, -2, -1, 0, 1, 2, 3):
        if all(_scales(slope, x, scale, at, h) for at in points):
            found.add(h)
    return S(found.pop()) + 1 if len(found) == 1 else None


def _scales(slope: Expr, x: Symbol, scale: Symbol, at: dict[Symbol, Expr], h: int) -> bool:
    moved = {v: (value * 3 if v in (x, scale) else value) for v, value in at.items()}
    try:
        here = enclose(slope, {v: fraction(value) for v, value in at.items()})
        there = enclose(slope, {v: fraction(value) for v, value in moved.items()})
    except (Undefined, NeedsPrecision):
        return False
    return bool(ball(there).overlaps(ball(here) * ball(fraction(S(3) ** h))))


def conventions(
    text: Expr, ours: Expr, x: Symbol, scale: Symbol | None, letter: Expr
) -> Iterator[Convention]:
    """Candidates. letter: what the scale is in the text if the conventions agree."""
    lowest = _orders(text, x)
    known = _orders(ours, x)
    if scale is not None:
        yield from _with(text, ours, x, scale, letter, lowest)
        for value in _from_series(lowest, known, scale):
            yield from _with(text, ours, x, scale, value, lowest)
        for value in _from_corners(text, ours, x, scale):
            yield from _with(text, ours, x, scale, value, lowest)
    else:
        yield from _with(text, ours, x, None, letter, lowest)


def _with(
    text: Expr, ours: Expr, x: Symbol, scale: Symbol | None, value: Expr, lowest: dict[int, Expr]
) -> Iterator[Convention]:
    """Factor and offset at a value of the scale, from the lowest order of the series; a constant
    near 0, such as a weight, has no other."""
    mine = ours if scale is None else ours.subs(scale, value)
    orders = _orders(mine, x)
    first = next((n for n in sorted(orders) if n > 0), 0)
    if first not in lowest or first not in orders:
        return
    factor = tidy(lowest[first] / orders[first])
    offset = tidy(lowest.get(0, S.Zero) - factor * orders.get(0, S.Zero))
    if factor == 0 or factor.has(nan, zoo, oo) or offset.has(nan, zoo, oo):
        return
    if scale is not None and first and list(orders) == [first]:
        yield from _absorbed(ours, x, scale, value, factor, offset)
    yield Convention(factor, offset, value if scale is not None else None)


def _absorbed(
    ours: Expr, x: Symbol, scale: Symbol, value: Expr, factor: Expr, offset: Expr
) -> Iterator[Convention]:
    """A power of x/scale: letters of the factor are a part of the scale."""
    number, letters = factor.as_coeff_Mul()
    inverse = 1 / ours.subs(x, 1)
    power = -sympy.degree(inverse, scale) if inverse.is_polynomial(scale) else 0
    if power and letters.free_symbols and not ours.has(Piecewise, sympy.Max, sympy.Min):
        moved = tidy(value * letters ** sympy.Rational(1, power))
        if moved.is_positive is not False:
            yield Convention(number, offset, moved)


def tidy(e: Expr) -> Expr:
    """A factor or an offset in a short form."""
    if sympy.count_ops(e) > 120 or is_high(e):
        return e
    rational = e.is_rational_function()
    shorter = sympy.cancel(sympy.together(e)) if rational else sympy.simplify(e)
    shorter = sympy.powsimp(sympy.powdenest(shorter, force=True))
    return shorter.replace(
        lambda p: isinstance(p, Abs) and p.args[0].is_Pow,
        lambda p: Abs(p.args[0].base) ** p.args[0].exp,
    )


def _orders(e: Expr, x: Symbol) -> dict[int, Expr]:
    """Taylor coefficients as x -> 0+, those that are not 0."""
    y = sympy.Dummy("y", positive=True)
    moved = near_zero(e, x, y)
    if moved.subs(y, 0).has(nan, zoo) and sympy.count_ops(moved) < 200:
        moved = simplified(moved)  # such as psi(x)/x
    found: dict[int, Expr] = {}
    for n in range(ORDERS + 1):
        value = moved.subs(y, 0)
        if value.has(nan, zoo, oo, -oo):
            break
        if sympy.count_ops(value) < 200:
            value = simplified(value)
        if value != 0:
            found[n] = value / sympy.factorial(n)
        if len([k for k in found if k]) == 2 or sympy.count_ops(moved) > LONGEST:
            break
        moved = derivative(moved, y)
    return found


def near_zero(e: Expr, x: Symbol, y: Symbol) -> Expr:
    """The formula just above x = 0, its branches chosen there."""
    moved = without_extremes(e).xreplace({x: y})
    small = {y: sympy.Rational(1, 10**9)}
    rest = sorted(moved.free_symbols - {y}, key=str)
    small |= {v: number(SAMPLES[k % 5]) for k, v in enumerate(rest)}

    def chosen(p: Expr) -> Expr:
        for value, when in p.args:
            if when == True or when.subs(small) == True:  # noqa: E712
                return value
        return p.args[-1][0]

    moved = moved.replace(lambda p: isinstance(p, Piecewise), chosen)

    def sized(p: Expr) -> Expr:
        inner = p.args[0]
        if not inner.has(y):
            return p
        positive = inner.subs(small) > 0
        side = S.One if positive == True else -S.One  # noqa: E712
        return side * inner if isinstance(p, Abs) else side

    return moved.replace(lambda p: isinstance(p, Abs | sympy.sign), sized)


def _from_series(text: dict[int, Expr], ours: dict[int, Expr], scale: Symbol) -> Iterator[Expr]:
    """The scale from the ratio of two orders; an empty iterator where it is not positive."""
    mine, theirs = ([n for n in sorted(o) if n > 0][:2] for o in (ours, text))
    if len(mine) < 2 or mine != theirs:
        return
    low, high = mine
    ratio = ours[high] / ours[low]
    power = high - low
    unit = tidy(ratio * scale**power)
    if unit.has(scale):
        return
    wanted = tidy(unit * text[low] / text[high])
    value = tidy(wanted ** sympy.Rational(1, power))
    if value.is_positive is not False and value.is_real is not False:
        yield value


def _from_corners(text: Expr, ours: Expr, x: Symbol, scale: Symbol) -> Iterator[Expr]:
    """The scale from where corners lie."""
    mine = [c / scale for c in corners(ours, x) if c.has(scale)]
    for corner in corners(text, x):
        for unit in dict.fromkeys(mine):
            if not unit.has(scale):
                yield simplified(corner / unit)


def corners(e: Expr, x: Symbol) -> list[Expr]:
    """Positive x at which a choice changes, as expressions in the parameters."""
    y = sympy.Dummy("y", positive=True)
    found: dict[Expr, None] = {}
    for part in deciding([without_extremes(e).xreplace({x: y})]):
        if not part.has(y):
            continue
        plain = part.replace(Abs, lambda inner: inner) if part.has(Abs) else part
        try:
            poly = sympy.Poly(plain, y)
        except sympy.PolynomialError:
            continue
        if 0 < poly.degree() <= 2:
            for root in sympy.roots(poly):
                if root.is_positive or (root.is_positive is None and root.free_symbols):
                    found[simplified(root)] = None
    return list(found)
