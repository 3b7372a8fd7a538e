"""Quantities as exponential polynomials: sums of c L^m exp(r L) beside a common factor.

With L = log(1 + w), powers of 1 + w, logarithms of it and w = exp(L) - 1 itself are of that kind;
so are exponentials and polynomials of their argument L. In this form everything that cancels can
be found: a rational part is factored, and a sum that begins with a high power of L is written in
one or two divided differences of the exponential (`differences`), which are positive.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import comb, factorial, lcm
from typing import Any

import sympy
from sympy import Abs, Add, Dummy, Expr, Integer, Mul, Pow, Rational, S, Symbol, exp, log, sign

from derive.calculus.evaluate import NotReal, evaluate
from derive.calculus.reading import fold
from derive.definitions.loss import Let, let
from derive.numerics.atoms import difference, expm1, log1p, power1p
from derive.numerics.differences import basis

# (r, m) -> c: the terms c L^m exp(r L).
Terms = Mapping[tuple[Expr, int], Expr]
Point = Mapping[Symbol, Any]

_MOST_RATES, _MOST_TERMS, _MOST_OPERATIONS = 8, 60, 300
_SIZE, _SIDE = Dummy("size", real=True), Dummy("side", real=True)
_GROWTH, _LOG = Dummy("growth", positive=True), Dummy("log", real=True)


class NoReading(ValueError):
    """The expression is no exponential polynomial of one kind."""


@dataclass(frozen=True)
class Reading:
    """front * sum of c L^m exp(r L); L is `argument`; growth = exp(L) is 1 + w for a logarithm.

    w: what stands beside 1, None where L itself is the argument of exponentials.
    signs: letters e in the coefficients that stand for sign(u), by u.
    """

    front: Expr
    argument: Expr
    w: Expr | None
    terms: Terms
    signs: Mapping[Expr, Symbol]

    @property
    def rates(self) -> tuple[Expr, ...]:
        """Each rate as often as a divided difference needs it."""
        most: dict[Expr, int] = {}
        for r, m in self.terms:
            most[r] = max(most.get(r, 0), m + 1)
        return tuple(r for r, count in most.items() for _ in range(count))

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
    kept = {key: value for key, value in terms.items() if not _vanishes(value, signs)}
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


def _without_signs(
    expression: Expr, x: Symbol, signs: dict[Expr, Symbol], by_side: bool
) -> Expr:
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


def _vanishes(c: Expr, signs: Mapping[Expr, Symbol]) -> bool:
    """Whether it is 0 for either value of every sign."""
    for values in itertools.product((1, -1), repeat=len(signs)):
        if sympy.cancel(c.subs(dict(zip(signs.values(), values, strict=True)))) != 0:
            return False
    return True


def _restored(c: Expr, signs: Mapping[Expr, Symbol]) -> Expr:
    """e^2 = 1; e u as |u|, factored."""
    for u, e in signs.items():
        top, bottom = sympy.fraction(sympy.together(c))
        if bottom.has(e):
            top, bottom = top * bottom.subs(e, -e), sympy.expand(bottom * bottom.subs(e, -e))
            bottom = bottom.subs(e**2, 1)
        poly = sympy.Poly(sympy.expand(top), e)
        even = sum((q for (k,), q in poly.terms() if k % 2 == 0), S.Zero)
        odd = sum((q for (k,), q in poly.terms() if k % 2), S.Zero)
        c = sympy.factor(even / bottom) + _with_size(sympy.factor(odd / bottom), u)
    return c if signs else sympy.factor(c)


def _with_size(odd: Expr, u: Expr) -> Expr:
    """odd sign(u), as |u|^k where odd has u^k with odd k."""
    for factor in Mul.make_args(odd):
        base, k = factor.as_base_exp()
        ratio = sympy.cancel(base / u) if base.has(*u.free_symbols) else S.Zero
        if ratio.is_Rational and ratio != 0 and k.is_Integer and k % 2:
            return odd / factor * ratio**k * Abs(u) ** k
    return odd * sign(u)


def named(reading: Reading, where: tuple[Let, ...], taken: Sequence[str]) -> Reading:
    """The same with the loss's named sub-expressions, and w itself by a name."""

    def folded(e: Expr) -> Expr:
        return fold(where, e)

    terms = {key: folded(c) for key, c in reading.terms.items()}
    shorter = replace(reading, front=folded(reading.front), terms=terms)
    if reading.w is None:
        return replace(shorter, argument=folded(reading.argument))
    w = folded(reading.w)
    if not w.is_Symbol:
        w = let(next(name for name in ("w", "v", "u", "t", "q", "ratio") if name not in taken), w)
    return replace(shorter, w=w, argument=log1p(w))


