"""For which parameters exp(-loss) can be integrated, cell by cell of their domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

from mpmath import mp
from sympy import (
    And,
    Dummy,
    Eq,
    Expr,
    FiniteSet,
    Interval,
    Or,
    Piecewise,
    S,
    Set,
    Symbol,
    Union,
    nan,
    oo,
)
from sympy.logic.boolalg import Boolean

from derive.calculus import germs
from derive.calculus.derivation import DIMENSION, Limit
from derive.calculus.evaluate import evaluate
from derive.calculus.germs import Unknown
from derive.calculus.samples import generic_points
from derive.calculus.special_points import roots_in, special_points
from derive.calculus.tails import Tail, both_tails
from derive.definitions.loss import Loss


@dataclass(frozen=True)
class Cell:
    """A part of the parameters' domain in which the tails behave alike."""

    region: Mapping[Symbol, Set]
    loss: Expr
    at: Mapping[Symbol, Any]
    tails: list[Tail]


def existence(loss: Loss, limits: tuple[Limit, ...]) -> list[Cell]:
    """The tails in every cell of the parameters' domain. Unknown where some cell stays open."""
    cuts = {p: [*special_points(loss, p), *_ends(loss, p)] for p in loss.parameters}
    for _ in range(4):
        found = _cells(loss, limits, cuts)
        if isinstance(found, list):
            return found
        parameter, root = found
        cuts[parameter].append(root)
    raise Unknown("the parameters need more case distinctions than are tried")


def _ends(loss: Loss, p: Symbol) -> list[Expr]:
    """Where a coefficient may vanish: the ends that belong to the domain, and 0 inside of it."""
    domain = loss.domain(p)
    inner = domain - FiniteSet(oo, -oo)
    candidates = (inner.inf, inner.sup, S.Zero)
    return [end for end in candidates if end.is_finite and domain.contains(end) == S.true]


def _cells(
    loss: Loss, limits: tuple[Limit, ...], cuts: Mapping[Symbol, list[Expr]]
) -> list[Cell] | tuple[Symbol, Expr]:
    """Every cell's tails, or a further cut that they ask for."""
    split = [p for p in loss.parameters if cuts[p]]
    cells = []
    for parts in product(*(_parts(loss.domain(p), cuts[p]) for p in split)):
        region = dict(zip(split, parts, strict=True))
        expression = there(loss, limits, region)
        if expression is None:
            continue
        with mp.workdps(germs.DIGITS):
            points = _points(loss, region)
        seen = [both_tails(loss.where, expression, loss.residual, at) for at in points]
        if not seen:
            continue
        verdicts = [tuple(t.exists for t in tails) for tails in seen]
        if any(v != verdicts[0] for v in verdicts):
            return _further_cut(loss, seen)
        cells.append(Cell(region, expression, points[0], seen[0]))
    if not cells:
        raise Unknown("no point of the domain at which the loss is real")
    return cells


def _further_cut(loss: Loss, seen: list[list[Tail]]) -> tuple[Symbol, Expr]:
    for tails in seen:
        for tail in tails:
            for p in loss.parameters:
                if tail.order.free_symbols == {p}:
                    for root in roots_in(tail.order, p, loss.domain(p)):
                        return p, root
    raise Unknown("existence changes inside the domain, where exactly was not found")


def _parts(domain: Set, cuts: list[Expr]) -> list[Set]:
    """Points and open intervals between them, from below."""
    ends = sorted({domain.inf, domain.sup, *cuts}, key=float)
    parts: list[Set] = []
    for low, high in pairwise(ends):
        if domain.contains(low) == S.true:
            parts.append(FiniteSet(low))
        parts.append(Interval.open(low, high))
    if domain.contains(ends[-1]) == S.true:
        parts.append(FiniteSet(ends[-1]))
    return parts


def there(loss: Loss, limits: tuple[Limit, ...], region: Mapping[Symbol, Set]) -> Expr | None:
    """The loss in a cell: the limit at a special point. None where it has no value there."""
    expression = loss.expression
    for p, part in region.items():
        if isinstance(part, FiniteSet):
            point = part.args[0]
            values = {
                m.value
                for m in limits
                if m.quantity == "loss" and m.variable == p and m.point == point
            }
            if not values:
                expression = expression.subs(p, point)
                continue
            if len(values) > 1 or values & {oo, -oo, nan}:
                return None
            expression = values.pop()
    return None if expression.has(nan, S.ComplexInfinity) else expression


def _points(loss: Loss, region: Mapping[Symbol, Set]) -> list[dict[Symbol, Any]]:
    points = []
    for index in range(3):
        fixed = {p: _inner(part, index, loss.domain(p)) for p, part in region.items()}
        points += generic_points(loss, 1, fixed=fixed, skip=index)
    return points


