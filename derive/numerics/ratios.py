"""Predictions beside targets: logarithms of their ratio from their difference, and losses of that
ratio as exponential polynomials of its logarithm L, in which what cancels at L = 0 is found."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

import sympy
from sympy import Add, Dummy, Expr, Mul, S, Symbol, exp, log

from derive.calculus.samples import generic_points
from derive.definitions.labels import is_met
from derive.definitions.loss import Loss, let
from derive.numerics.atoms import expm1, log_ratio, power1p_exp, softplus
from derive.numerics.exponentials import NoReading, Reading
from derive.numerics.reductions import forms
from derive.numerics.rules import rewrite

_MOST_OPERATIONS = 150


def with_log_ratios(expression: Expr) -> Expr:
    """log(a/b), and c log(a) - c log(b) in a sum, where a - b is shorter than a."""
    found = expression.replace(lambda e: isinstance(e, log), _of_quotient)
    return found.replace(lambda e: e.is_Add, _of_sum)


def _ratio(a: Expr, b: Expr) -> Expr:
    return log_ratio(a, b, sympy.expand(a - b))


def _of_quotient(e: Expr) -> Expr:
    above, below = sympy.fraction(e.args[0])
    return e if below.is_number or above.is_number else _ratio(above, below)


def _of_sum(e: Expr) -> Expr:
    logs = []
    for term in e.args:
        found = [f for f in Mul.make_args(term) if isinstance(f, log)]
        if len(found) == 1:
            logs.append((term, term / found[0], found[0].args[0]))
    for (first, c, a), (second, d, b) in itertools.combinations(logs, 2):
        if sympy.expand(c + d) != 0:
            continue
        if sympy.expand(a - b).count_ops() <= a.count_ops() + b.count_ops() + 1:
            return e - first - second + c * _ratio(a, b)
    return e


def by_ratio(loss: Loss, expression: Expr) -> list[Expr]:
    """Forms of an expression that is a sum of c L^m exp(r L) for L = log(prediction/target)."""
    x, y = loss.residual, loss.target
    if y is None or not (x.is_nonnegative and y.is_nonnegative):
        return []
    if expression.count_ops() > _MOST_OPERATIONS or not is_met(loss):
        return []
    size, rate, logarithm = Dummy("Y", positive=True), Dummy("L", real=True), Dummy("M", real=True)
    moved = expression.subs({x: size * exp(rate), y: size})
    moved = sympy.expand_power_base(sympy.expand_log(moved, force=True), force=True)
    moved = sympy.expand(sympy.powsimp(moved.subs(log(size), logarithm)), power_exp=False)
    parts = sympy.collect(moved, logarithm, evaluate=False)
    try:
        found = [
            (power, list(_forms(loss, part, (x, y, size, rate)))) for power, part in parts.items()
        ]
    except NoReading:
        return []
    back = {logarithm: log(y), size: y}
    most = max((len(ways) for _, ways in found), default=0)
    return [
        Add(*(power.subs(back) * ways[min(i, len(ways) - 1)] for power, ways in found)).subs(back)
        for i in range(most)
    ]


def _forms(loss: Loss, part: Expr, letters: tuple[Symbol, Symbol, Symbol, Symbol]) -> list[Expr]:
    x, y, size, rate = letters
    terms: dict[tuple[Expr, int], Expr] = {}
    front: Expr | None = None
    for term in Add.make_args(sympy.expand(part, power_exp=False)):
        c, m, r, power = _split(term, size, rate)
        front = power if front is None else front
        rest = sympy.powsimp(c * power / front)
        if rest.has(size):
            raise NoReading
        key = sympy.expand(r), m
        terms[key] = terms.get(key, S.Zero) + rest
    kept = {key: sympy.factor(c) for key, c in terms.items() if sympy.cancel(c) != 0}
    ratio = log_ratio(x, y, x - y)
    reading = Reading(front or S.One, ratio, None, kept, {}, taken=tuple(map(str, loss.variables)))
    points = [
        {v: Fraction(float(value)).limit_denominator(999) for v, value in at.items()}
        for at in generic_points(loss, 4)
    ]
    return [_without_exponentials(form, ratio, x / y) for form in forms(reading, points)]


def _split(term: Expr, size: Symbol, rate: Symbol) -> tuple[Expr, int, Expr, Expr]:
    """A product as (c, m, r, power of the size): c size^e L^m exp(r L)."""
    c, m, r, power = S.One, 0, S.Zero, S.One
    for factor in Mul.make_args(term):
        base, e = factor.as_base_exp()
        if isinstance(factor, exp):
            share = sympy.cancel(sympy.expand(factor.args[0]) / rate)
            if share.has(rate, size):
                raise NoReading
            r += share
        elif base == rate and e.is_Integer and e > 0:
            m += int(e)
        elif base == size:
            power *= factor
        elif factor.has(rate, size):
            raise NoReading
        else:
            c *= factor
    return c, m, r, power


def _without_exponentials(form: Expr, argument: Expr, ratio: Expr) -> Expr:
    _, below, gap = argument.args
    return form.replace(
        lambda e: isinstance(e, exp) and e.has(argument),
        lambda e: ratio ** sympy.cancel(e.args[0] / argument),
    ).replace(expm1(argument), gap / below)


def by_step(loss: Loss, expression: Expr) -> list[Expr]:
    """The expression in w = (prediction - target)/target, and with the roles exchanged."""
    x, y = loss.residual, loss.target
    if y is None or not (x.is_nonnegative and y.is_nonnegative):
        return []
    if expression.count_ops() > _MOST_OPERATIONS or not is_met(loss):
        return []
    return [_by_step(loss, expression, *pair) for pair in ((x, y), (y, x))]


def _by_step(loss: Loss, expression: Expr, x: Symbol, y: Symbol) -> Expr:
    size, step = Dummy("Y", positive=True), Dummy("W", positive=True)
    moved = expression.subs({x: size * (1 + step), y: size})
    moved = sympy.expand_power_base(sympy.expand_log(moved, force=True), force=True)
    moved = sympy.collect(sympy.expand(moved), size)
    taken = {v.name for v in (*loss.variables, *loss.where)}
    name = next(n for n in ("w", "u", "step") if n not in taken)
    return rewrite(moved)[0].subs({size: y, step: let(name, (x - y) / y)})


def with_powers(expression: Expr) -> list[Expr]:
    """Powers of 1 + exp(g) with a varying exponent: as functions of g, and as exponentials, whose
    errors may meet those of softplus."""
    powers = [(p, (p.base - 1).args[0]) for p in expression.atoms(sympy.Pow) if _of_growth(p)]
    if not powers:
        return []
    beside = {p: power1p_exp(g, p.exp) for p, g in powers}
    whole = {p: exp(p.exp * softplus(g)) for p, g in powers}
    return [expression.xreplace(beside), expression.xreplace(whole)]


def _of_growth(p: Expr) -> bool:
    base = p.base
    return bool(p.exp.free_symbols and base.is_Add and isinstance(base - 1, exp))


def choices(loss: Loss, ways: Sequence[Expr]) -> list[tuple[Expr, tuple[str, ...]]]:
    """The ways of writing an expression that these rules add."""
    found: list[tuple[Expr, tuple[str, ...]]] = []
    for e in ways:
        changed = with_log_ratios(e)
        if changed != e:
            found.append((changed, ("logarithm of a ratio",)))
    for e in ways[:1]:
        found += [(form, ("exponential polynomial",)) for form in by_ratio(loss, e)]
        found += [(form, ("relative difference",)) for form in by_step(loss, e)]
    return found
