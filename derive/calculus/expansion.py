"""From an expression to its germ as a variable approaches a point from one side."""

from __future__ import annotations

from typing import Any

from sympy import (
    Abs,
    Add,
    Expr,
    Function,
    Max,
    Min,
    Mul,
    Piecewise,
    S,
    Symbol,
    acot,
    asinh,
    atan,
    cosh,
    coth,
    csch,
    erf,
    erfc,
    exp,
    factorial,
    log,
    oo,
    pi,
    sech,
    sign,
    sinh,
    sqrt,
    tanh,
)
from sympy.core.relational import Equality, Relational, Unequality

from derive.calculus.evaluate import truth
from derive.calculus.germs import Germ, Germs, Mixed, Series, Unknown

EXPONENTIAL = (sinh, cosh, tanh, coth, sech, csch)


class Expansion:
    """Germs of expressions in `variable` -> `point`, t > 0 being the distance (or 1/|variable|)."""

    def __init__(
        self,
        variable: Symbol,
        point: Expr,
        direction: str,
        points: list[dict[Symbol, Any]],
        depth: int,
    ) -> None:
        self.variable, self.germs = variable, Germs(points, depth)
        self.seen: dict[Expr, Germ] = {}
        side = S.One if direction == "+" else S.NegativeOne
        if point in (oo, -oo):
            start = S.One if point == oo else S.NegativeOne
            moved = self.germs.constant(start).series
            self.seen[variable] = Germ(self._shift(moved, S.NegativeOne))
        else:
            step = self._shift(self.germs.constant(side).series, S.One)
            self.seen[variable] = Germ(self.germs.plus(self.germs.constant(point).series, step))

    @staticmethod
    def _shift(series: Series, k: Expr) -> Series:
        return Series({(j + k, m): c for (j, m), c in series.terms.items()})

    def germ(self, expression: Expr) -> Germ:
        if expression not in self.seen:
            self.seen[expression] = self._germ(expression)
        return self.seen[expression]

    def _germ(self, expression: Expr) -> Germ:
        germs = self.germs
        if not expression.has(self.variable):
            return germs.constant(expression)
        if expression.is_Add or expression.is_Mul:
            return self._fold(expression)
        if isinstance(expression, exp):
            return germs.exponential(self.germ(expression.args[0]))
        if expression.is_Pow:
            base, exponent = expression.as_base_exp()
            if not exponent.has(self.variable):
                return germs.power(self.germ(base), exponent)
            inner = germs.multiply(self.germ(exponent), germs.logarithm(self.germ(base)))
            return germs.exponential(inner)
        if isinstance(expression, log):
            return germs.logarithm(self.germ(expression.args[0]))
        if isinstance(expression, Abs | sign):
            return self._signed(expression)
        if isinstance(expression, Max | Min):
            return self._extremum(expression)
        if isinstance(expression, Piecewise):
            return self._branch(expression)
        if isinstance(expression, EXPONENTIAL):
            return self.germ(expression.rewrite(exp))
        if isinstance(expression, Function):
            return self._function(expression)
        raise Unknown(f"no expansion of {expression.func}")

    def _fold(self, expression: Add | Mul) -> Germ:
        join = self.germs.add if expression.is_Add else self.germs.multiply
        fixed = [a for a in expression.args if not a.has(self.variable)]
        moving = [a for a in expression.args if a.has(self.variable)]
        total = self.germs.constant(expression.func(*fixed))
        for part in moving:
            total = join(total, self.germ(part))
        return total

    def _signed(self, expression: Expr) -> Germ:
        inner = self.germ(expression.args[0])
        _, m, c = self.germs.leading(inner.series)
        side = c.sign() * (-1) ** m
        if side == 0:
            factor = self.germs.constant(sign(c.expr) * (-1) ** m)
        else:
            factor = self.germs.constant(S(side))
        return factor if isinstance(expression, sign) else self.germs.multiply(factor, inner)

    def _extremum(self, expression: Expr) -> Germ:
        best, *others = expression.args
        for other in others:
            wins = self._above(other, best)
            if wins == isinstance(expression, Max):
                best = other
        return self.germ(best)

    def _above(self, a: Expr, b: Expr) -> bool:
        """Whether a > b close to the point."""
        gap = self.germ(a - b)
        if not gap.series.terms and gap.series.order is None:
            return False
        _, m, c = self.germs.leading(gap.series)
        if c.sign() == 0:
            raise Mixed(c.expr)
        return bool(c.sign() * (-1) ** m > 0)

    def _branch(self, expression: Piecewise) -> Germ:
        for value, condition in expression.args:
            if self._holds(condition):
                return self.germ(value)
        raise Unknown("no branch applies")

    def _holds(self, condition: Any) -> bool:
        if not condition.has(self.variable):
            results = {truth(condition, at) for at in self.germs.points}
            if len(results) > 1:
                raise Mixed(condition)
            return bool(results.pop())
        if isinstance(condition, Equality):
            return False
        if isinstance(condition, Unequality):
            return True
        if not isinstance(condition, Relational):
            return bool(condition.func(*(self._holds(c) for c in condition.args)))
        return self._above(condition.gts, condition.lts)

    def _function(self, expression: Expr) -> Germ:
        germs = self.germs
        if len(expression.args) != 1:
            raise Unknown(f"no expansion of {expression.func}")
        inner = self.germ(expression.args[0])
        if inner.growth.terms:
            if germs.tends_up(inner.growth):
                return self._far(expression, inner)
            raise Unknown("a function at an exponentially small argument")
        low = germs.leading(inner.series)[0] if inner.series.terms else S.One
        if germs.compare(low, S.Zero) < 0:
            return self._far(expression, inner)
        center = inner.series.terms.get((S.Zero, 0))
        start = center.expr if center else S.Zero
        rest = {k: c for k, c in inner.series.terms.items() if k != (S.Zero, 0)}
        if any(germs.compare(k, S.Zero) == 0 for k, _ in rest):
            raise Unknown("a function at a logarithm")
        point = Symbol("point")
        slope, taylor = expression.func(point), []
        for n in range(germs.depth + 1):
            taylor.append(slope.subs(point, start) / factorial(n))
            slope = slope.diff(point)
        return Germ(germs.compose(Series(rest, inner.series.order), taylor))

    def _far(self, expression: Expr, inner: Germ) -> Germ:
        """A few functions at an argument that grows without bound."""
        germs, argument = self.germs, expression.args[0]
        _, m, c = germs.leading(inner.series)
        if c.sign() == 0:
            raise Mixed(c.expr)
        side = c.sign() * (-1) ** m
        size = argument if side > 0 else -argument
        if isinstance(expression, atan):
            return self.germ(side * (pi / 2 - atan(1 / size)))
        if isinstance(expression, acot):
            return self.germ(atan(1 / argument))
        if isinstance(expression, asinh):
            return self.germ(side * log(size + sqrt(size**2 + 1)))
        if isinstance(expression, erf | erfc):
            tail, term = S.Zero, S.One
            for n in range(germs.depth):
                tail += term / size ** (2 * n)
                term = -term * (2 * n + 1) / 2
            small = exp(-(size**2)) / (size * sqrt(pi)) * tail
            if isinstance(expression, erfc):
                return self.germ(small if side > 0 else 2 - small)
            return self.germ(side * (1 - small))
        raise Unknown(f"no expansion of {expression.func} far out")
