"""Ways to write a quantity, all equal to its definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement

import sympy
from sympy import Add, Expr, Piecewise, Symbol

from derive.calculus.derivation import Derivation
from derive.calculus.derivatives import over_residual, partial, without_squared_signs
from derive.calculus.reading import fold, operations, readable
from derive.calculus.samples import generic_points
from derive.definitions.loss import Loss
from derive.numerics.atoms import log_total
from derive.numerics.clips import clipped
from derive.numerics.exponentials import NoReading, apart, named, read
from derive.numerics.nodes import Node
from derive.numerics.reductions import forms
from derive.numerics.rules import rewrite
from derive.numerics.splits import centred, split_by_sign

# Beyond this, rearranging a formula takes longer than anybody waits.
_MOST_OPERATIONS = 400
_MOST_OF_FACTORS = 80


@dataclass(frozen=True)
class Candidate:
    """A form. within: by the name of a length ("" for 1), between which |x|/length it holds; None:
    wherever it keeps its digits."""

    form: Node
    rules: tuple[str, ...]
    pieces: int = 1
    within: Mapping[str, tuple[float, float]] | None = None


Ways = list[tuple[Expr, tuple[str, ...]]]


def expressions(derivation: Derivation, name: str, base: Expr, base_rules: tuple[str, ...]) -> Ways:
    """From the plainest to the most rewritten. base: the loss, rewritten by `base_rules`."""
    found: dict[Expr, tuple[str, ...]] = {}
    for expression, used in _expressions(derivation, name, base, base_rules):
        if not expression.has(sympy.nan, sympy.zoo):
            found.setdefault(expression, used)
    return list(found.items())


def _expressions(
    derivation: Derivation, name: str, base: Expr, base_rules: tuple[str, ...]
) -> Ways:
    raw, loss = derivation.quantities[name], derivation.loss
    pretty = derivation.pretty[name]
    if operations(raw) > _MOST_OPERATIONS:
        return [(raw, ()), rewrite(raw)]
    found: Ways = []
    taken = [v.name for v in (*loss.variables, *loss.where)]
    for form in dict.fromkeys((pretty, by_branches(pretty, _factors))):
        joined = clipped(loss.expand(form), loss.residual, taken)
        if joined is not None:
            found.append((joined, ("clipped residual",)))
        found += [(form, ()), rewrite(form)]
    found += [(_factored(raw), ()), (raw, ())]
    cancelled = readings(loss, pretty)
    found += [(form, ("exponential polynomial",)) for form in cancelled]
    totals = base.has(log_total)  # its exponentials may all be 0 where the quotient is not
    if not raw.has(Piecewise) and (not cancelled or loss.predictions or totals):
        derived = from_base(derivation.loss, name, base)
        for candidate in (readable(derived), derived, readable(raw)):
            again, used = rewrite(candidate)
            rules = tuple(dict.fromkeys((*base_rules, *used)))
            found.append((again, rules))
            shorter = readable(again)
            if shorter != again:
                found.append((shorter, rules))
    for expression, used in tuple(found):
        if expression.is_Add:  # tau x - x/2 loses what x (tau - 1/2) keeps
            found.append((sympy.collect(expression, derivation.loss.residual), used))
    for expression, used in tuple(found):
        for rule, change in (("split by sign", split_by_sign), ("centred sigmoid", centred)):
            changed = change(expression, derivation.loss.residual)
            if changed is not None:
                found.append((changed, (*used, rule)))
    return found


def readings(loss: Loss, expression: Expr) -> list[Expr]:
    """What the expression is as exponential polynomials, branch by branch."""
    if isinstance(expression, Piecewise):
        branches = [(readings(loss, e), e, c) for e, c in expression.args]
        most = max(len(ways) for ways, _, _ in branches)
        return [
            Piecewise(*((ways[min(i, len(ways) - 1)] if ways else e, c) for ways, e, c in branches))
            for i in range(most)
        ]
    taken = [v.name for v in (*loss.variables, *loss.where)]
    points = generic_points(loss, 4)
    fractions = [
        {v: Fraction(float(value)).limit_denominator(999) for v, value in at.items()}
        for at in points
    ]
    try:
        x = loss.residual
        reading = read(_varying(loss, expression), x, points)
        settled = all(rate.is_number for rate, _ in reading.terms)
        power, parts = apart(reading)
        found: dict[Expr, None] = {}
        for rooted in (True, False) if settled else (True,):
            ways = {
                beside: list(forms(named(part, loss.where, taken, x, rooted), fractions))
                for beside, part in parts.items()
            }
            for i in range(max(map(len, ways.values())) if all(ways.values()) else 0):
                total = Add(*(m * few[min(i, len(few) - 1)] for m, few in ways.items()))
                found[fold(loss.where, power * total)] = None
        return list(found)
    except NoReading:
        return []


def _varying(loss: Loss, expression: Expr) -> Expr:
    """Written out, but for logarithms, exponentials and the like of parameters alone."""
    for name in reversed(loss.where):
        written = loss.expand(name.definition)
        if written.has(loss.residual) or not written.has(sympy.exp, sympy.log):
            expression = expression.subs(name, name.definition)
    return expression


def by_branches(expression: Expr, change: Callable[[Expr], Expr]) -> Expr:
    if isinstance(expression, Piecewise):
        return Piecewise(*((change(e), c) for e, c in expression.args))
    return change(expression)


def _factors(expression: Expr) -> Expr:
    """In factors: 1 - (1 - t)^3 = t (3 - 3 t + t^2) loses nothing at small t."""
    if operations(expression) > _MOST_OF_FACTORS:
        return expression
    return sympy.powsimp(sympy.factor(expression))


def _factored(expression: Expr) -> Expr:
    """Common factors taken out, in every branch: sums of large products may be inf - inf."""
    if isinstance(expression, Piecewise):
        return Piecewise(*((sympy.factor_terms(e), c) for e, c in expression.args))
    return sympy.factor_terms(expression)


def from_base(loss: Loss, name: str, base: Expr) -> Expr:
    if name == "loss":
        return base
    weight = over_residual(partial(base, loss.residual), loss.residual)
    if name == "weight":
        return weight
    if name == "bend":
        return over_residual(partial(weight, loss.residual), loss.residual) / 2
    if name.startswith("d_"):
        return partial(base, next(v for v in loss.variables if name == f"d_{v.name}"))
    v, w = variables(loss, name)
    return without_squared_signs(partial(partial(base, v), w))


def variables(loss: Loss, name: str) -> tuple[Symbol, Symbol]:
    """The two variables of a second derivative."""
    for v, w in combinations_with_replacement(loss.variables, 2):
        if name in (f"d2_{v.name}_{w.name}", f"d2_{v.name}" if v == w else ""):
            return v, w
    raise KeyError(name)


def squared_out(expression: Expr) -> Expr:
    """(c + t)^2 below the line as c^2 + t (2 c + t), which is rounded once where t is small: a
    power multiplies the rounding of its sum."""

    def written(power: Expr) -> Expr:
        c, t = power.base.args
        pairs, rest = divmod(-power.exp, 2)
        return (c**2 + t * (2 * c + t)) ** -pairs * power.base**-rest

    return expression.replace(_is_power_of_sum, written)


def _is_power_of_sum(e: Expr) -> bool:
    if not (e.is_Pow and e.exp.is_Integer and -6 <= e.exp <= -2 and e.base.is_Add):
        return False
    return len(e.base.args) == 2 and e.base.args[0].is_Rational
