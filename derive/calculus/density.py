"""The density exp(-loss)/Z: whether it exists, and Z in closed form where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

from mpmath import mp
from sympy import (
    And,
    Eq,
    Expr,
    FiniteSet,
    Interval,
    Or,
    S,
    Set,
    Symbol,
    Union,
    expand_log,
    log,
    nan,
    oo,
)
from sympy.logic.boolalg import Boolean

from derive.calculus import germs
from derive.calculus.derivation import Density, Limit
from derive.calculus.evaluate import NotReal, evaluate
from derive.calculus.germs import Unknown
from derive.calculus.integrals import over_the_line
from derive.calculus.quadrature import growth_of_integral, normalizer
from derive.calculus.reading import tidy
from derive.calculus.samples import generic_points
from derive.calculus.special_points import roots_in, special_points
from derive.calculus.tails import Tail, both_tails
from derive.definitions.loss import Loss

# Values at which a shape parameter is tried for a closed form, beside its special points.
SHAPES = (S.One, S(2), S(3), S(4))
DIGITS = 32


@dataclass(frozen=True)
class Cell:
    """A part of the parameters' domain in which the tails behave alike."""

    region: Mapping[Symbol, Set]
    loss: Expr
    at: Mapping[Symbol, Any]
    tails: list[Tail]


def density(loss: Loss, limits: tuple[Limit, ...]) -> Density:
    """Existence from the tails, closed forms from the table, both confirmed by numbers."""
    try:
        cells = existence(loss, limits)
    except Unknown as reason:
        return Density(None, None, (), f"not decided: {reason}", "", "")
    exists = _joined(loss, cells)
    failing = [c for c in cells if any(t.exists == S.false for t in c.tails)]
    reasons = "; ".join(dict.fromkeys(_reason(c) for c in failing))
    rates = [_rate(loss, c) for c in failing]
    rate = "; ".join(dict.fromkeys(told for told, _ in rates))
    figures = dict.fromkeys(t.confirmation for c in cells for t in c.tails)
    words = "tails: " + "; ".join((*figures, *(figure for _, figure in rates if figure)))
    if exists == S.false:
        return Density(exists, None, (), reasons, rate, words)
    general, special, note = _closed_forms(loss, limits, exists)
    if general is None and not special:
        reasons = "; ".join(filter(None, (reasons, "no closed form of the integral found")))
    return Density(exists, general, special, reasons, rate, f"{words}; {note}")


def _reason(cell: Cell) -> str:
    """Why the integral diverges in a cell, both tails in one sentence where they agree."""
    tails = [t.reason for t in cell.tails if t.exists == S.false]
    joined = [told.replace("x -> oo", "|x| -> oo").replace("x -> -oo", "|x| -> oo")
              for told in tails]
    told = joined[0] if len(set(joined)) == 1 and len(tails) == 2 else "; ".join(tails)
    return told + _where(cell)


def _where(cell: Cell) -> str:
    where = ", ".join(f"{p} in {_told(region)}" for p, region in cell.region.items())
    return f" ({where})" if where else ""


def _rate(loss: Loss, cell: Cell) -> tuple[str, str]:
    """How fast the integral over [-X, X] grows, and the figure that confirms it."""
    slopes = [S.Zero if t.slope is None else t.slope for t in cell.tails]
    if any(t.exists == S.false and t.slope is None for t in cell.tails):
        return "the integrand does not vanish far out" + _where(cell), ""
    slope = tidy(loss.where, sum(slopes, S.Zero))
    figure = growth_of_integral(cell.loss, loss.residual, cell.at, slope)
    return f"the integral over [-X, X] grows like {Symbol('X') * slope}{_where(cell)}", figure


def _told(region: Set) -> str:
    return str(region) if isinstance(region, FiniteSet) else f"({region.inf}, {region.sup})"


# Existence


def existence(loss: Loss, limits: tuple[Limit, ...]) -> list[Cell]:
    """The tails in every cell of the parameters' domain. Unknown where some cell stays open."""
    cuts = {p: list(special_points(loss, p)) for p in loss.parameters}
    for _ in range(4):
        found = _cells(loss, limits, cuts)
        if isinstance(found, list):
            return found
        parameter, root = found
        cuts[parameter].append(root)
    raise Unknown("the parameters need more case distinctions than are tried")


def _cells(
    loss: Loss, limits: tuple[Limit, ...], cuts: Mapping[Symbol, list[Expr]]
) -> list[Cell] | tuple[Symbol, Expr]:
    """Every cell's tails, or a further cut that they ask for."""
    split = [p for p in loss.parameters if cuts[p]]
    if len(split) > 1:
        raise Unknown("more than one parameter has special points")
    cells = []
    for parts in product(*(_parts(loss.domain(p), cuts[p]) for p in split)):
        region = dict(zip(split, parts, strict=True))
        expression = _there(loss, limits, region)
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


