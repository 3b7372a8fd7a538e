"""Products in an order in which no partial product leaves the range needlessly.

The order is found by numbers: the size of every factor at points over the whole range, and at each
step the factor that keeps the partial product nearest to what lies between 1 and the result.
Powers and exponentials can be taken in equal parts, between which the others find their place.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import sympy
from flint import arb
from sympy import Expr, Piecewise, S, Symbol

from derive.definitions.floats import FORMATS, Floats
from derive.definitions.loss import Let, Loss
from derive.definitions.samples import Sample, spread
from derive.numerics.atoms import (
    Atom,
    expm1,
    exprel,
    power1p_exp,
    ratio_power,
    root_sigmoid,
    root_softplus,
    root_softplus_product,
    sigmoid,
    softplus,
    softplus_product,
)
from derive.numerics.columns import Ball, Points
from derive.numerics.edges import with_edges
from derive.numerics.exact import Exact
from derive.numerics.helpers.helper import FAR
from derive.numerics.lower import condition, lower
from derive.numerics.nodes import Local, Node, call, node, patch, where
from derive.numerics.ordering import best_order

_POINTS = 400
_SHARE = 8
_BITS = 2200  # to which sizes are sought: with more cancellation no order is told from another
_HUGE = 1e6  # a logarithm beyond is as good as infinite
_MOST = 14  # factors; more are left as they are
_LONGEST = 6
_FEWEST_PAIRED, _MOST_PAIRED = 4, 9
_FAR = 30  # an exponent: beyond 2^_FAR, 1 + y^2 is y^2
_PARTS = {2: "half", 4: "quarter"}
_ROOTS: Mapping[Any, Any] = {
    softplus: root_softplus,
    softplus_product: root_softplus_product,
    sigmoid: root_sigmoid,
}  # what may be tiny, and its root


@dataclass(frozen=True)
class Ranges:
    """Points over the whole range of each dtype; known: the sizes of factors there; counted: which
    of them count, where not all do; orders: the best ones of some factors."""

    samples: tuple[Sample, ...]
    points: tuple[Points, ...]
    known: dict[Expr, Floats | None] = field(default_factory=dict)
    counted: np.ndarray | None = None
    orders: dict[tuple[tuple[Expr, int], ...], tuple[int, ...]] = field(default_factory=dict)

    @staticmethod
    def of(loss: Loss, quantities: Sequence[Expr] = ()) -> Ranges:
        """quantities: near whose edges there are more points."""
        samples = []
        for dtype in ("float64", "float32"):
            sample = spread(loss, _POINTS, _SHARE, dtype)
            if not loss.predictions:
                sample = with_edges(sample, quantities, loss.variables)
            samples.append(sample)
        columns = [[s.columns[name].tolist() for name in s.names] for s in samples]
        points = [Points([list(map(arb, column)) for column in c], keeps=True) for c in columns]
        return Ranges(tuple(samples), tuple(points))

    @cached_property
    def exponents(self) -> Floats:
        """At every point, the exponents of the smallest subnormal, smallest normal and largest
        number of its dtype."""
        rows = []
        for sample in self.samples:
            form = FORMATS[sample.dtype]
            row = [form.least, form.smallest_exponent, form.largest_exponent]
            rows.append(np.repeat(np.array([row], dtype=float), len(sample), axis=0))
        return np.concatenate(rows).T

    def at(self, variable: Symbol) -> Ranges:
        """The same where a parameter has one value, which no expression contains any more."""
        known = {v: s for v, s in self.known.items() if not v.has(variable)}
        return replace(self, known=known, orders={})

    def near(self, loss: Loss, ratio: Expr) -> Ranges:
        """Only where |ratio|, of x to a length, is not so large that a leading term will do."""
        sizes = self.logarithms(loss, ratio)
        return self if sizes is None else replace(self, counted=sizes < _FAR, orders={})

    def logarithms(self, loss: Loss, value: Expr) -> Floats | None:
        """log2 of the size of a factor at every point."""
        if value not in self.known:
            self.known[value] = _logarithms(loss, value, self)
        return self.known[value]


@dataclass(frozen=True)
class Way:
    """In how many equal parts powers and exponentials are taken, everywhere or where one is tiny;
    whether what occurs twice is multiplied once (p r p), or the product is one of two products, or
    the square of one of roots."""

    parts: int = 1
    squared: bool = False
    paired: bool = False
    tiny: bool = False
    rooted: bool = False


_TINY = 2.0**-100  # in range for every dtype that is computed in


WHOLE, PAIRED = Way(), Way(paired=True)
HALVES, SQUARED = Way(2), Way(2, squared=True)
QUARTERS, TINY = Way(4, squared=True), Way(2, tiny=True)
ROOTED = Way(rooted=True)
WAYS = (WHOLE, HALVES, SQUARED, QUARTERS, PAIRED, TINY)


def ordered(loss: Loss, expression: Expr, ranges: Ranges, way: Way) -> Node | None:
    """The product, or each product among cases, in the best order; None where there is none."""
    if not isinstance(expression, Piecewise):
        return _ordered(loss, expression, ranges, way)
    forms = [_ordered(loss, e, ranges, way) for e, _ in expression.args]
    if not any(forms):
        return None
    *cases, (last, _) = expression.args
    total = forms[-1] or lower(last)
    for form, (value, test) in reversed(list(zip(forms, cases, strict=False))):
        total = where(condition(test), form or lower(value), total)
    return total


def _ordered(loss: Loss, expression: Expr, ranges: Ranges, way: Way) -> Node | None:
    if way.tiny:
        return _apart(loss, expression, ranges)
    factors = list(_factors(expression, way.parts))
    if way.parts > 1 and not any(map(_is_part, factors)):
        return None
    if way.squared:
        form = _squared(loss, factors, ranges)
    elif way.paired:
        form = _paired(loss, factors, ranges)
    elif way.rooted:
        form = _rooted(loss, factors, ranges)
    else:
        form = _in_order(loss, factors, ranges)
    negative = expression.as_coeff_Mul()[0].is_negative
    return -form if form is not None and negative else form


def _apart(loss: Loss, expression: Expr, ranges: Ranges) -> Node | None:
    """A half of a power of 1 + exp(z) has twice the error of the whole one."""
    powers = [f for f in sympy.Mul.make_args(expression) if isinstance(f, (power1p_exp, *_ROOTS))]
    if not 1 <= len(powers) <= 3:
        return None
    halves = _ordered(loss, expression, ranges, HALVES)
    if halves is None:
        return None
    tests = [call("lt", lower(p), _TINY) for p in powers]
    return patch(functools.reduce(lambda a, b: call("or", a, b), tests), halves, lower(expression))


def _squared(loss: Loss, factors: Sequence[Factor], ranges: Ranges) -> Node | None:
    """p r p: p the product of what occurs twice, parts of a power among it."""
    twice: list[Factor] = []
    once: list[Factor] = []
    for factor in factors:
        if factor in once:
            once.remove(factor)
            twice.append(factor)
        else:
            once.append(factor)
    if len(twice) < 2 or not any(map(_is_part, twice)):
        return None
    root = _in_order(loss, twice, ranges)
    if root is None:
        return None
    p = Local("p", root)
    total: Node = p
    for _, power, form in once:
        total = total * form if power > 0 else total / form
    return total * p


def _rooted(loss: Loss, factors: Sequence[Factor], ranges: Ranges) -> Node | None:
    """p p times what may be negative: p is in range, and far within, where the product is."""
    counts = Counter(f for f in factors if f[0].is_extended_nonnegative)
    if sum(counts.values()) < _FEWEST_PAIRED:
        return None
    roots: list[Factor] = []
    for (value, power, form), count in counts.items():
        roots += [(value, power, form)] * (count // 2)
        roots += [(sympy.sqrt(value), power, call("sqrt", form))] * (count % 2)
    product = _in_order(loss, roots, ranges)
    if product is None:
        return None
    p = Local("p", product)
    total = p * p
    for factor in factors:
        if factor not in counts:
            total = total * factor[2] if factor[1] > 0 else total / factor[2]
    return total


def _paired(loss: Loss, factors: Sequence[Factor], ranges: Ranges) -> Node | None:
    """The product of two products, neither of which leaves the range needlessly."""
    if not _FEWEST_PAIRED <= len(factors) <= _MOST_PAIRED:
        return None
    found = _signed(loss, factors, ranges)
    if found is None:
        return None
    signed, (_, smallest, largest) = found
    result = np.sum(signed, axis=0)
    matters = (result > smallest) & (result < largest)
    costs = []
    for one in _sides(factors):
        size = np.sum(signed[one], axis=0)
        ends = np.maximum(size, result - size), np.minimum(size, result - size)
        lost = np.count_nonzero(matters & ((ends[0] > largest - 1) | (ends[1] < smallest + 1)))
        costs.append((lost, float(np.mean(np.abs(2 * size - result))), one))
    _, _, one = min(costs, key=lambda cost: cost[:2])
    sides = [[f for f, k in zip(factors, one, strict=True) if k is side] for side in (True, False)]
    if min(map(len, sides)) < 2:
        return None
    first, second = (_in_order(loss, side, ranges) for side in sides)
    return None if first is None or second is None else first * second


def _sides(factors: Sequence[Factor]) -> Iterator[list[bool]]:
    """Which factors are on one side; of equal ones those that come first."""
    for mask in range(1, 2 ** (len(factors) - 1)):  # the last factor is always on the other side
        one = [bool(mask >> k & 1) for k in range(len(factors))]
        pairs = combinations(range(len(factors)), 2)
        if all(one[i] or not one[k] for i, k in pairs if factors[i] == factors[k]):
            yield one


def _signed(
    loss: Loss, factors: Sequence[Factor], ranges: Ranges
) -> tuple[np.ndarray, Floats] | None:
    """log2 of the size of every factor, or of one over it, and the exponents of the dtype, at every
    point where all factors are in range: at others no order helps."""
    powers = np.array([power for _, power, _ in factors])
    sizes = [ranges.logarithms(loss, value) for value, _, _ in factors]
    if any(size is None for size in sizes):
        return None
    found = np.stack(sizes)  # type: ignore[arg-type]
    exponents = ranges.exponents
    known = np.all(np.isfinite(found), axis=0)
    inside = known & np.all((found > exponents[0]) & (found < exponents[2] + 1), axis=0)
    if ranges.counted is not None:
        inside &= ranges.counted
    here = inside if np.any(inside) else known
    return powers[:, None] * found[:, here], exponents[:, here]


def _in_order(loss: Loss, factors: Sequence[Factor], ranges: Ranges) -> Node | None:
    if not 2 <= len(factors) <= _MOST:
        return None
    order = _order(loss, factors, ranges)
    if order is None:
        return None
    total: Node | None = None
    for place in order:
        _, power, form = factors[place]
        if total is None:
            total = form if power > 0 else 1 / form
        else:
            total = total * form if power > 0 else total / form
    return total


def _order(loss: Loss, factors: Sequence[Factor], ranges: Ranges) -> tuple[int, ...] | None:
    key = tuple((value, power) for value, power, _ in factors)
    if key not in ranges.orders:
        found = _signed(loss, factors, ranges)
        if found is None:
            return None
        signed, exponents = found
        powers = np.array([power for _, power, _ in factors])
        ranges.orders[key] = best_order(signed, powers, exponents)
    return ranges.orders[key]


Factor = tuple[Expr, int, Node]  # the factor, 1 above and -1 below the line, and its form


def _is_part(factor: Factor) -> bool:
    form = factor[2]
    return isinstance(form, Local) and form.name in _PARTS.values()


def _factors(expression: Expr, parts: int) -> Iterator[Factor]:
    coefficient, rest = expression.as_coeff_Mul()
    size = abs(coefficient)
    if size.is_Rational:
        if size.p != 1:
            yield S(int(size.p)), 1, node(int(size.p))
        if size.q != 1:
            yield S(int(size.q)), -1, node(int(size.q))
    else:
        yield size, 1, lower(size)
    for base, exponent in _powers(rest):
        factor = base**exponent
        side = -1 if exponent.could_extract_minus_sign() and base is not sympy.E else 1
        if parts == 2 and isinstance(factor, (expm1, exprel)):  # expm1(g/2) (1 + exp(g/2))
            (g,) = factor.args
            for half in (expm1(g / 2), 1 + sympy.exp(g / 2)):
                yield half, 1, Local(_PARTS[2], lower(half))
            if isinstance(factor, exprel):
                yield g, -1, call("min", lower(g), FAR)
        elif parts > 1 and isinstance(factor, (power1p_exp, *_ROOTS)):
            g, *q = base.args
            half = power1p_exp(g, q[0] / 2) if q else _ROOTS[type(factor)](g)
            root = Local(_PARTS[2], lower(half))
            yield half, side, root
            yield half, side, root
        elif parts > 1 and isinstance(factor, ratio_power):
            t, b, q = factor.args
            part = ratio_power(t, b, q / parts)
            for _ in range(parts):
                yield part, 1, Local(_PARTS[parts], lower(part))
        elif exponent.is_Integer and abs(exponent) <= _LONGEST:
            form = lower(base)
            for _ in range(abs(int(exponent))):
                yield base, side, form
        elif parts > 1 and (base is sympy.E or not exponent.is_Rational):
            part = side * exponent / parts
            for _ in range(parts):
                yield base**part, side, Local(_PARTS[parts], _power(base, part))
        elif exponent.is_Rational and base is not sympy.E:
            whole, part = divmod(abs(exponent), 1)
            for _ in range(int(whole) if whole <= _LONGEST else 0):
                yield base, side, lower(base)
            part = part if whole <= _LONGEST else abs(exponent)
            if part:
                yield base**part, side, lower(base**part)
        elif base is not sympy.E and not exponent.is_number:
            yield factor, 1, _power(base, exponent)
        else:
            yield factor, 1, lower(factor)


def _powers(product: Expr) -> Iterator[tuple[Expr, Expr]]:
    """The factors as powers; g^(q + n) as g^q g^n: a rounded q + n would cost |log g| ULP."""
    for factor in sympy.Mul.make_args(product):
        base, exponent = factor.as_base_exp()
        whole, part = exponent.as_coeff_Add()
        if base is not sympy.E and part != 0 and whole.is_Integer and whole != 0:
            yield base, part
            yield base, whole
        else:
            yield base, exponent


def _power(base: Expr, exponent: Expr) -> Node:
    """One power, whatever its exponent: at 0 and at infinity it has its limit."""
    if base is sympy.E:
        return call("exp", lower(exponent))
    return call("pow", lower(base), lower(exponent))


def _logarithms(loss: Loss, value: Expr, ranges: Ranges) -> Floats | None:
    """log2 of the size of a factor at the points, NaN where it has none."""
    try:
        exact = Exact(_without_names(value), loss.variables)
    except NotImplementedError:
        return None
    return np.array(
        [_logarithm(ball) for points in ranges.points for ball in exact.column(points, 16, _BITS)]
    )


def _logarithm(ball: Ball | None) -> float:
    size = None if ball is None else abs(ball)
    if size is not None and size > 0 and size.is_finite():
        return min(max(float(size.log()) / math.log(2.0), -_HUGE), _HUGE)
    return math.nan


def _without_names(value: Expr) -> Expr:
    while names := value.atoms(Let):
        value = value.xreplace({name: name.definition for name in names})
    while value.atoms(Atom):
        value = value.replace(lambda e: isinstance(e, Atom), lambda e: type(e).definition(*e.args))
    return value
