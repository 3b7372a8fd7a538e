"""One-sided limits at special points: candidates from expansions, used only when confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mpmath import mp
from sympy import Abs, Eq, Expr, Piecewise, S, Symbol, exp, log, nan, oo, piecewise_fold, sign

from derive.calculus import germs
from derive.calculus.confirm import confirm, near
from derive.calculus.derivation import Limit
from derive.calculus.evaluate import NotReal, truth
from derive.calculus.expansion import Expansion
from derive.calculus.germs import Germ, Mixed, Unknown
from derive.calculus.reading import KEPT, expanded, readable, tidy
from derive.calculus.regimes import Regime
from derive.calculus.samples import generic_points
from derive.calculus.special_points import sides, special_points
from derive.definitions.loss import Let, Loss
from derive.errors import Undecided

DEPTHS = (3, 5, 8)
# Folding doubles the branches with every piece.
MOST_PIECES = 6
Points = list[dict[Symbol, Any]]


def limits(loss: Loss, quantities: Mapping[str, Expr]) -> tuple[Limit, ...]:
    """Every quantity at every special point of every variable, sides joined where they agree."""
    found = []
    for variable in loss.variables if loss.kind == "residual" else loss.parameters:
        for point in special_points(loss, variable):
            for name, quantity in quantities.items():
                found += at_point(loss, name, quantity, variable, point)
    return tuple(found)


def at_point(loss: Loss, name: str, quantity: Expr, variable: Symbol, point: Expr) -> list[Limit]:
    """The limits of one quantity at one point, from each side that the domain has.

    Raises Undecided where the loss itself has no limit that can be confirmed.
    """
    found = [
        one_sided(loss, name, quantity, variable, point, side)
        for side in sides(point, loss.domain(variable))
    ]
    for limit in found:
        if name == "loss" and limit.value is nan:
            raise Undecided(
                f"{loss.name}: no confirmed limit of the loss at {variable} -> {point}"
                f" ({limit.confirmation}); restrict the domain of {variable}"
            )
    if len(found) == 2:
        above, below = found
        if (above.value, above.growth) == (below.value, below.growth) and above.value is not nan:
            words = f"above: {above.confirmation}; below: {below.confirmation}"
            return [Limit(name, variable, point, "+-", above.value, above.growth, words)]
    return found


@lru_cache(maxsize=KEPT)
def one_sided(
    loss: Loss,
    name: str,
    quantity: Expr,
    variable: Symbol,
    point: Expr,
    direction: str,
    regime: Regime | None = None,
) -> Limit:
    """One limit (at parameters of one range); its value is nan where none could be confirmed."""
    found = _one_sided(loss, name, quantity, variable, point, direction, regime)
    return (
        found if isinstance(found, Limit) else _none(name, variable, point, direction, str(found))
    )


@lru_cache(maxsize=KEPT)
def exponent_that_decides(
    loss: Loss, quantity: Expr, variable: Symbol, point: Expr, direction: str
) -> Expr | None:
    """Where a limit differs with the sign of an expression in the parameters, that expression."""
    found = _one_sided(loss, "", quantity, variable, point, direction, None)
    return found.expression if isinstance(found, Mixed) else None


def _none(name: str, variable: Symbol, point: Expr, direction: str, trouble: str) -> Limit:
    return Limit(name, variable, point, direction, nan, None, f"no limit found: {trouble}")


@lru_cache(maxsize=KEPT)
def _one_sided(
    loss: Loss,
    name: str,
    quantity: Expr,
    variable: Symbol,
    point: Expr,
    direction: str,
    regime: Regime | None,
) -> Limit | Mixed:
    """The limit, or whose sign decides."""
    trouble = "no expansion"
    for depth in DEPTHS:
        try:
            with mp.workdps(germs.DIGITS):
                expansion = _expansion(loss, variable, point, direction, depth, regime)
                value, growth = _candidate(loss, quantity, point, direction, expansion)
        except Mixed as reason:
            return reason  # no longer series decides it
        except (Unknown, NotReal, NotImplementedError) as reason:
            trouble = str(reason)
            continue
        wanted = value if growth is None else growth
        words = confirm(
            quantity,
            variable,
            point,
            direction,
            wanted,
            _beside(loss, variable, point, direction, 5, regime),
        )
        if words is not None:
            return Limit(name, variable, point, direction, value, growth, words)
        trouble = f"the candidate {value} was not confirmed"
    return _none(name, variable, point, direction, trouble)


@lru_cache(maxsize=64)
def _expansion(
    loss: Loss, variable: Symbol, point: Expr, direction: str, depth: int, regime: Regime | None
) -> Expansion:
    """One for all quantities, which share most of their parts."""
    points = _beside(loss, variable, point, direction, 0, regime)
    return Expansion(variable, point, direction, points, depth)


@lru_cache(maxsize=64)
def _beside(
    loss: Loss, variable: Symbol, point: Expr, direction: str, skip: int, regime: Regime | None
) -> Points:
    with mp.workdps(germs.DIGITS):
        fixed = {variable: near(point, direction, 9)}
        points = generic_points(loss, 4, fixed=fixed, skip=skip)
        return regime.placed(points) if regime else points


def _candidate(
    loss: Loss, quantity: Expr, point: Expr, direction: str, expansion: Expansion
) -> tuple[Expr, Expr | None]:
    variable, points = expansion.variable, expansion.germs.points
    if not quantity.has(variable):
        return quantity, None
    try:
        return read(loss.where, expansion, expansion.germ(quantity), point)
    except Mixed:
        if len(quantity.atoms(Piecewise)) > MOST_PIECES:
            raise
        folded = piecewise_fold(quantity)
        if not isinstance(folded, Piecewise):
            raise
    branches = []
    for value, condition in folded.args:
        inside = [at for at in points if truth(condition, at)]
        if not inside and not isinstance(condition, Eq):
            raise Unknown(f"no sample point where {condition}")
        there = expansion
        if inside and len(inside) < len(points):
            there = Expansion(variable, point, direction, inside, expansion.germs.depth)
        limit, growth = _candidate(loss, value, point, direction, there)
        if growth is not None:
            raise Unknown("one branch diverges")
        branches.append((limit, condition.subs(variable, point)))
    return Piecewise(*branches), None


def read(
    where: tuple[Let, ...], expansion: Expansion, germ: Germ, point: Expr
) -> tuple[Expr, Expr | None]:
    """(value, growth): the limit, and where it diverges the parts of the leading order."""
    series, order = germ.series, germ.series.order
    if not series.terms and order is None:
        return S.Zero, None
    ring = expansion.germs
    k, m, lead = ring.leading(series)
    size = _distance(expansion.variable, point)
    heading = lead.sign() * (-1) ** m if m else lead.sign()
    infinite = heading * oo if heading else sign(lead.expr) * (-1) ** m * oo
    if germ.growth.terms:
        if not ring.tends_up(germ.growth):
            return S.Zero, None
        return infinite, exp(_written(where, germ.growth.terms, size)) * lead.expr * size**k
    side = ring.compare(k, S.Zero)
    if side > 0:
        return S.Zero, None
    if side == 0 and m == 0:
        return tidy(where, lead.expr), None
    if order is not None and ring.compare(order, S.Zero) <= 0:
        raise germs.TooShort("not every growing term is known")
    growing = {key: c for key, c in series.terms.items() if ring.compare(key[0], k) == 0}
    return infinite, _written(where, growing, size)


def _distance(variable: Symbol, point: Expr) -> Expr:
    """The t of the expansion."""
    return 1 / Abs(variable) if point in (oo, -oo) else Abs(variable - point)


def _written(where: tuple[Let, ...], terms: Mapping[Any, Any], size: Expr) -> Expr:
    """The terms as an expression; a logarithm of the distance joins the one beside it."""
    total = S.Zero
    rest = {key: tidy(where, c.expr) for key, c in terms.items()}
    lead = rest.get((S.Zero, 1))
    constant = rest.get((S.Zero, 0))
    if lead is not None and constant is not None:
        for part in sorted(constant.atoms(log), key=str):
            if expanded(expanded(constant).coeff(part) + lead) == 0:
                total += -lead * log(part.args[0] / size)
                rest[S.Zero, 0] = readable(expanded(constant + lead * part))
                del rest[S.Zero, 1]
                break
    for (k, m), c in rest.items():
        total += c * size**k * log(size) ** m
    return total
