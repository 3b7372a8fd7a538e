"""The density exp(-loss)/Z: whether it exists, and Z in closed form where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mpmath import mp
from sympy import (
    Add,
    Dummy,
    Expr,
    FiniteSet,
    Float,
    Mul,
    S,
    Symbol,
    diff,
    exp,
    expand,
    expand_log,
    factor_terms,
    log,
    nan,
    oo,
    together,
    zoo,
)
from sympy.logic.boolalg import Boolean

from derive.calculus.derivation import Density, Facts, Limit
from derive.calculus.evaluate import NotReal, evaluate, truth
from derive.calculus.existence import (
    Cell,
    condition,
    condition_of_norm,
    existence,
    tail_orders,
    there,
)
from derive.calculus.germs import Unknown
from derive.calculus.integrals import over_the_line
from derive.calculus.quadrature import growth_of_integral, normalizer
from derive.calculus.reading import tidy
from derive.calculus.reasons import Divergence
from derive.calculus.regimes import closed_ends
from derive.calculus.samples import generic_points
from derive.calculus.special_points import special_points
from derive.definitions.loss import Loss

# Values at which a shape parameter is tried for a closed form, beside its special points.
SHAPES = (S.One, S(2), S(3), S(4))
DIGITS = 32
SHOWN = 22  # of an integral that is a number


def density(loss: Loss, limits: tuple[Limit, ...], facts: Facts) -> Density:
    """Existence from the tails, closed forms from the table, both confirmed by numbers."""
    try:
        cells = existence(loss, limits)
    except Unknown as reason:
        return Density(None, None, (), (), "", str(reason))
    exists = condition(cells)
    failing = [_divergence(loss, c) for c in cells if any(t.exists != S.true for t in c.tails)]
    divergences = tuple(divergence for divergence, _ in failing)
    figures = dict.fromkeys(t.confirmation for c in cells for t in c.tails)
    words = "tails: " + "; ".join((*figures, *(figure for _, figure in failing if figure)))
    if exists == S.false:
        return Density(exists, None, (), divergences, words)
    norm = condition_of_norm(cells) if facts.even else None
    general, special, note = _closed_forms(loss, limits, exists, facts.stretch)
    return Density(
        exists, general, special, divergences, f"{words}; {note}",
        norm=norm, orders=tail_orders(cells),
        derivatives=derivatives(loss, general) if general is not None else {},
    )  # fmt: skip


def _divergence(loss: Loss, cell: Cell) -> tuple[Divergence, str]:
    """Why the integral diverges in a cell, and the figure that confirms how fast."""
    ends = zip((oo, -oo), cell.tails, strict=True)
    tails = tuple((end, t.behaviour) for end, t in ends if t.exists != S.true)
    region = next(iter(cell.region.items()), None)
    if all(t.slope is None for t in cell.tails):
        return Divergence(loss.residual, tails, None, region), ""
    slope = tidy(loss.where, sum((t.slope for t in cell.tails if t.slope is not None), S.Zero))
    figure = growth_of_integral(cell.loss, loss.residual, cell.at, slope)
    return Divergence(loss.residual, tails, slope, region), figure


def derivatives(loss: Loss, log_partition: Expr) -> dict[tuple[Symbol, ...], Expr]:
    """First and second derivatives of log Z that are not 0, by the parameters of each.

    The terms of dZ are cancelled before they meet Z. Of log Z with a sum Z: f'' is written as
    f' (N'/N - f') for f' = N/Z, which squares nothing.
    """
    found: dict[tuple[Symbol, ...], Expr] = {}
    for i, p in enumerate(loss.parameters):
        first = sum((_of_term(t, p) for t in Add.make_args(log_partition)), S.Zero)
        if first == 0:
            continue
        found[p,] = first
        for q in loss.parameters[i:]:
            second = factor_terms(diff(first, q))
            if second != 0:
                found[p, q] = _of_sum(first, log_partition, q) or second
    return found


def _of_term(term: Expr, p: Symbol) -> Expr:
    if not isinstance(term, log):
        return diff(term, p)
    (z,) = term.args
    return _over(expand(diff(z, p)), z)


def _over(numerator: Expr, denominator: Expr) -> Expr:
    """One fraction, exponentials left where they are: e^(-x) must not become 1/e^x."""
    letters = {e: Dummy() for e in (numerator + denominator).atoms(exp)}
    back = {letter: e for e, letter in letters.items()}
    return together(numerator.xreplace(letters) / denominator.xreplace(letters)).xreplace(back)


def _of_sum(first: Expr, log_partition: Expr, q: Symbol) -> Expr | None:
    logs = [t.args[0] for t in Add.make_args(log_partition) if isinstance(t, log)]
    sums = [z for z in logs if z.is_Add and z.has(q)]
    if len(sums) != 1:
        return None
    n = expand(diff(sums[0], q))
    return Mul(first, expand(diff(n, q) / n) - first, evaluate=False) if n != 0 else None


def _closed_forms(
    loss: Loss, limits: tuple[Limit, ...], exists: Boolean, stretch: Symbol | None
) -> tuple[Expr | None, tuple[tuple[Symbol, Expr, Expr], ...], str]:
    words = []
    z = None
    if loss.parameters == (stretch,):  # a number is as good as a closed form
        with mp.workdps(DIGITS):
            number = normalizer(loss.expression.subs(stretch, 1), loss.residual, {})
        z = stretch * Float(number, SHOWN)
    general, note = _confirmed(loss, loss.expression, {}, exists, z)
    words.append(f"log_partition: {note}")
    special = []
    for p in loss.parameters:
        shapes = _without_value(loss, p, general) if general else SHAPES
        for value in dict.fromkeys((*special_points(loss, p), *shapes)):
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


def _without_value(loss: Loss, p: Symbol, log_partition: Expr) -> list[Expr]:
    """The ends of a parameter's domain at which a closed form is 0/0 or inf - inf."""
    ends = [end for q, end in closed_ends(loss) if q == p]
    return [end for end in ends if log_partition.subs(p, end).has(nan, zoo, oo, -oo)]


def _by_value(entry: tuple[Symbol, Expr, Expr]) -> tuple[str, float]:
    return entry[0].name, float(entry[1])


def _confirmed(
    loss: Loss,
    expression: Expr,
    fixed: Mapping[Symbol, Any],
    exists: Boolean,
    otherwise: Expr | None = None,
) -> tuple[Expr | None, str]:
    """log Z where the table knows it, or otherwise, and quadrature agrees, and the figure."""
    x = loss.residual
    with mp.workdps(DIGITS):
        # The loss itself is singular at a special point: its samples lie just beside.
        beside = {p: value + mp.mpf(1) / 1000 for p, value in fixed.items()}
        typical = [at for at in generic_points(loss, 12, fixed=beside) if truth(exists, at)]
        points = typical[:3]
        if not points:
            return None, "no closed form found"
        z = over_the_line(expression, x, typical) or otherwise
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
