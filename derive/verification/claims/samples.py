"""Where counterexamples hide: special points, constants and corners of the text, tails, both sides.

Every value is an exact short number, so that what is found can be printed and run again.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sympy
from mpmath.libmp.libhyper import NoConvergence
from sympy import Expr, Integer, Poly, PolynomialError, Rational, S, Set, Symbol, oo, true
from sympy.core.relational import Relational

from derive.definitions.loss import Loss

GENERIC = ("7/4", "5/8", "3", "-11/8", "13/16", "9/2", "-5/2", "1/4", "-3/8", "6")
PLAIN = ("0", "1", "-1", "2", "-2", "1/2", "-1/2", "3", "-3", "5", "-5", "10", "-10")
TAILS = ("100", "-100", "1/1000", "-1/1000", "10**6", "-10**6", "1/10**6", "10**9", "-10**9",
         "10**15", "1/10**12", "10**40", "-10**40", "1/10**40")  # fmt: skip
BESIDE = tuple(Rational(1, 10**k) for k in (1, 3, 6, 12))
MOST_POINTS = 600
SAMPLE_POINTS = tuple(
    Rational(t)
    for t in ["3/7", "11/5", "2/9", "13/8", "5", "7/10", "17/6", "1/20", "40", "9/4", "1/3"]
)

Place = dict[Symbol, Expr]


def number(text: str) -> Expr:
    """A number such as 3/8, -5 or 10**6."""
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text)
    top, _, bottom = rest.partition("/")
    parts = [Integer(10) ** int(p[4:]) if p.startswith("10**") else Integer(p)
             for p in (top, bottom or "1")]  # fmt: skip
    return sign * parts[0] / parts[1]


def deciding(expressions: Iterable[Any]) -> list[Expr]:
    """Parts whose sign or zero decides something: arguments of |.|, of comparisons, divisors."""
    found: dict[Expr, None] = {}
    for e in expressions:
        for part in sympy.preorder_traversal(e):
            if isinstance(part, sympy.Abs | sympy.sign | sympy.log):
                found[part.args[0]] = None
            elif isinstance(part, Relational) and not part.has(oo, -oo):
                found[part.lhs - part.rhs] = None
            elif isinstance(part, sympy.Max | sympy.Min):
                for a, b in itertools.combinations(part.args, 2):
                    found[a - b] = None
            elif part.is_Pow and not (part.exp.is_Integer and part.exp > 0):
                found[part.base] = None
    return [part for part in found if part.free_symbols]


def constants(expressions: Iterable[Any]) -> list[Expr]:
    """Numbers that the text itself names, with their roots and inverses."""
    found: dict[Expr, None] = {}
    for e in expressions:
        for value in e.atoms(sympy.Rational) - {S.Zero, S.Half, -S.One, S.One}:
            if abs(value.p) < 10**40 and value.q < 10**40:
                for c in (value, -value, 1 / value):
                    found[c] = None
    return sorted(found, key=lambda c: (abs(c.p) * c.q, c))[:24]


def domain_of(loss: Loss, v: Symbol) -> Set:
    return loss.domain(v) if v in loss.variables else sympy.Reals


class Sampler:
    """Points for some variables of a loss, near what the expressions in question decide."""

    def __init__(
        self,
        loss: Loss,
        variables: Sequence[Symbol],
        expressions: Sequence[Any],
        seed: int = 0,
        moderate: bool = False,
    ) -> None:
        """moderate: leave out values so far out that exact arithmetic would drown."""
        self.loss, self.variables, self.moderate = loss, tuple(variables), moderate
        self.domains = {v: domain_of(loss, v) for v in variables}
        self.parts = deciding(expressions)
        self.constants = constants(expressions)
        self.random = random.Random(seed)
        self.generic = {v: self.inside(v, map(number, GENERIC)) for v in variables}
        self.special = {v: self._special(v) for v in variables}

    def inside(self, v: Symbol, values: Iterable[Expr]) -> list[Expr]:
        domain = self.domains[v]
        kept = []
        for value in values:
            if domain.contains(value) is true:
                kept.append(value)
            elif (-value).is_positive and domain.contains(-value) is true:
                kept.append(-value)
        if isinstance(domain, sympy.FiniteSet):
            return sorted(domain.args)
        if not kept:
            low, high = domain.inf, domain.sup
            parts = [Rational(k, 16) for k in (8, 5, 13, 3, 11)]
            if low.is_finite and high.is_finite:
                kept = [low + (high - low) * part for part in parts]
            else:
                kept = [low + 1 + part if low.is_finite else high - 1 - part for part in parts]
            kept = [value for value in kept if domain.contains(value) is true]
        return list(dict.fromkeys(kept))

    def _special(self, v: Symbol) -> list[Expr]:
        domain = self.domains[v]
        values = [domain.inf, domain.sup, *self.loss.special.get(v, ())]
        if domain.inf.is_finite and domain.sup.is_finite:
            values += [domain.inf + (domain.sup - domain.inf) * Rational(k, 100)
                       for k in (1, 25, 50, 75, 99)]  # fmt: skip
        own = [p for p in self.parts if p.free_symbols == {v}]
        for part in own:
            for root in roots(part, v):
                values += around(root)[: 5 if self.moderate else None]
        for c in self.constants:
            values += [c, *(c + sign * d * abs(c) for d in BESIDE for sign in (1, -1))]
        values += [number(t) for t in (*PLAIN, *TAILS)]
        if self.moderate:
            values = [x for x in values if not x.is_finite or (abs(x) <= 1000 and x.q <= 10**6)]
        return [value for value in dict.fromkeys(values) if domain.contains(value) is true]

    def points(self) -> Iterator[Place]:
        """Points, the simple ones first; each a value of every variable."""
        seen = set()
        for place in itertools.chain(
            self._first(),
            self._corners(),
            self._stars(0),
            self._far(),
            self._stars(1),
            self._simple(),
            self._pairs(),
            self._random(),
        ):
            key = tuple(place[v] for v in self.variables)
            if key not in seen:
                seen.add(key)
                yield place

    def base(self, k: int) -> Place:
        """A generic point; the first one has every variable at a small whole number."""
        out = {}
        for i, v in enumerate(self.variables):
            values = self.generic[v]
            one = self.domains[v].contains(S.One) is true
            out[v] = S.One if k == 0 and one else values[(k + 2 * i) % len(values)]
        return out

    def _first(self) -> Iterator[Place]:
        yield from map(self.base, range(3))

    def _simple(self) -> Iterator[Place]:
        yield from map(self.base, range(3, 8))
        small = {v: [x for x in (S.One, Integer(2), S.Half, S.Zero, -S.One, Integer(-3))
                     if self.domains[v].contains(x) is true] for v in self.variables}  # fmt: skip
        chosen = itertools.product(*(small[v] or self.generic[v][:2] for v in self.variables))
        for values in itertools.islice(chosen, 60):
            yield dict(zip(self.variables, values, strict=True))

    def _corners(self) -> Iterator[Place]:
        for part in self.parts:
            for v in self.variables:
                if not part.has(v):
                    continue
                for k in range(3):
                    base = self.base(k)
                    rest = {u: value for u, value in base.items() if u != v}
                    for root in roots(part.subs(rest), v):
                        for value in around(root):
                            for here in (value, -value):
                                if self.domains[v].contains(here) is true:
                                    yield {**base, v: here}

    def _stars(self, k: int) -> Iterator[Place]:
        base = self.base(k)
        rows = [[{**base, v: value} for value in self.special[v]] for v in self.variables]
        for places in itertools.zip_longest(*rows):
            yield from (place for place in places if place is not None)

    def _pairs(self) -> Iterator[Place]:
        base = self.base(1)
        for u, v in itertools.combinations(self.variables, 2):
            for a, b in itertools.product(self.special[u][:14], self.special[v][:14]):
                yield {**base, u: a, v: b}

    def _far(self) -> Iterator[Place]:
        """Every special value of the others, with the first variable far out and close to 0."""
        if self.moderate or not self.variables:
            return
        x = self.variables[0]
        far = [t for t in map(number, TAILS) if self.domains[x].contains(t) is true]
        base = self.base(0)
        for v in self.variables[1:]:
            for a, t in itertools.product(self.special[v][:24], far[:6]):
                yield {**base, v: a, x: t}

    def _random(self) -> Iterator[Place]:
        for _ in range(200):
            yield {v: self._drawn(v) for v in self.variables}

    def _drawn(self, v: Symbol) -> Expr:
        domain = self.domains[v]
        if isinstance(domain, sympy.FiniteSet):
            return self.random.choice(sorted(domain.args))
        low, high = domain.inf, domain.sup
        if low.is_finite and high.is_finite:
            return low + (high - low) * Rational(self.random.randint(1, 255), 256)
        if self.random.random() < 0.25:
            return self.random.choice(self.special[v])
        size = Rational(self.random.randint(1, 255), 64) * Integer(4) ** self.random.randint(-4, 4)
        if low.is_finite:
            return low + size
        return high - size if high.is_finite else size * self.random.choice((1, -1))


def around(root: Expr) -> list[Expr]:
    """A point and its near neighbours on both sides."""
    unit = abs(root) if root != 0 else S.One
    return [root, *(root + sign * d * unit for d in BESIDE for sign in (1, -1))]


def roots(part: Expr, v: Symbol) -> list[Expr]:
    """Rational zeros of a part in one variable; irrational ones by a near rational number."""
    return list(dict.fromkeys(map(_rational, real_roots(part, v))))


def real_roots(part: Expr, v: Symbol) -> list[Expr]:
    """Zeros of a part in one variable, exact where that is short, else with 20 digits."""
    if part.free_symbols != {v}:
        return []
    found: list[Expr] = []
    for inner in without_abs(part):
        try:
            poly = Poly(inner, v)
            if poly.degree() < 1 or poly.degree() > 8:
                continue
            if poly.domain.is_QQ or poly.domain.is_ZZ:
                found += sympy.real_roots(poly)
            elif poly.degree() <= 2:
                found += [r for r in sympy.roots(poly) if r.is_real]
            else:
                found += [r for r in poly.nroots(n=20) if abs(sympy.im(r)) < 1e-15]
        except (
            PolynomialError,
            NotImplementedError,
            ValueError,
            ArithmeticError,
            sympy.CoercionFailed,
            NoConvergence,
        ):
            continue
    return found


def short_root(root: Expr) -> Expr:
    """An irrational zero as it stands where that is short, else a near rational number."""
    return _rational(root) if root.has(sympy.CRootOf) or not root.is_number else root


def _rational(root: Expr) -> Expr:
    if root.is_Rational:
        return root
    return Rational(str(sympy.re(root).evalf(12)))


def without_abs(part: Expr) -> list[Expr]:
    """The part with |u| read as u and as -u."""
    sizes = sorted(part.atoms(sympy.Abs), key=str)[:2]
    out = [part]
    for size in sizes:
        out = [p.xreplace({size: sign * size.args[0]}) for p in out for sign in (1, -1)]
    return out


def allowed(where: Any, at: Mapping[Symbol, Expr], truth: Any) -> bool:
    """Whether a condition holds at a point; truth decides relations by balls."""
    return where is true or bool(truth(where, at))
