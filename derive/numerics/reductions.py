"""An exponential polynomial written so that less cancels: factored, or in divided differences."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, factorial, lcm

import sympy
from sympy import Abs, Add, Dummy, Expr, Mul, Rational, S, Symbol, sign

from derive.numerics.atoms import (
    difference,
    difference_alone,
    difference_over,
    difference_plus,
    expm1,
    half_weighted,
    square_bend,
    times_power1p,
    times_power1p_less_one,
    weighted,
)
from derive.numerics.differences import basis
from derive.numerics.exponentials import NoReading, Reading, vanishes

_MOST_RATES = 8
_Point = Mapping[Symbol, Fraction]
_Column = Sequence[Fraction]


def forms(reading: Reading, points: Sequence[_Point]) -> Iterator[Expr]:
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
    return _times_power(reading, rate, {0: sympy.factor_terms(inner)})


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
    while rest.degree() > 0 and vanishes(rest.eval(1), reading.signs):
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
        if value is not unit and reading.root is not None and not first.is_number:
            return
        inner = sum(
            (_restored(c, reading.signs) * value**k for (k,), c in reversed(poly.terms())), S.Zero
        )
        if value is w and reading.root is not None:
            kept = {k + zeros: _restored(c, reading.signs) for (k,), c in poly.terms()}
            yield _times_power(reading, base, kept)
            if base.is_Integer:
                less, factor = _within_range(reading, int(base), kept)
                yield reading.front * factor / (1 + w) ** less
        else:
            yield outside * reading.growth(base) * sympy.factor_terms(inner)


def _times_power(
    reading: Reading, rate: Expr, polynomial: Mapping[int, Expr], apart: Expr = S.One
) -> Expr:
    """front (1 + w)^rate times a polynomial in w, times what is tiny with it and stands apart.

    Where the rate moves with a parameter and w is a square r^2: (1 + w)^p or (1 + w)^(p - 1) times
    a factor that stays in range.
    """
    number, p = rate.as_coeff_Add()
    r = reading.root
    if r is None or not _is_shifted(rate):
        inner = sum((c * (reading.w or S.One) ** k for k, c in polynomial.items()), S.Zero)
        return reading.front * reading.growth(rate) * sympy.factor_terms(inner)
    less, factor = _within_range(reading, int(number), polynomial)
    times = times_power1p_less_one if less else times_power1p
    # a square of the residual and two divisors are shared by the halves of the power
    below: list[Expr] = []
    for base, e in sorted(factor.as_powers_dict().items(), key=str):
        if base.is_Symbol and e.is_Integer:
            below += [base] * int(max(-e, 0))
    c, d = (*below[:2], S.One, S.One)[:2]
    sides = [S.One, S.One]
    for base, e in reading.front.as_powers_dict().items():
        half = sympy.ceiling(e / 2) if e.is_Integer else e
        sides[0] *= base**half
        sides[1] *= base ** (e - half)
    factor *= c * d
    mean = next((f for f in Mul.make_args(factor) if isinstance(f, weighted)), None)
    if mean is not None and sides[1] == 1:  # which may be tiny where the side is large
        rest = mean.args[1:]
        if sides[0] != 1:
            side, whole = sympy.Integer(2), half_weighted(sides[0], *rest)
        else:
            side, whole, d = S.One, weighted(1 / d, *rest), S.One
        sides = [side, factor.xreplace({mean: whole})]
    elif sides[1] == 1 or factor.is_number or apart != 1:
        sides[1] *= factor
    else:  # both sides grow with x: none of them has room for it
        c = c / factor
    return times(*sides, c / apart, d, reading.vector, reading.divisor, p)


def _within_range(
    reading: Reading, number: int, polynomial: Mapping[int, Expr]
) -> tuple[int, Expr]:
    """(1 + w)^number times a polynomial in w = r^2, as (1 + w)^-less times a bounded factor."""
    degree, r = max(polynomial), reading.root or S.One
    less = 0 if number + degree >= 0 else 1
    n = -number - less
    if n == degree == 1 and 0 in polynomial:
        w = Dummy("w", positive=True)
        total = sympy.factor_terms(polynomial[0] + polynomial[1] * w)
        common, inner = total.as_independent(w, as_Add=False)
        ends = inner.subs(w, 0), inner.coeff(w)
        return less, common * weighted(1, *ends, reading.vector, reading.divisor)
    fade, rise = 1 / (1 + r**2), 1 / (1 + r**-2)
    if n > 0 and degree <= n:
        inner = sum((c * rise**k * fade ** (n - k) for k, c in polynomial.items()), S.Zero)
    else:
        inner = sum((c * r ** (2 * k) for k, c in polynomial.items()), S.Zero) * (1 + r**2) ** -n
    return less, sympy.factor_terms(inner)


def _differences(reading: Reading, points: Sequence[_Point]) -> Iterator[Expr]:
    """One divided difference, or two with coefficients of one sign where there are such."""
    yield from _bend(reading)
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
                mixed = sum(min(w) < 0 < max(w) for w in weights if w is not None)
                total = sum(len(subsets[i]) for i in chosen)
                found.append((mixed, -total if mixed else total, chosen))
        if found:
            break
    for _, _, chosen in sorted(found)[:3]:
        parts = [subsets[i] for i in chosen]
        coefficients = _coefficients(reading, parts)
        if coefficients is not None:
            yield from _combined(reading, coefficients, parts)


def _bend(reading: Reading) -> Iterator[Expr]:
    """As a multiple of `square_bend`, where it is one."""
    moving = [r for r, _ in reading.terms if not r.is_number]
    if reading.root is None or not moving:
        return
    p, terms = max(moving, key=_number), dict(reading.terms)
    known: dict[tuple[Expr, int], Expr] = {}
    square = basis([S.NegativeOne, S.Zero, S.Zero]).items()
    rows = [(r + s + p, m + n, c * d) for (r, m), c in square for (s, n), d in square]
    rows += [(r, m, -2 * c) for (r, m), c in basis([S.Zero, p, p, p]).items()]
    for r, m, c in rows:
        known[r, m] = known.get((r, m), S.Zero) + c
    if set(known) != set(terms):
        return
    f = sympy.cancel(terms[p - 2, 0] / known[p - 2, 0])
    if all(vanishes(sympy.cancel(terms[k] - f * c), reading.signs) for k, c in known.items()):
        f = _restored(f, reading.signs)
        yield reading.front * square_bend(f, reading.vector, reading.divisor, p)


def _combined(
    reading: Reading, coefficients: Sequence[Expr], parts: Sequence[Sequence[Expr]]
) -> Iterator[Expr]:
    """The weighted sum; one power of 1 + w before a function of L stands apart from it."""
    argument = reading.argument
    pairs = list(zip(coefficients, parts, strict=True))
    alone = [_alone(part) for part in parts]
    if len(pairs) == 2 and alone.count(None) == 1 and reading.root is not None:
        place = alone.index(None)
        (c, mixed), (d, power) = pairs[place], pairs[1 - place]
        high = alone[1 - place]
        p = next((r for r in mixed if r == high), None)
        if p is not None and high == max(_moving(mixed), key=_number):
            rest = difference(argument, *(sympy.expand(r - high) for r in power))
            more = sympy.factor_terms(d / c) * rest
            yield reading.front * c * difference_plus(argument, more, p, *mixed)
            return
    if len(pairs) == 1 and len(parts[0]) > 2 and not _moving(parts[0]):
        ((c, part),) = pairs
        front, power = reading.front * c, argument ** (len(part) - 1)
        # the power may be below the range where it is not over another one
        lost = reading.w is not None and len(part) > 3 and sympy.fraction(front)[1].free_symbols
        if reading.w is None or lost:
            yield front * power * difference_alone(argument, *part)
        if lost:
            return
    if None in alone or len(set(alone)) > 1 or reading.root is None or reading.front == 1:
        yield reading.front * Add(*(c * difference(argument, *part) for c, part in pairs))
        return
    (high,) = set(alone)
    if len(pairs) == 1 and len(parts[0]) > 2 and _is_shifted(high):
        rates = (sympy.expand(r - high) for r in parts[0])
        inner = coefficients[0] * difference_over(argument, *rates)
        yield _times_power(reading, high, {0: inner}, argument)
        return
    inner = Add(
        *(c * difference(argument, *(sympy.expand(r - high) for r in part)) for c, part in pairs)
    )
    yield _times_power(reading, high, {0: inner})


def _is_shifted(rate: Expr) -> bool:
    """Whether it is a parameter and a whole number."""
    number, p = rate.as_coeff_Add()
    return bool(p != 0 and number.is_Integer)


def _number(rate: Expr) -> Expr:
    return rate.as_coeff_Add()[0]


def _moving(part: Sequence[Expr]) -> list[Expr]:
    return [r for r in part if not r.is_number]


def _alone(part: Sequence[Expr]) -> Expr | None:
    """The highest rate, where all of them are p plus numbers; None where they are not."""
    moving = _moving(part)
    if len(moving) < len(part) or len({r - _number(r) for r in moving}) > 1:
        return None
    return max(moving, key=_number)


@dataclass(frozen=True)
class _Numbers:
    """The terms at one set of parameters, in fractions."""

    point: _Point
    terms: Mapping[tuple[Fraction, int], Fraction]

    def rate(self, r: Expr) -> Fraction:
        return _fraction(r, self.point)

    def key(self, key: tuple[Expr, int]) -> tuple[Fraction, int]:
        return self.rate(key[0]), key[1]


def _fraction(expression: Expr, point: _Point) -> Fraction:
    value = expression.subs({s: Rational(v.numerator, v.denominator) for s, v in point.items()})
    if not value.is_Rational:
        raise NoReading
    return Fraction(int(value.p), int(value.q))


def _at(reading: Reading, point: _Point) -> _Numbers | None:
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


def _solved(columns: Sequence[_Column], wanted: _Column) -> list[Fraction] | None:
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
            if not vanishes(mixed - value, reading.signs):
                return None
        return [_restored(w, reading.signs) for w in weights]
    return None


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
