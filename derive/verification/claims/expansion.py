"""Limits and orders with symbols as parameters: every sign that decides is proved, not sampled."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from mpmath import mp
from sympy import Expr, Rational, S, Symbol, expand, nan, oo, sign, zoo

from derive.calculus import germs
from derive.calculus.confirm import near
from derive.calculus.evaluate import NotReal, evaluate
from derive.calculus.expansion import Expansion
from derive.calculus.germs import Coefficient, Germ, Germs, Mixed, Series, Unknown
from derive.calculus.limits import read
from derive.verification.claims.signs import Open, Signs, structural

DEPTHS = (2, 4, 8)
DISTANCES = (6, 24, 96)
POINTS = ("3/7", "11/5", "2/9", "13/8", "5", "7/10", "17/6", "1/3", "9/4")


def proved_sign(e: Expr) -> int:
    """The strict sign of an expression for all values of its symbols; Mixed where it is open."""
    found = structural(e)
    if found is None or not found.strict:
        try:
            found = Signs(2.0).sign(e)
        except Open:
            raise Mixed(e) from None
    if not found.strict:
        raise Mixed(e)
    return found.side


class ProvedGerms(Germs):
    """Germs whose exponents are compared, and whose leading coefficients are signed, by proofs."""

    def compare(self, a: Expr, b: Expr) -> int:
        gap = expand(a - b)
        if gap.is_Rational:
            return int(sign(gap))
        return proved_sign(gap)

    def tends_up(self, growth: Series) -> bool:
        _, m, c = self.leading(growth)
        return bool(proved_sign(c.expr) * (-1) ** m > 0)

    def logarithm(self, a: Germ) -> Germ:
        _, c, _ = self.split(a.series)
        if proved_sign(c.expr) < 0:
            raise NotReal("logarithm of a negative number")
        return super().logarithm(a)

    def power(self, a: Germ, p: Expr) -> Germ:
        if not (p.is_Integer and 0 <= p <= 2) and not p.is_integer:
            _, c, _ = self.split(a.series)
            if proved_sign(c.expr) < 0:
                raise NotReal("fractional power of a negative number")
        return super().power(a, p)


class ProvedExpansion(Expansion):
    """The same, in one variable."""

    def __init__(
        self, variable: Symbol, point: Expr, direction: str, points: list[Any], depth: int
    ) -> None:
        super().__init__(variable, point, direction, points, depth)
        self.germs = ProvedGerms(points, depth)

    def _signed(self, expression: Expr) -> Germ:
        inner = self.germ(expression.args[0])
        _, _, c = self.germs.leading(inner.series)
        proved_sign(c.expr)
        return super()._signed(expression)

    def _above(self, a: Expr, b: Expr) -> bool:
        gap = self.germ(a - b)
        if gap.series.terms:
            proved_sign(self.germs.leading(gap.series)[2].expr)
        return super()._above(a, b)


def _points(e: Expr, v: Symbol, point: Expr, direction: str) -> list[dict[Symbol, Any]]:
    others = sorted((e.free_symbols | point.free_symbols) - {v}, key=str)
    made = []
    for k in range(4):
        at = {s: mp.mpf(Rational(POINTS[(2 * k + 3 * i) % len(POINTS)]).p)
              / Rational(POINTS[(2 * k + 3 * i) % len(POINTS)]).q
              for i, s in enumerate(others)}  # fmt: skip
        if point.free_symbols:
            step = mp.mpf(10) ** -9 * (1 if direction == "+" else -1)
            at[v] = evaluate(point, at) + step
        else:
            at[v] = near(point, direction, 9)
        made.append(at)
    return made


def side_limit(e: Expr, v: Symbol, point: Expr, direction: str) -> Expr | None:
    """A one-sided limit, ±oo included; None where none is proved and confirmed by numbers."""
    if not e.has(v):
        return e
    for depth in DEPTHS:
        try:
            with mp.workdps(germs.DIGITS):
                points = _points(e, v, point, direction)
                expansion = ProvedExpansion(v, point, direction, points, depth)
                value, growth = read((), expansion, expansion.germ(e), point)
        except (Unknown, NotReal, NotImplementedError, KeyError, IndexError, ValueError,
                ZeroDivisionError):  # fmt: skip
            continue
        if value in (oo, -oo):
            return value
        if value.has(nan, zoo, oo, -oo) or growth is not None:
            return None
        if point.free_symbols or approached(e, v, point, direction, value, points):
            return value
    return None


def approached(
    e: Expr, v: Symbol, point: Expr, direction: str, value: Expr, points: list[dict[Symbol, Any]]
) -> bool:
    """Whether numbers ever closer to the point come ever closer to the limit (some slowly)."""
    with mp.workdps(40 + 5 * DISTANCES[-1]):
        for at in points:
            gaps = []
            for digits in DISTANCES:
                here = {**at, v: near(point, direction, digits)}
                try:
                    gaps.append(abs(evaluate(e, here) - evaluate(value, here)))
                except NotReal:
                    return False
            small = mp.mpf(10) ** -30
            if any(b > a and b > small for a, b in pairwise(gaps)) or gaps[-1] > mp.mpf("0.05"):
                return False
    return True


def order_of(e: Expr, v: Symbol, point: Expr, direction: str) -> tuple[Expr, bool] | None:
    """(k, falls) where e ~ c t^k (log t)^m; falls: an exponential takes it to 0. None: open."""
    for depth in DEPTHS:
        try:
            with mp.workdps(germs.DIGITS):
                points = _points(e, v, point, direction)
                expansion = ProvedExpansion(v, point, direction, points, depth)
                germ = expansion.germ(e)
                ring = expansion.germs
                if not germ.series.terms and germ.series.order is None:
                    return S.Zero, True
                if germ.growth.terms:
                    return None if ring.tends_up(germ.growth) else (S.Zero, True)
                k, _m, _ = ring.leading(germ.series)
                return k, False
        except (Unknown, NotReal, NotImplementedError, KeyError, IndexError, ValueError):
            continue
    return None


__all__ = ["Coefficient", "approached", "order_of", "side_limit"]
