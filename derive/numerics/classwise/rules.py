"""From the definition of a loss over classes to a form that keeps its digits."""

from __future__ import annotations

from collections.abc import Iterator

import sympy
from sympy import Add, Dummy, Expr, Mul, Symbol, exp, log

from derive.definitions.classes import Across, Entry, Hit, Largest, Total, at_target, opened, varies
from derive.definitions.loss import Along
from derive.numerics import atoms as scalar
from derive.numerics.classwise.atoms import (
    ChanceDivergence,
    Divergence,
    Log1mExp,
    LogRatio,
    LogTotal,
    Surprise,
)


def candidates(expression: Expr) -> Iterator[Expr]:
    """Stable forms of a loss, the best first; each has to be proved equal to the definition."""
    by_surprise = in_surprises(expression)
    if by_surprise is not None:
        yield ratios(by_surprise)
    yield ratios(with_log_totals(expression))


def powers(expression: Expr) -> list[Expr]:
    """Every f of a total of exp(f)."""
    found = {p.args[0].args[0] for p in expression.atoms(Total) if isinstance(p.args[0], exp)}
    return sorted(found, key=sympy.default_sort_key)


def in_surprises(expression: Expr) -> Expr | None:
    """The vectors z written as surprises n under softmax(f), f linear in z, with the logarithm of
    the total put to 0: the same function if it depends on differences of f alone."""
    for f in powers(expression):
        letters, flat = opened(f)
        for z in sorted((s for s in flat.free_symbols if isinstance(s, Along)), key=str):
            slope = flat.diff(z)
            if slope.has(z) or varies(slope):
                continue
            value = (-Surprise(f) - (flat - slope * z)) / slope
            expression = expression.subs(Total(exp(f)), 1)
            expression = _replaced(expression, z, sympy.expand(value.subs(letters)))
            expression = sympy.powsimp(expression)
            break
        else:
            return None
    return expression if expression.has(Surprise) else None


def _replaced(e: Expr, z: Symbol, value: Expr) -> Expr:
    """z by a value, and the entry of z by the entry of the value; the largest of z stays."""
    if e == z:
        return value
    if isinstance(e, Entry):
        return at_target(value, e.args[1]) if e.args[0] == z else e
    if not e.args or isinstance(e, Largest | Across | Hit):
        return e
    return e.func(*(_replaced(a, z, value) for a in e.args))


def with_log_totals(e: Expr) -> Expr:
    """log(total(exp(f))) as one word, softmax as a surprise's exponential."""
    for f in powers(e):
        total = exp(LogTotal(f))
        e = e.subs(log(Total(exp(f))), LogTotal(f)).subs(Total(exp(f)), total)
        chance = Dummy("s", positive=True)
        e = sympy.powsimp(e.subs(exp(f), chance * total))
        e = _near_log_totals(e.subs(chance, exp(-Surprise(f))), f)
    return e


def _near_log_totals(e: Expr, f: Expr) -> Expr:
    """log(total(exp(f))) - f as a surprise, of every class or of the target's."""

    def joined(*terms: Expr) -> Expr:
        whole = sympy.expand(Add(*terms))
        c = whole.coeff(LogTotal(f), 1)
        targets = {h.args[1] for h in whole.atoms(Entry)}
        for there in (f, *(at_target(f, t) for t in sorted(targets, key=str))):
            parts = Add.make_args(sympy.expand(-c * there))
            if c != 0 and all(part in whole.args for part in parts):
                entries = [t for t in targets if at_target(f, t) == there]
                n = Entry(Surprise(f), entries[0]) if entries else Surprise(f)
                return Add(*(t for t in whole.args if t not in parts)) - c * LogTotal(f) + c * n
        return Add(*terms)

    return e.replace(Add, joined)


def ratios(e: Expr) -> Expr:
    """Logarithms of quotients as words of their own, as divergences inside totals."""
    return _one_total(e).replace(Total, _of_total).replace(log, _ratio)


def _one_total(e: Expr) -> Expr:
    """Multiples of totals as one total."""
    kept: list[tuple[Expr, Expr]] = []
    inside: list[tuple[Expr, Expr]] = []
    e = sympy.expand(e, log=False) if e.is_Mul else e
    for term in Add.make_args(e):
        c, part = term.as_coeff_Mul()
        (inside if isinstance(part, Total) else kept).append((c, part))
    if len(inside) < 2:
        return e
    joined = Total(Add(*(c * part.args[0] for c, part in inside)))
    return Add(joined, *(c * part for c, part in kept))


def _is_ratio(e: Expr) -> bool:
    above, below = sympy.fraction(e)
    plain = above.is_polynomial() and below.is_polynomial()
    return bool(plain and varies(above) and varies(below) and not e.has(Hit))


