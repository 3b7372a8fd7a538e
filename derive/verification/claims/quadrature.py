"""Integrals over one variable by numbers: whether they exist, and how large they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from mpmath import mp
from sympy import Expr, Rational, oo

from derive.calculus.evaluate import NotReal, along, evaluate
from derive.verification.backend import Undefined, arb
from derive.verification.claims.ball import Number
from derive.verification.claims.line import Line, Order
from derive.verification.claims.places import fraction
from derive.verification.claims.values import compare

DIGITS = 30
SURE = 12  # digits of a value, at most: nothing is refuted by less than what a rule may miss
Orders = Mapping[tuple[Expr, str], Order]


def divergences(line: Line, orders: Orders) -> set[int]:
    """The signs with which the integral diverges at ends and corners (0: not told)."""
    signs: set[int] = set()
    for (point, direction), order in orders.items():
        if converges(order, point):
            continue
        signs.add(_sign_near(line, point, direction))
    return signs


def converges(order: Order, point: Expr) -> bool:
    """Whether a leading behaviour can be integrated at its point."""
    if order.zero or order.grows < 0:
        return True
    if order.grows > 0:
        return False
    return bool(compare(fraction(_gap(order, point)), Fraction(0)) == 1)


def _gap(order: Order, point: Expr) -> Expr:
    """The integral from t to its end goes to 0 like t to this power."""
    return order.k - 1 if point in (oo, -oo) else order.k + 1


def _sign_near(line: Line, point: Expr, direction: str) -> int:
    if point in (oo, -oo):
        here = Rational(10) ** 12 * (1 if point == oo else -1)
    else:
        here = point + Rational(1, 10**12) * (1 if direction == "+" else -1)
    value = line.at(here)
    return 0 if value is None else compare(value, Fraction(0)) or 0


def quadrature(line: Line, orders: Orders) -> Number:
    """The integral by tanh-sinh quadrature between the corners, twice; a ball around both."""
    total, error = mp.mpf(0), mp.mpf(0)
    with mp.workdps(DIGITS):
        sizes = [evaluate(p, {}) for p in (*line.cuts, *line.units[:1])]
        scale = max(map(abs, sizes))
        for low, high in line.pieces():
            try:
                first, second = (_piece(line, orders, low, high, s) for s in (scale, 3 * scale))
            except (NotReal, ValueError, ZeroDivisionError, NotImplementedError) as trouble:
                raise Undefined(f"no quadrature: {trouble}") from None
            total += first[0]
            error += first[1] + abs(first[0] - second[0])
        error = 10 * error + abs(total) * mp.mpf(10) ** -SURE
        if error > (abs(total) + mp.mpf(10) ** -10) * mp.mpf(10) ** -8:
            raise Undefined("the quadrature did not settle")
        return arb(mp.nstr(total, DIGITS + 5), float(error))


def _piece(line: Line, orders: Orders, low: Expr, high: Expr, scale: Any) -> tuple[Any, Any]:
    """An integral between corners and its error. Where the integrand goes like a power at an end,
    the variable runs there like an exponential: no rule for intervals sees such a tail."""
    function = along(line.expression, line.variable, {})
    points = _between([_end(low), _end(high)], scale)
    total, error = mp.mpf(0), mp.mpf(0)
    for end, direction, here, beside in ((low, "+", 0, 1), (high, "-", -1, -2)):
        order = orders[end, direction]
        far = end in (oo, -oo)
        if order.zero or order.grows or not (far or compare(fraction(order.k), Fraction(0)) == -1):
            continue
        rate = evaluate(_gap(order, end), {})
        start = points[beside]
        part, guess = _tail(line, end, start, scale, rate) if far else _corner(
            line, end, start, rate
        )  # fmt: skip
        total, error = total + part, error + guess
        points = points[1:] if here == 0 else points[:-1]
    if len(points) > 1:
        part, guess = mp.quad(function, points, error=True, maxdegree=7)
        total, error = total + part, error + guess
    return total, error


def _tail(line: Line, end: Expr, start: Any, scale: Any, rate: Any) -> tuple[Any, Any]:
    """From `start` to infinity, where the integrand falls like a power: x = start + w (e^u - 1)."""
    function, sign = along(line.expression, line.variable, {}), 1 if end == oo else -1

    def moved(u: Any) -> Any:
        return function(start + sign * scale * mp.expm1(u)) * scale * mp.exp(u)

    return _decaying(moved, rate)


def _corner(line: Line, end: Expr, start: Any, rate: Any) -> tuple[Any, Any]:
    """From a finite end, where the integrand grows like a power: x = end + w e^-u."""
    width = start - evaluate(end, {})
    beside = line.expression.subs(line.variable, line.variable + end)
    function = along(beside, line.variable, {})

    def moved(u: Any) -> Any:
        return function(width * mp.exp(-u)) * abs(width) * mp.exp(-u)

    return _decaying(moved, rate)


def _decaying(function: Callable[[Any], Any], rate: Any) -> tuple[Any, Any]:
    """From 0 to where e^(-rate u) is nothing, beside the powers of u that may stand before it."""
    last = (DIGITS + 6) * mp.log(10) / rate + 8
    points, step = [mp.mpf(0)], mp.mpf(2)
    while step < last:
        points.append(step)
        step *= 3
    part, guess = mp.quad(function, [*points, last], error=True, maxdegree=7)
    return part, guess


def _end(point: Expr) -> Any:
    if point in (oo, -oo):
        return mp.inf if point == oo else -mp.inf
    return evaluate(point, {})


def _between(ends: list[Any], scale: Any) -> list[Any]:
    low, high = ends
    if mp.isinf(low) and mp.isinf(high):
        return [low, -8 * scale, -scale, mp.mpf(0), scale, 8 * scale, high]
    if mp.isinf(high):
        return [low, low + scale / 4, low + scale, low + 8 * scale, high]
    if mp.isinf(low):
        return [low, high - 8 * scale, high - scale, high - scale / 4, high]
    return [low, (low + high) / 2, high]
