"""The density exp(-loss)/Z: whether it exists, and Z in closed form where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from mpmath import mp
from sympy import Abs, Dummy, Expr, FiniteSet, S, Set, Symbol, expand_log, log, oo
from sympy.logic.boolalg import Boolean

from derive.calculus.derivation import DIMENSION, Density, Limit
from derive.calculus.evaluate import NotReal, evaluate, truth
from derive.calculus.existence import (
    Cell,
    condition,
    condition_of_norm,
    existence,
    there,
)
from derive.calculus.germs import Unknown
from derive.calculus.integrals import over_the_line, over_vectors
from derive.calculus.quadrature import growth_of_integral, normalizer
from derive.calculus.reading import tidy
from derive.calculus.samples import generic_points
from derive.calculus.special_points import special_points
from derive.definitions.loss import Loss

# Values at which a shape parameter is tried for a closed form, beside its special points.
SHAPES = (S.One, S(2), S(3), S(4))
DIGITS = 32


def density(loss: Loss, limits: tuple[Limit, ...]) -> Density:
    """Existence from the tails, closed forms from the table, both confirmed by numbers."""
    try:
        cells = existence(loss, limits)
    except Unknown as reason:
        return Density(None, None, (), f"not decided: {reason}", "", "")
    exists = condition(cells)
    failing = [c for c in cells if any(t.exists == S.false for t in c.tails)]
    reasons = "; ".join(dict.fromkeys(_reason(c) for c in failing))
    rates = [_rate(loss, c) for c in failing]
    rate = "; ".join(dict.fromkeys(told for told, _ in rates if told))
    figures = dict.fromkeys(t.confirmation for c in cells for t in c.tails)
    words = "tails: " + "; ".join((*figures, *(figure for _, figure in rates if figure)))
    if exists == S.false:
        return Density(exists, None, (), reasons, rate, words)
    norm = condition_of_norm(cells) if is_even(loss) else None
    general, special, note = _closed_forms(loss, limits, exists)
    if general is None and not special:
        reasons = "; ".join(filter(None, (reasons, "no closed form of the integral found")))
    vectors = _over_vectors(loss) if norm == S.true else None
    return Density(exists, general, special, reasons, rate, f"{words}; {note}", norm, vectors)


def is_even(loss: Loss) -> bool:
    """Whether the loss is a function of |x|."""
    x, y = loss.residual, Dummy("y", positive=True)
    return bool(loss.expression.subs(x, y) == loss.expression.subs(x, -y))


def _over_vectors(loss: Loss) -> Expr | None:
    """log of the integral over vectors, where the table knows it and quadrature agrees."""
    x = loss.residual
    with mp.workdps(DIGITS):
        points = generic_points(loss, 3)
        found = over_vectors(loss.expression, x, DIMENSION, points)
        if found is None:
            return None
        for at, m in product(points, (2, 3, 7)):
            sphere = 2 * mp.pi ** (mp.mpf(m) / 2) / mp.gamma(mp.mpf(m) / 2)
            # A residual of its own: one that is declared positive would have no other side.
            y = Dummy("y", real=True)
            exponent = loss.expression.subs(x, y) - (m - 1) * log(Abs(y))
            number = sphere * normalizer(exponent, y, at) / 2
            if abs(evaluate(found.subs(DIMENSION, m), at) / number - 1) > mp.mpf(10) ** -20:
                return None
    return expand_log(log(found), force=True)


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
    if all(t.slope is None for t in cell.tails):
        return "", ""
    slope = tidy(loss.where, sum(slopes, S.Zero))
    figure = growth_of_integral(cell.loss, loss.residual, cell.at, slope)
    return f"the integral over [-X, X] grows like {Symbol('X') * slope}{_where(cell)}", figure


def _told(region: Set) -> str:
    return str(region) if isinstance(region, FiniteSet) else f"({region.inf}, {region.sup})"


def _closed_forms(
    loss: Loss, limits: tuple[Limit, ...], exists: Boolean
) -> tuple[Expr | None, tuple[tuple[Symbol, Expr, Expr], ...], str]:
    words = []
    general, note = _confirmed(loss, loss.expression, {}, exists)
    words.append(f"log_partition: {note}")
    special = []
    for p in loss.parameters:
        for value in dict.fromkeys((*special_points(loss, p), *(SHAPES if not general else ()))):
            if value in (oo, -oo) or loss.domain(p).contains(value) != S.true:
                continue
            expression = there(loss, limits, {p: FiniteSet(value)})
            if expression is None or exists.subs(p, value) == S.false:
                continue
            found, note = _confirmed(loss, expression, {p: evaluate(value, {})}, S.true)
            if found is not None:
                special.append((p, value, found))
                words.append(f"at {p} = {value}: {note}")
    return general, tuple(sorted(special, key=_by_value)), "; ".join(words)


def _by_value(entry: tuple[Symbol, Expr, Expr]) -> tuple[str, float]:
    return entry[0].name, float(entry[1])


def _confirmed(
    loss: Loss, expression: Expr, fixed: Mapping[Symbol, Any], exists: Boolean
) -> tuple[Expr | None, str]:
    """log Z where the table knows it and quadrature agrees, and the figure."""
    x = loss.residual
    with mp.workdps(DIGITS):
        # The loss itself is singular at a special point: its samples lie just beside.
        beside = {p: value + mp.mpf(1) / 1000 for p, value in fixed.items()}
        typical = [at for at in generic_points(loss, 12, fixed=beside) if truth(exists, at)]
        points = typical[:3]
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