def _ratio(argument: Expr) -> Expr:
    return LogRatio(*sympy.fraction(argument)) if _is_ratio(argument) else log(argument)


def _of_total(inside: Expr) -> Expr:
    """A total whose terms a log(a/b) are divergences; what that adds is summed apart."""
    kept, apart = sympy.S.Zero, sympy.S.Zero
    for term in Add.make_args(_joined(sympy.expand(inside, log=False))):
        factor, a, b = _divergent(term)
        if factor != 0:
            kept += factor * Divergence(a, b)
            apart += factor * (a - b)
        else:
            kept += term
    apart = sympy.expand(apart)
    if kept == sympy.expand(inside, log=False):
        kept = inside
    found = Total(_near_alike(kept))
    return found + Total(apart) if apart != 0 else found


def _joined(e: Expr) -> Expr:
    """c log(a) - c log(b) as c log(a/b)."""
    terms = list(Add.make_args(e))
    for one in tuple(terms):
        for other in tuple(terms):
            if one in terms and other in terms and one is not other:
                c, a = _times_log(one)
                d, b = _times_log(other)
                if a is not None and b is not None and sympy.expand(c + d) == 0:
                    terms.remove(one)
                    terms.remove(other)
                    terms.append(
                        c * log(a / b) if not c.could_extract_minus_sign() else d * log(b / a)
                    )
    return Add(*terms)


def _times_log(term: Expr) -> tuple[Expr, Expr | None]:
    logs = [f for f in Mul.make_args(term) if isinstance(f, log)]
    return (term / logs[0], logs[0].args[0]) if len(logs) == 1 else (term, None)


def _divergent(term: Expr) -> tuple[Expr, Expr, Expr]:
    """(c, a, b) of a term c a log(a/b), c a number; c = 0 for anything else."""
    factor, argument = _times_log(term)
    if argument is not None and _is_ratio(argument):
        a, b = sympy.fraction(argument)
        for up, down, sign in ((a, b, 1), (b, a, -1)):
            c = sympy.cancel(factor / up)
            if c.is_number:
                return sign * c, up, down
    return sympy.S.Zero, term, term


def _near_alike(e: Expr) -> Expr:
    """exp(-n) (m - n), n and m surprises, as a divergence of probabilities: what is added to
    each of them sums to 0."""
    found = list(e.atoms(Surprise))
    if len(found) != 2:
        return e
    for n, m in (found, found[::-1]):
        c = sympy.cancel(sympy.expand(e / exp(-n)) / (m - n))
        if not varies(c):
            return c * ChanceDivergence(m.args[0], n.args[0])
    return e


def scalars(e: Expr) -> Expr:
    """1 - exp(-n) and powers of it, without a difference."""
    e = e.replace(Add, _without_one).replace(log, _log_of_rest).replace(Mul, _no_quotient)
    return e.replace(Mul, _one_power)


def _log_of_rest(argument: Expr) -> Expr:
    rest = isinstance(-argument, scalar.expm1)
    return Log1mExp(-(-argument).args[0]) if rest else log(argument)


def _without_one(*terms: Expr) -> Expr:
    """1 - exp(x) as -expm1(x)."""
    rest = list(terms)
    for term in terms:
        if isinstance(-term, exp) and sympy.S.One in rest:
            rest.remove(term)
            rest.remove(sympy.S.One)
            rest.append(-scalar.expm1((-term).args[0]))
    return Add(*rest)


def _no_quotient(*factors: Expr) -> Expr:
    """n (1 - exp(-n))^(p - 1) as (1 - exp(-n))^p over (1 - exp(-n))/n, which is 1 at 0."""
    rest = list(factors)
    for factor in factors:
        base, power = factor.as_base_exp()
        sign, inside = base.as_coeff_Mul()
        if not isinstance(inside, scalar.expm1) or abs(sign) != 1:
            continue
        n = -inside.args[0]
        if n in rest and power.as_coeff_Add()[0] <= -1:
            rest.remove(factor)
            rest.remove(n)
            rest += [base ** (power + 1), -sign / scalar.exprel(-n)]
    return Mul(*rest)


def _one_power(*factors: Expr) -> Expr:
    """(1 - exp(-n))^p over 1 - exp(-n) as one power: the quotient of two tiny numbers is none."""
    rest = list(factors)
    for factor in factors:
        base, power = factor.as_base_exp()
        if isinstance(-base, scalar.expm1) and not power.is_number and 1 / -base in rest:
            rest.remove(1 / -base)
            rest.remove(factor)
            rest.append(-(base ** (power - 1)))
    return Mul(*rest)