def _inner(part: Set, index: int, domain: Set) -> Any:
    """A generic number of a cell; at a point where the loss is a limit, any number serves."""
    share = (mp.mpf(3) / 7, mp.mpf(9) / 11, mp.mpf(2) / 13)[index]
    if isinstance(part, FiniteSet):
        point = part.args[0]
        beside = -share / 100 if point == domain.sup else share / 100
        return share if point in (oo, -oo) else evaluate(point, {}) + beside
    if part.inf == -oo and part.sup == oo:
        return 4 * share - 2
    if part.sup == oo:
        return evaluate(part.inf, {}) + 3 * share
    if part.inf == -oo:
        return evaluate(part.sup, {}) - 3 * share
    low, high = evaluate(part.inf, {}), evaluate(part.sup, {})
    return low + (high - low) * share


def condition(cells: list[Cell]) -> Boolean:
    """One condition on the parameters from the cells."""
    return _joined([(c.region, And(*(t.exists for t in c.tails))) for c in cells])


def _joined(verdicts: list[tuple[Mapping[Symbol, Set], Boolean]]) -> Boolean:
    """The cells that hold, as conditions on one parameter each where that is what they are."""
    if len({v for _, v in verdicts}) == 1:
        return verdicts[0][1]
    split = list(verdicts[0][0])
    if len(split) == 1 and all(v.free_symbols <= set(split) for _, v in verdicts):
        (p,) = split
        parts = [r[p] if v == S.true else _solved(v, p, r[p]) for r, v in verdicts]
        return _within(p, Union(*parts))
    good = {p: Union(*(r[p] for r, v in verdicts if v != S.false)) for p in split}
    wide = And(*(_within(p, part) for p, part in good.items() if not _covers(part, p, verdicts)))
    inside = [v for r, v in verdicts if all(r[p].is_subset(good[p]) for p in split)]
    if len(set(inside)) == 1:
        return And(wide, inside[0])
    return Or(*(And(*(_within(p, part) for p, part in r.items()), v) for r, v in verdicts))


def _covers(part: Set, p: Symbol, verdicts: list[tuple[Mapping[Symbol, Set], Boolean]]) -> bool:
    """Whether a part is all of a parameter's domain."""
    return bool(Union(*(r[p] for r, _ in verdicts)).is_subset(part))


def _solved(condition: Boolean, p: Symbol, part: Set) -> Set:
    if condition == S.false:
        return S.EmptySet
    free = Symbol("p", real=True)
    return condition.subs(p, free).as_set().intersect(part)


def _within(p: Symbol, region: Set) -> Boolean:
    """p in region; half-lines written as one comparison, infinity included where p may be it."""
    inner = region - FiniteSet(oo, -oo)
    if isinstance(inner, FiniteSet):
        return Or(*(Eq(p, point) for point in inner))
    if isinstance(inner, Interval):
        above = p > inner.inf if inner.left_open else p >= inner.inf
        below = p < inner.sup if inner.right_open else p <= inner.sup
        return And(*([above] * (inner.inf != -oo)), *([below] * (inner.sup != oo)))
    return inner.as_relational(p)


def condition_of_norm(cells: list[Cell]) -> Boolean:
    """The parameters for which exp(-loss(|x|)) has an integral over vectors, DIMENSION >= 2.

    The integrand r^(DIMENSION - 1) exp(-loss(r)) needs a loss above DIMENSION log r.
    """
    further = Dummy("further", integer=True, nonnegative=True)
    verdicts = [(c.region, And(*(_of_norm(t, further + 2) for t in c.tails))) for c in cells]
    return _joined(verdicts).subs(further, DIMENSION - 2)


def _of_norm(tail: Tail, dimension: Expr) -> Boolean:
    return tail.exists if tail.logarithm is None else tail.logarithm > dimension


def tail_orders(cells: list[Cell]) -> tuple[Expr, Expr]:
    """q where the density falls like |x|^-q at -oo and at oo; oo where it falls faster."""
    good = [c for c in cells if all(t.exists != S.false for t in c.tails)]
    return _order(good, 1), _order(good, 0)


def _order(cells: list[Cell], end: int) -> Expr:
    """The order in every cell: that of the widest, and beside it what differs."""
    orders = [(c.region, c.tails[end].logarithm or oo) for c in cells]
    if not orders:
        return S.Zero
    orders.sort(key=lambda found: sum(isinstance(part, FiniteSet) for part in found[0].values()))
    general = orders[0][1]
    different = []
    for region, order in orders:
        points = {p: part.args[0] for p, part in region.items() if isinstance(part, FiniteSet)}
        if not _same_order(general.subs(points), order):
            different.append((order, And(*(_within(p, part) for p, part in region.items()))))
    return Piecewise(*different, (general, True)) if different else general


def _same_order(general: Expr, order: Expr) -> bool:
    return bool(general == order)  # over a parameter that is 0 there, it has no value as a number