def _there(loss: Loss, limits: tuple[Limit, ...], region: Mapping[Symbol, Set]) -> Expr | None:
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
        fixed = {p: _inner(part, index) for p, part in region.items()}
        points += generic_points(loss, 1, fixed=fixed, skip=index)
    return points


def _inner(part: Set, index: int) -> Any:
    """A generic number of a cell; at a point where the loss is a limit, any number serves."""
    share = (mp.mpf(3) / 7, mp.mpf(9) / 11, mp.mpf(2) / 13)[index]
    if isinstance(part, FiniteSet):
        point = part.args[0]
        return share if point in (oo, -oo) else evaluate(point, {}) + share / 100
    if part.inf == -oo and part.sup == oo:
        return 4 * share - 2
    if part.sup == oo:
        return evaluate(part.inf, {}) + 3 * share
    if part.inf == -oo:
        return evaluate(part.sup, {}) - 3 * share
    low, high = evaluate(part.inf, {}), evaluate(part.sup, {})
    return low + (high - low) * share


def _joined(loss: Loss, cells: list[Cell]) -> Boolean:
    """One condition on the parameters from the cells."""
    conditions = [And(*(t.exists for t in c.tails)) for c in cells]
    if all(c == S.true for c in conditions):
        return S.true
    if all(c == S.false for c in conditions):
        return S.false
    if len(cells) == 1:
        return conditions[0]
    (p,) = cells[0].region
    good = S.EmptySet
    for cell, condition in zip(cells, conditions, strict=True):
        if condition.free_symbols - {p}:
            return Or(*(And(_within(p, c.region[p]), k) for c, k in zip(cells, conditions,
                                                                       strict=True)))
        part = cell.region[p]
        good = Union(good, part if condition == S.true else _solved(condition, p, part))
    return _within(p, good)


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
        if inner.sup == oo and inner.inf != -oo:
            return p > inner.inf if inner.left_open else p >= inner.inf
        if inner.inf == -oo and inner.sup != oo:
            return p < inner.sup if inner.right_open else p <= inner.sup
    return inner.as_relational(p)


# Closed forms


def _closed_forms(
    loss: Loss, limits: tuple[Limit, ...], exists: Boolean
) -> tuple[Expr | None, tuple[tuple[Symbol, Expr, Expr], ...], str]:
    words = []
    general, note = _confirmed(loss, loss.expression, {})
    words.append(f"log_partition: {note}")
    special = []
    if general is None:
        for p in loss.parameters:
            for value in dict.fromkeys((*special_points(loss, p), *SHAPES)):
                if value in (oo, -oo) or loss.domain(p).contains(value) != S.true:
                    continue
                if exists.subs(p, value) == S.false:
                    continue
                expression = _there(loss, limits, {p: FiniteSet(value)})
                found, note = (None, "") if expression is None else _confirmed(
                    loss, expression, {p: evaluate(value, {})}
                )
                if found is not None:
                    special.append((p, value, found))
                    words.append(f"at {p} = {value}: {note}")
    return general, tuple(sorted(special, key=_by_value)), "; ".join(words)


def _by_value(entry: tuple[Symbol, Expr, Expr]) -> tuple[str, float]:
    return entry[0].name, float(entry[1])


def _confirmed(
    loss: Loss, expression: Expr, fixed: Mapping[Symbol, Any]
) -> tuple[Expr | None, str]:
    """log Z where the table knows it and quadrature agrees, and the figure."""
    x = loss.residual
    with mp.workdps(DIGITS):
        beside = {p: value + mp.mpf(1) / 1000 for p, value in fixed.items()}
        typical = generic_points(loss, 5, fixed=beside)
        points = typical[:2]
        if not points:
            return None, "no closed form found"
        z = over_the_line(expression, x, typical)
        if z is None:
            return None, "no closed form found"
        worst = mp.mpf(0)
        for at in points:
            try:
                closed, number = evaluate(z, at), normalizer(expression, x, at)
            except NotReal:
                return None, "the closed form has no real value at a sample point"
            worst = max(worst, abs(closed / number - 1))
    if worst > mp.mpf(10) ** -20:
        return None, f"a candidate differs from quadrature by {mp.nstr(worst, 2)}"
    found = expand_log(log(tidy(loss.where, z)), force=True)
    return found, f"quadrature at {len(points)} points agrees to {mp.nstr(worst, 2)}"
