"""Quantities as exponential polynomials: sums of c L^m exp(r L) beside a common factor.

With L = log(1 + w), powers of 1 + w, logarithms of it and w = exp(L) - 1 itself are of that kind;
so are exponentials and polynomials of their argument L. In this form everything that cancels can
be found (`reductions`): a rational part is factored, and a sum that begins with a high power of L
is written in one or two divided differences of the exponential, which are positive.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import comb
from typing import Any

import sympy
from sympy import Abs, Add, Dummy, Expr, Mul, Pow, S, Symbol, exp, log, sign, sqrt

from derive.calculus.evaluate import NotReal, evaluate
from derive.calculus.reading import fold
from derive.definitions.loss import Let, let
from derive.numerics.atoms import log1p, log1p_square, power1p

# (r, m) -> c: the terms c L^m exp(r L).
Terms = Mapping[tuple[Expr, int], Expr]
Point = Mapping[Symbol, Any]

_MOST_TERMS, _MOST_OPERATIONS = 60, 300
_SIZE, _SIDE = Dummy("size", real=True), Dummy("side", real=True)
_GROWTH, _LOG = Dummy("growth", positive=True), Dummy("log", real=True)


class NoReading(ValueError):
    """The expression is no exponential polynomial of one kind."""


@dataclass(frozen=True)
class Reading:
    """front * sum of c L^m exp(r L); L is `argument`; growth = exp(L) is 1 + w for a logarithm.

    w: what stands beside 1, None where L itself is the argument of exponentials.
    signs: letters e in the coefficients that stand for sign(u), by u.
    root: sqrt(w), where w = y^2/divisor is a square, and vector: y.
    taken: names of the loss.
    """

    front: Expr
    argument: Expr
    w: Expr | None
    terms: Terms
    signs: Mapping[Expr, Symbol]
    root: Expr | None = None
    vector: Expr = S.One
    divisor: Expr = S.One
    taken: tuple[str, ...] = ()

    @property
    def rates(self) -> tuple[Expr, ...]:
        """Each rate as often as a divided difference needs it."""
        most: dict[Expr, int] = {}
        for r, m in self.terms:
            most[r] = max(most.get(r, 0), m + 1)
        return tuple(r for r, count in most.items() for _ in range(count))

    def name(self, *names: str) -> str:
        """The first of the names that the loss does not use."""
        return next(n for n in (*names, *(f"{n}_" for n in names)) if n not in self.taken)

    def growth(self, rate: Expr) -> Expr:
        if self.w is None:
            return exp(rate * self.argument)
        return (1 + self.w) ** rate if rate.is_number else power1p(self.w, rate)


def read(expression: Expr, x: Symbol, points: Sequence[Point]) -> Reading:
    """The expression as an exponential polynomial. Raises NoReading.

    points: values of the variables, where 1 + w must not be below 1.
    """
    if expression.count_ops() > _MOST_OPERATIONS:
        raise NoReading
    argument, w = _kind(expression, x)
    if w is not None and not _never_negative(w, points):
        raise NoReading
    signs: dict[Expr, Symbol] = {}
    by_side = expression.has(Abs(x), sign(x))
    plain = _without_signs(_in_growth(expression, argument, w, x), x, signs, by_side)
    c, m = _monomial(_without_signs(argument if w is None else w, x, signs, by_side))
    found: dict[tuple[Expr, int], Expr] = {}
    masked, names = _masked(plain)
    multiplied = sympy.expand(masked, power_exp=False, power_base=False, log=False)
    rows = [_split(term) for term in Add.make_args(multiplied)]
    if len(rows) > _MOST_TERMS:
        raise NoReading
    sides = {side % 2 for _, _, _, _, side in rows}
    lowest = min(size for _, _, size, _, _ in rows)
    if len(sides) != 1:
        raise NoReading
    for rest, rate, size, logs, _ in rows:
        steps = (size - lowest) / m
        if not (steps.is_Integer and steps >= 0 and logs.is_Integer and logs >= 0):
            raise NoReading
        rest = rest / c**steps
        if w is None:
            _add(found, rate, int(logs + steps), rest)
            continue
        for k in range(int(steps) + 1):  # w^steps = (growth - 1)^steps
            _add(found, rate + k, int(logs), rest * comb(int(steps), k) * (-1) ** int(steps - k))
    side = sides.pop()
    front = _back(lowest, side, x) if by_side else x**lowest
    terms = {key: value.xreplace(names) for key, value in found.items()}
    kept = {key: value for key, value in terms.items() if not vanishes(value, signs)}
    if w is None and all(r.is_nonpositive for r, _ in kept):
        kept = {(-r, k): value * (-1) ** k for (r, k), value in kept.items()}
        argument = -argument
    return Reading(front, argument, w, kept, signs)


def _kind(expression: Expr, x: Symbol) -> tuple[Expr, Expr | None]:
    """(L, w or None)."""
    sums = {
        e.base for e in expression.atoms(Pow)
        if e.base.is_Add and e.base.has(x) and not (e.exp.is_Integer and e.exp > 0)
    } | {e.args[0] for e in expression.atoms(log) if e.has(x)}  # fmt: skip
    arguments = {e.args[0] for e in expression.atoms(exp) if e.has(x)}
    if bool(sums) == bool(arguments):
        raise NoReading
    if arguments:
        first = min(arguments, key=lambda a: (sympy.count_ops(a), str(a)))
        return first.as_coeff_Mul()[1], None
    first = min(sums, key=lambda a: (sympy.count_ops(a), str(a)))
    constant, moving = first.as_independent(x, as_Add=True)
    if constant == 0 or moving.is_Add:
        raise NoReading
    w = moving / constant
    return log1p(w), w


def _never_negative(w: Expr, points: Sequence[Point]) -> bool:
    for letter in sorted(w.atoms(Let), key=str):
        w = w.subs(letter, letter.definition)
    try:
        return all(evaluate(w, at) >= 0 for at in points)
    except NotReal:
        return False


def _in_growth(expression: Expr, argument: Expr, w: Expr | None, x: Symbol) -> Expr:
    """exp(L) and L as letters."""
    if w is None:

        def of_exponential(e: Expr) -> Expr:
            rate = sympy.cancel(e.args[0] / argument)
            if not rate.is_Rational:
                raise NoReading
            return _GROWTH**rate

        return expression.replace(lambda e: isinstance(e, exp), of_exponential)

    whole = 1 + w

    def share(base: Expr) -> Expr:
        ratio = sympy.cancel(base / whole)
        if ratio.has(x):
            raise NoReading
        return ratio

    def of_power(e: Expr) -> Expr:
        ratio = share(e.base)
        return ratio**e.exp * _GROWTH**e.exp

    def of_log(e: Expr) -> Expr:
        ratio = share(e.args[0])
        return _LOG + (log(ratio) if ratio != 1 else 0)

    found = expression.replace(lambda e: isinstance(e, log) and e.has(x), of_log)
    return found.replace(
        lambda e: isinstance(e, Pow) and e.base.is_Add and e.base.has(x)
        and not (e.exp.is_Integer and e.exp > 0),
        of_power,
    )  # fmt: skip


def _without_signs(expression: Expr, x: Symbol, signs: dict[Expr, Symbol], by_side: bool) -> Expr:
    """|u| = e u and sign(u) = e with e^2 = 1; x = side size, or size where |x| does not occur."""

    def letter(u: Expr) -> Expr:
        return signs.setdefault(u, Dummy("e", real=True))

    found = expression.subs(Abs(x), _SIZE).subs(sign(x), _SIDE)
    found = found.replace(
        lambda e: isinstance(e, Abs), lambda e: letter(e.args[0]) * e.args[0]
    ).replace(lambda e: isinstance(e, sign), lambda e: letter(e.args[0]))
    return found.subs(x, _SIDE * _SIZE if by_side else _SIZE)


def _masked(expression: Expr) -> tuple[Expr, dict[Expr, Expr]]:
    """Sums of parameters below a line as letters: they stay together."""
    letters: dict[Expr, Expr] = {}

    def mask(e: Expr) -> Expr:
        return letters.setdefault(e.base, Dummy("m", real=True)) ** e.exp

    moving = (_SIZE, _SIDE, _GROWTH, _LOG)
    masked = expression.replace(
        lambda e: isinstance(e, Pow) and e.base.is_Add and not e.has(*moving)
        and not (e.exp.is_Integer and e.exp > 0),
        mask,
    )  # fmt: skip
    return masked, {letter: part for part, letter in letters.items()}


def _monomial(expression: Expr) -> tuple[Expr, Expr]:
    """c and m of c size^m."""
    powers = expression.as_powers_dict()
    m = powers.pop(_SIZE, 0)
    side = powers.pop(_SIDE, 0)
    c = Mul(*(base**e for base, e in powers.items()))
    if not m or c.has(_SIZE, _SIDE) or (side and side % 2):
        raise NoReading
    return c, m


def _split(term: Expr) -> tuple[Expr, Expr, Expr, Expr, Expr]:
    """A product as (rest, exponents of growth, size, L, side)."""
    powers = term.as_powers_dict()
    got = [powers.pop(letter, S.Zero) for letter in (_GROWTH, _SIZE, _LOG, _SIDE)]
    rest = Mul(*(base**e for base, e in powers.items()))
    if rest.has(_GROWTH, _SIZE, _LOG, _SIDE) or not got[3].is_Integer:
        raise NoReading
    return rest, sympy.expand(got[0]), got[1], got[2], got[3]


def _add(found: dict[tuple[Expr, int], Expr], rate: Expr, m: int, c: Expr) -> None:
    key = (sympy.expand(rate), m)
    found[key] = found.get(key, S.Zero) + c


def _back(size: Expr, side: Expr, x: Symbol) -> Expr:
    """|x|^size sign(x)^side."""
    if not size.is_Integer:
        return Abs(x) ** size * (sign(x) if side % 2 else 1)
    if side % 2 == size % 2:
        return x**size
    if size == 0:
        return sign(x)
    return x ** (size - 1) * Abs(x) if size > 0 else x ** (size + 1) / Abs(x)


def apart(reading: Reading) -> tuple[Expr, dict[Expr, Reading]]:
    """A power b^q of parameters that all coefficients share, and by each power of log(b) in them
    the reading that it multiplies: what is left of coefficients can be compared in fractions."""
    coefficients = reading.terms.values()
    moving = [p for c in coefficients for p in c.atoms(Pow) if p.exp.free_symbols]
    kinds = {(p.base, p.exp.as_coeff_Add()[1]) for p in moving}
    if len(kinds) != 1:
        return S.One, {S.One: reading}
    ((base, q),) = kinds
    power, logarithm = Dummy("power", positive=True), Dummy("logarithm", real=True)
    found: dict[Expr, dict[tuple[Expr, int], Expr]] = {}
    for key, c in reading.terms.items():
        plain = c.replace(_is_moving, lambda p: power * base ** (p.exp - q))
        plain = sympy.expand(plain.subs(log(base), logarithm) / power)
        if plain.has(power):
            return S.One, {S.One: reading}
        for beside, value in sympy.collect(plain, logarithm, evaluate=False).items():
            found.setdefault(beside, {})[key] = sympy.factor(value)
    back = {logarithm: log(base)}
    return base**q, {m.subs(back): replace(reading, terms=t) for m, t in found.items()}


def _is_moving(e: Expr) -> bool:
    return isinstance(e, Pow) and bool(e.exp.free_symbols)


def vanishes(c: Expr, signs: Mapping[Expr, Symbol]) -> bool:
    """Whether it is 0 for either value of every sign."""
    for values in itertools.product((1, -1), repeat=len(signs)):
        if sympy.cancel(c.subs(dict(zip(signs.values(), values, strict=True)))) != 0:
            return False
    return True


def named(
    reading: Reading, where: tuple[Let, ...], taken: Sequence[str], x: Symbol, rooted: bool = True
) -> Reading:
    """The same with the loss's named sub-expressions, and w = r^2 itself by names; rooted: by r,
    whose square may leave the range, but which is rounded more often."""

    def folded(e: Expr) -> Expr:
        return fold(where, e)

    terms = {key: folded(c) for key, c in reading.terms.items()}
    shorter = replace(reading, front=folded(reading.front), terms=terms, taken=tuple(taken))
    if reading.w is None:
        return replace(shorter, argument=folded(reading.argument))
    found = _root(reading.w, x) if rooted else None
    if found is None:
        w = folded(reading.w)
        if not w.is_Symbol:
            w = let(shorter.name("w", "v", "u"), w)
        return replace(shorter, w=w, argument=log1p(w))
    length, divisor = found
    y = x if length == 1 else let(shorter.name("y", "v"), x / length)
    size = Abs(y) if divisor == 1 else Abs(y) / sqrt(folded(divisor))
    r = let(shorter.name("r", "q"), size)
    moved = sum(e for b, e in reading.front.as_powers_dict().items() if b in (x, Abs(x)))
    return replace(
        shorter,
        front=reading.front.subs(x, y),
        terms={k: c * length**moved for k, c in terms.items()},
        w=let(shorter.name("w", "u"), r**2),
        argument=log1p_square(r),
        root=r,
        vector=y,
        divisor=folded(divisor),
    )


def _root(w: Expr, x: Symbol) -> tuple[Expr, Expr] | None:
    """(c, b) of w = (x/c)^2/b, None where it is no square."""
    powers = w.as_powers_dict()
    if powers.pop(x, 0) != 2:
        return None
    length, divisor = S.One, S.One
    for base, e in powers.items():
        if base.is_positive and (e / 2).is_Integer:
            length *= base ** (-e / 2)
        else:
            divisor *= base**-e
    return length, divisor
