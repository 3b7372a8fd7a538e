"""Ranges of the parameters in which a loss behaves differently at one place.

What decides is an exponent (|x|^p has a kink for p <= 1, none for p = 2), or that a parameter is at
an end of its domain (t |x| + ... has no kink at t = 0).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sympy import (
    Dummy,
    Eq,
    Expr,
    FiniteSet,
    Interval,
    Lambda,
    Pow,
    S,
    Set,
    Symbol,
    false,
    imageset,
    solve,
    true,
)
from sympy.logic.boolalg import Boolean

from derive.calculus.evaluate import evaluate
from derive.calculus.samples import in_domain
from derive.definitions.loss import Loss

T = TypeVar("T")

# The value of an exponent, where it is given instead of one of its parameters.
EXPONENT = Dummy("e", real=True)


@dataclass(frozen=True)
class Regime:
    """condition: read in order, the first that holds, as in a Piecewise. exact: what a parameter is
    where the exponent has one value. solution: the same for a value within `between`."""

    condition: Boolean
    symbol: Symbol
    solution: Expr
    between: Set

    @property
    def exact(self) -> dict[Symbol, Expr]:
        value = self.between
        return {} if isinstance(value, Interval) else {self.symbol: self._at(value.args[0])}

    def placed(self, points: Iterable[Mapping[Symbol, Any]]) -> list[dict[Symbol, Any]]:
        """The points, each moved into this range."""
        return [{**at, self.symbol: self._number(at, k)} for k, at in enumerate(points)]

    def _at(self, value: Expr) -> Expr:
        return self.solution.subs(EXPONENT, value)

    def _number(self, at: Mapping[Symbol, Any], k: int) -> Any:
        exact = not isinstance(self.between, Interval)
        value = evaluate(self.between.args[0], {}) if exact else in_domain(self.between, k)
        return evaluate(self.solution, {**at, EXPONENT: value})


def regimes(loss: Loss, exponent: Expr, marks: Iterable[Expr]) -> list[Regime]:
    """The ranges of an exponent between some marks, and the marks; none where it reaches none."""
    symbols = sorted(exponent.free_symbols & set(loss.parameters), key=loss.parameters.index)
    if not symbols or exponent.free_symbols - set(symbols):
        return []
    symbol = symbols[-1]
    found = solve(exponent - EXPONENT, symbol)
    domain = _image(loss, exponent, symbols)
    inside = sorted({m for m in map(S, marks) if domain.contains(m) == true}, key=float)
    if len(found) != 1 or not inside:
        return []

    def regime(condition: Boolean, between: Set) -> Regime:
        return Regime(condition, symbol, found[0], between)

    ends = [domain.inf, *inside, domain.sup]
    ranges = []
    for k, mark in enumerate(inside):
        if ends[k] < mark:
            ranges.append(regime(exponent < mark, Interval.open(ends[k], mark)))
        ranges.append(regime(Eq(exponent, mark), FiniteSet(mark)))
    if inside[-1] < domain.sup:
        ranges.append(regime(true, Interval.open(inside[-1], domain.sup)))
    return ranges


def _image(loss: Loss, exponent: Expr, symbols: list[Symbol]) -> Set:
    """What values an exponent takes: an interval where it is a sum of multiples of parameters."""
    found: Set = FiniteSet(exponent.subs(dict.fromkeys(symbols, 0)))
    for p in symbols:
        factor, domain = exponent.diff(p), loss.domain(p)
        if not factor.is_number or not isinstance(domain, Interval):
            return S.Reals
        found = _sum(found, imageset(Lambda(p, factor * p), domain))
    return found


def _sum(one: Set, other: Set) -> Set:
    low = one.inf + other.inf, one.contains(one.inf) & other.contains(other.inf)
    high = one.sup + other.sup, one.contains(one.sup) & other.contains(other.sup)
    return Interval(low[0], high[0], low[1] == false, high[1] == false)


def vanishing_exponents(loss: Loss, place: Expr) -> list[Expr]:
    """The exponents with parameters of what vanishes at a place."""
    x = loss.residual
    found = {
        power.exp
        for power in loss.expression.atoms(Pow)
        if power.exp.free_symbols & set(loss.parameters)
        and power.base.has(x)
        and power.base.subs(x, place) == 0
    }
    return sorted(found, key=str)


def closed_ends(loss: Loss) -> list[tuple[Symbol, Expr]]:
    """Parameters at the finite ends of their domains that belong to these; special points have
    limits of their own."""
    return [
        (p, end)
        for p in loss.parameters
        for end in dict.fromkeys((loss.domain(p).inf, loss.domain(p).sup))
        if end.is_finite and loss.domain(p).contains(end) == true
        if end not in loss.special.get(p, ())
    ]


def joined(found: list[tuple[T, Boolean]]) -> list[tuple[T, Boolean]]:
    """Neighbours with the same value as one, the last one for whatever is left."""
    result: list[tuple[T, Boolean]] = []
    for value, condition in found:
        if result and result[-1][0] == value:
            condition = _wider(result.pop()[1], condition)
        result.append((value, condition))
    return [*result[:-1], *((value, true) for value, _ in result[-1:])]


def _wider(one: Boolean, other: Boolean) -> Boolean:
    """e < t and then e = t is e <= t; e = t and then e < u is e < u."""
    if isinstance(other, Eq):
        return other.lhs <= other.rhs
    return other
