"""Expressions brought into a shape that reads well, with bounded effort."""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import combinations

from sympy import (
    Abs,
    Add,
    Dummy,
    Expr,
    Mul,
    Piecewise,
    count_ops,
    expand,
    factor,
    factor_terms,
    powsimp,
    sign,
    together,
)

from derive.definitions.loss import Let

# Beyond these sizes the costlier steps are left out: they would take seconds.
FOR_ANY = 300
FOR_TOGETHER = 250
FOR_FACTOR = 40
# What multiplying out may produce.
MOST_TERMS = 400
# How many expressions are remembered with what was made of them: forms of one loss share parts.
KEPT = 1 << 14


@lru_cache(maxsize=KEPT)
def readable(expression: Expr) -> Expr:
    """An equal expression, the shortest among the results of a few cheap steps."""
    if isinstance(expression, Piecewise):
        return Piecewise(*((readable(e), c) for e, c in expression.args))
    best = without_signs(expression)
    if operations(best) > FOR_ANY:  # powsimp of such a sum does not end in minutes
        return best
    for _ in range(3):
        shorter = min(_variants(best), key=size)
        if size(shorter) >= size(best):
            return best
        best = without_signs(shorter)
    return best


def fold(where: tuple[Let, ...], expression: Expr) -> Expr:
    """Put the names back where their definitions stand written out."""
    for name in where:
        if not name.definition.is_Symbol and not name.definition.is_number:
            expression = expression.subs(name.definition, name)
            expression = expression.subs(1 / name.definition, 1 / name)
        if isinstance(name.definition, Abs):
            inner = name.definition.args[0]
            expression = expression.subs(inner * sign(inner), name)
    return expression


def without_signs(expression: Expr) -> Expr:
    """|g| sign(g) = g, which holds at 0 too."""
    for part in sorted(expression.atoms(sign), key=str):
        expression = expression.subs(Abs(part.args[0]) * part, part.args[0])
    return expression


def _variants(expression: Expr) -> list[Expr]:
    variants = [expression, _powsimp(expression), _factor_terms(expression)]
    hidden, names = masked(expression)
    length = operations(hidden) if term_bound(hidden) <= MOST_TERMS else FOR_TOGETHER + 1
    joined = []
    if length <= FOR_TOGETHER:
        joined.append(together(hidden))
        joined.append(_factor_terms(joined[0]))
    if length <= FOR_FACTOR:
        joined.append(factor(hidden))
    variants += [_powsimp(variant.xreplace(names)) for variant in dict.fromkeys(joined)]
    return list(dict.fromkeys(variants))


_powsimp = lru_cache(maxsize=KEPT)(powsimp)
_factor_terms = lru_cache(maxsize=KEPT)(factor_terms)
operations = lru_cache(maxsize=KEPT)(count_ops)


def masked(expression: Expr) -> tuple[Expr, dict[Expr, Expr]]:
    """Whatever is not rational replaced by letters, so that its inside stays as it was written.

    Powers of one base share a letter where their exponents differ by an integer.
    """
    letters: dict[Expr, Expr] = {}

    def letter(part: Expr) -> Expr:
        return letters.setdefault(part, _letter(len(letters)))

    def mask(part: Expr) -> Expr:
        if part.is_Add or part.is_Mul:
            return part.func(*(mask(a) for a in part.args))
        if part.is_Pow:
            base, exponent = part.as_base_exp()
            if exponent.is_Integer:
                return mask(base) ** exponent if base.is_Symbol else letter(base) ** exponent
            whole, rest = exponent.as_coeff_Add()
            if whole.is_Integer and whole and base.is_Add:
                return letter(base**rest) * letter(base) ** whole
        if part.is_Atom:
            return part
        return letter(part)

    return mask(expression), {name: part for part, name in letters.items()}


@cache
def _letter(place: int) -> Dummy:
    """Always the same letters: SymPy remembers what it made of them."""
    return Dummy(f"m{place}")


def cancelled(expression: Expr) -> Expr:
    """One reduced fraction of what is rational, sums inside denominators too; else unchanged."""
    letters: dict[Expr, Expr] = {}

    def mask(part: Expr) -> Expr:
        if part.is_Add or part.is_Mul:
            return part.func(*(mask(a) for a in part.args))
        if part.is_Pow and part.exp.is_Integer:
            return mask(part.base) ** part.exp
        if part.is_Atom:
            return part
        return letters.setdefault(part, _letter(len(letters)))

    open_ = mask(expression)
    if term_bound(open_) > 2 * FOR_FACTOR or operations(open_) > 2 * FOR_FACTOR:
        return expression
    found = factor(together(open_)).replace(lambda p: p.is_Mul, _without_conjugates)
    return found.xreplace({name: part for part, name in letters.items()})


def _without_conjugates(product: Expr) -> Expr:
    """(c - x) (c + x) as c^2 - x^2."""
    for one, other in combinations([f for f in product.args if f.is_Add], 2):
        joined = expand(one * other)
        if count_ops(joined) <= count_ops(one * other):
            return joined * (product / one / other)
    return product


def term_bound(expression: Expr) -> int:
    """An upper bound of the number of terms after multiplying out, cut off at a million."""
    if expression.is_Add:
        return min(sum(term_bound(a) for a in expression.args), 10**6)
    if expression.is_Mul:
        count = 1
        for a in expression.args:
            count = min(count * term_bound(a), 10**6)
        return count
    if expression.is_Pow and expression.exp.is_Integer:
        base, exponent = term_bound(expression.base), abs(int(expression.exp))
        return 10**6 if base > 1 and exponent > 20 else min(base**exponent, 10**6)
    return max((term_bound(a) for a in expression.args), default=1)


@lru_cache(maxsize=KEPT)
def size(expression: Expr) -> tuple[int, int]:
    """Operations first; among equals fewer sums and products."""
    nodes = sum(1 for part in _walk(expression) if isinstance(part, Add | Mul))
    return int(operations(expression)), nodes


def _walk(expression: Expr) -> list[Expr]:
    found, waiting = [], [expression]
    while waiting:
        part = waiting.pop()
        found.append(part)
        waiting.extend(part.args)
    return found


def expanded(expression: Expr) -> Expr:
    """Multiplied out where that stays short; logarithms and powers stay as they are."""
    if term_bound(expression) > MOST_TERMS:
        return expression
    return expand(expression, log=False, power_base=False, power_exp=False)


@cache
def tidy(where: tuple[Let, ...], expression: Expr) -> Expr:
    """A readable equal of an expression, by way of the named sub-expressions, written out again."""
    folded = fold(where, expression)
    best = min((readable(folded), readable(expanded(folded))), key=size)
    for name in reversed(where):
        best = best.subs(name, name.definition)
    return best