def forms(reading: Reading, points: Sequence[Mapping[Symbol, Fraction]]) -> Iterator[Expr]:
    """Ways to write it in which less cancels, the shortest first.

    points: values of the parameters at which coefficients are compared.
    """
    if not reading.terms:
        yield S.Zero
        return
    logs = any(m for _, m in reading.terms)
    first = next(iter(reading.terms))[0]
    steps = [sympy.expand(r - first) for r, _ in reading.terms]
    if not any(steps):
        yield _of_one_rate(reading, first)
    elif not logs and all(step.is_Rational for step in steps):
        yield from _rational(reading)
    else:
        yield from _differences(reading, points)


def _of_one_rate(reading: Reading, rate: Expr) -> Expr:
    """exp(r L) times a polynomial in L."""
    coefficients = {m: _restored(c, reading.signs) for (_, m), c in reading.terms.items()}
    inner = sum((c * reading.argument**m for m, c in sorted(coefficients.items())), S.Zero)
    return reading.front * reading.growth(rate) * sympy.factor_terms(inner)


def _rational(reading: Reading) -> Iterator[Expr]:
    """One power times a polynomial in a root of 1 + w (or in an exponential), factored."""
    rates = [r for r, _ in reading.terms]
    first = rates[0]
    gaps = {r: sympy.expand(r - first) for r in rates}
    depth = lcm(*(int(gap.q) for gap in gaps.values()))
    base = min(rates, key=lambda r: gaps[r])
    q = Dummy("q", positive=True)
    total = sum(
        (c * q ** ((gaps[r] - gaps[base]) * depth) for (r, _), c in reading.terms.items()), S.Zero
    )
    zeros, rest = 0, sympy.Poly(sympy.expand(total), q)
    while rest.degree() > 0 and _vanishes(rest.eval(1), reading.signs):
        rest = sympy.Poly(sympy.cancel(rest.as_expr() / (q - 1)), q)
        zeros += 1
    if depth > 2 and zeros:
        return
    w, root = reading.w, reading.growth(Rational(1, depth))
    if w is None:
        unit: Expr = expm1(reading.argument / depth)
    else:
        unit = w if depth == 1 else w / (root + 1)
    outside = reading.front * unit**zeros
    shifted = sympy.Poly(sympy.expand(rest.as_expr().subs(q, q + 1)), q)
    for poly, value in ((shifted, unit), (rest, root)):
        inner = sum(
            (_restored(c, reading.signs) * value**k for (k,), c in reversed(poly.terms())), S.Zero
        )
        yield outside * reading.growth(base) * sympy.factor_terms(inner)


def _differences(
    reading: Reading, points: Sequence[Mapping[Symbol, Fraction]]
) -> Iterator[Expr]:
    """One divided difference, or two with coefficients of one sign where there are such."""
    rates = reading.rates
    if len(rates) > _MOST_RATES:
        return
    signed = [
        {**point, **{e: Fraction(int(sympy.sign(u.subs(point)))) for u, e in reading.signs.items()}}
        for point in points
    ]
    numbers = [n for n in (_at(reading, point) for point in signed) if n is not None]
    if not numbers:
        return
    order = min(_order(n, len(rates)) for n in numbers)
    subsets = [
        s for size in range(order + 1, len(rates) + 1)
        for s in dict.fromkeys(itertools.combinations(rates, size))
    ]  # fmt: skip
    keys = list(dict.fromkeys((r, m) for (r, m) in basis(rates)))
    vectors = [_columns(numbers, keys, s) for s in subsets]
    wanted = [[n.terms.get(n.key(k), Fraction(0)) for k in keys] for n in numbers]
    found = []
    for many in (1, 2):
        for chosen in itertools.combinations(range(len(subsets)), many):
            weights = [
                _solved([vectors[i][j] for i in chosen], wanted[j]) for j in range(len(numbers))
            ]
            if all(w is not None and all(w) for w in weights):
                mixed = sum(min(w) < 0 < max(w) for w in weights if w is not None)  # type: ignore[type-var]
                found.append((mixed, sum(len(subsets[i]) for i in chosen), chosen))
        if found:
            break
    for _, _, chosen in sorted(found)[:3]:
        parts = [subsets[i] for i in chosen]
        coefficients = _coefficients(reading, parts)
        if coefficients is not None:
            yield reading.front * Add(
                *(c * difference(reading.argument, *part)
                  for c, part in zip(coefficients, parts, strict=True))
            )  # fmt: skip


