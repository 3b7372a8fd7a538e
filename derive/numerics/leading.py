"""The leading term of a quantity as x -> 0 and x -> ±inf, from its expansion.

Far enough out (or in) the next term is below half a unit in the last place, and the leading one
is the value: it is short, in range wherever the value is, and right at the end itself.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy
from mpmath import mp
from sympy import Abs, Expr, S, Symbol, log, oo, sign

from derive.calculus import germs
from derive.calculus.evaluate import NotReal
from derive.calculus.expansion import Expansion
from derive.calculus.germs import Unknown
from derive.calculus.reading import readable
from derive.calculus.samples import generic_points
from derive.definitions.loss import Loss
from derive.numerics.apart import differ
from derive.numerics.common_powers import by_common_powers

_DEPTHS = (2, 4, 8)
_TROUBLES = (Unknown, NotReal, NotImplementedError, ValueError, ZeroDivisionError)
_LONG, _LONGEST = 150, 60  # operations of a quantity and of a term
_NEGLIGIBLE = sympy.Integer(2) ** -54


SIZE = Symbol("size", positive=True)  # |x|


@dataclass(frozen=True)
class Leading:
    """The leading terms towards one end (0 or oo) for x > 0 and x < 0, in SIZE = |x|.

    negligible: the condition under which what follows is below 2^-54 of it; None where nothing
    follows. is_whole: whether both sides have a term; else it is the same one twice, and the
    condition says on which side it holds.
    """

    end: Expr
    right: Expr
    left: Expr
    negligible: Any
    is_whole: bool = True

    @property
    def is_even(self) -> bool:
        return _equal(self.right, self.left)

    def term(self, x: Symbol, size: Expr) -> Expr:
        """As one expression in x; size: how |x| is written, where x itself will not do."""
        if self.is_even:
            return self.right.replace(_is_even_power, lambda e: x**e.exp).subs(SIZE, size)
        if _equal(self.right, -self.left):
            odd = _equal(self.right, -self.right.subs(SIZE, -SIZE))
            return self.right.subs(SIZE, x) if odd else sign(x) * self.right.subs(SIZE, size)
        left, right = self.left.subs(SIZE, size), self.right.subs(SIZE, size)
        return sympy.Piecewise((left, x < 0), (right, True))


def _is_even_power(e: Expr) -> bool:
    return bool(e.is_Pow and e.base == SIZE and e.exp.is_even)


def _equal(a: Expr, b: Expr) -> bool:
    return bool(a == b or (not differ(a, b) and readable(a - b) == 0))


def leading_terms(loss: Loss, quantity: Expr) -> list[Leading]:
    """Towards 0 and towards infinity, where an expansion exists that is no long one."""
    found: list[Leading] = []
    if quantity.count_ops() > _LONG:
        return found
    x = loss.residual
    for end in (S.Zero, oo):
        sides = {side: _one_side(loss, quantity, end, side) for side in (1, -1)}
        known = {k: v for k, v in sides.items() if v is not None and v[0].count_ops() <= _LONGEST}
        if not known:
            continue
        ratios = {r.subs(SIZE, Abs(x)) for _, following in known.values() for r in following}
        tests = [r < _NEGLIGIBLE for r in sorted(ratios, key=sympy.default_sort_key)]
        whole = len(known) == 2
        if not whole:
            tests.append(x > 0 if 1 in known else x < 0)
        right, left = (known.get(k, next(iter(known.values())))[0] for k in (1, -1))
        found.append(Leading(end, right, left, sympy.And(*tests) if tests else None, whole))
    return found


# The leading term, and the sizes of the next ones over it.
Side = tuple[Expr, tuple[Expr, ...]]


def _one_side(loss: Loss, quantity: Expr, end: Expr, side: int) -> Side | None:
    t: Expr = SIZE if end == 0 else 1 / SIZE
    with mp.workdps(germs.DIGITS):
        for depth in _DEPTHS:
            with suppress(*_TROUBLES):
                expansion = _expansion(loss, end, side, depth)
                return _terms(loss, expansion, quantity, t, depth == _DEPTHS[-1])
    return None


@lru_cache(maxsize=64)
def _expansion(loss: Loss, end: Expr, side: int, depth: int) -> Expansion:
    """One for all quantities, which share most of their parts."""
    x = loss.residual
    if end == 0:
        point, direction, fixed = S.Zero, "+" if side > 0 else "-", mp.mpf(2) ** -40 * side
    else:
        point, direction = (oo, "-") if side > 0 else (-oo, "+")
        fixed = mp.mpf(2) ** 40 * side
    points = generic_points(loss, 4, fixed={x: fixed})
    if not points:
        raise Unknown("the loss has no value on that side")
    return Expansion(x, point, direction, points, depth)


def _terms(loss: Loss, expansion: Expansion, quantity: Expr, t: Expr, is_last: bool) -> Side:
    germ, ring = expansion.germ(quantity), expansion.germs
    series = germ.series
    if germ.growth.terms:
        raise Unknown("exponentially small or large")
    if not series.terms and series.order is None:
        return S.Zero, ()
    k = ring.leading(series)[0]
    if series.order is not None and ring.compare(k, series.order) >= 0:
        raise germs.TooShort("the leading term is not known")
    lead = {key: c for key, c in series.terms.items() if ring.compare(key[0], k) == 0}
    rest = {key: c for key, c in series.terms.items() if key not in lead}
    if any(c.expr.count_ops() > _LONGEST for c in lead.values()):
        raise Unknown("a long term")
    parts = [_logarithms_apart(readable(c.expr) * log(t) ** m) for (_, m), c in lead.items()]
    total = t**k * _joined_powers(readable(sum(parts, S.Zero)))
    if not rest and series.order is not None and not is_last:
        raise germs.TooShort("the next term is not known")
    if not rest:
        return total, () if series.order is None else (t ** (series.order - k),)
    first = max(lead.items(), key=lambda item: item[0][1])[1]
    following, c = _next(ring, rest)
    if k.is_number and following.is_number and where_it_vanishes(loss, first.expr):
        rest = _without(ring, rest, following)
        if not rest:
            raise germs.TooShort("the term after the next is not known")
        total, k, first = total + t**following * readable(c.expr), following, c
    found: list[Expr] = []
    root: dict[Symbol, Expr] | None = None
    # beside a parameter of any size, a term of lower order may be the larger one
    while rest and (not found or root or loss.predictions):
        following, c = _next(ring, rest)
        ratio = c.expr / first.expr
        ratio = min((ratio, *by_common_powers(ratio)), key=lambda e: e.count_ops())
        if ratio.count_ops() <= _LONGEST:
            ratio = readable(ratio)
        if root and not loss.predictions and ratio.subs(root) == 0:
            return total, tuple(found)  # there nothing follows
        root = where_it_vanishes(loss, ratio)
        found.append(Abs(ratio) * t ** readable(following - k))
        rest = _without(ring, rest, following)
    if root and not (is_last or loss.predictions):
        raise germs.TooShort("what follows where the next term is 0 is not known")
    return total, tuple(found)


def _without(ring: Any, terms: Any, order: Expr) -> Any:
    return {key: c for key, c in terms.items() if ring.compare(key[0], order) != 0}


def _next(ring: Any, rest: Any) -> tuple[Expr, Any]:
    """The lowest order among terms, and the coefficient of its highest power of the logarithm."""
    following = ring.least([j for j, _ in rest])
    same = ((m, c) for (j, m), c in rest.items() if ring.compare(j, following) == 0)
    return following, max(same, key=lambda pair: pair[0])[1]


def where_it_vanishes(loss: Loss, coefficient: Expr) -> dict[Symbol, Expr] | None:
    """A value of a parameter at which a coefficient is 0: there the next term leads."""
    above, _ = sympy.fraction(sympy.together(coefficient))
    for factor in sympy.Mul.make_args(above):
        for p in sorted(factor.free_symbols & set(loss.parameters), key=str):
            slope, rest = factor.diff(p), factor.subs(p, 0)
            linear = slope.is_number and slope != 0 and rest.is_number
            if linear and loss.domain(p).contains(-rest / slope) is sympy.true:
                return {p: -rest / slope}
    return None


def _logarithms_apart(expression: Expr) -> Expr:
    """log(1/g) as -log(g), and logarithms of products as sums."""
    turned = expression.replace(
        lambda e: isinstance(e, log) and e.args[0].is_Pow and e.args[0].exp.is_negative,
        lambda e: -log(1 / e.args[0]),
    )
    return sympy.expand_log(turned)


def _joined_powers(expression: Expr) -> Expr:
    """Powers of one base with exponents that move as one power: b^(2 - p)/b is b^(1 - p)."""
    if all(e.exp.is_number for e in expression.atoms(sympy.Pow)):
        return expression
    turned = expression.replace(
        lambda e: e.is_Pow and not e.exp.is_number,
        lambda e: sympy.expand_power_base((1 / e.base) ** -e.exp, force=True),
    )
    joined = sympy.factor_terms(sympy.powsimp(turned, combine="exp", force=True))
    return min(expression, joined, key=lambda e: e.count_ops())
