"""Derivatives of stable forms that are stable themselves.

What depends on z by surprises n under softmax(f) has, with a[k] its derivative in n[k], the slope
(total(a) softmax(f) - a) f'(z): one word, evaluated without cancellation.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Symbol, exp

from derive.calculus.classwise import plain_kinks, summed
from derive.definitions.classes import (
    COUNT,
    Entry,
    Hit,
    Largest,
    Share,
    Total,
    at_target,
    opened,
    varies,
)
from derive.numerics.classwise.atoms import (
    Apart,
    Balance,
    Beside,
    Centred,
    ChanceDivergence,
    Gap,
    Level,
    LogTotal,
    Miss,
    Surprise,
    Uneven,
)

_SURPRISES = (Surprise, ChanceDivergence, Gap)
_PARTS = (Total, Largest, Entry, LogTotal)


@dataclass
class _Slopes:
    """once: the derivative in z itself of what is one number; direct: of each term of totals;
    by: f -> a."""

    once: Expr = sympy.S.Zero
    direct: Expr = sympy.S.Zero
    by: dict[Expr, Expr] = field(default_factory=lambda: defaultdict(lambda: sympy.S.Zero))
    log_totals: dict[Expr, Expr] = field(default_factory=lambda: defaultdict(lambda: sympy.S.Zero))


def slope(e: Expr, z: Symbol) -> Expr:
    """d e/d z[k] for each class k, of a stable form that is one number."""
    found = _Slopes()
    _closed(e, z, sympy.S.One, found)
    total = found.once + found.direct
    for f, a in found.by.items():
        total += balanced(a, f) * _inner(f, z)
    for f, c in found.log_totals.items():
        total += c * exp(-Surprise(f)) * _inner(f, z)
    return total


def in_parameter(e: Expr, p: Symbol) -> Expr:
    """d e/d p of a stable form that is one number; a surprise moves by f's own derivative."""
    found = _Slopes()
    _closed(e, p, sympy.S.One, found)
    total = found.once + summed(found.direct)
    for f, a in found.by.items():
        moved = f.diff(p)
        outside = [g for g in sympy.Mul.make_args(moved) if not varies(g)]
        inside = sympy.Mul(*(g for g in sympy.Mul.make_args(moved) if varies(g)))
        if moved != 0:
            total += -sympy.Mul(*outside) * _moved(a, inside, f)
    for f, c in found.log_totals.items():
        total += c * Total(exp(-Surprise(f)) * f.diff(p))
    return total


def _moved(a: Expr, b: Expr, f: Expr) -> Expr:
    """total(a (b - its mean under softmax(f))): what surprises under f add where f moves by b."""
    found = balanced(a, f)
    if found.has(Miss):
        return summed(a * Centred(b, f))
    outside = sympy.Mul(*(g for g in sympy.Mul.make_args(found) if not varies(g)))
    inside = sympy.Mul(*(g for g in sympy.Mul.make_args(found) if varies(g)))
    return -outside * Total(inside * Beside(b, f))


def _inner(f: Expr, z: Symbol) -> Expr:
    letters, flat = opened(f)
    return flat.diff(z).subs(letters)


def _closed(e: Expr, z: Symbol, weight: Expr, found: _Slopes) -> None:
    """What a number that is e adds, times a weight that may be one a class."""
    letters, flat = opened(e, _PARTS)
    if z in flat.free_symbols:
        found.once += weight * plain_kinks(flat.diff(z)).subs(letters)
    for c, part in letters.items():
        outer = weight * flat.diff(c).subs(letters)
        if outer != 0:
            _part(part, z, outer, found)


def _part(part: Expr, z: Symbol, outer: Expr, found: _Slopes) -> None:
    if isinstance(part, Entry):
        inside, target = part.args
        if isinstance(inside, Surprise):
            found.by[inside.args[0]] += outer * Hit(target)
        elif inside == z:
            found.direct += outer * Hit(target)
        return
    if isinstance(part, LogTotal):
        found.log_totals[part.args[0]] += outer
        return
    _each(
        part.args[0],
        z,
        outer,
        Share(part.args[0]) if isinstance(part, Largest) else sympy.S.One,
        found,
    )


def _each(e: Expr, z: Symbol, outer: Expr, share: Expr, found: _Slopes) -> None:
    """A total of e: e's derivatives class by class, and those of its closed parts."""
    letters, flat = opened(e, (*_PARTS, *_SURPRISES))
    direct = plain_kinks(flat.diff(z)).subs(letters)
    if direct != 0:
        found.direct += outer * share * direct
    for c, part in letters.items():
        slope_there = share * plain_kinks(flat.diff(c)).subs(letters)
        if slope_there == 0:
            continue
        if isinstance(part, Surprise):
            found.by[part.args[0]] += outer * slope_there
        elif isinstance(part, ChanceDivergence | Gap):
            for f, by in zip(part.args, _by_surprise(part), strict=True):
                found.by[f] += outer * slope_there * by
        else:
            _part(part, z, outer * summed(slope_there), found)


def _by_surprise(part: Expr) -> tuple[Expr, Expr]:
    """The derivatives of a word of two softmaxes in the surprise of each."""
    f, g = part.args
    if isinstance(part, Gap):
        return -exp(-Surprise(f)), exp(-Surprise(g))
    return -Gap(f, g), -exp(-Surprise(g)) * Apart(f, g)