@dataclass(frozen=True)
class _Numbers:
    """The terms at one set of parameters, in fractions."""

    point: Mapping[Symbol, Fraction]
    terms: Mapping[tuple[Fraction, int], Fraction]

    def rate(self, r: Expr) -> Fraction:
        return _fraction(r, self.point)

    def key(self, key: tuple[Expr, int]) -> tuple[Fraction, int]:
        return self.rate(key[0]), key[1]


def _fraction(expression: Expr, point: Mapping[Symbol, Fraction]) -> Fraction:
    value = expression.subs({s: Rational(v.numerator, v.denominator) for s, v in point.items()})
    if not value.is_Rational:
        raise NoReading
    return Fraction(int(value.p), int(value.q))


def _at(reading: Reading, point: Mapping[Symbol, Fraction]) -> _Numbers | None:
    """Coefficients up to a common factor that need not be rational."""
    unit = next(iter(reading.terms.values()))
    terms: dict[tuple[Fraction, int], Fraction] = {}
    for (r, m), c in reading.terms.items():
        key = _fraction(r, point), m
        if key in terms:
            return None
        terms[key] = _fraction(sympy.cancel(c / unit), point)
    return _Numbers(point, terms)


def _order(numbers: _Numbers, most: int) -> int:
    """The first derivative at L = 0 that is not 0."""
    for k in range(most):
        total = sum(
            (c * comb(k, m) * factorial(m) * r ** (k - m)
             for (r, m), c in numbers.terms.items() if m <= k),
            Fraction(0),
        )  # fmt: skip
        if total:
            return k
    return most


def _columns(
    numbers: Sequence[_Numbers], keys: Sequence[tuple[Expr, int]], rates: Sequence[Expr]
) -> list[list[Fraction]]:
    found = []
    for n in numbers:
        known = basis([n.rate(r) for r in rates])
        found.append([Fraction(known.get(n.key(k), 0)) for k in keys])
    return found


def _solved(columns: Sequence[Sequence[Fraction]], wanted: Sequence[Fraction]) -> list[Fraction] | None:
    """Weights of one or two columns that add up to what is wanted, None where there are none."""
    if len(columns) == 1:
        (a,) = columns
        place = next((i for i, v in enumerate(a) if v), None)
        if place is None:
            return None
        weights = [wanted[place] / a[place]]
    else:
        a, b = columns
        pair = next(
            ((i, j) for i in range(len(a)) for j in range(i) if a[i] * b[j] - a[j] * b[i]), None
        )
        if pair is None:
            return None
        i, j = pair
        det = a[i] * b[j] - a[j] * b[i]
        weights = [
            (wanted[i] * b[j] - wanted[j] * b[i]) / det,
            (a[i] * wanted[j] - a[j] * wanted[i]) / det,
        ]
    for row, value in enumerate(wanted):
        if sum((w * c[row] for w, c in zip(weights, columns, strict=True)), Fraction(0)) != value:
            return None
    return weights


def _coefficients(reading: Reading, parts: Sequence[Sequence[Expr]]) -> list[Expr] | None:
    """The weights of the divided differences as formulas, proved for every term."""
    columns = [basis(part) for part in parts]
    keys = sorted({k for c in columns for k in c} | set(reading.terms), key=str)
    wanted = [reading.terms.get(k, S.Zero) for k in keys]
    rows = [[c.get(k, S.Zero) for k in keys] for c in columns]
    for places in itertools.combinations(range(len(keys)), len(parts)):
        matrix = sympy.Matrix([[row[i] for row in rows] for i in places])
        det = sympy.cancel(matrix.det())
        if det == 0:
            continue
        right = sympy.Matrix([wanted[i] for i in places])
        weights = [sympy.cancel(v / det) for v in matrix.adjugate() * right]
        for row, value in enumerate(wanted):
            mixed = sum((w * r[row] for w, r in zip(weights, rows, strict=True)), S.Zero)
            if not _vanishes(mixed - value, reading.signs):
                return None
        return [_restored(w, reading.signs) for w in weights]
    return None
