"""Where a loss is not smooth: kinks and jumps, as places in terms of the parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mpmath import mp
from sympy import (
    Abs,
    Dummy,
    Expr,
    Max,
    Min,
    Piecewise,
    Poly,
    PolynomialError,
    S,
    Symbol,
    default_sort_key,
    factor_terms,
    powsimp,
    roots,
    sign,
    solve,
    true,
)
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from derive.calculus.derivatives import partial
from derive.calculus.evaluate import NotReal, evaluate, truth
from derive.calculus.reading import expanded, readable
from derive.calculus.regimes import joined, regimes, vanishing_exponents
from derive.calculus.samples import generic_points
from derive.definitions.loss import Loss

DIGITS = 60
# How far beside a place its two sides are looked at, and what is no longer a difference there.
BESIDE, NOTHING = 30, 20


@dataclass(frozen=True)
class Break:
    """A place at which two formulas of a loss meet.

    order: the first derivative that jumps there (or is infinite): 0 the loss itself, 1 its slope, 2
    its curvature, 3 none of these. below, above: the loss on both sides. unless: values of one
    parameter at which the two sides are equal all the same. ordered: parameters in an order in
    which less happens, as at the defaults (Hampel's a < b < c); then: what `order` is there. cases:
    where an exponent decides, (order, infinite) by its ranges, the first whose condition holds.
    """

    place: Expr
    order: int
    below: Expr
    above: Expr
    unless: tuple[tuple[Symbol, Expr], ...] = ()
    ordered: tuple[Symbol, ...] = ()
    then: int = 3
    infinite: bool = False
    cases: tuple[tuple[tuple[int, bool], Boolean], ...] = ()

    def order_at(self, values: Mapping[Symbol, Expr]) -> int:
        """The order at these parameters; 3 where the two sides are equal."""
        if any(values.get(p) == v for p, v in self.unless):
            return 3
        found = ((order, condition.subs(values)) for (order, _), condition in self.cases)
        return next((order for order, holds in found if holds == true), self.order)


def breaks(loss: Loss) -> tuple[Break, ...]:
    """Every place at which branches of the loss meet for generic parameters, from below."""
    expression, x = loss.expression, loss.residual
    places: dict[Expr, None] = {}
    for gap in _gaps(expression):
        if gap.has(x):
            places.update(dict.fromkeys(_roots(gap, x, loss)))
    with mp.workdps(DIGITS):
        points = generic_points(loss, 3)
        found = [b for place in places if (b := _break(loss, place, points)) is not None]
        chain = _chain(loss, found)
        if chain:
            points = [_in_order(chain, at) for at in points]
            found = [_if_ordered(b, _break(loss, b.place, points), chain) for b in found]
        found = [replace(b, cases=_cases(loss, b.place, points)) for b in found]
        return tuple(sorted(found, key=lambda b: evaluate(b.place, points[0])))


def _chain(loss: Loss, found: list[Break]) -> tuple[Symbol, ...]:
    """The parameters that are places of breaks, from the least default on; none where two agree."""
    places = {b.place for b in found}
    chain = sorted((p for p in loss.parameters if p in places), key=loss.default)
    values = {loss.default(p) for p in chain}
    return tuple(chain) if 1 < len(chain) == len(values) else ()


def _in_order(chain: tuple[Symbol, ...], at: dict[Symbol, Any]) -> dict[Symbol, Any]:
    return {**at, **dict(zip(chain, sorted(at[p] for p in chain), strict=True))}


def _if_ordered(found: Break, ordered: Break | None, chain: tuple[Symbol, ...]) -> Break:
    then = 3 if ordered is None else ordered.order
    return replace(found, ordered=chain, then=then) if then > found.order else found


def _gaps(expression: Expr) -> list[Expr]:
    """What vanishes where a branch changes."""
    found = [part.args[0] for part in expression.atoms(Abs, sign)]
    for extremum in expression.atoms(Max, Min):
        found += [a - b for i, a in enumerate(extremum.args) for b in extremum.args[:i]]
    for pieces in expression.atoms(Piecewise):
        found += [r.lhs - r.rhs for r in pieces.atoms(Relational)]
    return sorted(set(found), key=default_sort_key)


def _roots(gap: Expr, x: Symbol, loss: Loss) -> Iterator[Expr]:
    """Real zeros of a gap, with |g| as g and as -g."""
    sizes = sorted(gap.atoms(Abs), key=default_sort_key)
    if sizes:
        inner = sizes[0].args[0]
        for side in (inner, -inner):
            yield from _roots(gap.xreplace({sizes[0]: side}), x, loss)
        return
    if gap.has(Piecewise, Max, Min, sign):
        return
    try:
        candidates = list(roots(Poly(gap, x)))
    except PolynomialError:
        candidates = solve(gap, x) if gap.count_ops() < 30 else []
    for candidate in candidates:
        if candidate.is_real is not False and not candidate.has(x):
            yield readable(candidate)


def one_side(expression: Expr, at: Mapping[Symbol, Any]) -> Expr:
    """The formula that holds around a point where no branch changes."""
    if isinstance(expression, Piecewise):
        for value, condition in expression.args:
            if truth(condition, at):
                return one_side(value, at)
        raise NotReal("no branch applies")
    if isinstance(expression, Max | Min):
        best = max if isinstance(expression, Max) else min
        return one_side(best(expression.args, key=lambda a: evaluate(a, at)), at)
    if isinstance(expression, Abs):
        inner = expression.args[0]
        return one_side(inner if evaluate(inner, at) >= 0 else -inner, at)
    if isinstance(expression, sign):
        return S(int(mp.sign(evaluate(expression.args[0], at))))
    if not expression.has(Piecewise, Max, Min, Abs, sign):
        return expression
    return expression.func(*(one_side(a, at) for a in expression.args))


def _break(loss: Loss, place: Expr, points: list[dict[Symbol, Any]]) -> Break | None:
    """The break at a place; None where the same formula holds on both sides."""
    found = list(_sides(loss.expression, loss.residual, place, points))
    if not found:
        return None
    order, infinite = min(what for _, _, what in found)
    one, other, _ = found[0]
    below, above = (readable(side.subs(loss.residual, place)) for side in (one, other))
    x, gap = loss.residual, one - other
    for _ in range(min(order, 2)):
        gap = partial(gap, x)
    unless = _equal_at(loss, gap.subs(x, place)) if order < 3 and not infinite else ()
    return Break(place, order, below, above, unless, infinite=infinite)


def _sides(
    expression: Expr, x: Symbol, place: Expr, points: list[dict[Symbol, Any]]
) -> Iterator[tuple[Expr, Expr, tuple[int, bool]]]:
    """The formulas on both sides where they differ, and what differs first, at some points."""
    step = mp.mpf(10) ** -BESIDE
    for at in points:
        try:
            middle = evaluate(place, at)
            beside = [{**at, x: middle + s * step} for s in (-1, 1)]
            below, above = (one_side(expression, b) for b in beside)
        except NotReal:
            continue
        if expanded(below - above) != 0:
            yield below, above, _first_jump(below, above, x, place, at)


def _cases(
    loss: Loss, place: Expr, points: list[dict[Symbol, Any]]
) -> tuple[tuple[tuple[int, bool], Boolean], ...]:
    """What jumps first, by ranges of the exponent of what vanishes at the place."""
    found: list[tuple[tuple[int, bool], Boolean]] = []
    exponents = vanishing_exponents(loss, place)
    for regime in regimes(loss, exponents[0], (1, 2)) if len(exponents) == 1 else ():
        here = loss.expression.subs(regime.exact)
        sides = _sides(here, loss.residual, place, regime.placed(points))
        found.append((min((what for _, _, what in sides), default=(3, False)), regime.condition))
    return tuple(cases) if len(cases := joined(found)) > 1 else ()


def _first_jump(
    below: Expr, above: Expr, x: Symbol, place: Expr, at: Mapping[Symbol, Any]
) -> tuple[int, bool]:
    """The order of the first derivative that differs on the two sides, and whether it is infinite;
    3 where none does."""
    t = Dummy("t", positive=True)  # the way from the place: x^2 and x^(p - 1) are one power of it
    below, above = below.subs(x, place - t), above.subs(x, place + t)
    for order in range(3):
        try:
            one, other = (evaluate(powsimp(side), {**at, t: 0}) for side in (below, above))
        except NotReal:
            return order, True
        if abs(one - other) > mp.mpf(10) ** -NOTHING * (1 + abs(one)):
            return order, False
        below, above = -partial(below, t), partial(above, t)
    return 3, False


def _equal_at(loss: Loss, gap: Expr) -> tuple[tuple[Symbol, Expr], ...]:
    """Values of the only parameter of a difference at which it vanishes."""
    found = []
    for factor in factor_terms(gap).as_numer_denom()[0].as_ordered_factors():
        for p in sorted(factor.free_symbols, key=str):
            if factor.free_symbols == {p} and factor.count_ops() < 40:
                inside = [v for v in solve(factor, p) if loss.domain(p).contains(v) == S.true]
                found += [(p, v) for v in inside]
    return tuple(dict.fromkeys(found))
