"""Proof that a loss is a wider loss at some parameter values."""

from __future__ import annotations

from collections.abc import Mapping

from mpmath import mp
from sympy import Expr, nan, oo, powdenest, simplify

from derive.calculus.derivation import Membership
from derive.calculus.evaluate import NotReal, evaluate
from derive.calculus.limits import at_point
from derive.calculus.reading import tidy
from derive.calculus.samples import generic_points
from derive.definitions.catalogue import load
from derive.definitions.loss import Loss
from derive.definitions.notation import formula
from derive.errors import Refuted

DIGITS = 40
# simplify is only let loose on small differences: it has no bound of its own.
FOR_SIMPLIFY = 60


def members(loss: Loss) -> tuple[Membership, ...]:
    """The proof for `loss.member_of`; Refuted where the two differ."""
    if loss.member_of is None:
        return ()
    name, values = loss.member_of
    wider = load(name)
    expression, method = _at(wider, values)
    difference = loss.expression - expression
    told = ", ".join(f"{p} = {v}" for p, v in values.items())
    if not _is_zero(difference):
        raise Refuted(f"{loss.name}: not shown equal to {name} at {told}; difference {difference}")
    figure = _figure(loss, expression)
    if figure > mp.mpf(10) ** (5 - DIGITS):
        raise Refuted(f"{loss.name}: differs from {name} at {told} by {mp.nstr(figure, 3)}")
    words = f"the difference simplifies to 0; at 5 points, {DIGITS} digits: {mp.nstr(figure, 2)}"
    return (Membership(name, dict(values), expression, method, words),)


def _at(wider: Loss, values: Mapping[str, Expr]) -> tuple[Expr, str]:
    """The wider loss at parameter values, by substitution or as a confirmed limit."""
    expression, methods = wider.expression, []
    by_name = {p.name: p for p in wider.parameters}
    for name, value in values.items():
        parameter = by_name[name]
        if value not in (oo, -oo):
            there = expression.subs(parameter, value)
            if not there.has(nan, oo, -oo) and there.is_finite is not False:
                expression = there
                methods.append(f"substitution of {parameter} = {value}")
                continue
        limits = at_point(wider, "loss", expression, parameter, value)
        expression = limits[0].value
        words = "; ".join(limit.confirmation for limit in limits)
        methods.append(f"limit {parameter} -> {formula(value)} ({words})")
    return expression, "; ".join(methods)


def _is_zero(difference: Expr) -> bool:
    if tidy((), difference) == 0:
        return True
    small = difference.count_ops() <= FOR_SIMPLIFY
    return bool(small and simplify(powdenest(difference)) == 0)


def _figure(loss: Loss, expression: Expr) -> object:
    """The largest relative difference at generic points."""
    worst = mp.mpf(0)
    with mp.workdps(DIGITS):
        for at in generic_points(loss, 5):
            try:
                mine, theirs = evaluate(loss.expression, at), evaluate(expression, at)
            except NotReal:
                return mp.inf
            worst = max(worst, abs(mine - theirs) / max(abs(mine), mp.mpf(10) ** -DIGITS))
    return worst