def balanced(a: Expr, f: Expr) -> Expr:
    """total(a) softmax(f) - a in the word that suits a."""
    a = sympy.factor_terms(a) if a.is_Add else a
    s = exp(-Surprise(f))
    factors = sympy.Mul.make_args(a)
    outside = sympy.Mul(*(g for g in factors if not varies(g)))
    inside = sympy.Mul(*(g for g in factors if varies(g)))
    groups = _by_word(inside, s)
    if len(groups) > 1:
        return outside * sympy.Add(*(balanced(g, f) for g in groups))
    hits = [g for g in factors if type(g) is Hit]
    if hits and inside == hits[0]:
        return outside * Miss(f, hits[0].args[0])
    if inside == 1:
        return outside * COUNT * Uneven(f)
    terms = sympy.Add.make_args(sympy.expand(inside))
    rest = [sympy.expand(t / s) for t in terms if _divisible(t, s)]
    if len(rest) == len(terms) and not any(_grows(t, s) for t in rest):
        return -outside * s * _centred(sympy.Add(*rest), f)
    if isinstance(inside, Gap):
        return -outside * inside
    return outside * Balance(inside, f)


def _by_word(a: Expr, s: Expr) -> list[Expr]:
    """A sum in groups of terms that one word suits: what is the same for every class, what is at
    the target's class alone, what has s for a factor, and the rest."""
    groups: dict[str, Expr] = defaultdict(lambda: sympy.S.Zero)
    for term in sympy.Add.make_args(sympy.expand(a) if a.is_Add else a):
        varying = [g for g in sympy.Mul.make_args(term) if varies(g)]
        if not varying:
            groups["alike"] += term
        elif len(varying) == 1 and type(varying[0]) is Hit:
            groups["hit"] += term
        else:
            share = _divisible(term, s) and not sympy.expand(term / s).has(s)
            groups["share" if share else "rest"] += term
    return list(groups.values())


def _centred(b: Expr, f: Expr) -> Expr:
    """b less its mean: what is the same for every class drops out, and a surprise is -f."""
    terms = [t for t in sympy.Add.make_args(b) if varies(t)]
    n, total = Surprise(f), sympy.S.Zero
    for t in terms:
        rest = sympy.cancel(t / n)
        total += -rest * f if not varies(rest) else t
    outside = sympy.Mul(*(g for g in sympy.Mul.make_args(total) if not varies(g)))
    return outside * Centred(total / outside, f) if total != 0 else total


def _divisible(term: Expr, s: Expr) -> bool:
    return any(
        g == s or (g.is_Pow and g.base == s) or (isinstance(g, exp) and g.args[0].has(s.args[0]))
        for g in sympy.Mul.make_args(term)
    )


def _grows(b: Expr, s: Expr) -> bool:
    """Whether what is left of a weight after s has been taken out has an exponential left."""
    return any(e.args[0].has(*s.args[0].atoms(Surprise)) for e in b.atoms(exp))


def _less_mean(b: Expr, f: Expr) -> Expr:
    return b - summed(exp(-Surprise(f)) * b)


def spelled(e: Expr) -> Expr:
    """With the words for slopes written out in surprises, to be differentiated again."""
    return (
        e.replace(Balance, lambda a, f: summed(a) * exp(-Surprise(f)) - a)
        .replace(Miss, lambda f, t: exp(-Surprise(f)) - Hit(t))
        .replace(Uneven, lambda f: exp(-Surprise(f)) - 1 / COUNT)
        .replace(Centred, lambda b, f: _less_mean(-Surprise(f) if b == f else b, f))
        .replace(Apart, lambda f, g: Surprise(f) - Surprise(g))
    )


def by_differences(e: Expr) -> Expr:
    """Surprises as minus f, where adding a number to all of them changes nothing: they cancel
    exactly where the entries of f are equal."""
    e = with_signs_apart(e)
    for f in {n.args[0] for n in e.atoms(Surprise)}:
        more, moved = sympy.Dummy("more", real=True), e
        for part in e.atoms(Total, Entry):
            if isinstance(part, Total) and part.args[0].has(Surprise(f)):
                grown = sympy.expand(part.args[0].subs(Surprise(f), Surprise(f) + more))
                moved = moved.subs(part, summed(grown))
            elif part.args[0] == Surprise(f):
                moved = moved.subs(part, part + more)
        if moved != e and not sympy.expand(with_signs_apart(moved)).has(more):
            e = with_signs_apart(_from_a_level(e, f))
    return e


def _from_a_level(e: Expr, f: Expr) -> Expr:
    """Surprises under f as what f is below its entry at the target, where that is asked for, else
    below its mean: of the size of what is added up, however unequal the weights."""
    for entry in e.atoms(Entry):
        if entry.args[0] == Surprise(f):
            here = at_target(f, entry.args[1])
            return e.subs(entry, 0).subs(Surprise(f), here - f)
    return e.subs(Surprise(f), -Level(f))


def with_signs_apart(e: Expr) -> Expr:
    """The total of -b as minus the total of b, likewise an entry; a mean is taken off once."""

    def signed(part: Expr) -> Expr:
        inside, *target = part.args
        if inside.could_extract_minus_sign():
            return -part.func(-inside, *target)
        if (
            isinstance(part, Centred)
            and isinstance(inside, Centred)
            and inside.args[1:] == (*target,)
        ):
            return inside
        return part

    return e.replace(lambda p: isinstance(p, Total | Entry | Centred), signed)


def less_mean(product: Expr, v: Symbol) -> Expr:
    """The product of a Hessian with v where v's mean is 0: what depends on differences of f alone
    does not see what is the same in all entries of v."""
    for f in {n.args[0] for n in product.atoms(Surprise)}:
        free = product.subs(Total(v * exp(-Surprise(f))), 0)
        if free != product:
            return free.subs(v, Centred(v, f))
    return product
